"""The graph of CIFAR-10: connectivity and labeling error of photographs, strength by strength.

One run takes one training law (real photographs alone, or inflated by a generator at share β) and
walks the dial of augmentations `DIAL`, a chain in which every field of a policy is at least as
strong as in the one before. On each it samples a view graph on cells (`learning.view_graph`) and
reads λ_{k+1} from two sides, the number of components, and α in two ways:

- `alpha`: P(h(view) ≠ h(image)) under P_t for a fixed labeler h, a small network trained with
  labels on photographs that no graph contains. By definition zero without augmentation. How far h
  is from the truth is `alpha_true`: P(h(view) ≠ class of the photograph) on real images.
- `alpha_cell`: the same task h, but views are labelled by their cell, by cross-fitted majority: an
  upper estimate of the least α that a labeling of the cells can have.

Per seed are drawn: real, held-out and generated images, the images that train the label-free
encoder (SimCLR on the strong policy) and give the landmarks, its weights, and all views. Fixed for
all seeds: the labeler, as it defines the task. Arms of a seed share everything but the law.

What is judged, and by which rule, is in `evidence.graph_study`. The parameters below were settled
on seeds from 100 upwards, which are not among the judged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.evidence.runs.grid import Outcome
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.learning.encoders import build_encoder
from adainf_core.learning.features import extract_features
from adainf_core.learning.labeler import Bfloat16, train_labeler
from adainf_core.learning.policies import POLICIES, SWEEPS, AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.view_cells import Landmarks, PixelPCA, UnitLength, sample_view_labels
from adainf_core.learning.view_graph import ViewGraph, sample_view_graph, source_weights
from adainf_core.learning.view_statistics import augmentation_confusion, labeling_error
from adainf_core.validation import IntArray

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
    """One law on one seed's images, over the whole dial.

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

    def __post_init__(self) -> None:
        for name, known in (
            ("generator", (None, "gaussian_mixture", "perfect")),
            ("space", ("simclr", "pixels")),
        ):
            if getattr(self, name) not in known:
                choices = ", ".join(map(str, known))
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown; choose {choices}")
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
        return source_weights(self.n_real, self.n_generated, self.beta)

    def run(self) -> Outcome:
        """Sample the graphs along the dial and measure them; metrics are "quantity@strength"."""
        metrics = {
            f"{quantity}@{name}": float(value)
            for name in self.strengths
            for quantity, value in _measured(self, name).items()
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


def _measured(experiment: GraphExperiment, name: str) -> dict[str, float]:
    real, generated = _images(replace(experiment, beta=1.0))
    graph, views = _sampled(experiment, name, "real")
    _, still = _sampled(experiment, "none", "real")
    assert real.labels is not None
    found = {"alpha_true": labeling_error(views, real.labels)}
    if generated is None:
        found |= _confusion(experiment, name, real)
    else:
        added, added_views = _sampled(experiment, name, "generated")
        _, added_still = _sampled(experiment, "none", "generated")
        # a mixture's real images keep the first of the views they have alone
        graph = graph.first(added.views).joined(added)
        views, still = np.concatenate([views, added_views]), np.concatenate([still, added_still])
    law, classes = experiment.weights(), still[:, 0]
    found |= {
        "components": graph.graph(law).component_count(),
        "alpha": labeling_error(views, classes, law),
        "alpha_cell": graph.cell_labeling_error(classes, law, experiment.seed),
    }
    for k in experiment.dimensions:
        found[f"gap_low_{k}"] = graph.spectral_gap(k, law)
        found[f"gap_high_{k}"] = graph.held_out_gap(k, law)
    return found


@lru_cache(maxsize=3)
def _images(experiment: GraphExperiment) -> tuple[ImageSet, ImageSet | None]:
    """A seed's real images, and what the generator adds to them."""
    real, held_out, _ = _dealt(experiment)
    if experiment.generator is None:
        return real, None
    if experiment.generator == "perfect":
        return real, held_out.subset(np.arange(experiment.n_generated))
    fitted = _mixture(experiment, real)
    return real, fitted.sample(experiment.n_generated, seed=experiment.seed)


def _mixture(experiment: GraphExperiment, images: ImageSet) -> GaussianMixtureGenerator:
    components, principal = experiment.mixture
    return GaussianMixtureGenerator.fit(
        images, components=components, principal=principal, seed=experiment.seed
    )


def _sampled(experiment: GraphExperiment, name: str, side: str) -> tuple[ViewGraph, IntArray]:
    """Cells and labels of views of the real or of the generated images."""
    # without what they do not depend on, so that the arms of a seed find them in the cache
    if side == "real":
        experiment = replace(experiment, generator=None, n_generated=0, beta=1.0)
    return _sampled_once(replace(experiment, beta=1.0), name, side)


@lru_cache(maxsize=32)
def _sampled_once(experiment: GraphExperiment, name: str, side: str) -> tuple[ViewGraph, IntArray]:
    images = _images(experiment)[side == "generated"]
    assert images is not None
    views = experiment.views_alone if side == "real" else experiment.views
    policy, seed = experiment.policy(name), _stream(experiment, name, side)
    graph = sample_view_graph(
        images.images,
        policy,
        _encoder(_of_encoder(experiment)),
        _landmarks(_of_encoder(experiment), experiment.cells),
        # without augmentation all views are one
        views=views if name != "none" else min(views, experiment.views),
        seed=seed,
    )
    labeler = _labeler(_of_labeler(experiment))
    labels = sample_view_labels(
        images.images, policy, labeler, views=experiment.views_labelled, seed=seed
    )
    return graph, labels


def _confusion(experiment: GraphExperiment, name: str, real: ImageSet) -> dict[str, float]:
    """ACR and ARC on up to 1,000 real images with four views each."""
    trained = _encoder(_of_encoder(experiment))
    rates = []
    for encoder in (trained, _untrained(experiment)):
        features = np.stack(
            [
                extract_features(
                    encoder, real.images[:1000], augmentation=experiment.policy(name), seed=view
                )
                for view in range(4)
            ],
            axis=1,
        )
        rates.append(augmentation_confusion(features))
    found = {"acr": rates[0]}
    if rates[1] < 1:
        found["arc"] = (1 - rates[0]) / (1 - rates[1])
    return found


def _stream(experiment: GraphExperiment, name: str, side: str) -> int:
    """A seed for the views of one side at one strength, the same in all arms."""
    key = (experiment.seed, experiment.strengths.index(name), side == "real")
    return int(np.random.SeedSequence(key).generate_state(1)[0])


# ---- what the arms of a seed share


def _of_encoder(experiment: GraphExperiment) -> GraphExperiment:
    """What decides the feature space: the same for all laws and numbers of views and images."""
    return GraphExperiment(
        dataset=experiment.dataset,
        size=experiment.size,
        n_labeler=experiment.n_labeler,
        n_space=experiment.n_space,
        space=experiment.space,
        principal=experiment.principal,
        mixture=experiment.mixture,
        pretrain=experiment.pretrain,
        n_real=1,
        n_held_out=1,
        dial=experiment.dial,
        seed=experiment.seed,
    )


def _of_labeler(experiment: GraphExperiment) -> GraphExperiment:
    """What decides the labeler: the same for every seed."""
    return GraphExperiment(
        dataset=experiment.dataset,
        size=experiment.size,
        n_labeler=experiment.n_labeler,
        labeler=experiment.labeler,
        dial=experiment.dial,
    )


def _dealt(experiment: GraphExperiment) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Real, held-out and space images of this seed: disjoint, and none of the labeler's."""
    photographs = _photographs(experiment.dataset, experiment.size)
    rest = _reserved_order(len(photographs))[experiment.n_labeler :]
    counts = (experiment.n_space, experiment.n_held_out, experiment.n_real)
    if sum(counts) > len(rest):
        raise ValueError(
            f"the experiment needs {sum(counts)} images beside the labeler's, "
            f"{photographs.name} leaves {len(rest)}"
        )
    order = np.random.default_rng(experiment.seed).permutation(rest)
    space, held_out, real = np.split(order[: sum(counts)], np.cumsum(counts)[:-1])
    return (
        photographs.subset(real, "real"),
        photographs.subset(held_out, "held-out"),
        photographs.subset(space, "space"),
    )


@lru_cache(maxsize=1)
def _photographs(dataset: str, size: int) -> ImageSet:
    return load_images(dataset, download=False).downsampled(size)


def _reserved_order(count: int) -> np.ndarray:
    return np.random.default_rng(2**31).permutation(count)


@lru_cache(maxsize=2)
def _encoder(experiment: GraphExperiment) -> nn.Module:
    """The label-free feature space, fitted to images that no graph contains."""
    *_, images = _dealt(experiment)
    if experiment.space == "pixels":
        return PixelPCA.fit(images.images, experiment.principal)
    config = replace(experiment.pretrain, policy=experiment.policy("strong"), seed=experiment.seed)
    return Bfloat16(UnitLength(pretrain(config, Inflation(images.unlabelled())).encoder))


@lru_cache(maxsize=4)
def _landmarks(experiment: GraphExperiment, cells: int) -> Landmarks:
    *_, images = _dealt(experiment)
    blurry = _mixture(experiment, images)
    pools = images.images, blurry.sample(len(images), seed=experiment.seed).images
    policies = [experiment.policy(name) for name in experiment.strengths]
    halves = [
        Landmarks.from_views(
            pool, policies, _encoder(experiment), count, seed=2 * experiment.seed + which
        ).points
        for which, (pool, count) in enumerate(
            zip(pools, (cells - cells // 2, cells // 2), strict=True)
        )
    ]
    return Landmarks(np.concatenate(halves))


def _untrained(experiment: GraphExperiment) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        config = experiment.pretrain
        return UnitLength(build_encoder(config.encoder, config.width, config.stem_padding))


@lru_cache(maxsize=1)
def _labeler(experiment: GraphExperiment) -> nn.Module:
    """h, trained on the reserved images."""
    photographs = _photographs(experiment.dataset, experiment.size)
    own = photographs.subset(_reserved_order(len(photographs))[: experiment.n_labeler])
    return train_labeler(
        own, [experiment.policy(name) for name in experiment.strengths], experiment.labeler
    )
