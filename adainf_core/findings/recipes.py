"""What the search for a recipe and the race of its winner say, with what their steps cost."""

from __future__ import annotations

from adainf_core.figures import Shown, Table
from adainf_core.findings.benchmarks import benchmark
from adainf_core.findings.findings import Findings
from adainf_core.findings.telling import in_full, tell
from adainf_core.statistics.intervals import wilson_interval

_TEST_IMAGES = 10_000
_TODAY = "adamw"  # the arm of the small recipe


class Recipes:
    """Records of "recipe-search" and "recipe-race", and the benchmark of their steps.

    Arms of the search that begin with "few" chose a rate for another study (`rates`).
    """

    def __init__(self) -> None:
        self.search, self.race = Findings("recipe-search"), Findings("recipe-race")
        self._costs = benchmark("recipes")["figures"]
        found = {a: self.search.mean(a, "knn") for a in self.search.study.arms}
        run = sorted((a for a in found if self.search.values(a)), key=lambda a: -found[a])
        self.tried = [a for a in run if not a.startswith("few")]
        self.rates = [a for a in self.search.study.arms if a in run and a.startswith("few")]

    def minutes(self, study: Findings, arm: str) -> float:
        """Minutes of one core that an arm's steps take."""
        steps = study.experiment(arm).pretrain.steps
        return steps * self._costs[f"{study.name}/{arm}"]["median"] / 60_000

    def tell(self, prefix: str) -> None:
        """Glue what prose needs of both studies (`telling.tell`)."""
        best, today = (self.search.mean(arm, "knn") for arm in (self.tried[0], _TODAY))
        test = wilson_interval(round(_TEST_IMAGES * best / 100), _TEST_IMAGES)
        planned = [arm for arm in self.search.study.arms if not arm.startswith("few")]
        self.race.tell(prefix, say=in_full)
        tell(
            prefix, best=f"{best:.1f} %", today=f"{today:.1f} %" if _TODAY in self.tried else None,
            half=f"{50 * (test.high - test.low):.1f}", first=self.search.label(self.tried[0]),
            tried=len(self.tried), planned=len(planned),
        )  # fmt: skip
        tell(prefix, {"recorded": self.search.recorded, "recorded-race": self.race.recorded})
        for arm in self.race.study.arms:
            tell(prefix, {f"minutes-{arm}": f"{self.minutes(self.race, arm):.0f}"})
            for metric in ("knn", "linear"):
                run, mean = self.race.values(arm, metric), self.race.mean(arm, metric)
                tell(prefix, {f"{metric}-{arm}": f"{mean:.1f} %" if run else None})

    def table(self, arms: list[str]) -> Table:
        """Arms of the search: what they took, and what they reached."""
        head = ("recipe", "core-minutes", "steps", "neighbours, %", "linear, %")
        return Table(head, [
            (self.search.label(a), f"{self.minutes(self.search, a):.1f}",
             f"{self.search.experiment(a).pretrain.steps:,}", f"{self.search.mean(a, 'knn'):.1f}",
             f"{self.search.mean(a):.1f}")
            for a in arms
        ])  # fmt: skip

    def dots(self) -> Shown:
        """The candidates that have run, by their neighbours, the best on top."""
        return self.search.dots(
            self.tried,
            what="Nearest-neighbour accuracy after four core-minutes",
            unit="nearest neighbours, % right",
            metric="knn",
        )
