"""The ledger's answers as text: what the README and the book say, in plain words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adainf_core.evidence.judging.verdicts import Outcome
from adainf_core.evidence.ledger import LedgerEntry, settled
from adainf_core.figures.typesetting import typeset
from adainf_core.findings.ledgers import ledger_table
from adainf_core.statistics.intervals import Interval


@dataclass(frozen=True)
class Question:
    """What is asked, the `chapter` that tells more, and the claims that answer, by where.

    The first claim decides, the others are the same question elsewhere. `yes`, `no` and `opposite`
    name what is found where a claim holds, does not, and where the opposite is shown: each says
    for itself whether accuracy rises or falls. `measured` names what the number is a change of,
    `sign` turns the claim's number into it.
    """

    asked: str
    chapter: str
    yes: str
    no: str
    opposite: str
    claims: Mapping[str, str]
    measured: str = "accuracy"
    sign: int = 1

    def word(self, entry: LedgerEntry) -> str:
        """What was found of one of the claims, in a few words."""
        verdict = entry.verdict
        word = {
            Outcome.HOLDS: self.yes,
            Outcome.NEGLIGIBLE: f"{self.yes}, by less than a point",
            Outcome.DOES_NOT_HOLD: self.opposite if verdict.reversed else self.no,
            Outcome.NOT_DECIDED: "not decided",
            Outcome.NOT_RUN: "not run yet",
        }[Outcome(verdict.outcome)]
        if 0 < entry.runs < entry.planned:
            word += f" (so far, {entry.runs} of {entry.planned} runs)"
        if entry.claim.repeats:
            word += " (on fresh seeds)"
        return word + (" (exploratory)" if entry.exploratory else "")

    def number(self, entry: LedgerEntry) -> str:
        """What was measured of one of the claims, in the direction of `measured`."""
        found = entry.verdict.difference
        if found is None:
            return entry.verdict.summary
        low, high = sorted((self.sign * found.low, self.sign * found.high))
        turned = Interval(self.sign * found.value, low, high, found.n)
        return f"{self.measured} changes by {turned:+.2f} points, n = {found.n}"


_GAIN = ("a gain", "no gain of a point", "a loss")

QUESTIONS = (
    Question(
        "What do a poor generator's images do to accuracy, when they weigh the same as real ones?",
        "failure-mode",
        *("a loss", "no loss of a point", "a gain"),
        {
            "": "harm",
            "with MoCo v2": "harm_moco",
            "with BYOL": "harm_byol",
            "with Barlow Twins": "harm_barlow",
            "on Tiny ImageNet": "harm_tinyimagenet32",
            "on CIFAR-100": "harm_cifar100",
        },
        sign=-1,
    ),
    Question(
        "What does four times longer training do to that loss?",
        "strength",
        *("it shrinks", "it does not shrink by a point", "it grows"),
        {"": "harm_fades"},
        measured="the loss",
        sign=-1,
    ),
    Question(
        "What does AdaInf bring, against training without generated images?",
        "methods",
        *_GAIN,
        {
            "": "cure",
            "against equal weights": "rescue",
            "with MoCo v2": "cure_moco",
            "with BYOL": "cure_byol",
            "with Barlow Twins": "cure_barlow",
            "on Tiny ImageNet": "cure_tinyimagenet32",
            "on CIFAR-100": "cure_cifar100",
            "with a quarter of the real images": "scarce_cure",
        },
    ),
    Question(
        "What do AdaInf's generated images bring, against its gentler augmentation alone?",
        "failure-mode",
        *_GAIN,
        {
            "": "beyond_weak",
            "with MoCo v2": "beyond_weak_moco",
            "with BYOL": "beyond_weak_byol",
            "with Barlow Twins": "beyond_weak_barlow",
            "on Tiny ImageNet": "beyond_weak_tinyimagenet32",
            "on CIFAR-100": "beyond_weak_cifar100",
            "with a quarter of the real images": "scarce_beyond_weak",
            "after four times the steps": "long_beyond_weak",
            "with a diffusion model": "diffusion_weak_pays",
            "with a perfect generator": "perfect_beyond_weak",
            "with a perfect one, after sixteen times the steps": "long_perfect",
        },
    ),
    Question(
        "Does gentler augmentation gain more with generated images than without, as the paper "
        "argues?",
        "ablation",
        *("it gains more", "it does not gain a point more", "it gains less"),
        {
            "": "complementary",
            "with a perfect generator": "complementary_perfect",
            "of crops": "crop_shift",
            "of crops, with a perfect generator": "crop_shift_perfect",
            "of jitter": "jitter_shift",
            "of jitter, with a perfect generator": "jitter_shift_perfect",
            "with a perfect generator, after sixteen times the steps": "long_shift",
        },
        measured="its gain",
    ),
    Question(
        "What does gentler augmentation alone bring after sixteen times the steps?",
        "strength",
        *_GAIN,
        {"": "long_weak"},
    ),
    Question(
        "What do red and blue exchanged, as the released packing script does it, do to accuracy?",
        "traps",
        *("a loss", "no loss of a point", "a gain"),
        {"": "swap_perfect", "in a poor generator's images": "swap_mixture"},
        sign=-1,
    ),
    Question(
        "How large does a probe that is trained along with the encoder make the loss appear?",
        "traps",
        *("too large", "not too large by a point", "too small"),
        {"": "online_exaggerates"},
        measured="the loss",
    ),
    Question(
        "In worlds small enough for exact theory, does its error rank the trained one?",
        "theory-and-training",
        *("it does", "it does not", "in the opposite order"),
        {"": "exact", "of the bound's first term, α / λ": "ratio", "of α alone": "alpha"},
    ),
    Question(
        "On photographs, does inflation raise connectivity at every strength?",
        "cifar-graph",
        *("it does", "it does not", "it lowers it"),
        {"": "gap_vanilla", "with a perfect generator": "gap_perfect_vanilla"},
    ),
)

_BEGIN = "<!-- the ledger's answers: written by tools/write_answers.py -->"
_END = "<!-- end of the ledger's answers -->"
_PLACE = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_VERBS = {
    Outcome.HOLDS: "hold",
    Outcome.NEGLIGIBLE: "hold, but negligibly",
    Outcome.DOES_NOT_HOLD: "do not hold",
    Outcome.NOT_DECIDED: "are not decided",
    Outcome.NOT_RUN: "are not run yet",
}


def answers(entries: Sequence[LedgerEntry], chapters: str = "") -> str:
    """`QUESTIONS` answered from the ledger, in Markdown: a word, then the number behind it.

    `chapters` is the folder of the pages that it links to, with a slash at its end.
    """
    entries = settled(entries)
    found = by_key(entries)
    lines = []
    for question in QUESTIONS:
        first, *others = ((where, found[key]) for where, key in question.claims.items())
        text = f"- **[{question.asked}]({chapters}{question.chapter}.md)** "
        word = question.word(first[1])
        text += word[0].upper() + word[1:]
        if first[1].verdict.outcome != Outcome.NOT_RUN:
            text += f": {question.number(first[1])}"
        elsewhere = "; ".join(f"{where}: {question.word(entry)}" for where, entry in others)
        lines.append(text + "." + (f" The same {elsewhere}." if elsewhere else ""))
    counts = Counter(str(entry.verdict.outcome) for entry in entries)
    said = ", ".join(f"{counts[word]} {verb}" for word, verb in _VERBS.items() if counts[word])
    lines += ["", f"Of all {len(entries)} claims: {said}."]
    return typeset("\n".join(lines)) + "\n"


def by_key(entries: Sequence[LedgerEntry]) -> dict[str, LedgerEntry]:
    """Settled entries by the key of the claim that was asked first."""
    return {entry.claim.repeats or entry.claim.key: entry for entry in entries}


def ledger_text(entries: Sequence[LedgerEntry]) -> str:
    """The whole ledger in Markdown, those claims last that are exploratory."""
    parts = {
        "# The ledger of claims": [entry for entry in entries if not entry.exploratory],
        "## Exploratory, because not registered before the runs": [
            entry for entry in entries if entry.exploratory
        ],
    }
    text, first = "", 1
    for heading, some in parts.items():
        text += f"{heading}\n\n{ledger_table(some, first)}\n\n"
        first += len(some)
    return text.rstrip() + "\n"


def with_answers(page: str, text: str) -> str:
    """`page` with `text` in the place of the answers there; ValueError where it has none."""
    if len(_PLACE.findall(page)) != 1:
        raise ValueError(f"the page needs one place for the answers: {_BEGIN} ... {_END}")
    return _PLACE.sub(lambda _: f"{_BEGIN}\n\n{text}\n{_END}", page)


def answers_of(page: str) -> str | None:
    """The answers that `page` has, their marks included; None where it has none."""
    found = _PLACE.search(page)
    return found and found[0]
