"""The ledger's answers as text: what the README and the book's first page say, in plain words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from adainf_core.evidence.judging.verdicts import Outcome
from adainf_core.evidence.ledger import LedgerEntry, settled
from adainf_core.findings.ledgers import ledger_table

#: What is asked, the chapter that tells more, and the claims that answer: the first decides, the
#: others are the same question elsewhere.
QUESTIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Do a poor generator's images hurt, when they weigh the same as real ones?": (
        "failure-mode",
        {
            "": "harm",
            "with MoCo v2": "harm_moco",
            "with BYOL": "harm_byol",
            "with Barlow Twins": "harm_barlow",
            "on Tiny ImageNet": "harm_tinyimagenet32",
            "on CIFAR-100": "harm_cifar100",
        },
    ),
    "Does that harm fade with longer training?": ("strength", {"": "harm_fades"}),
    "Does AdaInf cure it, so that it beats training without generated images?": (
        "methods",
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
    "Do its generated images earn their place, against its gentler augmentation alone?": (
        "failure-mode",
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
    "Does gentler augmentation gain more with generated images, as the paper argues?": (
        "ablation",
        {
            "": "complementary",
            "with a perfect generator": "complementary_perfect",
            "of crops": "crop_shift",
            "of crops, with a perfect generator": "crop_shift_perfect",
            "of jitter": "jitter_shift",
            "of jitter, with a perfect generator": "jitter_shift_perfect",
            "with a perfect generator, after sixteen times the steps": "long_shift",
        },
    ),
    "Does gentler augmentation alone still gain after sixteen times the steps?": (
        "strength",
        {"": "long_weak"},
    ),
    "Would red and blue exchanged, as the released packing script does it, cost accuracy?": (
        "traps",
        {"": "swap_perfect", "in a poor generator's images": "swap_mixture"},
    ),
    "Does a probe that is trained along with the encoder overstate the harm?": (
        "traps",
        {"": "online_exaggerates"},
    ),
    "In worlds small enough for exact theory, does its error predict the trained one?": (
        "theory-and-training",
        {"": "exact", "of the bound's first term, α / λ": "ratio", "of α alone": "alpha"},
    ),
    "On photographs, does inflation raise connectivity at every strength?": (
        "cifar-graph",
        {"": "gap_vanilla", "with a perfect generator": "gap_perfect_vanilla"},
    ),
}

_BEGIN = "<!-- the ledger's answers: written by tools/write_answers.py -->"
_END = "<!-- end of the ledger's answers -->"
_PLACE = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_WORDS = {
    Outcome.HOLDS: "yes",
    Outcome.NEGLIGIBLE: "yes, by less than a point",
    Outcome.DOES_NOT_HOLD: "no",
    Outcome.NOT_DECIDED: "not decided",
    Outcome.NOT_RUN: "not run yet",
}
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
    found = {entry.claim.repeats or entry.claim.key: entry for entry in entries}
    lines = []
    for question, (chapter, keys) in QUESTIONS.items():
        first, *others = ((label, found[key]) for label, key in keys.items())
        text = f"- **[{question}]({chapters}{chapter}.md)** {_word(first[1]).capitalize()}"
        if first[1].verdict.outcome != Outcome.NOT_RUN:
            text += f": {first[1].verdict.summary}"
        elsewhere = "; ".join(f"{label}: {_word(entry)}" for label, entry in others)
        lines.append(text + "." + (f" The same {elsewhere}." if elsewhere else ""))
    counts = Counter(str(entry.verdict.outcome) for entry in entries)
    said = ", ".join(f"{counts[word]} {verb}" for word, verb in _VERBS.items() if counts[word])
    lines += ["", f"Of all {len(entries)} claims: {said}."]
    return "\n".join(lines) + "\n"


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


def _word(entry: LedgerEntry) -> str:
    verdict = entry.verdict
    word = _WORDS[Outcome(verdict.outcome)] + (", the opposite" if verdict.reversed else "")
    if 0 < entry.runs < entry.planned:
        word += f" (so far, {entry.runs} of {entry.planned} runs)"
    if entry.claim.repeats:
        word += " (on fresh seeds)"
    return word + (" (exploratory)" if entry.exploratory else "")
