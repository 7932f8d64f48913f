"""Planning: what the weights mean at given sizes, and how many seeds a difference takes.

All but the gap is in closed form. A plan is about the four arms that decide whether generated
images help (`ARMS`), and the claims of the failure mode that need no other (`QUESTIONS`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from adainf_core.data.inflation import paper_replication
from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN
from adainf_core.evidence.judging.verdicts import by_seed
from adainf_core.evidence.runs.records import RESULTS, Record
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies import failure_mode
from adainf_core.evidence.studies.paper_model import MAIN
from adainf_core.statistics.intervals import Interval, smallest_detectable, t_quantile
from adainf_core.theory.total_variation import replication_to_beta
from adainf_core.validation import IntArray, as_count, as_positive

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.gap.classifier_tv import ClassifierTV

#: The arms that decide, the controls among them.
ARMS = MAIN
#: What is asked of them, as the book asks it of CIFAR-10.
QUESTIONS = tuple(claim for claim in failure_mode.CLAIMS if set(claim.arms) <= ARMS.keys())
#: Confidence of each answer, so that all of them together have the rule's.
LEVEL = 1 - (1 - CONFIDENCE) / len(QUESTIONS)
#: Copies of a real image that a plan looks at, besides the one nearest to the paper's beta.
REPLICATIONS = (1, 2, 5, 10, 20, 50)
#: Differences, in points, that a plan says the seeds for.
DIFFERENCES = (0.5, 1.0, 2.0, 5.0)
#: Images a side that a plan's quick look at the gap takes at most.
GAP_IMAGES = 1000
#: Test images of the runs that `recorded_noise` is of, and their fewest steps.
RECORDED_IMAGES, RECORDED_STEPS = 10_000, 250
_MOST_APART = 0.5  # variance of a paired difference on one test image
_FEWEST_COMPARED = 50  # images a side below which the bound says nothing
_MOST_SEEDS = 200
_POWER = 0.8  # of which "finds" and "needed" speak
_FEWEST_SEEDS = 2
_SIMULATED = 20_000


@dataclass(frozen=True)
class Weight:
    """What counting each real image `replication` times means.

    `beta` is the share of real draws, `real_passes` and `generated_passes` how often training is
    expected to see each real and each generated image, and `copies` how many further copies of a
    real image its own batch is expected to hold: they count as negatives.
    """

    replication: float
    beta: float
    real_passes: float
    generated_passes: float
    copies: float


def weigh(
    n_real: int,
    n_generated: int,
    replication: float,
    batch_size: int,
    steps: int,
    sampling: Literal["iid", "epoch"] = "epoch",
) -> Weight:
    """The numbers of `Weight` for a mixture of these sizes, in closed form.

    With E = N n_d + n_g entries in an epoch, beta = N n_d / E. Of the other B - 1 images of a batch
    each is the same real one with probability beta / n_d in i.i.d. draws, and (N - 1) / (E - 1) in
    shuffled epochs, which hold it N times. `n_generated` may be 0. ValueError for sizes below 1,
    N below 1, N that is not whole in epochs, or a batch larger than an epoch.
    """
    n_real, steps = as_count(n_real, "n_real", 1), as_count(steps, "steps", 1)
    n_generated = as_count(n_generated, "n_generated", 0)
    if sampling not in ("iid", "epoch"):
        raise ValueError(f"sampling={sampling!r} is unknown: choose 'iid' or 'epoch'")
    if not 1 <= replication < np.inf or (sampling == "epoch" and replication % 1):
        raise ValueError(
            f"replication={replication}: need a number of copies of at least 1"
            + (", whole in epochs" if sampling == "epoch" else "")
        )
    entries = replication * n_real + n_generated
    most = int(entries) if sampling == "epoch" else None
    batch_size = as_count(batch_size, "batch_size", 2, most, ", the images of an epoch")
    beta, draws = replication_to_beta(n_real, n_generated, replication), steps * batch_size
    return Weight(
        replication,
        beta,
        draws * beta / n_real,
        draws * (1 - beta) / n_generated if n_generated else 0.0,
        expected_copies(n_real, n_generated, replication, batch_size - 1, sampling),
    )


def expected_copies(
    n_real: int,
    n_generated: int,
    replication: float,
    places: int,
    sampling: Literal["iid", "epoch"] = "iid",
    queue: bool = False,
) -> float:
    """Copies of one real image that are expected among `places` other draws of its batch.

    Each of these draws is the same image with probability beta / n_d if draws are independent, and
    with (N - 1) / (E - 1) within a shuffled epoch of E = N n_d + n_g entries, which holds it N
    times. With `queue` they are the last `places` <= E draws instead, of which `places`^2 / 2 E on
    average lie before the start of the epoch and are the image with probability N / E.
    `n_generated` may be 0.
    """
    if sampling == "iid":
        return places * (replication_to_beta(n_real, n_generated, replication) / n_real)
    entries = replication * n_real + n_generated
    before = places**2 / (2 * entries) if queue else 0.0
    within = (places - before) * (replication - 1) / (entries - 1)
    return within + before * replication / entries


def expected_pairs(
    n_real: int,
    n_generated: int,
    replication: float,
    batch_size: int,
    sampling: Literal["iid", "epoch"] = "iid",
) -> float:
    """Pairs of draws of a batch that are expected to be one real image, as in `expected_copies`.

    B (B - 1) / 2 pairs, of which a share beta has a real first member.
    """
    beta = replication_to_beta(n_real, n_generated, replication)
    others = expected_copies(n_real, n_generated, replication, batch_size - 1, sampling)
    return batch_size / 2 * beta * others


def seeds_to_decide(found: Interval, halfway: bool = False, power: float = 0.8) -> int:
    """Seeds, `found.n` among them, at which the ledger's rule decides with probability `power`.

    `found` is a claim's interval, in points; it is taken to shrink with the root of the seeds, its
    noise for normal and known. The truth lies on one of the rule's marks, zero or the margin, so
    that the other has to be left; or `halfway` between, where leaving either will do.
    """
    from scipy.stats import norm

    z = norm.ppf((1 + found.confidence) / 2)
    if halfway:
        longest = MARGIN / 2 / (1 - norm.isf(power / 2) / z)
    else:
        longest = MARGIN / (1 + norm.ppf(power) / z)
    half = (found.high - found.low) / 2
    return max(found.n, math.ceil(found.n * (half / longest) ** 2))


def detectable(error: float, confidence: float) -> float:
    """The true difference whose interval leaves zero with probability 0.8.

    `error` is the standard error of what is measured, taken as known and normal.
    """
    from scipy.stats import norm

    return float((norm.ppf((1 + confidence) / 2) + norm.ppf(_POWER)) * error)


def noise_of_run(found: Interval, weights: Iterable[float]) -> float:
    """The noise of one run that the interval of a contrast speaks of, taken as normal.

    `weights` are those of its arms, whose runs are taken to deviate alike and independently.
    """
    from scipy.stats import norm

    error = (found.high - found.low) / 2 / norm.ppf((1 + found.confidence) / 2)
    return float(error * math.sqrt(found.n / sum(weight**2 for weight in weights)))


def seeds_needed(difference: float, noise: float, confidence: float = LEVEL) -> int | None:
    """The fewest seeds whose smallest detectable difference is `difference` points or less.

    `noise` is the standard deviation over seeds of a paired difference, in points; a default
    `confidence` is that of one of `QUESTIONS`. None where 200 seeds are too few. The rule's block
    design may do with fewer where arms deviate alike. ValueError for a difference not above 0.
    """
    if not difference > 0:
        raise ValueError(f"difference={difference} has to be positive, in points")
    return _fewest(lambda seeds: smallest_detectable(noise, seeds, confidence) <= difference)


def found_difference(noise: float, seeds: int, arms: int = len(ARMS)) -> float:
    """The true difference, in points, that the rule shows in `seeds` seeds with probability 0.8.

    `noise` is as in `seeds_needed`; `arms` arms deviate alike and independently, so that the rule's
    block design has its full freedom, which is what two or three seeds live on. By simulation of
    the rule on one of `QUESTIONS`, to one part in a hundred. ValueError for fewer than two seeds
    or three arms.
    """
    freedom = as_count(seeds, "seeds", _FEWEST_SEEDS) - 1
    others = (as_count(arms, "arms", 3) - 2) * freedom
    # squares over seeds of the difference asked about, and of the block design's other ones
    rng = np.random.default_rng(0)
    own, rest = rng.chisquare(freedom, _SIMULATED), rng.chisquare(others, _SIMULATED)
    variance = np.maximum(own / freedom, (own + rest) / (freedom + others))
    half = t_quantile((1 + LEVEL) / 2, freedom + others) * np.sqrt(variance)
    leads = half - rng.standard_normal(_SIMULATED)
    return noise / math.sqrt(seeds) * float(np.quantile(leads, _POWER))


def seeds_to_find(difference: float, noise: float, arms: int = len(ARMS)) -> int | None:
    """The fewest seeds whose `found_difference` is `difference` points or less; None beyond 200.

    ValueError for a difference not above 0.
    """
    if not difference > 0:
        raise ValueError(f"difference={difference} has to be positive, in points")
    return _fewest(lambda seeds: found_difference(noise, seeds, arms) <= difference)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The fewest seeds that are `enough`, as all more are; None where 200 are too few."""
    low, high = _FEWEST_SEEDS, _MOST_SEEDS
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle + 1
    return low


def paired_noise(records: Iterable[Record], metric: str = "linear") -> float | None:
    """Pooled standard deviation over seeds of the differences that `QUESTIONS` ask about, points.

    Over the seeds that both arms of a question share; None where none has two.
    """
    runs, squares, freedom = list(records), 0.0, 0
    for claim in QUESTIONS:
        one, other = (by_seed(runs, arm, metric) for arm in claim.arms)
        found = [one[seed] - other[seed] for seed in one.keys() & other.keys()]
        if len(found) >= _FEWEST_SEEDS:
            squares += float(np.var(found)) * len(found)
            freedom += len(found) - 1
    return (squares / freedom) ** 0.5 if freedom else None


def recorded_noise(root: Path = RESULTS) -> float | None:
    """`paired_noise` of the book's own runs on CIFAR-10 at laptop scale; None without records.

    Their seeds draw the images as well, so that it may be more than that of fixed images.
    """
    return paired_noise(study_records(failure_mode.STUDY, "laptop", root))


def noise_on(test_images: int, noise: float, images: int = RECORDED_IMAGES) -> float:
    """The noise, in points, of runs that are tested on so many images, where on `images` it is so.

    Of two runs that tell a share psi of the test images apart, one right and the other wrong, the
    difference in accuracy d varies by (psi - d²) / n with the n images that they are tested on
    (McNemar 1947, Connor 1987), seed by seed anew as far as it is others that are told apart. Runs
    of accuracies p and q that err independently have p (1 - p) + q (1 - q), the two binomial
    variances; those that err on the same images less. As neither is known before a run, psi - d² is
    taken as 1/2, the most that it can be, so that no fewer differences are found than is said. What
    is left of `noise`, the part of the seeds, stays; on more than `images` it is not lowered.
    """
    n, most = as_count(test_images, "test_images", 1), as_count(images, "images", 1)
    of_images = _MOST_APART * max(0.0, 1 / n - 1 / most)
    return math.hypot(as_positive(noise, "noise"), 100 * math.sqrt(of_images))


@dataclass(frozen=True, eq=False)
class Plan:
    """What there is to know before training: see `make_plan`.

    Images are counted without their copies. `weights` has a row for each N, `replication` is
    AdaInf's; `gap` is the quick bound on the total variation, from at most `GAP_IMAGES` images a
    side. `shared` generated images are copies of real ones and left out of it; where fewer than 50
    are left on a side no distance is claimed, and `gap` is None. `noise` is the standard deviation
    of a paired difference, in points, that `seeds` rests on.
    """

    n_real: int
    n_generated: int
    batch_size: int
    steps: int
    weights: tuple[Weight, ...]
    replication: int
    shared: int
    gap: ClassifierTV | None
    noise: float

    @property
    def seeds(self) -> tuple[tuple[float, int | None], ...]:
        """The seeds that find each of `DIFFERENCES`, None where 200 are too few."""
        return tuple((points, seeds_to_find(points, self.noise)) for points in DIFFERENCES)

    def lasting(self, steps: int) -> Plan:
        """The same for runs of so many steps."""
        weights = tuple(
            weigh(self.n_real, self.n_generated, row.replication, self.batch_size, steps)
            for row in self.weights
        )
        return replace(self, steps=steps, weights=weights)


def make_plan(
    real: ImageSet,
    generated: ImageSet,
    batch_size: int,
    steps: int,
    *,
    noise: float,
    replication: int | None = None,
    gap_images: int = GAP_IMAGES,
    new: IntArray | None = None,
) -> Plan:
    """The numbers of a `Plan` for images of one size, shuffled epochs and `QUESTIONS`.

    `new` are the places of the generated images that repeat no real one, where both sets hold
    distinct images alone; by default copies are searched and left out. `replication` is by default
    the N whose beta is nearest to the paper's. ValueError for a batch larger than the real images,
    sets of two sizes, or too few images for the bound.
    """
    from adainf_core.advice.distinct import distinct, without_copies_of

    as_count(gap_images, "gap_images", _FEWEST_COMPARED)
    if new is None:
        (real, _), (generated, _) = distinct(real), distinct(generated)
        new = without_copies_of(real, generated)
    n_real, n_generated = len(real), len(generated)
    as_count(batch_size, "batch_size", 2, n_real, ", the real images")
    if real.images.shape[1:] != generated.images.shape[1:]:
        raise ValueError(
            f"real images are {real.images.shape[1:]}, generated ones "
            f"{generated.images.shape[1:]}: bring them to one size"
        )
    chosen = paper_replication(n_real, n_generated) if replication is None else replication
    copies = sorted({*REPLICATIONS, as_count(chosen, "replication", 1)})
    weights = tuple(weigh(n_real, n_generated, n, batch_size, steps) for n in copies)
    shared, gap = n_generated - len(new), quick_gap(real, generated, new, gap_images)
    return Plan(n_real, n_generated, batch_size, steps, weights, chosen, shared, gap, noise)


def quick_gap(
    real: ImageSet, generated: ImageSet, new: IntArray, gap_images: int = GAP_IMAGES
) -> ClassifierTV | None:
    """The quick bound on the total variation, of distinct images of one size.

    `new` are the places of the generated ones that repeat no real one. From at most `gap_images`
    images a side; None where fewer than 50 are left on one, and no distance is claimed.
    """
    from adainf_core.gap.drawing import drawn
    from adainf_core.gap.image_tv import image_tv

    if min(len(real), len(new)) < _FEWEST_COMPARED:
        return None
    rng = np.random.default_rng(0)
    looked = [
        drawn(side, gap_images, rng, among)[0].images
        for side, among in ((real, None), (generated, new))
    ]
    # as many of either side, as `gap_report` at this n
    return image_tv(*(side[: min(map(len, looked))] for side in looked))
