"""Lower bounds on total variation where the truth is known: flawed sprites at an exact distance.

    python benchmarks/sprite_gap.py [--seeds 3]

For each flaw and each distance: `classifier_tv` on 10,000 real and 10,000 generated sprites, as the
gap report runs it (`image_tv`), with fresh sprites from each seed; "mode_drop" reaches 0.5 and
stands there in place of 0.6. A bound misses where it exceeds the truth; at confidence 0.95 at most
5 % of them may. The target is a median of at least 80 % of the truth. `no_classifier` is what the
same bound gives where the flaw is seen without error on as many held-out rows: the room that the
sample size leaves (of "mode_drop" the score says whether the hue is one of the lost ones, which
many real sprites have too).
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from common import report
from scipy.stats import binomtest

from adainf_core.data.sprites import FLAWS, SpriteWorld
from adainf_core.gap.chosen_rank import favoured_rank_bound
from adainf_core.gap.classifier_tv import MirrorWarning
from adainf_core.gap.image_tv import TRAINING_SHARE, image_tv

COUNT = 10_000
DISTANCES = (0.1, 0.3, 0.6)
CONFIDENCE = 0.95
TARGET = 0.8


def reach(world: SpriteWorld, flaw: str) -> float:
    """The largest distance the flaw can be at: 1 outside the real support, else its own."""
    return round(
        0.5 * float(np.abs(world.real_distribution() - world.flaw_distribution(flaw)).sum()), 9
    )


def best_possible(
    world: SpriteWorld, flaw: str, distance: float, rng: np.random.Generator
) -> float:
    """The bound from scores that see the flaw itself, on as many held-out rows."""
    real, flawed = world.real_distribution(), world.generated_distribution(flaw, distance)
    telling = (flawed < real) if flaw == "mode_drop" else (flawed > real)
    held_out = round(COUNT * (1 - TRAINING_SHARE))
    shares = [float(law[telling].sum()) for law in (real, flawed)]
    scores = [(rng.random(held_out) < share) + 0.5 * rng.random(held_out) for share in shares]
    if flaw == "mode_drop":
        scores = [-score for score in scores]
        shares = [1 - share for share in shares]
    return favoured_rank_bound(*scores, 1 - sum(shares) / 2, CONFIDENCE).lower


def one_run(world: SpriteWorld, flaw: str, distance: float, seed: int) -> dict[str, float]:
    rng = np.random.default_rng([FLAWS.index(flaw), round(100 * distance), seed])
    real = world.sample(world.real_distribution(), COUNT, rng).images
    generated = world.sample(world.generated_distribution(flaw, distance), COUNT, rng).images
    start, used = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MirrorWarning)  # its bound is written down
        result = image_tv(real, generated, confidence=CONFIDENCE, seed=seed)
    run = {
        "seed": seed,
        "lower": result.lower,
        "no_classifier": best_possible(world, flaw, distance, rng),
        "auc": result.auc.value,
        "mirrored_lower": result.mirrored.lower,
        "wall": time.perf_counter() - start,
        "processor": time.process_time() - used,
    }
    print(
        f"{flaw:<10} {distance} seed {seed}: {run['lower']:.4f} ({run['lower'] / distance:.0%}), "
        f"at best {run['no_classifier']:.4f}, mirrored {run['mirrored_lower']:.4f}, "
        f"{run['wall']:.0f} s, {run['processor']:.0f} s of processor time",
        flush=True,
    )
    return run


def write(found: dict[tuple[str, float], list[dict[str, float]]]) -> None:
    rows = [
        {
            "flaw": flaw,
            "distance": distance,
            "n": COUNT,
            "recovered": float(np.median([run["lower"] for run in runs])) / distance,
            "runs": runs,
        }
        for (flaw, distance), runs in found.items()
    ]
    runs = [(distance, run) for (_, distance), runs in found.items() for run in runs]
    misses = sum(run["lower"] > distance for distance, run in runs)
    low, median, high = np.percentile([run["processor"] for _, run in runs], (25, 50, 75))
    report(
        "sprite_gap",
        {"a bound and its mirrored run": {"median": median, "low": low, "high": high}},
        "seconds of processor time",
        confidence=CONFIDENCE,
        training_share=TRAINING_SHARE,
        rows=rows,
        bounds=len(runs),
        misses=misses,
        miss_share_at_most=float(binomtest(misses, len(runs)).proportion_ci(0.95).high),
        false_alarms=sum(run["mirrored_lower"] > 0 for _, run in runs),
        target=TARGET,
        targets_met={
            f"{row['flaw']}, {row['distance']}": row["recovered"] >= TARGET for row in rows
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    world = SpriteWorld()
    found: dict[tuple[str, float], list[dict[str, float]]] = {}
    for seed in range(seeds):
        for flaw in FLAWS:
            for wanted in DISTANCES:
                distance = min(wanted, reach(world, flaw))
                found.setdefault((flaw, distance), []).append(one_run(world, flaw, distance, seed))
        write(found)


if __name__ == "__main__":
    main()
