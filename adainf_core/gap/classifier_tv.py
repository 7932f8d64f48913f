"""The gap between real and generated data, as a trained classifier sees it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adainf_core.theory.tv_estimation import Method, TVEstimate, tv_lower_bound

Rows = NDArray[np.float32]


class MirrorWarning(UserWarning):
    """Real data look different from real data: something else than the generator is being seen."""


@dataclass(frozen=True)
class ClassifierTV:
    """A lower bound on D_TV(P_d, P_g), and the same procedure's answer on real against real.

    `estimate` is the result; `mirrored` should have a lower bound of 0 and has, where nothing but
    chance is at work, at probability ≥ its confidence. `classifier` names what gave the scores of
    `estimate`. Printed, it says all of this in a sentence or two.
    """

    estimate: TVEstimate
    mirrored: TVEstimate
    classifier: str

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
            f"D_TV >= {found.lower:.3f} at confidence {found.confidence:g} ({found.method}, "
            f"{self.classifier}, {found.n_real} + {found.n_generated} held-out rows)"
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
    method: Method = "adaptive",
    seed: int = 0,
    classifier: Any = None,
    real_again: ArrayLike | None = None,
) -> ClassifierTV:
    """Lower bound on D_TV(P_d, P_g) from rows of both sides, with a mirrored run as a check.

    real (n_r, d), generated (n_g, d): features or flattened images, any real dtype, independent
    draws; at least 8 real and 4 generated rows. Each side is split in two at random (`seed`); a
    classifier learns to tell the first halves apart, and `tv_lower_bound` compares its scores on
    the other halves by `method`. A weak classifier makes the bound smaller, never wrong.

    classifier: an unfitted estimator in scikit-learn's manner with `fit` and `predict_proba`; it is
    cloned. The default fits extremely randomised trees and a logistic regression on the training
    halves and keeps the one that orders them better (area under the curve, out of bag for the
    trees and by cross-validation for the regression).

    The mirrored run repeats all of it between the first and the second half of `real`, in the order
    given, or, better, between `real` and `real_again`, a second set (n, d) of real rows, cut to the
    size of the smaller side. Its lower bound should be 0; where it is not, a `MirrorWarning` says
    so and names likely causes. It sees what depends on the order of the rows (classes in
    sequence, frames of one film, neighbouring copies) and, with `real_again`, differences of
    preparation between two sources. It cannot see copies scattered evenly over `real`, nor a
    difference of preparation between `real` and `generated` (PNG against JPEG, colour
    order, resizing), which counts as a difference of laws; and on half the rows it sees less.

    ValueError on rows that are not finite or do not fit together, before anything is trained.
    """
    sides = [_rows(real, "real", 8), _rows(generated, "generated", 4)]
    if real_again is not None:
        sides.append(_rows(real_again, "real_again", 4))
    for rows, name in zip(sides[1:], ("generated", "real_again"), strict=False):
        if rows.shape[1] != sides[0].shape[1]:
            raise ValueError(
                f"{name} has {rows.shape[1]} columns and real {sides[0].shape[1]}: "
                "describe both sides by the same features"
            )
    if classifier is not None and not all(
        hasattr(classifier, name) for name in ("fit", "predict_proba")
    ):
        raise ValueError(f"classifier = {classifier!r} needs the methods fit and predict_proba")
    tv_lower_bound([0.0], [0.0], confidence, method=method)  # a wrong option fails before training

    first, second = (sides[0], sides[2]) if real_again is not None else np.array_split(sides[0], 2)
    size = min(len(first), len(second), len(sides[1]))
    rng = np.random.default_rng(seed)
    estimates = []
    for pair in ((sides[0], sides[1]), (first[:size], second[:size])):
        first_scores, second_scores, name = _held_out_scores(*pair, classifier, rng)
        estimate = tv_lower_bound(first_scores, second_scores, confidence, method=method)
        estimates.append((estimate, name))
    (estimate, name), (mirrored, _) = estimates
    if mirrored.lower > 0:
        warnings.warn(_alarm(mirrored), MirrorWarning, stacklevel=2)
    return ClassifierTV(estimate, mirrored, name)


def _alarm(mirrored: TVEstimate) -> str:
    return (
        f"WARNING: real against real is at distance >= {mirrored.lower:.3f} too, where 0 is right. "
        f"By chance that happens at a probability of at most {1 - mirrored.confidence:.2g}; "
        "likely causes: rows in a telling order (shuffle them), near-copies or frames of one film "
        "that reach both halves (drop or group them), or two sources prepared differently "
        "(PNG and JPEG, colour order, resizing). Do not trust the bound before this is settled."
    )


def _held_out_scores(
    real: Rows, generated: Rows, classifier: Any, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Scores of the held-out half of either side, by a classifier that saw the other halves."""
    halves = [np.array_split(rows[rng.permutation(len(rows))], 2) for rows in (real, generated)]
    rows = np.concatenate([training for training, _ in halves])
    origin = np.repeat([0, 1], [len(training) for training, _ in halves])
    seed = int(rng.integers(2**31))
    if classifier is None:
        fitted = _default_classifier(rows, origin, seed)
    else:
        from sklearn.base import clone

        fitted = clone(classifier).fit(rows, origin)
    first, second = (fitted.predict_proba(held_out)[:, 1] for _, held_out in halves)
    last = fitted[-1] if hasattr(fitted, "steps") else fitted  # of a pipeline
    return first, second, type(last).__name__


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


def _rows(values: ArrayLike, name: str, least: int) -> Rows:
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: give one row per image, images.reshape(n, -1)"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}: give real numbers")
    if len(array) < least:
        raise ValueError(f"{name} has {len(array)} rows: at least {least} are needed")
    rows = array.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{name}[{bad[0]}] is not finite in single precision: drop or rescale the row"
        )
    return rows
