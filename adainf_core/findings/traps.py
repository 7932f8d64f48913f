"""What is said of the traps in reproducing the paper: of our runs, the code, and the tables."""

from __future__ import annotations

from adainf_core.evidence.judging.verdicts import Outcome
from adainf_core.evidence.published import HEADLINE, PUBLISHED
from adainf_core.figures import Table
from adainf_core.findings.findings import Findings
from adainf_core.findings.telling import NOT_DECIDED, holds, points, tell
from adainf_core.learning.policies import POLICIES, AugmentationPolicy
from adainf_core.learning.recipes import recipe

#: The augmentation that each method's file in scripts/pretrain/cifar of the official code starts
#: from, by its name here.
DEFAULTS = {
    "simclr": "symmetric_adainf",
    "moco": "symmetric_weak",
    "byol": "asymmetric",
    "barlow": "asymmetric",
}


def tell_of_traps(prefix: str, found: Findings) -> None:
    """Glue what study "code-traps" says: its claims, and what exchanged colours do to "perfect".

    AssertionError where these no longer make a perfect generator look harmful.
    """
    swapped, plain = (
        found.difference("none", arm) for arm in ("perfect_swapped", "perfect_vanilla")
    )
    holds(
        "the swap alone makes a perfect generator look harmful",
        swapped is not None and plain is not None and swapped.low > 0 > plain.low,
    )
    words = [verdict.outcome for verdict in found.chosen()]
    hides = found.verdicts["swap_perfect"].outcome != Outcome.HOLDS
    found.tell(prefix, {
        "claims": len(words),
        "decided": sum(word not in (NOT_DECIDED, Outcome.NOT_RUN) for word in words),
        "harm-swapped": points(swapped, unit=""),
        "harm-plain": points(plain, unit=""),
        "jitter-hides": "it may have" if hides else "with photographs it did not",
        "recorded": found.recorded,
    })  # fmt: skip


def tell_of_tables(prefix: str, steps: int, every: int) -> None:
    """Glue how the paper's tables differ from one another, and how often its probe is looked at.

    That is once `every` so many of `steps`.
    """
    one, other = PUBLISHED["Table 1, CIFAR-10", "R"], PUBLISHED["Table 3a, STF", "D"]
    byol = PUBLISHED["Table 1, BYOL", "R"]
    tell(prefix, {
        "baselines": f"{abs(one['none'] - other['none']):.2f}",
        "published-harm": f"{one['none'] - one['vanilla']:.2f}",
        "headline": f"{PUBLISHED[HEADLINE]['adainf']:.2f}",
        "headline-table": f"{one['adainf']:.2f}",
        "byol": f"{byol['adainf_byol'] - byol['vanilla_byol']:+.2f}",
        "every": every, "looks": steps // every,
    })  # fmt: skip


def defaults_table() -> Table:
    """Augmentations that the official files start from, and whose they are: a row a method."""
    rows = []
    for method, name in DEFAULTS.items():
        default, baseline = POLICIES[name], recipe("cifar10", method).pretrain.policy
        assert baseline is not None  # only a run without any augmentation has none
        whose = {
            baseline: "the baseline's",
            recipe("cifar10", method, "adainf", "store").pretrain.policy: "**AdaInf's own**",
        }
        said = f"`{name}`: {_in_words(default)}"
        rows.append((method, said, _in_words(baseline), whose.get(default, "neither")))
    head = ("method", "default of its file", "baseline in this library", "so the default is")
    return Table(head, rows)


def _in_words(policy: AugmentationPolicy) -> str:
    jitter = f"jitter {policy.brightness:g} in {policy.jitter_p:.0%}"
    return f"crops from {policy.crop_scale[0]:g}, {jitter}"
