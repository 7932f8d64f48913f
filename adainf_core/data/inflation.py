"""Inflation: the training distribution P_t = beta P_d + (1 - beta) P_g by indices, no copies."""

from __future__ import annotations

import hashlib
import math
from dataclasses import KW_ONLY, dataclass, field
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.notebook import card
from adainf_core.theory.total_variation import replication_to_beta
from adainf_core.validation import as_choice, as_count, as_indices, as_number

#: AdaInf in the paper: each real image ten times, beside twenty generated ones for every real one.
PAPER_REPLICATION, PAPER_INFLATION = 10, 20
#: The share of real draws that this makes, 1/3: what AdaInf means at other sizes.
PAPER_BETA = PAPER_REPLICATION / (PAPER_REPLICATION + PAPER_INFLATION)

# streams of random numbers, so that no two purposes share one
_OFFSET, _BATCH, _EPOCH = range(3)


def paper_replication(n_real: int, n_generated: int) -> int:
    """AdaInf's N at these sizes: the whole N >= 1 whose beta is nearest to the paper's 1/3.

    10 beside the paper's twenty generated images for a real one, 1 beside two.
    """
    below = max(1, int(PAPER_REPLICATION / PAPER_INFLATION * n_generated / n_real))

    def distance(copies: int) -> float:
        return abs(replication_to_beta(n_real, n_generated, copies) - PAPER_BETA)

    return min((below, below + 1), key=distance)


class Exposures(NamedTuple):
    """Expected number of times that training sees each real and each generated image."""

    real: float
    generated: float


@dataclass(frozen=True, eq=False)
class Inflation:
    """Real images, a generator's images, and the weight each side carries.

    Draws are independent by default, so that of a batch of B the share of real images varies about
    beta, by sqrt(beta (1 - beta) / B); the paper's code draws shuffled epochs, of which each holds
    beta exactly, as a recipe, and so `adainf pretrain`, does: `sampling="epoch"`. For the exact
    share in every batch, too, up to a whole image: `sampling="epoch", stratified=True`.

    Give `replication` N (each real image counts N times beside every generated one, paper section
    3.1) or `beta`, the share of real draws; N = 1, the paper's vanilla inflation, where neither is
    given. Without generated images beta is 1. A mixture made by `replication` also says its `beta`
    (`dataclasses.replace` to another weight or other images: with `beta=None`). Images are numbered
    real first, then generated, each once.

    `sampling="iid"` draws from P_t independently: an image is real with probability `beta`, then
    uniform within its side. `sampling="epoch"` is the paper's shuffled concatenation: an epoch
    holds every real image N times and every generated image once, in a fresh order, and drops what
    is left after its last full batch; N has to be whole. `stratified` gives every batch the same
    number of real images up to rounding, and carries the rounding over from batch to batch, so that
    the expected share is exactly `beta` and the count of real images drawn so far is never off by
    one. None of it copies an image.

    Raises ValueError for beta outside [0, 1], N below 1 or (by epoch) not whole, both given and at
    odds, an unknown sampling, or images of two sizes.
    """

    real: ImageSet
    generated: ImageSet | None = None
    _: KW_ONLY
    replication: float | None = None
    beta: float | None = None
    sampling: Literal["iid", "epoch"] = "iid"
    stratified: bool = False
    # the order of the epoch in use: ((epoch, seed), indices)
    _order: tuple[tuple[int, int], np.ndarray] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        as_choice(self.sampling, "sampling", ("iid", "epoch"))
        as_image_set(self.real, "real")
        if self.generated is not None:
            as_image_set(self.generated, "generated")
        if self.replication is not None and not (
            1 <= as_number(self.replication, "replication") < math.inf
        ):
            raise ValueError(
                f"replication={self.replication} is outside [1, inf); use beta for smaller shares"
            )
        if self.beta is not None and not 0 <= as_number(self.beta, "beta") <= 1:
            raise ValueError(f"beta={self.beta} is outside [0, 1]: it is the share of real draws")
        if self.generated is None:
            if self.beta not in (None, 1.0):
                raise ValueError(f"beta={self.beta} asks for generated images, but none are given")
        elif self.real.images.shape[1:] != self.generated.images.shape[1:]:
            raise ValueError(
                f"real images are {self.real.images.shape[1:]}, generated ones "
                f"{self.generated.images.shape[1:]}: resize one side, e.g. with downsampled()"
            )
        self._settle_weight()
        if self.sampling == "epoch":
            self._check_whole_copies()

    def _settle_weight(self) -> None:
        """Set beta, and N where neither is given, so that `replace` starts from both."""
        if self.replication is None and self.beta is not None:
            object.__setattr__(self, "beta", float(self.beta))
            return
        copies = 1.0 if self.replication is None else self.replication
        weighted = copies * len(self.real)
        meant = weighted / (weighted + (0 if self.generated is None else len(self.generated)))
        if self.beta not in (None, meant):
            raise ValueError(
                f"both replication={self.replication} and beta={self.beta} given, but "
                f"replication={self.replication} means beta={meant:.6g}: drop one (beta=None)"
            )
        object.__setattr__(self, "replication", copies)
        object.__setattr__(self, "beta", meant)

    @property
    def _share(self) -> float:
        assert self.beta is not None  # settled when the mixture was made
        return self.beta

    @property
    def _copies(self) -> float:
        """N: how often a real image counts beside a generated one, inf where only real count."""
        if self.replication is not None or self.generated is None:
            return self.replication or 1.0
        if self._share == 1:
            return math.inf
        return self._share * len(self.generated) / ((1 - self._share) * len(self.real))

    def _check_whole_copies(self) -> None:
        copies, given = self._copies, f"replication={self.replication}"
        if self.replication is None:
            given = f"beta={self.beta} means replication={copies:.6g}, which"
        if copies == math.inf:
            raise ValueError(
                "beta=1 leaves no generated image in an epoch: drop generated, or sampling='iid'"
            )
        if abs(copies - round(copies)) > 1e-9 * max(1.0, copies):
            raise ValueError(
                f"{given} is not whole, and an epoch holds whole copies: take "
                f"replication={max(1, round(copies))}, or sampling='iid'"
            )

    @property
    def images(self) -> list[np.ndarray]:
        """The two sides, real first; indices run through them in this order."""
        sides = [self.real, self.generated]
        return [side.images for side in sides if side is not None]

    @property
    def labels(self) -> np.ndarray | None:
        """Labels int64 of the real images, which are numbered first; None where they have none."""
        return self.real.labels

    @property
    def epoch_size(self) -> int:
        """Draws in an epoch: N n_d + n_g.

        For i.i.d. draws this is how many it takes until each generated image is expected once (each
        real one where beta is 1), rounded.
        """
        if self._copies == math.inf:
            return len(self.real)
        n_generated = 0 if self.generated is None else len(self.generated)
        return round(self._copies * len(self.real)) + n_generated

    def steps_per_epoch(self, batch_size: int) -> int:
        """Full batches in an epoch; ValueError where not even one fits."""
        as_count(batch_size, "batch_size", 1, self.epoch_size, ", the images of an epoch")
        return self.epoch_size // batch_size

    def batch_indices(self, step: int, batch_size: int, seed: int) -> np.ndarray:
        """Indices int64 (batch_size,) of the images of global training batch `step`.

        A function of its arguments and nothing else: a resumed run asks for the next step, and each
        of w ranks takes the next batch_size / w of them, rank 0 the first. Raises ValueError for a
        negative step or seed, or a batch size below 1 or (by epoch) beyond the epoch.
        """
        step, seed = as_count(step, "step", 0), as_count(seed, "seed", 0)
        batch_size = as_count(batch_size, "batch_size", 1)
        if self.sampling == "epoch":
            return self._epoch_batch(step, batch_size, seed)
        rng = _stream(seed, _BATCH, step)
        if self.stratified:
            before, after = (self._reals_before(t * batch_size, seed) for t in (step, step + 1))
            is_real = rng.permutation(batch_size) < after - before
        else:
            is_real = rng.random(batch_size) < self._share
        indices = rng.integers(0, len(self.real), batch_size)
        if self.generated is None:
            return indices
        other = len(self.real) + rng.integers(0, len(self.generated), batch_size)
        return np.where(is_real, indices, other)

    def _epoch_batch(self, step: int, batch_size: int, seed: int) -> np.ndarray:
        epoch, within = divmod(step, self.steps_per_epoch(batch_size))
        order = self._epoch_order(epoch, seed)
        start = within * batch_size
        if not self.stratified:
            return order[start : start + batch_size].astype(np.int64)
        # both sides are used up at their own pace; rounding down keeps either within its length
        first, before, after = (
            self._reals_before(t * batch_size, seed) for t in (step - within, step, step + 1)
        )
        generated = self._real_entries + start - (before - first)
        batch = np.concatenate(
            [
                order[before - first : after - first],
                order[generated : generated + batch_size - (after - before)],
            ]
        )
        return _stream(seed, _BATCH, step).permutation(batch.astype(np.int64))

    @property
    def _real_entries(self) -> int:
        return round(self._copies) * len(self.real)

    def _epoch_order(self, epoch: int, seed: int) -> np.ndarray:
        """Every entry of the epoch in its order; stratified, all real ones before the others."""
        cached = self._order
        if cached is not None and cached[0] == (epoch, seed):
            return cached[1]
        n_real, split = len(self.real), self._real_entries
        dtype: type = np.int32 if self.epoch_size <= np.iinfo(np.int32).max else np.int64
        order: np.ndarray = np.arange(self.epoch_size, dtype=dtype)
        order[:split] %= n_real
        order[split:] += n_real - split
        rng = _stream(seed, _EPOCH, epoch)
        for part in (order[:split], order[split:]) if self.stratified else (order,):
            rng.shuffle(part)
        object.__setattr__(self, "_order", ((epoch, seed), order))
        return order

    def _reals_before(self, draws: int, seed: int) -> int:
        """How many of the first `draws` images are real when stratified, in exact numbers."""
        share = Fraction(self._share)
        if self.sampling == "epoch":
            share = Fraction(self._real_entries, self.epoch_size)
        offset = Fraction(_stream(seed, _OFFSET, 0).random())
        return math.floor(offset + draws * share)

    def is_real(self, indices: np.ndarray) -> np.ndarray:
        """Mask bool of `indices`' shape: which of them are real images."""
        return indices < len(self.real)

    def gather(self, indices: np.ndarray) -> np.ndarray:
        """Copies uint8 (n, 3, h, w) of the images at `indices` int (n,), from both sides.

        Raises ValueError for indices outside those of the images.
        """
        last = sum(map(len, self.images)) - 1
        indices = as_indices(indices, "indices") if len(indices) else indices
        if len(indices) and indices.max() > last:
            raise ValueError(
                f"indices has {indices.max()}, outside 0..{last}, the images there are"
            )
        batch = np.empty((len(indices), *self.real.images.shape[1:]), dtype=np.uint8)
        is_real = self.is_real(indices)
        batch[is_real] = self.real.images[indices[is_real]]
        if self.generated is not None:
            batch[~is_real] = self.generated.images[indices[~is_real] - len(self.real)]
        return batch

    def batch(
        self, step: int, batch_size: int, seed: int, rows: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The `rows` of batch `step`: indices int64 (n,), and the images to make two views of.

        Both views come from one image: the two are one array, uint8 (n, 3, h, w). Raises
        ValueError as `batch_indices` does.
        """
        indices = self.batch_indices(step, batch_size, seed)[rows]
        images = self.gather(indices)
        return indices, images, images

    def draw_indices(
        self, batch_size: int, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """A first batch under a fresh seed: indices int64 (batch_size,), mask of the real ones.

        For i.i.d. sampling successive draws are a sample of P_t; by epoch every draw starts an
        epoch of its own, so train on `batch_indices` there.
        """
        indices = self.batch_indices(0, batch_size, int(generator.integers(2**63)))
        return indices, self.is_real(indices)

    def draw(
        self, batch_size: int, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """`draw_indices` with images uint8 (batch_size, 3, h, w) in place of the indices."""
        indices, is_real = self.draw_indices(batch_size, generator)
        return self.gather(indices), is_real

    def exposures(self, steps: int, batch_size: int) -> Exposures:
        """Expected passes over each real and each generated image in `steps` training batches."""
        draws = as_count(steps, "steps", 0) * as_count(batch_size, "batch_size", 1)
        if self.generated is None:
            return Exposures(draws / len(self.real), 0.0)
        generated = draws * (1 - self._share) / len(self.generated)
        return Exposures(draws * self._share / len(self.real), generated)

    def describe(self) -> str:
        """The mixture in one line."""
        sides = f"{len(self.real):,} real"
        if self.generated is not None:
            sides += f" (weight {self._copies:.4g}) + {len(self.generated):,} generated"
        how = {"iid": "i.i.d. draws", "epoch": "shuffled epochs"}[self.sampling]
        strata = ", stratified batches" if self.stratified else ""
        return f"{sides}, beta = {self.beta:.4f}, {how}{strata}"

    def _repr_html_(self) -> str:
        from adainf_core.data.contact_sheet import preview

        sides = [side for side in (self.real, self.generated) if side is not None]
        parts = [card(side.name, [side.describe()], preview(side)) for side in sides]
        return card("Inflation", [self.describe()], *parts)

    def fingerprint(self) -> dict[str, Any]:
        """Plain values that tell this training set from others: mixture, hash of some images."""
        sides: dict[str, Any] = {}
        for name, images in zip(("real", "generated"), self.images, strict=False):
            # evenly spaced: neighbours in a file are often alike, and all would take too long
            some = images[np.linspace(0, len(images) - 1, min(256, len(images))).astype(int)]
            digest = hashlib.sha256(some.tobytes()).hexdigest()[:16]
            sides[name] = {"shape": list(images.shape), "hash": digest}
        return sides | {
            "shape": list(self.real.images.shape[1:]),
            "beta": self.beta,
            "mixture": f"{self.real.name}: {self.describe()}",
        }


def _stream(seed: int, purpose: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, number)))
