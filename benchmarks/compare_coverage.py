"""Intervals of `adainf compare`: how often they hold, and how wide they are.

    python benchmarks/compare_coverage.py [--pairs 2000]

Two recipes are trained with the same seeds and told right or wrong on the same test images: an
image is told right where a normal number exceeds a recipe's threshold, the sum of a part of the
seed, one of the image that both recipes share, one that is the recipe's own, and a rest, a new one
for each run and image. The true accuracies are then known. `crossed_interval` at 95 % holds where
it covers their difference; the target is 93 to 97 % in every row of three seeds or more. Two seeds
tell how much seeds vary with one degree of freedom: their rows are to be above 93 % and may exceed
97 %. Beside it stands Student's t over the seeds' accuracies, which takes the test images for all
there are.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
from common import paired, report
from scipy.special import stdtrit
from scipy.stats import binomtest, norm

from adainf_core.statistics.crossed import crossed_interval, images_interval

CONFIDENCE = 0.95
SEEDS = (2, 3, 5, 10)
IMAGES = (200, 600, 2000)
#: Deviation of the seeds' part; 0.1 moves an accuracy by about 3.5 points.
DEVIATIONS = (0.0, 0.01, 0.03, 0.1)
#: Shares of the images' variance: what both recipes share, and each one's own.
SHARES = ((0.0, 0.0), (0.5, 0.1), (0.4, 0.5))
THRESHOLDS = (-0.5, -0.4)  # 69 and 66 % right
LOWEST, HIGHEST = 0.93, 0.97


def draw(
    seeds: int, images: int, deviation: float, shares: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Differences in points, (seeds, images): 100, 0 or -100 each."""
    shared, own = shares
    of_image = np.sqrt(shared) * rng.standard_normal(images, np.float32)
    right = []
    for threshold in THRESHOLDS:
        of_seed = deviation * rng.standard_normal((seeds, 1), np.float32)
        of_recipe = np.sqrt(own) * rng.standard_normal(images, np.float32)
        rest = np.sqrt(1 - shared - own) * rng.standard_normal((seeds, images), np.float32)
        right.append(of_seed + of_image + of_recipe + rest > threshold)
    return 100.0 * (right[0].astype(np.float32) - right[1])


def coverage(pairs: int) -> list[dict[str, object]]:
    """A row for each number of seeds and images, deviation and shares."""
    rows: list[dict[str, object]] = []
    for seeds, images, deviation, shares in product(SEEDS, IMAGES, DEVIATIONS, SHARES):
        rng = np.random.default_rng(
            [seeds, images, int(1000 * deviation), int(100 * shares[0]), int(100 * shares[1])]
        )
        accurate = [norm.sf(threshold / np.sqrt(1 + deviation**2)) for threshold in THRESHOLDS]
        truth = 100 * (accurate[0] - accurate[1])
        held, alone, halves, fewer = 0, 0, [], []
        t = stdtrit(seeds - 1, (1 + CONFIDENCE) / 2)
        for _ in range(pairs):
            values = draw(seeds, images, deviation, shares, rng)
            found = crossed_interval(values, CONFIDENCE, step=100.0)
            held += truth in found
            halves.append((found.high - found.low) / 2)
            half = t * values.mean(1).std(ddof=1) / np.sqrt(seeds)
            alone += abs(found.value - truth) <= half
            fixed = images_interval(values, CONFIDENCE, step=100.0)
            fewer.append((fixed.high - fixed.low) / 2)
        exact = binomtest(held, pairs).proportion_ci(0.95, method="exact")
        rows.append(
            {
                "seeds": seeds,
                "images": images,
                "seed_deviation": deviation,
                "shared_by_both": shares[0],
                "own_of_each": shares[1],
                "pairs": pairs,
                "coverage": held / pairs,
                "low": float(exact.low),
                "high": float(exact.high),
                "median_half_width": float(np.median(halves)),
                "median_half_width_images_alone": float(np.median(fewer)),
                "coverage_of_t_over_seeds": alone / pairs,
            }
        )
        print(
            f"{seeds:>3} seeds {images:>5} images, seed {deviation:<5} shares {shares}: "
            f"{held / pairs:.4f}, half {np.median(halves):.2f}; t {alone / pairs:.4f}",
            flush=True,
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2000, help="simulated comparisons a row")
    pairs = parser.parse_args().pairs
    table = coverage(pairs)
    spans = {
        str(seeds): [
            edge(float(str(row["coverage"])) for row in table if row["seeds"] == seeds)
            for edge in (min, max)
        ]
        for seeds in SEEDS
    }
    for seeds, (low, high) in spans.items():
        print(f"{seeds} seeds: {100 * low:.1f} to {100 * high:.1f} %")
    values = draw(5, 2000, 0.03, SHARES[1], np.random.default_rng(0))

    def interval() -> int:
        crossed_interval(values, step=100.0)
        return 1

    report(
        "compare_coverage",
        paired({"crossed_interval, 5 seeds, 2,000 images": interval}),
        "intervals per second, one thread",
        confidence=CONFIDENCE,
        coverage=table,
        spans=spans,
        target=f"coverage from {LOWEST} to {HIGHEST} in rows of three seeds or more, at least "
        f"{LOWEST} with two",
        target_met=all(
            low >= LOWEST and (high <= HIGHEST or seeds == "2")
            for seeds, (low, high) in spans.items()
        ),
    )


if __name__ == "__main__":
    main()
