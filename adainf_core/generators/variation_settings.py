"""Variations: generators that make other images of a given one, for the roles in `learning`.

A setting is a frozen dataclass, as on the dial (`generators.dial`); its `vary` gives k variations
of each real image, uint8 (n, k, 3, h, w), a function of the images and the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from adainf_core.data.images import ImageSet
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.generators.principal_axes import PrincipalAxes
from adainf_core.validation import as_count, as_number, as_share


@dataclass(frozen=True)
class MixtureVariations:
    """The Gaussian mixture's own: an image made noisy, and a clean one drawn that it may have been.

    That is SDEdit with an exact denoiser (`GaussianMixtureGenerator.vary`). `noise` is in standard
    deviations of the mixture's coordinates; the mixture is that of the dial, fitted to the images.
    """

    noise: float = 0.5
    k: int = 8
    components: int = 30
    principal: int = 80
    name: Literal["mixture_variations"] = "mixture_variations"

    def __post_init__(self) -> None:
        as_count(self.k, "variations.k", 1)
        if not 0 <= as_number(self.noise, "variations.noise") < float("inf"):
            raise ValueError(f"variations.noise={self.noise} is outside [0, inf)")

    def vary(self, real: ImageSet, generated: ImageSet | None, seed: int) -> np.ndarray:
        """Variations of `real` by a mixture fitted to it."""
        fitted = GaussianMixtureGenerator.fit(
            real, components=self.components, principal=self.principal, seed=seed
        )
        return fitted.vary(real, self.noise, self.k, seed)


@dataclass(frozen=True)
class NearestGenerated:
    """The k generated images nearest to each real one, for generators that cannot be steered.

    Nearest in the leading `principal` components of the real images' pixels.
    """

    k: int = 8
    principal: int = 50
    name: Literal["nearest_generated"] = "nearest_generated"

    def __post_init__(self) -> None:
        as_count(self.k, "variations.k", 1)
        as_count(self.principal, "variations.principal", 1)

    def vary(self, real: ImageSet, generated: ImageSet | None, seed: int) -> np.ndarray:
        """The nearest of `generated`; ValueError where there are fewer than k."""
        if generated is None or len(generated) < self.k:
            raise ValueError(
                f"variations.k={self.k} of nearest_generated: give a generator, and n_generated of "
                "at least as many"
            )
        from sklearn.neighbors import NearestNeighbors

        axes = PrincipalAxes.fit(real, self.principal, seed)
        search = NearestNeighbors(n_neighbors=self.k).fit(axes.project(generated.images))
        return generated.images[search.kneighbors(axes.project(real.images))[1]]


@dataclass(frozen=True)
class DiffusionVariations:
    """A trained `model`'s variations by SDEdit (`variations.SDEdit`) of `strength`, in `steps`.

    The model is loaded, not fitted: where it has learnt from other images than a run's real ones,
    so have its variations.
    """

    model: str = "cifar10-16"
    strength: float = 0.5
    k: int = 4
    steps: int = 20
    name: Literal["diffusion_variations"] = "diffusion_variations"

    def __post_init__(self) -> None:
        as_count(self.k, "variations.k", 1)
        as_share(self.strength, "variations.strength")

    def vary(self, real: ImageSet, generated: ImageSet | None, seed: int) -> np.ndarray:
        """Variations of `real`; ValueError where the model makes images of another size."""
        from adainf_core.generators.diffusion import DiffusionGenerator
        from adainf_core.generators.variations import SDEdit, variations

        generator = DiffusionGenerator.load(self.model).using(steps=self.steps, kind="ddim")
        draw = variations(generator, real, self.k, SDEdit(self.strength), seed)
        total, block = self.k * len(real), generator.sampler.batch_size
        made = [draw(start, min(start + block, total)) for start in range(0, total, block)]
        return np.concatenate(made).reshape(len(real), self.k, *real.images.shape[1:])


#: What a configuration's field of variations can be.
VariationSetting = MixtureVariations | NearestGenerated | DiffusionVariations
