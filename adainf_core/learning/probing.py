"""Probes: how much of the labels a frozen encoder's features give away.

`linear_probe` and `knn_probe` are offline: they start from the finished encoder and see every
labelled training image equally often, whatever it was trained on. `online_probe` only reads off a
classifier that learnt during pre-training, and says so in its protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from adainf_core.data.images import ImageSet
from adainf_core.data.labelled_pairs import class_of, labels_of, paired_labels
from adainf_core.learning.features import as_module, encoder_device, extract_features
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.softmax_regression import fit_softmax_regression, softmax_regression_path
from adainf_core.validation import (
    LAST_SEED,
    IntArray,
    as_count,
    as_labels,
    as_positive,
    in_words,
)

#: Ridge penalties per training row that the linear probe chooses from, strong to weak: half a
#: decade apart where the choice is worth points of accuracy.
PENALTIES = (1.0, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6)
_FOLDS = 5
#: What linear evaluation customarily trains on: random resized crop and flip, no colour.
PROBE_AUGMENTATION = AugmentationPolicy(crop_scale=(0.08, 1.0), jitter_p=0, grey_p=0, blur_p=0)
_SIMILARITIES = 2**25  # cosines in memory at once, 128 MiB of them


@dataclass(frozen=True)
class ProbeResult:
    """A probe's test accuracy in [0, 1], the protocol that gave it, and its sample sizes.

    `n_train` counts images, not views, and is None where nobody counted (online). `details` are
    the linear probe's: the `penalty` chosen, the `held_out_accuracy` that chose it, and as 0 or 1
    whether it was the grid's first or last (`penalty_at_edge`) and whether the fit `converged`.
    `penalty_path` holds each penalty that it tried, strong to weak, with its held-out accuracy.
    `right` is a bool (n_test,): which test images were told right, and `predicted` int64 (n_test,)
    the label that each was given, in the numbering of the training images.
    """

    accuracy: float
    protocol: str
    n_train: int | None
    n_test: int
    details: dict[str, float] = field(default_factory=dict)
    penalty_path: tuple[tuple[float, float], ...] = ()
    right: np.ndarray | None = field(default=None, compare=False, repr=False)
    predicted: np.ndarray | None = field(default=None, compare=False, repr=False)

    @property
    def standard_error(self) -> float:
        """Binomial standard error over test images; it knows nothing of training seeds."""
        return (self.accuracy * (1 - self.accuracy) / self.n_test) ** 0.5

    def on(self, chosen: np.ndarray) -> ProbeResult:
        """The same probe on the `chosen` test images alone, their places as int (m,), m > 0."""
        assert self.right is not None and self.predicted is not None
        right, predicted = self.right[chosen], self.predicted[chosen]
        accuracy = float(right.mean())
        return replace(self, accuracy=accuracy, n_test=len(right), right=right, predicted=predicted)

    @property
    def account(self) -> str:
        """The protocol as a record keeps it: with the penalty chosen and the path to it."""
        if not self.penalty_path:
            return self.protocol
        path = ", ".join(f"{penalty:g}: {100 * share:.2f}" for penalty, share in self.penalty_path)
        return (
            f"{self.protocol}; penalty {self.details['penalty']:g} chosen, in cross-validation "
            f"(penalty: % right) {path}"
        )


def linear_probe(
    encoder: nn.Module,
    train: ImageSet,
    test: ImageSet,
    seed: int = 0,
    *,
    augmentation: AugmentationPolicy | None = None,
    views: int = 4,
    penalties: Sequence[float] = PENALTIES,
    cache: str | Path | None = None,
    groups: IntArray | None = None,
) -> ProbeResult:
    """Multinomial logistic regression on frozen features, on the encoder's device.

    Features are standardised by their training moments. The ridge penalty (per row: the objective
    is a mean) is the one of `penalties` most accurate in stratified five-fold cross-validation on
    `train` (folds by `seed`), searched from strong to weak until two in a row are worse; the model
    is then refitted on all of `train` and `test` looked at once. A single held-out fifth of a few
    hundred images would let chance choose the penalty, at the price of points of accuracy. With
    `augmentation`, customarily `PROBE_AUGMENTATION`, it learns from `views` views of each image
    instead of the image; what is held out is held out with all its views, and judged, like `test`,
    as it is. `cache` goes to `extract_features`.

    `groups` int (n,) names the group of copies that each image of `train` belongs to
    (`copies.Copies.group`): a group is held out as a whole, for an image whose copy is learnt from
    is no test of the penalty. Without them every image is a group of its own.

    Classes are matched by name where the sets name them (`labelled_pairs`). Raises ValueError for
    unlabelled sets, classes that cannot be matched, image sizes that differ, fewer than two
    classes, a class with a single training image or of copies of one, a test class that training
    has not seen, or a `test` of the same images as `train`.
    """
    as_module(encoder, "encoder")
    views, seed = as_count(views, "views", 1), as_count(seed, "seed", 0)
    if not isinstance(penalties, list | tuple) or not penalties:
        raise ValueError(f"penalties={in_words(penalties)}: give a list of numbers")
    penalties = sorted((as_positive(one, "penalties") for one in penalties), reverse=True)
    labels, test_labels, known = paired_labels(train, test)
    firsts, group = _grouped(groups, len(labels))
    counts = np.bincount(labels[firsts], minlength=len(known))
    if counts.min() < 2:
        fewest = counts.argmin()
        copied = ", and copies of it" if (labels == fewest).sum() > 1 else ""
        raise ValueError(
            f"{class_of(train, known[fewest])} has a single image in {train.name}{copied}: "
            "holding some of each class out takes two"
        )
    folds = _stratified_folds(labels[firsts], seed)[group]

    def features(images: np.ndarray, view: int | None = None) -> torch.Tensor:
        policy = None if view is None else augmentation
        found = extract_features(encoder, images, augmentation=policy, seed=view or 0, cache=cache)
        return torch.tensor(found, device=encoder_device(encoder))

    plain = features(train.images)
    if augmentation is None:
        x, repeats = plain, 1
    else:
        seeds = (np.random.default_rng(seed).integers(2**62, size=views) & LAST_SEED).tolist()
        x = torch.stack([features(train.images, view) for view in seeds], 1).flatten(0, 1)
        repeats = views
    mean, std = x.mean(0), x.std(0)
    # a feature that does not vary tells nothing
    std[std <= 1e-6 * (std.max() + mean.abs())] = torch.inf
    x, plain, x_test = ((part - mean) / std for part in (x, plain, features(test.images)))
    y, y_test = (torch.from_numpy(part).to(x.device) for part in (labels, test_labels))
    fold = torch.from_numpy(folds).to(x.device)
    paths, held_out = [], []
    for number in range(_FOLDS):
        kept = (fold != number).repeat_interleave(repeats)
        paths.append(
            softmax_regression_path(
                x[kept], y.repeat_interleave(repeats)[kept], penalties, len(known)
            )
        )
        held_out.append((plain[fold == number], y[fold == number]))
    best, held_out_accuracy, at, worse, tried = None, -1.0, 0, 0, list[tuple[float, float]]()
    for i, fits in enumerate(zip(*paths, strict=True)):
        right = sum(
            fit.accuracy(*held) * len(held[1])
            for fit, held in zip(fits, held_out, strict=True)
            if len(held[1])
        )
        accuracy = right / len(labels)
        tried.append((penalties[i], accuracy))
        if accuracy > held_out_accuracy:
            best, held_out_accuracy, at = fits[0], accuracy, i
        worse = worse + 1 if accuracy < held_out_accuracy else 0
        if worse == 2:
            break
    model = fit_softmax_regression(
        x, y.repeat_interleave(repeats), penalties[at], len(known), start=best
    )
    whole = ", copies held out together" if len(firsts) < len(labels) else ""
    seen = f"{views} augmented views ({augmentation}) of each of " if augmentation else ""
    found = model.log_probabilities(x_test).argmax(1)
    right = found == y_test
    return ProbeResult(
        _share(right),
        f"offline linear probe: multinomial logistic regression on frozen, standardised features "
        f"of {seen}all {len(train)} labelled images of {train.name}; ridge penalty chosen among "
        f"{len(penalties)} from {penalties[0]:g} to {penalties[-1]:g} (until two in a row are "
        f"worse) by five-fold cross-validation on these images{whole}, then refitted on all; "
        f"{test.name} looked at once, unaugmented",
        len(train),
        len(test),
        {
            "penalty": model.penalty,
            "penalty_at_edge": float(at in (0, len(penalties) - 1)),
            "held_out_accuracy": held_out_accuracy,
            "converged": float(model.converged),
        },
        tuple(tried),
        right.cpu().numpy(),
        known[found.cpu().numpy()],
    )


def held_out_accuracy(
    encoder: nn.Module, train: ImageSet, *, cache: str | Path | None = None
) -> float:
    """How many labels of `train` a linear probe tells that it has not seen, to choose features by.

    A share in [0, 1], of the cross-validation that chooses the penalty of `linear_probe`, which
    says what is refused: no test image is looked at.
    """
    some = train.subset(np.arange(min(len(train) - 1, 64)))  # the probe wants images to tell, too
    return linear_probe(encoder, train, some, cache=cache).details["held_out_accuracy"]


def knn_probe(
    encoder: nn.Module,
    train: ImageSet,
    test: ImageSet,
    k: int = 10,
    temperature: float | None = None,
    *,
    cache: str | Path | None = None,
) -> ProbeResult:
    """Vote of the `k` training images nearest in cosine similarity s; nothing is fitted.

    Every neighbour has one vote, a tie going to the lower label; with `temperature` T it has
    exp(s / T) votes (Wu et al. 2018, who take k = 200 and T = 0.1). Features are used as they are,
    neither centred nor standardised, as is customary. A `k` beyond the training images is cut to
    them all, and the protocol says so. `cache` goes to `extract_features`. Raises ValueError as
    `linear_probe` does, for a `k` that is no whole number from 1 on and a temperature <= 0.
    """
    as_module(encoder, "encoder")
    labels, test_labels, known = paired_labels(train, test)
    asked, k = as_count(k, "k", 1), min(k, len(train))
    temperature = None if temperature is None else as_positive(temperature, "temperature")
    device = encoder_device(encoder)
    x, x_test = (
        F.normalize(torch.tensor(extract_features(encoder, part.images, cache=cache))).to(device)
        for part in (train, test)
    )
    y = torch.from_numpy(labels).to(device)
    votes = []
    for queries in x_test.split(max(1, _SIMILARITIES // len(x))):
        similarity, nearest = (queries @ x.T).topk(k)
        # relative to the nearest: a small temperature must neither overflow nor lose all votes
        weight = (
            torch.ones_like(similarity)
            if temperature is None
            else ((similarity - similarity[:, :1]) / temperature).exp()
        )
        votes.append(torch.zeros(len(queries), len(known), device=device))
        votes[-1].scatter_add_(1, y[nearest], weight)
    cut = "" if k == asked else f" (k = {asked} was cut to the {k} training images)"
    vote = "one vote each" if temperature is None else f"exp(cosine / {temperature:g}) votes each"
    found = torch.cat(votes).argmax(1)
    right = found == torch.from_numpy(test_labels).to(device)
    return ProbeResult(
        _share(right),
        f"offline {k}-nearest-neighbour probe{cut}: {vote}, cosine similarity of frozen features "
        f"(neither centred nor standardised) to all {len(train)} labelled images of {train.name}",
        len(train),
        len(test),
        right=right.cpu().numpy(),
        predicted=known[found.cpu().numpy()],
    )


def online_probe(
    encoder: nn.Module, classifier: nn.Linear, test: ImageSet, trained_on: str
) -> ProbeResult:
    """Test accuracy of a `classifier` that learnt beside the encoder while that was pre-trained.

    It saw only the real labelled images that came by in the mixture (`trained_on` says which), on
    features that were still moving, so its accuracy falls with the share beta of real images
    whatever the encoder is worth: an extra to set beside the official code's numbers, never to
    compare arms with. The labels of `test` are numbered as those it learnt (`numbered_as` brings
    another set's to them). Raises ValueError for unlabelled images or labels the classifier lacks.
    """
    labels = labels_of(test)
    if labels.max() >= classifier.out_features:
        raise ValueError(
            f"{test.name} has label {labels.max()}, the classifier's go to "
            f"{classifier.out_features - 1}"
        )
    features = torch.tensor(extract_features(encoder, test.images))
    if features.shape[1] != classifier.in_features:
        raise ValueError(
            f"the encoder gives {features.shape[1]} features, the classifier takes "
            f"{classifier.in_features}"
        )
    with torch.inference_mode():
        scores = classifier(features.to(classifier.weight)).cpu()
    found = scores.argmax(1)
    right = found == torch.from_numpy(labels)
    return ProbeResult(
        _share(right),
        "ONLINE probe (not comparable between arms): linear classifier trained during "
        f"pre-training on {trained_on}, whose share of the batches beta decides; {test.name} "
        "unaugmented",
        None,
        len(test),
        right=right.numpy(),
        predicted=found.numpy(),
    )


def _grouped(groups: IntArray | None, count: int) -> tuple[IntArray, IntArray]:
    """The first image of each group, in ascending order, and each image's place among these."""
    if groups is None:
        return np.arange(count), np.arange(count)
    named = as_labels(groups, count, "groups")
    _, first, group = np.unique(named, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[group]


def _stratified_folds(labels: np.ndarray, seed: int) -> np.ndarray:
    """The fold 0..4 of each row: every class spread over them as evenly as it goes."""
    rng = np.random.default_rng(seed)
    by_class = np.lexsort((rng.random(len(labels)), labels))
    folds = np.empty(len(labels), np.int64)
    # dealt out in turn, class after class
    folds[by_class] = np.arange(len(labels)) % _FOLDS
    return folds


def _share(right: torch.Tensor) -> float:
    return float(right.double().mean())
