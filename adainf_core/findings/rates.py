"""What study "method-rates" says: a method's accuracy by its rate, and the rate kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from adainf_core.evidence.studies.method_rates import ABOVE_UNTRAINED, RATES, chosen_rate
from adainf_core.figures import Table
from adainf_core.findings.beneath import levels_beneath
from adainf_core.findings.findings import Findings


def mean_by_rate(found: Findings, method: str) -> dict[float, float]:
    """The mean linear accuracy of a method's two arms under each rate; NaN where one has no run."""
    return {
        rate: float(np.mean([found.mean(f"{arm}_{method}_{rate:g}") for arm in ("none", "weak")]))
        for rate in RATES
    }


def rates_table(methods: Mapping[str, str]) -> Table:
    """A row for each method of the study that `methods` names: its accuracy under each rate.

    Then the rate that the study's rule gives it, and whether it counts as a method that was tried.
    """
    found, rows = Findings("method-rates"), []
    for method, name in methods.items():
        if f"none_{method}_{RATES[0]:g}" not in found.study.arms:
            continue
        means = mean_by_rate(found, method)
        if any(np.isnan(mean) for mean in means.values()):
            rows.append((name, *("not run yet" for _ in means), "", ""))
            continue
        rate = chosen_rate(means)
        untrained = np.mean(levels_beneath(found, f"none_{method}_{rate:g}")["untrained"][1])
        above = means[rate] - untrained
        rows.append((
            name, *(f"{mean:.1f}" for mean in means.values()), f"{rate:g}",
            f"{'yes' if above > ABOVE_UNTRAINED else 'no'}, {above:.1f} points above",
        ))  # fmt: skip
    return Table(("method", *(f"rate {rate:g}" for rate in RATES), "kept", "counts as tried"), rows)
