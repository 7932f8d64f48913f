"""Choosing: what taking the arm that a score puts first loses, and whether a score ranks arms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from adainf_core.statistics.intervals import Interval, t_interval
from adainf_core.validation import FloatArray, as_confidence, as_count, as_real


def taken_by(score: ArrayLike, accuracy: ArrayLike) -> FloatArray:
    """The accuracy of the arm with the greatest score, seed by seed: (seeds,).

    Both are (arms, seeds), the more the better; of a tie the first arm is taken.
    """
    scores, found = _tables(score, accuracy)
    return np.take_along_axis(found, scores.argmax(0)[None], 0)[0]


def points_lost(
    menus: Sequence[ArrayLike], taken: Sequence[ArrayLike], confidence: float = 0.95
) -> Interval:
    """The regret of a way of choosing: accuracy of a menu's best arm less that of what it takes.

    `menus` are accuracies (arms, seeds), of which the best arm is that of the highest mean over
    seeds, and `taken` what was taken of each, (seeds,), all on the same seeds. The value is the
    mean over menus and seeds; menus may share arms, so that a seed is one observation of the
    Student t interval. As the best arm is found on these seeds, too, the loss errs on the high
    side. ValueError for no menu, fewer than two seeds, or menus of other seeds.
    """
    if not menus or len(menus) != len(taken):
        raise ValueError(f"{len(menus)} menus and {len(taken)} choices: give one for each, or more")
    lost = []
    for menu, chosen in zip(menus, taken, strict=True):
        accuracy, got = as_real(menu, "menus"), as_real(chosen, "taken")
        if accuracy.ndim != 2 or not len(accuracy) or got.shape != accuracy.shape[1:]:
            raise ValueError(
                f"a menu has shape {accuracy.shape} and what was taken {got.shape}: need (arms, "
                "seeds) and (seeds,)"
            )
        lost.append(accuracy[accuracy.mean(1).argmax()] - got)
    if len({len(each) for each in lost}) > 1:
        raise ValueError("menus have different numbers of seeds: keep those that all share")
    return t_interval(np.mean(lost, axis=0), confidence)


def grouped_rank_correlation(
    score: ArrayLike,
    accuracy: ArrayLike,
    groups: Sequence[Sequence[int]],
    confidence: float = 0.95,
    draws: int = 2000,
) -> Interval:
    """Spearman's correlation of a score with accuracy over arms, the mean over groups of arms.

    Both are (arms, seeds), and are averaged over seeds; a group lists places of arms, two or more.
    The interval is the percentile interval of `draws` bootstrap samples of seeds: it is about these
    arms; with few seeds it is rather narrow, and lies towards 0. Ties take their mean rank, and a
    group in which one side does not vary counts as 0. Deterministic. ValueError for shapes that
    differ.
    """
    scores, found = _tables(score, accuracy)
    confidence, draws = as_confidence(confidence), as_count(draws, "draws", 1)
    if not groups or min(map(len, groups)) < 2:
        raise ValueError("groups are to be one or more, of two arms or more each")
    seeds = scores.shape[1]
    drawn = np.random.default_rng(0).integers(seeds, size=(draws, seeds))
    # the first row is all seeds as they are: the value itself
    weights = np.stack([np.ones(seeds), *(np.bincount(d, minlength=seeds) for d in drawn)]) / seeds
    sides = [table @ weights.T for table in (scores, found)]  # (arms, 1 + draws)
    each = [_spearman(*(side[list(group)].T for side in sides)) for group in groups]
    value, *sampled = np.mean(each, axis=0)
    low, high = np.quantile(sampled, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(value), float(low), float(high), seeds, confidence=confidence)


def _spearman(first: FloatArray, second: FloatArray) -> FloatArray:
    """Spearman's correlation of each of the rows (rows, n)."""
    from scipy.stats import rankdata

    ranks = [rankdata(side.round(9), axis=1) for side in (first, second)]
    a, b = (side - side.mean(1, keepdims=True) for side in ranks)
    spread = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.divide((a * b).sum(1), spread, out=np.zeros(len(a)), where=spread > 0)


def _tables(score: ArrayLike, accuracy: ArrayLike) -> tuple[FloatArray, FloatArray]:
    scores, found = as_real(score, "score"), as_real(accuracy, "accuracy")
    if scores.ndim != 2 or not scores.size or scores.shape != found.shape:
        raise ValueError(
            f"score has shape {scores.shape} and accuracy {found.shape}: need (arms, seeds) of both"
        )
    if not (np.isfinite(scores).all() and np.isfinite(found).all()):
        raise ValueError("score and accuracy have to be finite: leave out what was not measured")
    return scores, found
