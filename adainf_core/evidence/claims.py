"""Claims of the paper, each with the rule that decides it, fixed before the deciding runs.

**The rule.** A claim says that one arm beats another in offline linear accuracy. Let d be the mean
difference paired by seed, in the claimed direction, with a Student t interval whose confidence is
corrected for the number of claims tested on the same runs (Bonferroni, family-wise 95 %).

- *holds*: the whole interval lies above 0.
- *does not hold*: the whole interval lies below `MARGIN`, the smallest difference we care about: an
  effect of that size is excluded, whether the true one is nil or of the other sign.
- *not decided*: anything else, that is, more seeds are needed.

An interval between 0 and the margin satisfies both: the effect is there but negligible, and the
verdict is *holds, but negligible*.
"""

from __future__ import annotations

from dataclasses import dataclass

from adainf_core.evidence.records import Record
from adainf_core.evidence.statistics import Interval, paired_difference

#: Smallest difference in linear accuracy, in percentage points, that would change a reader's mind.
MARGIN = 1.0
#: Family-wise confidence over all claims decided on the same runs.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Claim:
    """`better` beats `worse` in linear accuracy; `paper` is the published difference in points.

    `source` says where the paper claims it and `paper` is None where it gives no number; both are
    None for a control that the paper lacks.
    """

    key: str
    statement: str
    better: str
    worse: str
    paper: float | None = None
    source: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a claim, and the paired interval it read (points, corrected)."""

    claim: Claim
    word: str
    difference: Interval


# Published numbers: CIFAR-10, ResNet-18, 1M generated images, 100k steps. Table 1 is the official
# README's (STF generator), Figure 1(b) a DDPM's.
FAILURE_MODE_CLAIMS = (
    Claim(
        "harm", "Vanilla inflation harms contrastive learning", "none", "vanilla",
        91.33 - 90.27, "Figure 1(b), DDPM",
    ),
    Claim(
        "cure", "Adaptive inflation beats no inflation", "adainf", "none",
        93.42 - 91.56, "Table 1, STF",
    ),
    Claim(
        "rescue", "Adaptive inflation beats vanilla inflation", "adainf", "vanilla",
        93.42 - 91.38, "Table 1, STF",
    ),
    Claim(
        "weak_harms", "Without inflation, the weaker augmentation is the worse one", "none", "weak",
        None, "abstract",
    ),
    Claim(
        "beyond_weak", "Adaptive inflation beats weak augmentation on real images alone",
        "adainf", "weak",
    ),
    Claim(
        "perfect_helps", "A perfect generator's images help under strong augmentation",
        "perfect_vanilla", "none",
    ),
    Claim(
        "perfect_beyond_weak", "With a perfect generator, adaptive inflation beats weak "
        "augmentation alone", "perfect_adainf", "weak",
    ),
)  # fmt: skip


def judge(claims: tuple[Claim, ...], records: list[Record]) -> list[Verdict]:
    """Apply the rule to each claim on one study's records at one scale.

    Raises ValueError where an arm has fewer than two seeds in common with the other.
    """
    confidence = 1 - (1 - CONFIDENCE) / len(claims)
    verdicts = []
    for claim in claims:
        better, worse = (by_seed(records, arm) for arm in (claim.better, claim.worse))
        difference = paired_difference(better, worse, confidence)
        verdicts.append(Verdict(claim, verdict_word(difference), difference))
    return verdicts


def verdict_word(difference: Interval, margin: float = MARGIN) -> str:
    """The rule's word for an interval of the difference in the claimed direction."""
    above, negligible = difference.low > 0, difference.high < margin
    if above and negligible:
        return "holds, but negligible"
    return "holds" if above else "does not hold" if negligible else "not decided"


def by_seed(records: list[Record], arm: str, metric: str = "linear") -> dict[int, float]:
    """An arm's metric by seed."""
    return {record.seed: record.metrics[metric] for record in records if record.arm == arm}
