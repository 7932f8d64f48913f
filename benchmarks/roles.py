"""CPU seconds of a training step in each role of generated images, beside a plain step.

    python benchmarks/roles.py [--rounds 15]

All arms of study "roles" take turns in one process, a step at a time, so that a slow spell of the
machine meets all of them; what counts is the median of CPU time, one thread, as a share of that of
plain weak augmentation.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch
from common import report

from adainf_core.evidence.studies import roles
from adainf_core.generators.variation_settings import DiffusionVariations
from adainf_core.learning.pretraining import Run

PLAIN = "weak"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    runs = {}
    for arm in roles.STUDY.arms:
        experiment = roles.STUDY.experiment("laptop", arm, roles.FIRST_SEED)
        if isinstance(experiment.variations, DiffusionVariations):
            continue  # a step of it is one of the mixture's, and making them takes minutes
        source = experiment._source(experiment._inflation()[0])
        runs[arm] = Run(replace(experiment.pretrain, steps=10**6), source)
    seconds: dict[str, list[float]] = {arm: [] for arm in runs}
    for number in range(rounds + 1):  # the first allocates and does not count
        for arm, run in runs.items():
            start = time.process_time()
            run.advance(1)
            if number:
                seconds[arm].append(time.process_time() - start)
    plain = np.median(seconds[PLAIN])
    figures = {}
    for arm, each in seconds.items():
        low, median, high = np.percentile(each, (25, 50, 75)) / plain
        figures[arm] = {"median": float(median), "low": float(low), "high": float(high)}
    report("roles", figures, "times a plain step", rounds=rounds, plain_milliseconds=1000 * plain)


if __name__ == "__main__":
    main()
