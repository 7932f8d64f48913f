"""Generated images that others have published, handed out as a generator would make them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from adainf_core.data.images import ImageSet
from adainf_core.generators.generator import Generator, stream
from adainf_core.validation import as_count


@dataclass(frozen=True)
class PublishedSetting:
    """Images of the named set `dataset`, which has to be on this machine; its labels stay there.

    A setting of the dial (`dial.Setting`) that is not fitted: of the real images only their size is
    looked at, to which the set's are averaged down.
    """

    dataset: str = "cifake"
    name: Literal["published"] = "published"
    needs_held_out = False

    def origin(self) -> str:
        """What is handed out, for records of what is trained on it."""
        return f"{_pool(self.dataset).name}, without replacement, without labels"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        """The generator of images as large as `real`'s; see `dial.make_generator`."""
        return PublishedImages(_pool(self.dataset).downsampled(real.image_size))


@dataclass(frozen=True, eq=False)
class PublishedImages:
    """Images of a `pool`, each handed out at most once."""

    pool: ImageSet

    def sample(self, count: int, seed: int = 0) -> ImageSet:
        """`count` unlabelled images without replacement, deterministic given `seed`.

        Raises ValueError where the pool has fewer.
        """
        why = f", the images of {self.pool.name}: ask for fewer"
        count = as_count(count, "count", 1, len(self.pool), why)
        order = stream(seed, "published order").permutation(len(self.pool))
        return self.pool.unlabelled().subset(order[:count])


@lru_cache(maxsize=1)
def _pool(dataset: str) -> ImageSet:
    from adainf_core.data.named_sets import load_images

    return load_images(dataset, download=False)
