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
class Published:
    """What the paper says of a claim: where, and the difference in points (None: no number)."""

    source: str
    difference: float | None = None


@dataclass(frozen=True)
class Claim:
    """`better` beats `worse` in linear accuracy.

    `published` lists all that the paper is known to say of it; it is empty for a control that its
    tables, as far as they are known, do not have.
    """

    key: str
    statement: str
    better: str
    worse: str
    published: tuple[Published, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a claim, and the paired interval it read (points, corrected).

    `agreeing` counts the seeds whose own difference has the claimed sign; the rule does not use it.
    """

    claim: Claim
    word: str
    difference: Interval
    agreeing: int


# Published accuracies: CIFAR-10, SimCLR, ResNet-18, 1M generated images, 100k steps. Table 1 is the
# official README's, Figure 1(b) is quoted by two independent notes on the paper.
_TABLE_1 = {"none": 91.56, "vanilla": 91.38, "adainf": 93.42}
_FIGURE_1B = {"none": 91.33, "vanilla": 90.27}


def _published(better: str, worse: str) -> tuple[Published, ...]:
    """The difference between two arms wherever the paper gives both."""
    tables = {"Table 1, STF": _TABLE_1, "Figure 1(b), DDPM": _FIGURE_1B}
    return tuple(
        Published(source, round(table[better] - table[worse], 2))
        for source, table in tables.items()
        if better in table and worse in table
    )


FAILURE_MODE_CLAIMS = (
    Claim(
        "harm",
        "No inflation beats vanilla inflation",
        "none",
        "vanilla",
        _published("none", "vanilla"),
    ),
    Claim(
        "cure",
        "Adaptive inflation beats no inflation",
        "adainf",
        "none",
        _published("adainf", "none"),
    ),
    Claim(
        "rescue",
        "Adaptive inflation beats vanilla inflation",
        "adainf",
        "vanilla",
        _published("adainf", "vanilla"),
    ),
    Claim(
        "weak_harms",
        "Without inflation, strong augmentation beats weak",
        "none",
        "weak",
        (Published("Figure 3(a), crop only"),),
    ),
    Claim(
        "beyond_weak",
        "Adaptive inflation beats weak augmentation on real images alone",
        "adainf",
        "weak",
    ),
    Claim(
        "perfect_helps",
        "A perfect generator's images help under strong augmentation",
        "perfect_vanilla",
        "none",
    ),
    Claim(
        "perfect_beyond_weak",
        "With a perfect generator, adaptive inflation beats weak augmentation alone",
        "perfect_adainf",
        "weak",
    ),
)


def judge(claims: tuple[Claim, ...], records: list[Record]) -> list[Verdict]:
    """Apply the rule to each claim on one study's records at one scale.

    Raises ValueError where an arm has fewer than two seeds in common with the other.
    """
    confidence = 1 - (1 - CONFIDENCE) / len(claims)
    verdicts = []
    for claim in claims:
        better, worse = (by_seed(records, arm) for arm in (claim.better, claim.worse))
        difference = paired_difference(better, worse, confidence)
        agreeing = sum(better[seed] > worse[seed] for seed in better.keys() & worse.keys())
        verdicts.append(Verdict(claim, verdict_word(difference), difference, agreeing))
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
