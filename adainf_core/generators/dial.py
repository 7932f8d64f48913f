"""The quality dial: generators by name, from one wide Gaussian up to real images and down again.

Down again by corruption and dilution. The order is that of the kinds, not a measured rank: which
one is further from the real distribution depends on the measure, and its settings.

    >>> make_generator("gaussian_mixture", real).sample(10_000, seed=1)
    >>> make_generator(DilutedSetting(share=0.1), real, held_out)

A setting is a frozen dataclass, so that it can be part of a configuration, be written to a record
and be changed by dotted overrides ("generator=diluted", "generator.other=memorised"). Its `make`
fits the generator. A new kind of generator joins by one more dataclass with a `name` and a `make`,
and its place in `Setting`; what is heavy to import is imported in `make`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.generators import classical, corruptions, dilution
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.generators.generator import Generator, InBlocks, stream
from adainf_core.generators.pipelines import checked_digest, model_place
from adainf_core.validation import as_seed, as_share, in_words


class _Fitted:
    """A setting whose generator is fitted to the real training images."""

    needs_held_out = False


class _OfHeldOut:
    """A setting whose generator hands out held-out images, as they are or corrupted."""

    name: str
    needs_held_out = True

    def corrupted(self, held_out: ImageSet, seed: int) -> ImageSet:
        """The pool that the generator draws from."""
        raise NotImplementedError

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        """The generator, drawing from `held_out`; see `make_generator`."""
        return classical.HeldOut(self.corrupted(_needed(held_out, real, self.name), seed))


@dataclass(frozen=True)
class PCAGaussian(_Fitted):
    """One full Gaussian in `principal` components: a mixture of one."""

    principal: int = 80
    name: Literal["pca_gaussian"] = "pca_gaussian"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        return GaussianMixtureSetting(1, self.principal).make(real, held_out, seed)


@dataclass(frozen=True)
class GaussianMixtureSetting(_Fitted):
    """`GaussianMixtureGenerator`, drawn in blocks."""

    components: int = 30
    principal: int = 80
    name: Literal["gaussian_mixture"] = "gaussian_mixture"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        fitted = GaussianMixtureGenerator.fit(
            real, components=self.components, principal=self.principal, seed=seed
        )
        return InBlocks(fitted, f"gaussian-mixture-{self.components}")


@dataclass(frozen=True)
class Copula(_Fitted):
    """`GaussianCopula`."""

    principal: int = 80
    name: Literal["copula"] = "copula"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        return classical.GaussianCopula.fit(real, principal=self.principal, seed=seed)


@dataclass(frozen=True)
class KernelDensitySetting(_Fitted):
    """`classical.KernelDensity`; the `bandwidth` is in standard deviations."""

    bandwidth: float = 0.3
    principal: int = 80
    name: Literal["kernel_density"] = "kernel_density"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        return classical.KernelDensity.fit(
            real, bandwidth=self.bandwidth, principal=self.principal, seed=seed
        )


@dataclass(frozen=True)
class BootstrapNoise(_Fitted):
    """`Bootstrap`; the `noise` is in grey levels."""

    noise: float = 16.0
    name: Literal["bootstrap_noise"] = "bootstrap_noise"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        return classical.Bootstrap.fit(real, noise=self.noise)


@dataclass(frozen=True)
class Memorised(_Fitted):
    """`Bootstrap` without noise: copies of the training images."""

    name: Literal["memorised"] = "memorised"

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        return classical.Bootstrap.fit(real)


@dataclass(frozen=True)
class HeldOutSetting(_OfHeldOut):
    """`classical.HeldOut`: the perfect generator."""

    name: Literal["held_out"] = "held_out"

    def corrupted(self, held_out: ImageSet, seed: int) -> ImageSet:
        return held_out


@dataclass(frozen=True)
class Blur(_OfHeldOut):
    """Held-out images under `corruptions.blur`; `sigma` is in pixels."""

    sigma: float = 1.0
    name: Literal["held_out_blur"] = "held_out_blur"

    def corrupted(self, held_out: ImageSet, seed: int) -> ImageSet:
        return corruptions.blur(held_out, self.sigma)


@dataclass(frozen=True)
class ColourSwap(_OfHeldOut):
    """Held-out images under `corruptions.colour_swap`."""

    name: Literal["held_out_colour_swap"] = "held_out_colour_swap"

    def corrupted(self, held_out: ImageSet, seed: int) -> ImageSet:
        return corruptions.colour_swap(held_out)


@dataclass(frozen=True)
class ModeDrop(_OfHeldOut):
    """Held-out images under `corruptions.mode_drop`: the share `kept` of the modes is left.

    `modes` says what a mode is: the held-out images' "labels", or "clusters" of theirs.
    """

    kept: float = 0.5
    modes: Literal["labels", "clusters"] = "labels"
    name: Literal["held_out_mode_drop"] = "held_out_mode_drop"

    def corrupted(self, held_out: ImageSet, seed: int) -> ImageSet:
        if self.modes == "labels" and held_out.labels is None:
            raise ValueError(
                f"{held_out.name} is unlabelled: set modes=clusters, or keep the held-out labels"
            )
        found = corruptions.clusters(held_out, seed=seed) if self.modes == "clusters" else None
        return corruptions.mode_drop(held_out, self.kept, found, seed)


@dataclass(frozen=True)
class Chimeras(_OfHeldOut):
    """Held-out images under `corruptions.chimeras`."""

    name: Literal["held_out_chimeras"] = "held_out_chimeras"

    def corrupted(self, held_out: ImageSet, seed: int) -> ImageSet:
        return corruptions.chimeras(held_out, seed)


@dataclass(frozen=True)
class Diffusion(_Fitted):
    """`DiffusionGenerator`: the trained `model`, sampled in `steps`. It is loaded, not fitted."""

    model: str = "cifar10-16"
    steps: int = 20
    name: Literal["diffusion"] = "diffusion"

    def files(self) -> tuple[Path, ...]:
        """The model's own files, where it lies in a folder: its weights and its schedule."""
        place = Path(model_place(self.model))
        return tuple(sorted(path for path in place.glob("*/*") if path.suffix != ".md"))

    def origin(self) -> str:
        """Which model it is, to the bit, for records of what is sampled from it."""
        return (
            f"{self.model}, SHA-256 of its files: {checked_digest(Path(model_place(self.model)))}"
        )

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        from adainf_core.generators.diffusion import DiffusionGenerator

        generator = DiffusionGenerator.load(self.model).using(steps=self.steps)
        if generator.image_shape != real.images.shape[1:]:
            raise ValueError(
                f"diffusion: {self.model} makes images of {generator.image_shape}, those of "
                f"{real.name} are {real.images.shape[1:]}: choose another model or resize"
            )
        return generator


Undiluted = (
    PCAGaussian
    | GaussianMixtureSetting
    | Copula
    | KernelDensitySetting
    | BootstrapNoise
    | Memorised
    | Diffusion
    | HeldOutSetting
    | Blur
    | ColourSwap
    | ModeDrop
    | Chimeras
)


@dataclass(frozen=True)
class DilutedSetting:
    """`dilution.Diluted`: held-out images and, with probability `share` (τ), those of `other`.

    Where `other` corrupts held-out images it gets that share of them for itself, and the perfect
    side the rest, so that no image is handed out twice. The number asked of either side is random:
    ask for a few per cent fewer images than are held out (and fewer where `other` drops modes).
    """

    share: float = 0.3
    other: Undiluted = field(default_factory=PCAGaussian)
    name: Literal["diluted"] = "diluted"
    needs_held_out = True

    def __post_init__(self) -> None:
        as_share(self.share, "share")

    def make(self, real: ImageSet, held_out: ImageSet | None, seed: int) -> Generator:
        """The mixture of both sides, `other` fitted; see `make_generator`."""
        perfect = others = _needed(held_out, real, self.name)
        if self.other.needs_held_out:
            order = stream(seed, "split").permutation(len(perfect))
            cut = round(self.share * len(order))
            if not 0 < cut < len(order):
                raise ValueError(
                    f"share={self.share} of {len(order)} held-out images is {cut} for "
                    f"{self.other.name}, {len(order) - cut} for the perfect side: hold out more"
                )
            others, perfect = (perfect.subset(np.sort(o)) for o in (order[:cut], order[cut:]))
        flawed = self.other.make(real, others, seed)
        return dilution.Diluted(classical.HeldOut(perfect), flawed, self.share)


#: What `make_generator` takes, and what a configuration's field of this type can be.
Setting = Undiluted | DilutedSetting

#: Every setting at its defaults, by name.
GENERATORS: dict[str, Setting] = {kind().name: kind() for kind in get_args(Setting)}


def make_generator(
    setting: str | Setting, real: ImageSet, held_out: ImageSet | None = None, seed: int = 0
) -> Generator:
    """The generator of a setting, or of a name in `GENERATORS`, fitted to `real`.

    `held_out` are real images that are not among `real`, for the settings that hand them out; only
    a mode drop and chimeras look at their labels. Nothing looks at those of `real`. Deterministic
    given `seed`. Raises ValueError for an unknown name, for held-out images that are missing, of
    another size, or the training images themselves, and what the generator's own fit raises.
    """
    if isinstance(setting, str):
        if setting not in GENERATORS:
            raise ValueError(f"unknown generator {setting!r}; known: {', '.join(GENERATORS)}")
        setting = GENERATORS[setting]
    if not hasattr(setting, "make"):
        raise ValueError(
            f"setting={in_words(setting)} is no setting: give one of GENERATORS "
            f"({', '.join(GENERATORS)}), or its name"
        )
    as_image_set(real, "real")
    if held_out is not None:
        as_image_set(held_out, "held_out")
    as_seed(seed)
    return setting.make(real, held_out, seed)


def _needed(held_out: ImageSet | None, real: ImageSet, name: str) -> ImageSet:
    if held_out is None:
        raise ValueError(
            f"{name} needs held_out: real images that are not among the training images"
        )
    if held_out.images is real.images:
        raise ValueError(f"{name}: the held-out images are the training images; split them first")
    if held_out.images.shape[1:] != real.images.shape[1:]:
        raise ValueError(
            f"{name}: held-out images are {held_out.images.shape[1:]}, the training images "
            f"{real.images.shape[1:]}: resize one side, e.g. with downsampled()"
        )
    return held_out
