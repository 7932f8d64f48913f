"""What `adainf plan --without-labels` writes: a page that stands alone, and the numbers."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from adainf_core.advice.own_recipes import LABELS, SCORES
from adainf_core.cli.plan_answer import PROPOSED, Answer
from adainf_core.data.contact_sheet import contact_sheet
from adainf_core.figures.recipe_choices import gap_bars, score_dial
from adainf_core.files import atomic_file
from adainf_core.gap.classifier_tv import ClassifierTV
from adainf_core.gap.report_page import document, figure
from adainf_core.notebook import table

if TYPE_CHECKING:
    from adainf_core.advice.own_images import OwnImages
    from adainf_core.figures import Shown

_SHOWN, _COLUMNS = 40, 10  # pictures of a sheet


def write_answer(found: Answer, own: OwnImages, gap: object, page: Path, numbers: Path) -> None:
    """Write page and numbers, each whole or not at all. `gap` is told as it is where no bound."""
    plain = found.plain() | {
        "real": {"name": own.real.name, "images": len(own.real)},
        "generated": {"name": own.generated.name, "images": len(own.generated)},
        "gap": None if gap is None else str(gap),
        "runs": [
            {"arm": r.arm, "seed": r.seed, "beta": r.beta, "metrics": r.metrics,
             "seconds": r.wall_seconds, "config": r.config}
            for r in found.choice.records
        ],
    }  # fmt: skip
    with atomic_file(page) as file:
        file.write(_page(found, own, gap).encode())
    with atomic_file(numbers) as file:
        file.write((json.dumps(plain, indent=1, allow_nan=False) + "\n").encode())


def _page(found: Answer, own: OwnImages, gap: object) -> str:
    choice = found.choice
    said = "".join(
        f"<p><strong>{html.escape(word)}.</strong> {html.escape(text)}</p>"
        if word != "note"
        else f'<p class="note">{html.escape(text)}</p>'
        for word, text in found.lines
    )
    dials = "".join(
        _drawn(score_dial(choice, metric), f"{SCORES[metric][0]}, {_meant(metric)}.")
        for metric in PROPOSED
        if metric in choice.picks
    )
    if choice.by_labels is not None:
        metric = choice.by_labels.label.partition(" ")[0]
        dials += _drawn(score_dial(choice, metric), "Accuracy of the probe, by the labels given.")
    distance = "<p>No distance is claimed: too few images are left on one side.</p>"
    if isinstance(gap, ClassifierTV):
        distance = _drawn(gap_bars(gap), str(gap))
    sheets = "".join(
        figure(
            np.asarray(contact_sheet(images, _SHOWN, _COLUMNS, seed=0)),
            f"Contact sheet of {min(_SHOWN, len(images))} {side} images",
            f"{side.capitalize()} images, a random draw of {len(images):,}.",
        )
        for side, images in (("real", own.real), ("generated", own.generated))
    )
    return document(
        f"Which recipe for {own.real.name} and {own.generated.name}, without labels",
        f"{said}<h2>Scores over the share of real draws</h2>"
        '<p class="small">Dots are seeds, marks their means with 95 % t intervals; the ring is '
        f'what the score picks.</p><div class="sheets">{dials}</div>'
        f"<h2>All scores</h2>{_panel(found)}"
        f"<h2>The gap</h2>{distance}<h2>Pictures</h2>"
        f'<div class="sheets">{sheets}</div>',
    )


def _meant(metric: str) -> str:
    return f"{'more' if SCORES[metric][1] > 0 else 'less'} is meant to be better"


def _drawn(shown: Shown, caption: str) -> str:
    return f"<figure>{shown._repr_html_()}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _panel(found: Answer) -> str:
    """A row a score, a column a recipe: means over seeds with 95 % t intervals."""
    picks = dict(found.choice.picks)
    if found.choice.by_labels is not None:
        picks["labels"] = found.choice.by_labels
    arms = list(next(iter(picks.values())).values)
    rows = [
        (
            f"{pick.label} ({'+' if pick.sign > 0 else '-'})",
            *(
                f"{pick.values[arm]:.3g}{' *' if arm == pick.arm else ''}"
                if arm in pick.values
                else "none"
                for arm in arms
            ),
        )
        for pick in picks.values()
    ]
    key = "+ more is meant to be better, - less; * picked; brackets are 95 % t intervals over seeds"
    header = ("score", *(LABELS[arm] for arm in arms))
    return f'{table(header, rows)}<p class="small">{key}</p>'
