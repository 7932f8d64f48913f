"""CPU seconds of a training step of each recipe that a study of recipes has, side by side.

    python benchmarks/recipes.py [--rounds 9]

All arms of "recipe-search" and "recipe-race" take turns in one process, one step of each size of
views at a time, so that a slow spell of the machine meets all of them. What counts is the median of
CPU time, one thread; a recipe whose views grow has the mean over its sizes, as many steps of each.
A study's records say what so many steps reach: both together give accuracy for time.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch
from common import report

from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.evidence.studies import recipe_race, recipe_search
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Run


def configs() -> dict[str, PretrainConfig]:
    """The training of each arm by "study/arm"."""
    return {
        f"{study.name}/{arm}": study.experiment("desktop", arm, 0).pretrain
        for study in (recipe_search.STUDY, recipe_race.STUDY)
        for arm in study.arms
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    data = Inflation(load_images("cifar10", download=False))
    runs = {
        (name, scale): Run(replace(config, steps=10**6, view_scales=(scale,)), data)
        for name, config in configs().items()
        for scale in sorted(set(config.view_scales))
    }
    seconds: dict[tuple[str, float], list[float]] = {key: [] for key in runs}
    for number in range(rounds + 1):  # the first allocates and does not count
        for key, run in runs.items():
            start = time.process_time()
            run.advance(1)
            if number:
                seconds[key].append(time.process_time() - start)
    figures = {}
    for name, config in configs().items():
        sized = [np.percentile(seconds[name, scale], (25, 50, 75)) for scale in config.view_scales]
        low, median, high = 1000 * np.mean(sized, 0)
        figures[name] = {"median": float(median), "low": float(low), "high": float(high)}
    report("recipes", figures, "CPU milliseconds a step", rounds=rounds)


if __name__ == "__main__":
    main()
