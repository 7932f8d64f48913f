"""Random finite worlds against the bound: how fast they are checked, what a million of them say.

    python benchmarks/bound_search.py

Worlds per second of `search_bounds` on 50,000 worlds (seeds 0 to 4, one thread), with the wall and
the processor time of each; the target is 60 s of wall time. Then the tallies of a search of
1,000,000 worlds, which the chapter on the bound shows, and a climb: starting from the worst of 200
random worlds each time, perturbed worlds are accepted while E_t λ / (4 α) grows, in search of a
violation of E_t ≤ 4 α / λ, for which there is no proof.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from common import report

from adainf_core.theory.bound_search import SearchReport, search_bounds
from adainf_core.theory.bound_worlds import BATCH, WorldBatch, batch_terms

TARGET = 60.0


def timed(worlds: int, seed: int) -> dict[str, float]:
    """Wall and processor seconds of one search, and how many worlds it checked."""
    wall, processor = time.perf_counter(), time.process_time()
    checked = search_bounds(worlds, seed).checked
    return {
        "checked": checked,
        "wall_seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
    }


def tallies(found: SearchReport) -> dict[str, Any]:
    """The report as plain values, with the 95 % interval of each share of violations."""
    plain = asdict(found)
    for group in ("proven", "wrong", "open"):
        for each, tally in zip(plain[group], getattr(found, group), strict=True):
            each["interval"] = tally.interval()
            each["quantiles"] = {str(q): value for q, value in tally.quantiles.items()}
    return plain


State = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # kernel, law, labels of both kinds


def heights(states: State, k: int) -> np.ndarray:
    """E_t λ / (4 α) of worlds with one law; −1 where it is 0 / 0 or the encoder is not unique."""
    kernel, law, natural, views = states
    kernel = kernel / kernel.sum(axis=2, keepdims=True)
    law = law / law.sum(axis=1, keepdims=True)
    ones = np.ones(len(kernel))
    terms, valid = batch_terms(
        WorldBatch(kernel, law, law, natural, views, ones, np.full(len(kernel), k))
    )
    # small α and λ are left out: their quotient would be rounding
    fair = valid & ~terms.tied & (terms.labeling_error > 1e-4) & (terms.spectral_gap > 1e-4)
    with np.errstate(divide="ignore", invalid="ignore"):
        height = terms.train_error * terms.spectral_gap / (4 * terms.labeling_error)
    return np.where(fair, height, -1.0)


def start(rng: np.random.Generator, n: int, m: int, r: int) -> State:
    kernel = rng.exponential(size=(BATCH, n, m))
    kernel *= rng.random((BATCH, n, m)) < rng.random((BATCH, 1, 1))
    kernel[np.arange(BATCH)[:, None], np.arange(n), rng.integers(m, size=(BATCH, n))] += 1
    law = rng.exponential(size=(BATCH, n))
    natural = rng.integers(r, size=(BATCH, n))
    heaviest = (kernel * law[:, :, None]).argmax(axis=1)
    return kernel, law, natural, np.take_along_axis(natural, heaviest, axis=1)


def perturbed(rng: np.random.Generator, state: State, r: int) -> State:
    kernel, law, natural, views = (np.repeat(part[None], BATCH, axis=0) for part in state)
    size = 10 ** rng.uniform(-3, 0, (BATCH, 1, 1))
    where = rng.random(kernel.shape) < rng.choice([0.1, 0.3, 1.0], (BATCH, 1, 1))
    kernel = kernel * np.exp(size * where * rng.normal(size=kernel.shape))
    rare = rng.random((BATCH, 1, 1)) < 0.2
    kernel *= ~(rare & (rng.random(kernel.shape) < 0.05))
    kernel += 1e-12 + (rng.random((BATCH, 1, 1)) < 0.2) * (
        rng.random(kernel.shape) < 0.05
    ) * rng.exponential(0.1, kernel.shape)
    law = law * np.exp(size[:, 0] * rng.normal(size=law.shape))
    for labels in (natural, views):
        rows = np.flatnonzero(rng.random(BATCH) < 0.1)
        labels[rows, rng.integers(labels.shape[1], size=len(rows))] = rng.integers(
            r, size=len(rows)
        )
    return kernel, law, natural, views


def climb(evaluations: int, seed: int = 0) -> dict[str, Any]:
    """The largest E_t λ / (4 α) that about so many evaluated worlds lead to."""
    rng = np.random.default_rng(seed)
    best, spent, starts = -1.0, 0, 0
    while spent < evaluations:
        n, m, r = int(rng.integers(2, 8)), int(rng.integers(2, 9)), int(rng.integers(2, 4))
        k = int(rng.integers(1, min(m, 5)))
        states = start(rng, n, m, r)
        found = heights(states, k)
        spent, starts = spent + BATCH, starts + 1
        height, stalled = found.max(), 0
        state = tuple(part[found.argmax()] for part in states)
        while height > 0.25 and stalled < 25 and spent < evaluations:
            states = perturbed(rng, state, r)
            found = heights(states, k)
            spent += BATCH
            stalled = 0 if found.max() > height + 1e-4 else stalled + 1
            if found.max() > height:
                height, state = found.max(), tuple(part[found.argmax()] for part in states)
        best = max(best, float(height))
    return {"evaluated": spent, "starts": starts, "seed": seed, "largest": best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1_000_000, help="worlds of the long search")
    parser.add_argument("--climb", type=int, default=5_000_000, help="worlds the climb evaluates")
    arguments = parser.parse_args()
    search_bounds(1000)
    runs = [timed(50_000, seed) for seed in range(5)]
    rates = {
        clock: np.percentile(
            [run["checked"] / run[f"{clock}_seconds"] for run in runs], (25, 50, 75)
        )
        for clock in ("wall", "processor")
    }
    report(
        "bound_search",
        {
            f"worlds checked, {clock} time": dict(
                zip(("low", "median", "high"), map(float, rate), strict=True)
            )
            for clock, rate in rates.items()
        },
        "worlds per second, one thread",
        runs=runs,
        target_seconds=TARGET,
        targets_met={"50,000 worlds": max(run["wall_seconds"] for run in runs) <= TARGET},
        search=tallies(search_bounds(arguments.worlds)),
        climb=climb(arguments.climb),
    )


if __name__ == "__main__":
    main()
