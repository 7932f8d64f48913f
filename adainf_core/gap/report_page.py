"""The gap report as one HTML page that stands alone: no request leaves it, no script runs in it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from adainf_core.gap.estimate import GapEstimate
from adainf_core.gap.rows import GapRow, shown
from adainf_core.notebook import table

if TYPE_CHECKING:
    from adainf_core.gap.report import GapReport

_SHEET = (6, 10)  # rows and columns of a contact sheet
_PAIRS = 10

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --faint: #6b6b6b; --page: #fff; --line: #ddd;
  --generated: #b36b00; --real: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --faint: #a0a0a0; --page: #16181b;
  --line: #3a3d42; --generated: #e69f00; --real: #56b4e9; } }
body { background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2rem; }
h3 { font-size: 1rem; margin: 0; }
p.small, figcaption, dl { color: var(--faint); font-size: .875rem; }
.note { border-left: 4px solid var(--generated); padding-left: .75rem; }
.measures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.measures article { border: 1px solid var(--line); border-radius: 6px; padding: .75rem; }
.measures p { margin: .25rem 0; overflow-wrap: anywhere; }
.generated { color: var(--generated); } .real { color: var(--real); }
figure { margin: 1rem 0; } .sheets { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; }
small { white-space: nowrap; }
img { display: block; height: auto; image-rendering: pixelated; width: 100%; }
svg { display: block; height: auto; width: 100%; }
"""


def page(report: GapReport) -> str:
    """The whole page as text: measures with bars, contact sheets, nearest real neighbours."""
    title = f"{report.generated.name} against {report.real.name}"
    notes = "".join(f'<p class="note">{html.escape(note)}</p>' for note in report.notes)
    sizes = f"{len(report.real):,} real and {len(report.generated):,} generated images"
    head = (
        f"<p>{sizes}. Features: {html.escape(report.extractor)} "
        f"(trained on: {html.escape(report.saw)}). "
        f"Intervals at {100 * report.confidence:g} %. The zero line, "
        f'<span class="real">real against real</span>, is {html.escape(report.mirror)}. '
        f"Seed {report.seed}.</p>"
    )
    return document(
        title,
        f"{notes}{_said(report)}{head}{_format(report)}"
        f'<h2>Measures</h2><div class="measures">{"".join(map(_measure, report.rows))}</div>'
        f"<h2>Pictures</h2>{_pictures(report)}",
    )


def document(title: str, body: str) -> str:
    """A page that stands alone, of the HTML `body` below its title, in the report's style."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>{html.escape(title)}</h1>{body}</main></body></html>\n"
    )


def summary(report: GapReport) -> str:
    """What a notebook shows: sentences, checks and the table, without pictures."""
    title = f"{report.generated.name} against {report.real.name}"
    rows = [
        (
            row.measure,
            shown(row, row.found),
            f"{row.found.n_real:,} + {row.found.n_generated:,}",
            "" if row.mirrored is None else shown(row, row.mirrored),
        )
        for row in report.rows
    ]
    measures = table(("measure", "generated", "n", "real against real"), rows)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in report.notes)
    return (
        f"<div><strong>{html.escape(title)}</strong>{notes}{_said(report)}{measures}"
        f"{_format(report)}</div>"
    )


def _said(report: GapReport) -> str:
    """The sentences, a paragraph a part, and the checks, a line each."""
    parts = "".join(
        f"<p><strong>{html.escape(part)}.</strong> {html.escape(' '.join(said))}</p>"
        for part, said in report.sentences.parts.items()
    )
    checks = "".join(
        f"<li><strong>{html.escape(check.name)}</strong>: {html.escape(check.says)}</li>"
        for check in report.checks
    )
    return f"{parts}<ul>{checks}</ul>"


def _format(report: GapReport) -> str:
    """What the file format makes of some measures, as a table."""
    share = report.format_share
    if share is None:
        return ""
    rows = [
        (
            each.measure,
            *(shown(report.row(each.measure), e) for e in (each.as_is, each.alone, each.alike)),
            f"{each.as_is.n_real:,} + {each.as_is.n_generated:,}",
        )
        for each in share.rows
    ]
    header = ("measure", "as they are", "the format alone", "saved alike", "n")
    return table(header, rows)


def _measure(row: GapRow) -> str:
    zero = ""
    if row.mirrored is not None:
        n = f"{row.mirrored.n_real:,} + {row.mirrored.n_generated:,}"
        text = html.escape(shown(row, row.mirrored))
        zero = f'<p class="real">real against real: {text} <small>n = {n}</small></p>'
    found = row.found
    return (
        f"<article><h3>{html.escape(row.measure)}</h3>"
        f'<p class="generated"><strong>{html.escape(shown(row, found))}</strong> '
        f"<small>n = {found.n_real:,} + {found.n_generated:,}</small></p>{zero}{_bar(row)}"
        f'<p class="small">{html.escape(row.features)}, {100 * found.confidence:g} %.<br>'
        f"Sees: {html.escape(row.sees)}.<br>Misses: {html.escape(row.misses)}.</p></article>"
    )


def _bar(row: GapRow) -> str:
    """Intervals of both comparisons on one axis from 0 (or the lowest end) to the highest."""
    estimates = [(row.found, "generated")]
    if row.mirrored is not None:
        estimates.append((row.mirrored, "real"))
    low = min(0.0, *(min(e.low, e.value) for e, _ in estimates))
    high = max(max(e.high, e.value) for e, _ in estimates)
    if high <= low:
        high = low + 1.0

    def place(value: float) -> float:
        return round(6 + 188 * (value - low) / (high - low), 1)

    marks = "".join(_interval(e, 10 + 12 * i, kind, place) for i, (e, kind) in enumerate(estimates))
    zero = place(0.0)
    label = html.escape(
        "; ".join(f"{kind} {e.value:.3g}, {e.low:.3g} to {e.high:.3g}" for e, kind in estimates)
    )
    return (
        f'<svg viewBox="0 0 200 30" role="img" aria-label="{label}">'
        f'<line x1="{zero}" x2="{zero}" y1="2" y2="28" stroke="currentColor" stroke-width=".5"/>'
        f"{marks}</svg>"
    )


def _interval(estimate: GapEstimate, y: int, kind: str, place: Callable[[float], float]) -> str:
    colour = f"var(--{kind})"
    return (
        f'<line x1="{place(estimate.low)}" x2="{place(estimate.high)}" y1="{y}" y2="{y}" '
        f'style="stroke:{colour}" stroke-width="3" stroke-linecap="round" opacity=".5"/>'
        f'<circle cx="{place(estimate.value)}" cy="{y}" r="3.5" style="fill:{colour}"/>'
    )


def _pictures(report: GapReport) -> str:
    real, made = report.real.images, report.generated.images
    count = _SHEET[0] * _SHEET[1]
    sheets = [
        figure(
            _sheet(images[:count], _SHEET[1]),
            f"Contact sheet of {min(count, len(images))} {kind} images",
            f"{kind.capitalize()} images, a random draw.",
        )
        for kind, images in (("real", real), ("generated", made))
    ]
    closest = report.memorised.closest(_PAIRS)
    typical = np.arange(min(_PAIRS, len(made)))
    pairs = [
        figure(
            _sheet(
                np.concatenate([made[chosen], real[report.memorised.nearest_real[chosen]]]),
                len(chosen),
            ),
            f"{len(chosen)} generated images above their nearest real ones, {what}",
            f"Generated images (above) and the real ones nearest to them (below) in the features "
            f"of {report.extractor}: {what}.",
        )
        for chosen, what in ((closest, "the closest pairs"), (typical, "a random draw"))
    ]
    return f'<div class="sheets">{"".join(sheets + pairs)}</div>'


def figure(sheet: np.ndarray, alt: str, caption: str) -> str:
    """A picture, uint8 (height, width, 3 or 4), as PNG within the page, and its caption."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure><img alt="{html.escape(alt)}" width="{sheet.shape[1]}" height="{sheet.shape[0]}" '
        f'src="data:image/png;base64,{data}"><figcaption>{html.escape(caption)}</figcaption>'
        "</figure>"
    )


def _sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Images uint8 (n, 3, h, w) on a grid with transparent gaps, uint8 (height, width, 4)."""
    n, _, h, w = images.shape
    gap = max(1, h // 12)
    rows = -(-n // columns)
    sheet = np.zeros((rows * (h + gap) - gap, columns * (w + gap) - gap, 4), np.uint8)
    for i, image in enumerate(images):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        sheet[y : y + h, x : x + w] = np.dstack([*image, np.full((h, w), 255, np.uint8)])
    return sheet
