"""The graph of CIFAR-10: connectivity and labeling error of photographs, strength by strength.

One run takes one training distribution (real photographs alone, or inflated by a generator at share
β) and walks the dial of augmentations `DIAL`, a chain in which every field of a policy is at least
as strong as in the one before. On each it samples a view graph on cells (`learning.view_graph`) and
reads λ_{k+1} from two sides, the number of components, and α in two ways:

- `alpha`: P(h(view) ≠ h(image)) under P_t for a fixed labeler h, a small network trained with
  labels on photographs that no graph contains. By definition zero without augmentation. How far h
  is from the truth is `alpha_true`: P(h(view) ≠ class of the photograph) on real images.
- `alpha_cell`: the same task h, but views are labelled by their cell, by cross-fitted majority: an
  upper estimate of the least α that a labeling of the cells can have.

Per seed are drawn: real, held-out and generated images, the images that train the label-free
encoder (SimCLR on the strong policy) and give the landmarks, its weights, and all views. Fixed for
all seeds: the labeler, as it defines the task. Arms of a seed share everything else.

What is judged is in `cifar_graph`. The parameters below were settled on seeds from 100 upwards,
which are not among the judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from adainf_core.evidence.runs.grid import Outcome
from adainf_core.evidence.runs.quantities import Quantity
from adainf_core.learning.policies import POLICIES, SWEEPS, AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.validation import as_choice

# With a processor's wide instructions switched off, the small version's networks, of ten steps,
# moved shares of some tens of images by up to 0.15, gaps by 0.18, ratios of confusions by a fifth.
_SHARE = Quantity(0.0, 1.0, apart=0.2)
_STRONG = POLICIES["symmetric"]

#: From no augmentation to beyond the official strong one, at 32 pixels; no field ever weakens.
DIAL: dict[str, AugmentationPolicy] = {
    "none": _STRONG.scaled(0),
    "quarter": _STRONG.scaled(0.25),
    "half": _STRONG.scaled(0.5),
    "adainf": POLICIES["symmetric_adainf"],
    "strong": _STRONG,
    # the ends of both official sweeps at once
    "beyond": replace(SWEEPS["jitter"][2.0], crop_scale=SWEEPS["crop"][0.02].crop_scale),
}
#: The dial without its trivial end, where every image is an island and nothing is mislabelled.
STRENGTHS = tuple(DIAL)[1:]


@dataclass(frozen=True)
class GraphExperiment:
    """One training distribution on one seed's images, over the whole dial.

    `dataset` is a named set, averaged down to `size` pixels. Of its training images a first
    `n_labeler`, the same for all seeds, train the labeler (`labeler`, with labels); of the others
    `seed` deals `n_space` to the feature space, `n_real` and `n_held_out` to the graphs.
    `generator` is None, "gaussian_mixture" (fitted to the real images, `mixture` its number of
    Gaussians and of principal components) or "perfect" (held-out images); `n_generated` images come
    from it and `beta` is the share of real draws. `space` is "simclr" (`pretrain` without labels;
    whatever policy and seed that names, it gets the dial's strong one and this seed) or "pixels"
    (`principal` whitened components). `cells` landmarks are views from all of the dial, half of
    them of the space's photographs, half of a Gaussian mixture fitted to those. Views per image:
    `views_alone` for real images without a generator, `views` in a mixture, `views_labelled` for
    the labeler. λ_{k+1} is read at each k of `dimensions`. `dial` has the policies by name, at 32
    pixels, the first without any augmentation.
    """

    dataset: str = "cifar10"
    size: int = 16
    n_labeler: int = 20_000
    n_space: int = 10_000
    n_real: int = 1000
    n_held_out: int = 8000
    generator: str | None = None
    n_generated: int = 0
    beta: float = 1.0
    mixture: tuple[int, int] = (10, 40)
    space: str = "simclr"
    principal: int = 32
    cells: int = 128
    views_alone: int = 64
    views: int = 8
    views_labelled: int = 2
    dimensions: tuple[int, ...] = (1, 10, 32)
    labeler: PretrainConfig = field(
        default_factory=lambda: PretrainConfig(
            policy=None, steps=600, precision="bf16", device="cpu"
        )
    )
    pretrain: PretrainConfig = field(
        default_factory=lambda: PretrainConfig(
            policy=None, steps=300, precision="bf16", device="cpu"
        )
    )
    dial: tuple[tuple[str, AugmentationPolicy], ...] = tuple(DIAL.items())
    seed: int = 0

    kind: ClassVar[str] = "graph"
    seeded: ClassVar[tuple[str, ...]] = ("seed",)
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "components@*": Quantity(1.0, apart=2.0),
        "gap_*@*": Quantity(-1e-9, 2.0, apart=0.25),
        "arc@*": Quantity(0.0, share=0.3),
    } | dict.fromkeys(("alpha@*", "alpha_cell@*", "alpha_true@*", "acr@*"), _SHARE)
    protocol: ClassVar[Mapping[str, Any]] = {"confusion": {"images": 1000, "views": 4}}

    def __post_init__(self) -> None:
        as_choice(self.generator, "generator", (None, "gaussian_mixture", "perfect"))
        as_choice(self.space, "space", ("simclr", "pixels"))
        if (self.generator is None) != (self.n_generated == 0):
            raise ValueError(
                f"generator={self.generator!r} with n_generated={self.n_generated}: "
                "give both or neither"
            )
        if not 0 < self.beta <= 1 or (self.generator is None and self.beta != 1):
            raise ValueError(f"beta={self.beta} is no share of real draws here")
        if self.generator == "perfect" and self.n_generated > self.n_held_out:
            raise ValueError(
                f"n_generated={self.n_generated} is more than n_held_out={self.n_held_out}"
            )

    @property
    def device(self) -> str | None:
        """Where it computes, as in `PretrainConfig`."""
        return self.pretrain.device

    def policy(self, name: str) -> AugmentationPolicy:
        """The policy called `name` on the dial, at this image size."""
        return dict(self.dial)[name].for_image_size(self.size)

    @property
    def strengths(self) -> list[str]:
        """The names of the dial, in its order."""
        return [name for name, _ in self.dial]

    def weights(self) -> np.ndarray:
        """P_t over the real and then the generated images."""
        from adainf_core.learning.view_graph import source_weights

        return source_weights(self.n_real, self.n_generated, self.beta)

    def run(self) -> Outcome:
        """Sample the graphs along the dial and measure them; metrics are "quantity@strength"."""
        from adainf_core.evidence.studies.graph_measurement import measured

        metrics = {
            f"{quantity}@{name}": float(value)
            for name in self.strengths
            for quantity, value in measured(self, name).items()
        }
        return Outcome(metrics, PROTOCOLS, self.beta, [])

    def small(self) -> GraphExperiment:
        """The same on some tens of images and with networks trained for a few steps."""
        return replace(
            self,
            n_labeler=300,
            n_space=300,
            n_real=40,
            n_held_out=80,
            n_generated=min(self.n_generated, 80),
            mixture=(2, 8),
            principal=8,
            cells=32,
            views_alone=8,
            views=4,
            dimensions=(1, 10),
            labeler=replace(self.labeler, steps=10, warmup=2, batch_size=64),
            pretrain=replace(self.pretrain, steps=10, warmup=2, batch_size=64),
        )


PROTOCOLS = {
    "components": "connected components of the graph of the sampled views on cells",
    "gap_low": "λ_{k+1} over distinct pairs of views (k after the underscore); errs low",
    "gap_high": "λ_{k+1} of functions chosen on half of the views, judged on the rest; errs high",
    "alpha": "P(h(view) ≠ h(image)) under P_t, h the fixed labeler",
    "alpha_cell": "P(cross-fitted majority of the cell ≠ h(image)) under P_t",
    "alpha_true": "P(h(view) ≠ class), real images",
    "acr": "share of views whose nearest other view is of another image, real images",
    "arc": "(1 - ACR of the space) / (1 - ACR of the same space untrained), real images",
}
