"""The gap between real and generated data, as a trained classifier sees it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from adainf_core.gap.chosen_rank import best_share, favoured_rank_bound
from adainf_core.gap.estimate import (
    GapEstimate,
    Rows,
    as_rows,
    normal_quantile,
    same_columns,
)
from adainf_core.statistics.intervals import wilson_interval
from adainf_core.theory.tv_estimation import BoundMethod, TVEstimate, tv_lower_bound
from adainf_core.validation import IntArray, as_number, as_seed, in_words


class MirrorWarning(UserWarning):
    """Real data look different from real data: something else than the generator is being seen."""


@dataclass(frozen=True)
class ClassifierTV:
    """A lower bound on D_TV(P_d, P_g), and the same procedure's answer on real against real.

    `estimate` is the result; `mirrored` should have a lower bound of 0 and has, where nothing but
    chance is at work, at probability ≥ its confidence. `classifier` names what gave the scores of
    `estimate`. Printed, it says all of this in a sentence or two.

    `accuracy` and `auc` are the classifier two-sample test's (Lopez-Paz and Oquab, 2017) on the
    same held-out rows, 0.5 where the distributions agree: the mean of either side's share of right
    answers at probability 0.5, and the area under the curve. Their intervals cover the sampling of
    the held-out rows, the fitted classifier given: Wilson's for the accuracy; the normal one with
    DeLong's variance for the area, whose end is never nearer to 0 or 1 than a side's worth of
    separate pairs can tell, since that variance vanishes where all rows are in order.
    `mirrored_accuracy` and `mirrored_auc` are those of the mirrored run.
    """

    estimate: TVEstimate
    mirrored: TVEstimate
    classifier: str
    accuracy: GapEstimate
    auc: GapEstimate
    mirrored_accuracy: GapEstimate
    mirrored_auc: GapEstimate

    @property
    def lower(self) -> float:
        """The lower bound on D_TV(P_d, P_g)."""
        return self.estimate.lower

    @property
    def sound(self) -> bool:
        """Whether the mirrored run found nothing, as it should."""
        return self.mirrored.lower == 0

    def __str__(self) -> str:
        found, mirror = self.estimate, self.mirrored
        sentence = (
            f"D_TV >= {found.lower:.3f} at confidence {found.confidence:g} (a classifier's "
            f"bound, from {found.n_real} + {found.n_generated} held-out rows)"
        )
        sizes = f"{mirror.n_real} + {mirror.n_generated} held-out rows"
        if self.sound:
            return f"{sentence}; real against real ({sizes}): 0, as it should be."
        return f"{sentence}. {_alarm(mirror)}"


def classifier_tv(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    confidence: float = 0.95,
    method: BoundMethod | Literal["favoured"] = "adaptive",
    seed: int = 0,
    classifier: Any = None,
    real_again: ArrayLike | None = None,
    training_share: float = 0.5,
    groups: Sequence[IntArray] | None = None,
) -> ClassifierTV:
    """Lower bound on D_TV(P_d, P_g) from rows of both sides, with a mirrored run as a check.

    real (n_r, d), generated (n_g, d): features or flattened images, any real dtype, independent
    draws; at least 8 real and 4 generated rows. Each side is split in two at random (`seed`), into
    halves or at `training_share`; a classifier learns to tell the first parts apart, and
    `tv_lower_bound` compares its scores on the others by `method`. A weak classifier makes the
    bound smaller, never wrong. The method "favoured" stakes most of the risk on the threshold that
    does best on the training rows (`favoured_rank_bound`), seen by their scores out of bag where
    the classifier has them (`oob_decision_function_`), else by three-fold cross-validation.

    classifier: an unfitted estimator in scikit-learn's manner with `fit` and `predict_proba`; it is
    cloned. The default fits extremely randomised trees and a logistic regression on the training
    halves and keeps the one that orders them better (area under the curve, out of bag for the
    trees and by cross-validation for the regression).

    The mirrored run repeats all of it between the first and the second half of `real`, in the order
    given, or, better, between `real` and `real_again`, a second set (n, d) of real rows, cut to the
    size of the smaller side. Its lower bound should be 0; where it is not, a `MirrorWarning` says
    so and names likely causes. It sees what depends on the order of the rows (classes in sequence,
    frames of one film, neighbouring copies) and, with `real_again`, differences of preparation
    between two sources. It cannot see copies scattered evenly over `real`, nor a difference of
    preparation between `real` and `generated` (PNG against JPEG, colour order, resizing), which
    counts as a difference of distributions; and on half the rows it sees less.

    groups: for each side given (`real`, `generated`, then `real_again`) the group of copies that
    each row belongs to, as `data.copies.find_copies` numbers them over all sides. Copies that two
    sides share then fall on one side of the split: none is learnt from and compared, and a set
    against itself is at distance 0. Within a side give one row of each group.

    ValueError on rows that are not finite or do not fit together, before anything is trained.
    """
    sides = [as_rows(real, "real", 8), as_rows(generated, "generated", 4)]
    if real_again is not None:
        sides.append(as_rows(real_again, "real_again", 4))
    for rows, name in zip(sides[1:], ("generated", "real_again"), strict=False):
        same_columns(sides[0], rows, name)
    if classifier is not None and not all(
        hasattr(classifier, name) for name in ("fit", "predict_proba")
    ):
        raise ValueError(
            f"classifier = {in_words(classifier)} needs the methods fit and predict_proba"
        )
    training_share = as_number(training_share, "training_share")
    if not 0 < training_share < 1:
        raise ValueError(f"training_share = {training_share:g} must lie strictly between 0 and 1")
    # a wrong option fails before training
    as_seed(seed)
    if not isinstance(method, str) or method != "favoured":
        tv_lower_bound([0.0], [0.0], confidence, method=method)
    normal_quantile(confidence)

    members = _group_numbers(groups, sides)
    first, second = (sides[0], sides[2]) if real_again is not None else np.array_split(sides[0], 2)
    size = min(len(first), len(second), len(sides[1]))
    pairs = [(sides[0], sides[1]), (first[:size], second[:size])]
    of_pairs: list[list[IntArray] | None] = [None, None]
    if members is not None:
        again = members[2] if real_again is not None else members[0][len(first) :]
        of_pairs = [members[:2], [members[0][:size], again[:size]]]
    rng = np.random.default_rng(as_seed(seed))
    with threadpool_limits(1):  # threads would spin between many small products
        outcomes = [
            compared(*pair, of_pair, classifier, rng, training_share, method, confidence)
            for pair, of_pair in zip(pairs, of_pairs, strict=True)
        ]
    (estimate, accuracy, auc, name), (mirrored, mirrored_accuracy, mirrored_auc, _) = outcomes
    if mirrored.lower > 0:
        warnings.warn(_alarm(mirrored), MirrorWarning, stacklevel=2)
    return ClassifierTV(estimate, mirrored, name, accuracy, auc, mirrored_accuracy, mirrored_auc)


def _alarm(mirrored: TVEstimate) -> str:
    return (
        f"WARNING: real against real is at distance >= {mirrored.lower:.3f} too, where 0 is right. "
        f"By chance that happens at a probability of at most {1 - mirrored.confidence:.2g}; "
        "likely causes: rows in a telling order (shuffle them), near-copies or frames of one film "
        "that reach both halves (drop or group them), or two sources prepared differently "
        "(PNG and JPEG, colour order, resizing). Do not trust the bound before this is settled."
    )


def _group_numbers(
    groups: Sequence[IntArray] | None, sides: Sequence[Rows]
) -> list[IntArray] | None:
    """The groups as int64, one number a row of each side; ValueError where they do not fit."""
    if groups is None:
        return None
    found = [np.asarray(group) for group in groups]
    shapes, needed = [group.shape for group in found], [(len(rows),) for rows in sides]
    if shapes != needed or any(group.dtype.kind not in "iu" for group in found):
        raise ValueError(
            f"groups = arrays of shapes {shapes}: give whole numbers of shapes {needed}, a number "
            "for each row of each side"
        )
    return [group.astype(np.int64) for group in found]


def compared(
    real: Rows,
    generated: Rows,
    groups: Sequence[IntArray] | None,
    classifier: Any,
    rng: np.random.Generator,
    training_share: float,
    method: BoundMethod | Literal["favoured"],
    confidence: float,
) -> tuple[TVEstimate, GapEstimate, GapEstimate, str]:
    """Bound, accuracy, area and classifier of one comparison, all on rows not trained on.

    The arguments are those of `classifier_tv`, checked; its first comparison is this one.
    """
    if groups is None:
        parts = [_split(rows, training_share, rng) for rows in (real, generated)]
    else:
        parts = _split_by_group((real, generated), groups, training_share, rng)
    rows = np.concatenate([training for training, _ in parts])
    origin = np.repeat([0, 1], [len(training) for training, _ in parts])
    seed = int(rng.integers(2**31))
    if classifier is None:
        fitted = _default_classifier(rows, origin, seed)
    else:
        from sklearn.base import clone

        fitted = clone(classifier).fit(rows, origin)
    first, second = (fitted.predict_proba(held_out)[:, 1] for _, held_out in parts)
    if method == "favoured":
        share = best_share(_unseen_scores(fitted, rows, origin), origin)
        # ties count against a bound at one rank; broken at random they cost next to nothing
        untied = [side + 1e-9 * rng.random(len(side)) for side in (first, second)]
        estimate = favoured_rank_bound(untied[0], untied[1], share, confidence)
    else:
        estimate = tv_lower_bound(first, second, confidence, method=method)
    last = fitted[-1] if hasattr(fitted, "steps") else fitted  # of a pipeline
    accuracy, auc = _accuracy(first, second, confidence), _auc(first, second, confidence)
    return estimate, accuracy, auc, type(last).__name__


def _split(rows: Rows, share: float, rng: np.random.Generator) -> list[Rows]:
    shuffled = rows[rng.permutation(len(rows))]
    # halves of an odd number leave the larger one for training, as numpy splits
    count = int(np.clip(round(share * len(rows) + 1e-9), 2, len(rows) - 2))
    return np.split(shuffled, [count])


def _split_by_group(
    sides: Sequence[Rows], groups: Sequence[IntArray], share: float, rng: np.random.Generator
) -> list[list[Rows]]:
    """Training and held-out rows of either side, a whole group always on one side of the split."""
    names, members = np.unique(np.concatenate(groups), return_inverse=True)
    training = rng.permutation(len(names)) < share * len(names)
    chosen = np.split(training[members], [len(groups[0])])
    if min(min(side.sum(), (~side).sum()) for side in chosen) < 2:
        raise ValueError(
            f"the sides have {len(np.unique(groups[0]))} and {len(np.unique(groups[1]))} different "
            "rows, too few to learn from some and compare others: give more"
        )
    return [
        [rows[taken][rng.permutation(taken.sum())], rows[~taken]]
        for rows, taken in zip(sides, chosen, strict=True)
    ]


def _unseen_scores(fitted: Any, rows: Rows, origin: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores of the training rows by fits that did not see them."""
    from sklearn.base import clone
    from sklearn.model_selection import cross_val_predict

    if hasattr(fitted, "oob_decision_function_"):
        return fitted.oob_decision_function_[:, 1]
    folds = min(3, *np.bincount(origin))
    unseen = cross_val_predict(clone(fitted), rows, origin, cv=folds, method="predict_proba")
    return unseen[:, 1]


def _accuracy(
    first: NDArray[np.float64], second: NDArray[np.float64], confidence: float
) -> GapEstimate:
    """Mean of either side's share of right answers at probability 0.5; a tie is half right."""
    answers = [0.5 + 0.5 * np.sign(side - 0.5) for side in (1 - first, second)]
    value = sum(float(side.mean()) for side in answers) / 2
    # Wilson's interval at the number of independent answers that has the same variance
    spread = sum(float(side.var()) / len(side) for side in answers) / 4
    trials = min(len(first), len(second)) * 2
    if spread > 0:
        trials = max(1, round(value * (1 - value) / spread))
    found = wilson_interval(round(value * trials), trials, confidence)
    low, high = min(found.low, value), max(found.high, value)
    return GapEstimate(value, low, high, len(first), len(second), confidence=confidence)


def _auc(first: NDArray[np.float64], second: NDArray[np.float64], confidence: float) -> GapEstimate:
    """Area under the curve with DeLong's variance: how rows of one side place among the other's."""
    places = []
    for rows, others in ((second, np.sort(first)), (first, np.sort(second))):
        below = np.searchsorted(others, rows, "left") + np.searchsorted(others, rows, "right")
        places.append(below / (2 * len(others)))
    value = float(places[0].mean())
    variance = sum(float(place.var(ddof=1)) / len(place) for place in places)
    half = normal_quantile(confidence) * np.sqrt(variance)
    # of so many separate pairs all are in order at probability (1 - confidence) / 2 where the area
    # is `nearest`: a smaller one cannot be told from 1 (Clopper and Pearson's limit)
    nearest = ((1 - confidence) / 2) ** (1 / min(len(first), len(second)))
    low = max(0.0, min(value - half, nearest))
    high = min(1.0, max(value + half, 1 - nearest))
    return GapEstimate(
        value, float(low), float(high), len(first), len(second), confidence=float(confidence)
    )


def _default_classifier(rows: Rows, origin: NDArray[np.int64], seed: int) -> Any:
    """Trees or a logistic regression, whichever orders its own training rows better, fitted."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Strong shrinkage: raw pixels are many and correlated.
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    guesses = cross_val_predict(
        regression, rows, origin, cv=min(3, *np.bincount(origin)), method="predict_proba"
    )
    trees = ExtraTreesClassifier(
        100, min_samples_leaf=3, bootstrap=True, oob_score=True, random_state=seed
    ).fit(rows, origin)
    unseen = trees.oob_decision_function_[:, 1]
    if roc_auc_score(origin, guesses[:, 1]) > roc_auc_score(origin, unseen):
        return regression.fit(rows, origin)
    return trees
