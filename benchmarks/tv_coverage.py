"""Lower bounds on total variation: how often they hold, what they prove, and what they cost.

    python benchmarks/tv_coverage.py [--pairs 2000]

Coverage: independent pairs of samples whose score laws are at a known distance, for both methods of
`tv_lower_bound` at confidence 0.95. The laws are "diffuse" (Gaussians, one shifted), "witnesses" (a
share of the generated scores far above all others) and "two-sided" (the same share of the real
scores also far below all others: the arrangement that tempts a bound the most). A bound misses
where it exceeds the distance; the target is at most 5 % misses everywhere. Power: the median bound
where few draws differ. Speed: seconds a call.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from common import report
from scipy.stats import binomtest, norm

from adainf_core.theory.tv_estimation import tv_lower_bound

CONFIDENCE = 0.95
METHODS = ("ks", "adaptive")
DISTANCES = (0.0, 0.05, 0.2, 0.5, 0.9)
SIZES = ((1500, 1500), (150, 1000))
FAR = 50.0


def diffuse(m: int, n: int, distance: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    shift = 2 * norm.ppf((1 + distance) / 2)
    return rng.normal(size=m), rng.normal(shift, size=n)


def witnesses(m: int, n: int, distance: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    generated = rng.normal(size=n)
    generated[rng.random(n) < distance] += FAR
    return rng.normal(size=m), generated


def two_sided(m: int, n: int, distance: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    real, generated = witnesses(m, n, distance, rng)
    real[rng.random(m) < distance] -= FAR
    return real, generated


SHAPES = {"diffuse": diffuse, "witnesses": witnesses, "two-sided": two_sided}


def coverage(pairs: int) -> list[dict[str, object]]:
    """One row per sizes, shape, distance and method."""
    rows: list[dict[str, object]] = []
    for (m, n), (shape, draw), distance in (
        (sizes, item, distance)
        for sizes in SIZES
        for item in SHAPES.items()
        for distance in DISTANCES
    ):
        rng = np.random.default_rng([m, n, list(SHAPES).index(shape), int(100 * distance)])
        lowers: dict[str, list[float]] = {method: [] for method in METHODS}
        for _ in range(pairs):
            scores = draw(m, n, distance, rng)
            for method in METHODS:
                lowers[method].append(tv_lower_bound(*scores, CONFIDENCE, method=method).lower)
        for method, values in lowers.items():
            misses = int(np.sum(np.asarray(values) > distance))
            held = binomtest(pairs - misses, pairs).proportion_ci(0.95, method="exact")
            rows.append(
                {
                    "n_real": m,
                    "n_generated": n,
                    "shape": shape,
                    "distance": distance,
                    "method": method,
                    "pairs": pairs,
                    "misses": misses,
                    "coverage": 1 - misses / pairs,
                    "low": float(held.low),
                    "high": float(held.high),
                    "median_lower": float(np.median(values)),
                }
            )
            print(
                f"{m:>5} {n:>5} {shape:<10} {distance:<5} {method:<9} {misses:>4} misses of "
                f"{pairs} (held: {held.low:.4f} to {held.high:.4f}), "
                f"median {np.median(values):.4f}",
                flush=True,
            )
    return rows


def power(pairs: int) -> list[dict[str, object]]:
    """Medians and quartiles of the bounds where few draws differ, and where all do."""
    rows: list[dict[str, object]] = []
    for size in (1500, 10_000):
        for shape, distance in (("witnesses", 0.01), ("witnesses", 0.05), ("diffuse", 0.2)):
            rng = np.random.default_rng([size, int(100 * distance)])
            draws = [SHAPES[shape](size, size, distance, rng) for _ in range(pairs)]
            for method in METHODS:
                values = [
                    tv_lower_bound(*scores, CONFIDENCE, method=method).lower for scores in draws
                ]
                low, median, high = np.percentile(values, (25, 50, 75))
                rows.append(
                    {
                        "n": size,
                        "shape": shape,
                        "distance": distance,
                        "method": method,
                        "pairs": pairs,
                        "median": float(median),
                        "low": float(low),
                        "high": float(high),
                        "proved": float(np.mean(np.asarray(values) > 0)),
                    }
                )
                print(f"{size:>6} {shape:<10} {distance:<5} {method:<9} median {median:.4f}")
    return rows


def speed(rounds: int = 9) -> dict[str, dict[str, float]]:
    """Pairs per second, each of fresh scores; the methods take turns."""
    rng = np.random.default_rng(0)
    figures = {}
    for size in (1500, 5000, 50_000):
        rates: dict[str, list[float]] = {method: [] for method in METHODS}
        for _ in range(rounds + 1):
            scores = diffuse(size, size, 0.2, rng)
            for method in METHODS:
                start = time.perf_counter()
                tv_lower_bound(*scores, CONFIDENCE, method=method)
                rates[method].append(1 / (time.perf_counter() - start))
        for method, values in rates.items():
            low, median, high = np.percentile(values[1:], (25, 50, 75))
            figures[f"{method}, {size:,} + {size:,}"] = {
                "median": float(median),
                "low": float(low),
                "high": float(high),
            }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2000, help="simulated pairs a row")
    pairs = parser.parse_args().pairs
    table = coverage(pairs)
    report(
        "tv_coverage",
        speed(),
        "calls per second, one thread",
        confidence=CONFIDENCE,
        coverage=table,
        power=power(200),
        target="coverage >= 0.95 in every row",
        target_met=all(row["coverage"] >= CONFIDENCE for row in table),
    )


if __name__ == "__main__":
    main()
