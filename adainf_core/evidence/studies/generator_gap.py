"""The studies of the gap: generators of the dial under every measure, and the rule that judges.

**What is judged** (`judge_rankings`): whether a measure ranks generators by their total variation
from the real law, on sprites, where that is known exactly. The rule, fixed before the runs: over
all flawed generators of all flaws, each with one value of the measure (signed so that more is
worse), Spearman's correlation with the exact total variation has a percentile bootstrap interval
over generators at family-wise 95 % (Bonferroni over the measures judged). A measure

- *ranks rightly* where the interval lies above `RIGHT` = 0.8,
- *does not rank rightly* where it lies below,
- else it is *not decided*.

The generators are those chosen here, five strengths of four flaws: the interval speaks of flaws
like these. Within each flaw the pairs out of order are counted beside it. That a lower bound on
total variation is never above the truth is checked run by run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from adainf_core.data.sprites import FLAWS
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import entry, seed_by_seed
from adainf_core.evidence.studies.gap_experiment import MEASURES, GapExperiment, TrainedDiffusion
from adainf_core.gap.estimate import GapEstimate
from adainf_core.generators import dial
from adainf_core.generators.diffusion import Sampler
from adainf_core.generators.flawed_sprites import FlawedSprites
from adainf_core.statistics.intervals import RankCorrelation, rank_correlation

CONFIDENCE = 0.95
RIGHT = 0.8
#: Measures that are judged: those that claim to say how far apart two laws are.
JUDGED = tuple(name for name in MEASURES if name != "near")
#: Measures of which less is worse.
MORE_IS_BETTER = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class GapArm:
    """One generator, and what to call it in a table."""

    label: str
    generator: dial.Setting | TrainedDiffusion | FlawedSprites


@dataclass(frozen=True)
class GapStudy:
    """Generators under the report; `layouts` maps a scale to the images a side and the seeds."""

    name: str
    arms: dict[str, GapArm]
    layouts: dict[str, tuple[int, int]]
    code: tuple[str, ...]

    def plan(self, scale: str, seeds: int | None = None) -> list[tuple[str, int]]:
        """Runs as (arm, seed), seed by seed through all arms; `seeds` replaces their number."""
        count = entry(self.name, "scale", self.layouts, scale)[1] if seeds is None else seeds
        return seed_by_seed(dict.fromkeys(self.arms, count))

    def experiment(self, scale: str, arm: str, seed: int) -> GapExperiment:
        """The measurement of one arm; arms of one seed share their real images."""
        n, _ = entry(self.name, "scale", self.layouts, scale)
        made = entry(self.name, "arm", self.arms, arm).generator
        return GapExperiment(made, n=n, seed=seed)

    def pictures(self, scale: str, count: int = 24) -> dict[str, np.ndarray]:
        """The first `count` real images of seed 0, and of each generator."""
        shown: dict[str, np.ndarray] = {}
        for arm in self.arms:
            real, generated, _ = self.experiment(scale, arm, 0).sides(count)
            shown.setdefault("real", real.images[:count])
            shown[arm] = generated.images
        return shown


_GAP = ("theory/tv_estimation.py", *(f"gap/{module}.py" for module in (
    "chosen_rank", "classifier_tv", "estimate", "extractors", "frechet", "image_tv",
    "kernel_distance", "memorisation", "neighbour_classifier", "neighbours", "precision_recall",
    "report",
)))  # fmt: skip
_LONGEST = TrainedDiffusion(8000)

GENERATOR_GAP = GapStudy(
    name="generator-gap",
    arms={
        "held_out": GapArm("held-out photographs", dial.HeldOutSetting()),
        "held_out_blur_half": GapArm("blurred by half a pixel", dial.Blur(0.5)),
        "held_out_blur": GapArm("blurred by a pixel", dial.Blur(1.0)),
        "held_out_colour_swap": GapArm("red and blue swapped", dial.ColourSwap()),
        "held_out_mode_drop": GapArm("half of the classes", dial.ModeDrop()),
        "held_out_chimeras": GapArm("chimeras", dial.Chimeras()),
        "diluted_10": GapArm("held-out, τ = 0.1 Gaussian", dial.DilutedSetting(0.1)),
        "diluted_30": GapArm("held-out, τ = 0.3 Gaussian", dial.DilutedSetting(0.3)),
        "pca_gaussian": GapArm("Gaussian", dial.PCAGaussian()),
        "gaussian_mixture": GapArm("Gaussian mixture", dial.GaussianMixtureSetting()),
        "copula": GapArm("Gaussian copula", dial.Copula()),
        "kernel_density": GapArm("kernel density", dial.KernelDensitySetting()),
        "bootstrap_noise": GapArm("training images and noise", dial.BootstrapNoise()),
        "memorised": GapArm("training images", dial.Memorised()),
        **{
            f"diffusion_{steps}": GapArm(f"diffusion, {steps:,} steps", TrainedDiffusion(steps))
            for steps in (500, 1000, 2000, 4000, 8000)
        },
        **{
            f"diffusion_8000_s{steps}": GapArm(
                f"diffusion, {steps} sampler steps", replace(_LONGEST, sampler=Sampler(steps=steps))
            )
            for steps in (3, 5, 10)
        },
        "diffusion_8000_ddim10": GapArm(
            "diffusion, 10 steps of DDIM", replace(_LONGEST, sampler=Sampler("ddim", 10))
        ),
    },
    layouts={"laptop": (3000, 1)},
    code=(
        "evidence/gap_experiment.py", "data/images.py", "data/named_sets.py", *_GAP,
        *(f"generators/{module}.py" for module in (
            "classical", "corruptions", "dial", "diffusion", "diffusion_training", "dilution",
            "gaussian_mixture", "generator", "group_norm", "principal_axes")),
    ),
)  # fmt: skip

SPRITE_GAP = GapStudy(
    name="sprite-gap",
    arms={
        "perfect": GapArm("sprites again", FlawedSprites("chimera", 0.0)),
        **{
            f"{flaw}_{round(100 * tau):02d}": GapArm(
                f"{flaw.replace('_', ' ')}, τ = {tau:g}", FlawedSprites(flaw, tau)
            )
            for tau in (0.05, 0.1, 0.2, 0.3, 0.5)
            for flaw in FLAWS
        },
    },
    layouts={"laptop": (5000, 1)},
    code=("evidence/gap_experiment.py", "data/sprites.py", *_GAP),
)


def estimate(record: Record, measure: str) -> GapEstimate:
    """What a record holds of a measure (`MEASURES`), with its interval; KeyError for others.

    Of the two total variations the value is what the sample shows, `low` is the bound.
    """
    value, low, high = (record.metrics[measure + end] for end in ("", "_low", "_high"))
    n = record.config["n"]
    return GapEstimate(value, low, high, CONFIDENCE, n, n)


def at_least(bound: float, digits: int = 2) -> str:
    """A lower bound in `digits` decimals, rounded down, so that what is said is still proven."""
    return f"{math.floor(bound * 10**digits) / 10**digits:.{digits}f}"


def mirrored(record: Record, measure: str) -> GapEstimate | None:
    """The same of real against real; None for "near", which has no such line."""
    return None if measure == "near" else estimate(record, f"mirrored_{measure}")


def true_tv(study: GapStudy, arm: str) -> float:
    """The exact total variation of a sprite arm from the real law."""
    made = study.arms[arm].generator
    if not isinstance(made, FlawedSprites):
        raise ValueError(f"arm {arm!r} of {study.name!r}: its total variation is not known")
    return made.tau


@dataclass(frozen=True)
class Ranking:
    """How a measure orders the flawed generators: over all, within each flaw, and the verdict.

    `out_of_order` counts, for each flaw, the pairs of strengths (of `pairs`) that it has the wrong
    way round.
    """

    measure: str
    correlation: RankCorrelation
    out_of_order: dict[str, int]
    pairs: int
    verdict: str


def judge_rankings(records: list[Record]) -> list[Ranking]:
    """Each judged measure on the records of `SPRITE_GAP`, by the rule of this module."""
    found = {record.arm: record for record in records if record.seed == 0}
    flawed = [arm for arm in SPRITE_GAP.arms if arm != "perfect"]
    missing = [arm for arm in flawed if arm not in found]
    if missing:
        raise ValueError(f"{SPRITE_GAP.name!r} has no record of {missing[0]!r}: run the study")
    truth = {arm: true_tv(SPRITE_GAP, arm) for arm in flawed}
    rows = []
    for measure in JUDGED:
        sign = -1 if measure in MORE_IS_BETTER else 1
        badness = {arm: sign * found[arm].metrics[_judged_number(measure)] for arm in flawed}
        correlation = rank_correlation(
            [truth[arm] for arm in flawed],
            [[badness[arm]] for arm in flawed],
            1 - (1 - CONFIDENCE) / len(JUDGED),
        )
        inversions = {flaw: _inversions(truth, badness, flaw) for flaw in FLAWS}
        steps = len(flawed) // len(FLAWS)
        rows.append(
            Ranking(
                measure, correlation, inversions, steps * (steps - 1) // 2, _verdict(correlation)
            )
        )
    return rows


def _judged_number(measure: str) -> str:
    # of a total variation the bound, which is what is known of it
    return f"{measure}_low" if measure.startswith("tv_") else measure


def _inversions(truth: Mapping[str, float], badness: Mapping[str, float], flaw: str) -> int:
    arms = sorted((arm for arm in truth if arm.startswith(flaw)), key=truth.__getitem__)
    return sum(badness[first] >= badness[second] for first, second in combinations(arms, 2))


def _verdict(correlation: RankCorrelation) -> str:
    if correlation.low > RIGHT:
        return "ranks rightly"
    return "does not rank rightly" if correlation.high < RIGHT else "not decided"
