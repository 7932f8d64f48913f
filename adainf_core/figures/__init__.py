"""The book's figures: one style, charts of results, sheets of images, sliders."""

from adainf_core.figures.flowcharts import flowchart
from adainf_core.figures.grids import SIGNS, sign_grid
from adainf_core.figures.images import contact_sheet
from adainf_core.figures.layout import end_labels, level_ticks, note, panels, star
from adainf_core.figures.results import (
    VERDICT_STYLE,
    arm_dots,
    differences,
    level_band,
    level_dots,
    mean_mark,
    slopes,
    stacked_verdicts,
    verdict_strip,
    verdict_table,
)
from adainf_core.figures.slider import Slider
from adainf_core.figures.style import (
    ARM_STYLE,
    BOUNDARY,
    FAINT,
    FLAW_STYLE,
    GENERATED,
    INK,
    OKABE_ITO,
    REAL,
    WIDTH,
    Shown,
    Table,
    draw,
    style,
)

__all__ = [
    "ARM_STYLE",
    "BOUNDARY",
    "FAINT",
    "FLAW_STYLE",
    "GENERATED",
    "INK",
    "OKABE_ITO",
    "REAL",
    "SIGNS",
    "VERDICT_STYLE",
    "WIDTH",
    "Shown",
    "Slider",
    "Table",
    "arm_dots",
    "contact_sheet",
    "differences",
    "draw",
    "end_labels",
    "flowchart",
    "level_band",
    "level_dots",
    "level_ticks",
    "mean_mark",
    "note",
    "panels",
    "sign_grid",
    "slopes",
    "stacked_verdicts",
    "star",
    "style",
    "verdict_strip",
    "verdict_table",
]
