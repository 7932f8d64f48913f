"""What study "role-worlds" says: the error of kinds of variations as pairs, exact and trained."""

from __future__ import annotations

from dataclasses import dataclass

from adainf_core.evidence.studies import role_worlds
from adainf_core.figures import FAINT, REAL, Shown, Table, compared_dots, draw
from adainf_core.findings.findings import Findings
from adainf_core.findings.forests import alt_text
from adainf_core.statistics.intervals import t_interval


@dataclass(frozen=True)
class PairFindings(Findings):
    """Findings of "role-worlds", where an arm is a kind of variations under crops of one strength.

    Errors are in percent; `hard` says which of the two strengths.
    """

    name: str = role_worlds.NAME

    def worlds(self, hard: bool) -> dict[str, str]:
        """The arms that have run twice or more, with their names without the strength."""
        return {
            arm: self.label(arm).partition(", crops")[0]
            for arm in self.study.arms
            if arm.endswith("_hard") == hard and len(self.values(arm, "trained")) > 1
        }

    def picture(self, hard: bool) -> Shown:
        """The exact error of each kind of variations beside the trained one."""
        worlds = self.worlds(hard)
        rows = {
            name: {
                kind: [value / 100 for value in self.values(arm, metric)]
                for kind, metric in (("exact", "exact"), ("trained", "trained"))
            }
            for arm, name in worlds.items()
        }
        looks = {"exact": (FAINT, "o"), "trained": (REAL, "s")}
        means = [
            f"{name}: exact {self.mean(arm, 'exact'):.0f}, trained {self.mean(arm, 'trained'):.0f}"
            for arm, name in worlds.items()
        ]
        return draw(
            lambda ax: compared_dots(ax, rows, looks, "error, %"),
            height=0.6 + 0.55 * max(len(rows), 1),
            alt=alt_text("Exact and trained error of kinds of variations as pairs, in %:", means),
        )

    def numbers(self, hard: bool) -> Table:
        """α, λ and both errors of each kind of variations."""
        return Table(
            ("a pair's other image", "α", "λ", "exact error, %", "trained error, %"),
            [
                (
                    name,
                    f"{self.mean(arm, 'alpha'):.2f}",
                    f"{self.mean(arm, 'gap'):.2f}",
                    f"{self.mean(arm, 'exact'):.1f}",
                    f"{t_interval(self.values(arm, 'trained')):.1f}",
                )
                for arm, name in self.worlds(hard).items()
            ],
        )
