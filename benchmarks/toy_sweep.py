"""The sweep of the paper's toy behind the chapter on complementary roles, at full size.

    python benchmarks/toy_sweep.py

10 strengths × 6 sizes (30 real points, inflated up to 1,000 by draws of the same law) × 20 draws;
in each the labeling error, six λ_{k+1} and the optimal encoder's exact probe errors. The figure is
seconds of wall time on two processes of one thread each, start of the workers included; the target
is 30. `cpu_seconds` is what all processes used: on a busy machine it tells more. The file also
holds what the sweep found, for the chapter: means over draws, and for each size and k the strength
that minimises α/λ_{k+1} (α in closed form, λ averaged) and each error, all with 95 % bootstrap
intervals over draws. `finer_grid` says what a finer grid of views changes in the errors.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: each process has one core

import argparse
import resource
import time
from typing import Any

import numpy as np
from common import report

from adainf_core.theory.gaussian_toy import gaussian_toy_labeling_error
from adainf_core.theory.toy_sweep import ToySweep, best_strength, toy_sweep

STRENGTHS = (0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
REAL = 30
SIZES = (30, 60, 120, 250, 500, 1000)
DRAWS = 20
DIMENSIONS = (1, 2, 4, 8, 16, 32)
SHOWN = (2, 8, 32)
FIRM = 1.0  # below this strength λ_k and λ_{k+1} may nearly tie, and the encoder is hardly unique
TARGET = 30.0
PROCESSES = 2


def findings(sweep: ToySweep, shown: tuple[int, ...] = SHOWN) -> dict[str, Any]:
    """What the chapter draws; lists are indexed by size, then strength (or k), as named."""
    alpha = np.array([gaussian_toy_labeling_error(strength) for strength in sweep.strengths])
    quantities = {
        "spectral_gap": sweep.spectral_gap,
        "train_error": sweep.train_error,
        "real_error": sweep.real_error,
    }
    criteria = {"bound": -quantities["spectral_gap"] / alpha[:, None, None]} | {
        name: quantities[name] for name in ("train_error", "real_error")
    }
    return {
        "strengths": list(sweep.strengths),
        "sizes": [sweep.n_real + extra for extra in sweep.n_generated],
        "draws": sweep.labeling_error.shape[-1],
        "labeling_error": alpha.round(5).tolist(),
        "curves": {
            str(k): {
                name: [
                    [_interval(draws) for draws in row[..., sweep.dimensions.index(k)]]
                    for row in values
                ]
                for name, values in quantities.items()
            }
            for k in shown
        },
        "best_strength": {
            str(k): {
                name: [list(best_strength(sweep.strengths, row[..., j])) for row in values]
                for name, values in criteria.items()
            }
            for j, k in enumerate(sweep.dimensions)
            if k > 1  # a constant encoder has no strength to choose
        },
    }


def _interval(draws: np.ndarray) -> list[float] | None:
    """Mean, low and high; None where some draw leaves the encoder undetermined."""
    if np.isnan(draws).any():
        return None
    # Errors are skewed and many are zero: resample the draws instead of assuming normal ones.
    picks = np.random.default_rng(0).integers(len(draws), size=(2000, len(draws)))
    low, high = np.quantile(draws[picks].mean(axis=1), (0.025, 0.975))
    return [round(float(value), 5) for value in (draws.mean(), low, high)]


def measure(
    sizes: tuple[int, ...] = SIZES, draws: int = DRAWS, processes: int = PROCESSES
) -> tuple[ToySweep, float, float]:
    """The sweep, its wall time and its processor time in seconds."""
    start, used = time.perf_counter(), _processor_seconds()
    sweep = toy_sweep(
        STRENGTHS,
        [size - REAL for size in sizes],
        n_real=REAL,
        draws=draws,
        dimensions=DIMENSIONS,
        processes=processes,
    )
    return sweep, time.perf_counter() - start, _processor_seconds() - used


def grid_check(sweep: ToySweep, sizes: tuple[int, ...] = SIZES[:4]) -> dict[str, Any]:
    """The errors of the smaller sizes again on a grid of views finer by 2.5 and 2."""
    finer = toy_sweep(
        sweep.strengths,
        [size - REAL for size in sizes],
        n_real=REAL,
        draws=sweep.labeling_error.shape[-1],
        dimensions=sweep.dimensions,
        pitches_per_radius=(40, 12),
        processes=PROCESSES,
    )
    used, again = (each.real_error[: len(sizes)] for each in (sweep, finer))
    moves = {}
    for j, k in enumerate(sweep.dimensions):
        if k == 1:
            continue
        steps = [
            abs(
                sweep.strengths.index(best_strength(sweep.strengths, a[..., j])[0])
                - sweep.strengths.index(best_strength(sweep.strengths, b[..., j])[0])
            )
            for a, b in zip(used, again, strict=True)
        ]
        change = np.abs((again - used)[..., j].mean(axis=-1))
        firm = np.array(sweep.strengths) >= FIRM
        moves[str(k)] = {
            "largest_change_of_a_mean_error": round(float(np.nanmax(change)), 5),
            "largest_change_from_strength_1": round(float(np.nanmax(change[:, firm])), 5),
            "steps_of_the_minimisers": steps,
        }
    return {"pitches_per_radius": [40, 12], "sizes": list(sizes), "real_error": moves}


def _processor_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="sweeps to time")
    rounds = parser.parse_args().rounds
    walls, processors = [], []
    for _ in range(rounds):
        sweep, wall, processor = measure()
        walls.append(wall)
        processors.append(processor)
    low, median, high = np.percentile(walls, (25, 50, 75)).tolist()
    report(
        "toy_sweep",
        {"10 strengths, 6 sizes, 20 draws": {"median": median, "low": low, "high": high}},
        f"seconds, {PROCESSES} processes",
        rounds=rounds,
        cpu_seconds=float(np.median(processors)),
        target=TARGET,
        target_met=median <= TARGET,
        findings=findings(sweep),
        finer_grid=grid_check(sweep),
    )


if __name__ == "__main__":
    main()
