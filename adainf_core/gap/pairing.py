"""Pairs of a generator that cannot be steered: for each real image the generated ones nearest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.paired import PairedImages, pairs_of
from adainf_core.gap.estimate import Rows
from adainf_core.gap.extractors import Extractor
from adainf_core.gap.neighbours import cosine_neighbours
from adainf_core.progress import progress_bar
from adainf_core.validation import as_count

_CHUNK = 10_000  # generated images whose features are in memory together


def neighbours_to_store(
    generated: ImageSet,
    real: ImageSet,
    path: str | Path,
    k: int,
    extractor: Extractor,
) -> PairedImages:
    """The k `generated` images nearest to each of the `real` ones, in the store at `path`.

    Nearest is by the cosine of the features of `extractor` (one that has seen no labels), exactly,
    equal ones in the order of the set (`cosine_neighbours`). One image may be near to several.
    Raises ValueError for a store that is not finished, images of two sizes and k beyond the number
    of generated images, before any feature is computed, and the errors of `grown_store`.
    """
    if isinstance(generated, GeneratedImages) and not generated.complete:
        raise ValueError(
            f"{generated.path} holds {len(generated):,} of its {generated.planned:,} images: let "
            "the command that began it go on"
        )
    why = f", the images of {generated.name}"
    k = as_count(k, "k", 1, len(generated), why)
    if generated.images.shape[1:] != real.images.shape[1:]:
        own, made = ("x".join(map(str, side.images.shape[2:])) for side in (real, generated))
        raise ValueError(
            f"{real.name} has images of {own} pixels, and {generated.name} of {made}: bring the "
            f"images to that size (--size {generated.image_size})"
        )

    def chunks() -> Iterator[Rows]:
        about = f"features of {generated.name}"
        with progress_bar(len(generated), "image", about=about) as advance:
            for start in range(0, len(generated), _CHUNK):
                some = generated.images[start : start + _CHUNK]
                yield extractor(some)
                advance(len(some))

    found = cosine_neighbours(extractor(real.images), chunks(), k).reshape(-1)
    near = {
        "generated": generated._digest(),
        "extractor": extractor.name,
        "indices": hashlib.blake2b(found.tobytes(), digest_size=16).hexdigest(),
    }
    store = grown_store(
        path,
        lambda start, stop: generated.images[found[start:stop]],
        len(found),
        (3, *real.images.shape[2:]),
        origin={"neighbours": near} | pairs_of(real, k),
        real=real,
    )
    return PairedImages.open(store.path)
