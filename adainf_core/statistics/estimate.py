"""An estimate: a number, and the interval that says how well it is known."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Estimate:
    """A value and the interval [`low`, `high`] at `confidence` of what it estimates."""

    value: float
    low: float
    high: float
    confidence: float = field(default=0.95, kw_only=True)

    def __format__(self, spec: str) -> str:
        """The value and its interval, each in `spec`: f"{x:.1f}" gives "48.1 [47.2, 49.0]"."""
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __contains__(self, value: float) -> bool:
        """Whether the interval holds `value`, its ends included."""
        return self.low <= value <= self.high
