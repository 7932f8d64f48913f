"""The graph of CIFAR-10, measured: images dealt, spaces and labelers trained, views sampled.

What the arms of a seed share is made once in a process and kept: photographs, the label-free
encoder and its landmarks, the labeler, and the views of either side.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.studies.graph_experiment import GraphExperiment
from adainf_core.evidence.studies.training import small_images
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.learning.encoders import encoder_of
from adainf_core.learning.features import extract_features
from adainf_core.learning.labeler import Bfloat16, train_labeler
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.view_cells import Landmarks, PixelPCA, UnitLength, sample_view_labels
from adainf_core.learning.view_graph import ViewGraph, sample_view_graph
from adainf_core.learning.view_statistics import augmentation_confusion, labeling_error
from adainf_core.validation import IntArray


def measured(experiment: GraphExperiment, name: str) -> dict[str, float]:
    """Every quantity of `PROTOCOLS` at the strength called `name`, λ's with their k."""
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
    distribution, classes = experiment.weights(), still[:, 0]
    found |= {
        "components": graph.graph(distribution).component_count(),
        "alpha": labeling_error(views, classes, distribution),
        "alpha_cell": graph.cell_labeling_error(classes, distribution, experiment.seed),
    }
    for k in experiment.dimensions:
        found[f"gap_low_{k}"] = graph.spectral_gap(k, distribution)
        found[f"gap_high_{k}"] = graph.held_out_gap(k, distribution)
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
    """What decides the feature space: whatever the arm and the numbers of views and images."""
    kept = ("n_space", "space", "principal", "mixture", "pretrain", "seed")
    return _only(experiment, *kept, n_real=1, n_held_out=1)


def _of_labeler(experiment: GraphExperiment) -> GraphExperiment:
    """What decides the labeler: the same for every seed."""
    return _only(experiment, "labeler")


def _only(experiment: GraphExperiment, *names: str, **blanked: Any) -> GraphExperiment:
    """An experiment that agrees with another in its photographs, the dial and fields by `names`."""
    kept = (*names, "dataset", "size", "n_labeler", "dial")
    return GraphExperiment(**{name: getattr(experiment, name) for name in kept}, **blanked)


def _dealt(experiment: GraphExperiment) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Real, held-out and space images of this seed: disjoint, and none of the labeler's."""
    photographs = small_images(experiment.dataset, "train", experiment.size)
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
        return UnitLength(encoder_of(config))


@lru_cache(maxsize=1)
def _labeler(experiment: GraphExperiment) -> nn.Module:
    """h, trained on the reserved images."""
    photographs = small_images(experiment.dataset, "train", experiment.size)
    own = photographs.subset(_reserved_order(len(photographs))[: experiment.n_labeler])
    return train_labeler(
        own, [experiment.policy(name) for name in experiment.strengths], experiment.labeler
    )
