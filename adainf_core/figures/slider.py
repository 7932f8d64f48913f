"""Sliders: frames drawn beforehand, one of them shown, no script from anywhere else."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adainf_core.figures.style import Shown

_MOST = 9
_MOVE = (
    "const s=this.closest('.slider'),f=s.querySelectorAll('.fig');"
    "f.forEach((e,i)=>e.hidden=i!=this.value);"
    "const t=f[this.value].dataset.at;s.querySelector('output').value=t;"
    "this.setAttribute('aria-valuetext',t)"
)


@dataclass(frozen=True)
class Slider:
    """Figures on a slider: `frames` maps what the slider says at each stop to its figure.

    `label` names what is moved ("share of real images"), `start` the stop that shows first: it has
    to carry the message alone, since print shows nothing else. Two to nine frames, each with an alt
    text of its own, which says where the slider stands; ValueError otherwise.
    """

    frames: Mapping[str, Shown]
    label: str
    start: str | None = None

    def __post_init__(self) -> None:
        if not 2 <= len(self.frames) <= _MOST:
            raise ValueError(f"{len(self.frames)} frames: give a slider 2 to {_MOST}")
        if not self.label.strip():
            raise ValueError("label is empty: name what the slider moves")
        if len({shown.alt for shown in self.frames.values()}) < len(self.frames):
            raise ValueError("frames share an alt text: say in each where the slider stands")
        if self.start is not None and self.start not in self.frames:
            raise ValueError(f"start={self.start!r} is none of {', '.join(self.frames)}")

    @property
    def first(self) -> str:
        """The stop that shows first."""
        return next(iter(self.frames)) if self.start is None else self.start

    def _repr_html_(self) -> str:
        stops = list(self.frames)
        frames = "".join(
            f'<div class="fig" role="img" aria-label="{html.escape(shown.alt, quote=True)}" '
            f'data-at="{html.escape(stop, quote=True)}"{"" if stop == self.first else " hidden"}>'
            f"{shown.drawings}</div>"
            for stop, shown in self.frames.items()
        )
        name, first = html.escape(self.label, quote=True), html.escape(self.first, quote=True)
        return (
            f'<div class="slider"><label><span>{name}</span> '
            f'<input type="range" min="0" max="{len(stops) - 1}" step="1" '
            f'value="{stops.index(self.first)}" aria-label="{name}" aria-valuetext="{first}" '
            f'autocomplete="off" oninput="{_MOVE}"> <output>{first}</output></label>{frames}</div>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the figure that shows first, as `Shown.save` does."""
        return self.frames[self.first].save(path)

    def _repr_png_(self) -> bytes:
        return self.frames[self.first].png

    def __repr__(self) -> str:
        return f"Slider over {self.label}: {', '.join(self.frames)}"
