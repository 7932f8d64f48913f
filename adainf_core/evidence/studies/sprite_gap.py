"""The gap of sprites, whose total variation is known: which measure ranks generators by it.

**What is judged** (`CLAIMS`): whether a measure ranks generators by their total variation from the
real distribution: over all flawed generators of all flaws, each with one value of the measure
(signed so that more is worse), Spearman's correlation with the exact total variation is to be above
`RIGHT` (`claims.Ranking`).

The generators are those chosen here, five strengths of four flaws: the interval speaks of flaws
like these. Within each flaw the pairs out of order are counted beside it. That a lower bound on
total variation is never above the truth is checked run by run.
"""

from __future__ import annotations

from itertools import combinations

from adainf_core.data.sprites import FLAWS
from adainf_core.evidence.judging.claims import Ranking
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.studies.gap_experiment import MEASURES, GapExperiment
from adainf_core.generators.flawed_sprites import FlawedSprites

NAME = "sprite-gap"
#: Rank correlation above which a measure is said to rank generators.
RIGHT = 0.8
#: Measures that are judged: those that claim to say how far apart two distributions are.
JUDGED = tuple(name for name in MEASURES if name != "near")
#: Measures of which less is worse.
MORE_IS_BETTER = ("precision", "recall", "density", "coverage")
_PERFECT = FlawedSprites("chimera", 0.0)

ARMS = {
    "perfect": Arm("sprites again", {"generator": _PERFECT}),
    **{
        f"{flaw}_{round(100 * tau):02d}": Arm(
            f"{flaw.replace('_', ' ')}, τ = {tau:g}", {"generator": FlawedSprites(flaw, tau)}
        )
        for tau in (0.05, 0.1, 0.2, 0.3, 0.5)
        for flaw in FLAWS
    },
}


def true_tv(arm: str) -> float:
    """The exact total variation of an arm's generator from the real distribution."""
    generator: FlawedSprites = ARMS[arm].changes["generator"]
    return generator.tau


def _judged_number(measure: str) -> str:
    # of a total variation the bound, which is what is known of it
    return f"{measure}_low" if measure.startswith("tv_") else measure


_FLAWED = tuple(arm for arm in ARMS if arm != "perfect")

#: That a measure ranks the flawed generators by their total variation; keys are those of `JUDGED`.
CLAIMS = tuple(
    Ranking(
        measure,
        f"{MEASURES[measure][0].upper()}{MEASURES[measure][1:]} ranks flawed sprites by total "
        "variation",
        NAME,
        measure=_judged_number(measure),
        truth=tuple(true_tv(arm) for arm in _FLAWED),
        ranked=_FLAWED,
        sign=-1 if measure in MORE_IS_BETTER else 1,
        threshold=RIGHT,
        asked_by="control",
        short=MEASURES[measure],
    )
    for measure in JUDGED
)


def out_of_order(claim: Ranking, records: list[Record]) -> dict[str, int]:
    """For each flaw, the pairs of its strengths that a measure has the wrong way round or equal."""
    found = {r.arm: claim.sign * r.metrics[claim.measure] for r in records if r.seed == 0}
    by_truth = sorted(claim.ranked, key=true_tv)
    return {
        flaw: sum(
            found[first] >= found[second]
            for first, second in combinations(by_truth, 2)
            if first.startswith(flaw) and second.startswith(flaw)
        )
        for flaw in FLAWS
    }


STUDY = Study(
    NAME,
    "Which measure ranks generators by their total variation?",
    ARMS,
    {"laptop": Layout(GapExperiment(_PERFECT), seeds=(1, 1))},
    CLAIMS,
)
