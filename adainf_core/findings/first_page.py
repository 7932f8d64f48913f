"""The first page: four answers on cards, and the recipes that they compare."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.evidence.ledger import LedgerEntry, settled
from adainf_core.figures import RecipeRow, Shown, draw, recipe_rows
from adainf_core.figures.typesetting import typeset
from adainf_core.findings.answers import by_key
from adainf_core.findings.findings import Findings
from adainf_core.findings.forests import alt_text
from adainf_core.findings.worlds import WorldFindings
from adainf_core.learning.policies import AugmentationPolicy

# What a card says of each finding: its colour, its word, and a sentence about {size} points.
_Said = tuple[str, str, str]
_OPEN: Mapping[str, _Said] = {
    Outcome.NOT_DECIDED: ("open", "Open", "The runs leave open whether accuracy rises or falls."),
    Outcome.NOT_RUN: ("open", "Open", "The runs that decide are not in yet."),
}


@dataclass(frozen=True)
class Answer:
    """A card: question, chapter, and what is said where `claim` holds, fails or is reversed."""

    question: str
    chapter: str
    claim: str
    yes: _Said
    no: _Said
    opposite: _Said

    def said(self, verdict: Verdict) -> _Said:
        """What the card says of a verdict."""
        if verdict.outcome == Outcome.DOES_NOT_HOLD:
            return self.opposite if verdict.reversed else self.no
        return _OPEN.get(verdict.outcome, self.yes)


ANSWERS = (
    Answer(
        "A poor generator’s images, at the weight of real ones?",
        "failure-mode",
        "harm",
        ("loss", "Harm", "They cost {size} points of accuracy."),
        ("open", "No harm", "They cost less than a point of accuracy."),
        ("gain", "Help", "They add {size} points of accuracy."),
    ),
    Answer(
        "AdaInf, against no generated images?",
        "methods",
        "cure",
        ("gain", "Better", "It is {size} points more accurate."),
        ("open", "No better", "It gains less than a point of accuracy."),
        ("loss", "Worse", "It is {size} points less accurate."),
    ),
    Answer(
        "AdaInf, against its gentler views alone?",
        "ablation",
        "beyond_weak",
        ("gain", "Better", "Its generated images add {size} points."),
        ("open", "No better", "Its generated images add less than a point."),
        ("loss", "Worse", "Its generated images cost {size} points."),
    ),
)


@dataclass(frozen=True)
class Card:
    """A question with its answer: a word in a colour ("gain", "loss", "open"), why, how sure."""

    question: str
    chapter: str
    colour: str
    word: str
    sentence: str
    sure: str


@dataclass(frozen=True)
class Cards:
    """Cards side by side: HTML for pages, a list for notebooks."""

    cards: Sequence[Card]

    def _repr_html_(self) -> str:
        shown = "".join(
            f'<a class="answer {card.colour}" href="{card.chapter}.html">'
            f"<span>{html.escape(card.question)}</span><strong>{html.escape(card.word)}</strong>"
            f"<span>{html.escape(card.sentence)}</span><small>{html.escape(card.sure)}</small></a>"
            for card in self.cards
        )
        return f'<div class="answers">{shown}</div>'

    def _repr_markdown_(self) -> str:
        return "\n".join(
            f"- {card.question} **{card.word}.** {card.sentence} {card.sure}" for card in self.cards
        )

    def __repr__(self) -> str:
        return self._repr_markdown_()


def answer_cards(entries: Sequence[LedgerEntry]) -> Cards:
    """The first page's answers, their words by rule from the verdicts of the ledger."""
    found = by_key(settled(entries))
    return Cards([*(_card(answer, found[answer.claim]) for answer in ANSWERS), _theory(found)])


def _card(answer: Answer, entry: LedgerEntry) -> Card:
    verdict, found = entry.verdict, entry.verdict.difference
    colour, word, sentence = answer.said(verdict)
    size, sure = "", ""
    if found is not None:
        low, high = (found.low, found.high) if found.value > 0 else (-found.high, -found.low)
        size = f"{abs(found.value):.1f}"
        sure = typeset(f"{low:.1f} to {high:.1f} points, {found.n} seeds")
    sure += " (exploratory)" if entry.exploratory else ""
    return Card(answer.question, answer.chapter, colour, word, sentence.format(size=size), sure)


def _theory(found: Mapping[str, LedgerEntry]) -> Card:
    """Of the theory: whether its exact error ranks the trained one, and a cruder thing as well."""
    entry, worlds = found["exact"], WorldFindings()
    exact, question = entry.verdict.correlation, "Theory, against the strength of crops alone?"
    if exact is None:
        return Card(question, "theory-and-training", *_OPEN[Outcome.NOT_RUN], "")
    crops = worlds.ranked("strength")
    alone = exact.low > 0 and exact.low > crops.high
    colour, word = ("gain", "Ahead") if alone else ("open", "Not ahead")
    said = (
        f"It ranks exact worlds by trained error with correlation {exact.value:.2f}, crops alone "
        f"with {crops.value:.2f}."
    )
    sure = f"{exact.low:.2f} to {exact.high:.2f}, {exact.n} worlds"
    sure += " (exploratory)" if entry.exploratory else ""
    return Card(question, "theory-and-training", colour, word, said, sure)


def recipes_figure(found: Findings, batch: int = 6, image: int = 2) -> Shown:
    """Five recipes of "failure-mode": a batch and two views of each, and its accuracies.

    `batch` images stand for a batch, and at least one of them is real; views are of the real image
    number `image`. The control that the paper's tables lack is set in bold.
    """
    pictures = found.pictures()
    real = np.roll(pictures["real"], -image, axis=0)
    most = found.experiment("vanilla")
    added = round(most.n_generated / most.n_real)
    weight = found.experiment("adainf").replication
    names: Mapping[str, tuple[str, str | None]] = {
        "none": ("No generated images", None),
        "vanilla": (f"{added} generated for each photograph", "vanilla"),
        "adainf": (f"AdaInf: photographs × {weight:g}, gentler views", "vanilla"),
        "weak": ("Gentler views, no generated images", None),
        "perfect_adainf": ("AdaInf with a perfect generator", "perfect_vanilla"),
    }
    rows = []
    for arm, (name, source) in names.items():
        many = max(1, round(found.beta(arm) * batch))
        drawn = real[:batch] if source is None else pictures[source][: batch - many]
        shown = np.concatenate([real[:many], drawn])[:batch]
        views = _two_views(real[0], found.experiment(arm).pretrain.policy)
        rows.append(RecipeRow(arm, name, shown, many, views, found.values(arm), bold=arm == "weak"))
    unit = "accuracy of a linear probe, %"
    means = [f"{row.name} {np.mean(row.values):.1f}" for row in rows]
    alt = alt_text("Five recipes with a batch, two views and linear accuracy in %:", means)
    return draw(lambda ax: recipe_rows(ax, rows, unit), alt=alt, width=7.5, height=4.7, narrow=6.3)


def _two_views(image: np.ndarray, policy: AugmentationPolicy, seed: int = 5) -> np.ndarray:
    """Two views of an image (3, h, w) under a policy, floats in [0, 1]."""
    import torch

    from adainf_core.learning.augmentation import augment

    twice = torch.from_numpy(np.stack([image, image]))
    return augment(twice, policy, torch.Generator().manual_seed(seed)).numpy()
