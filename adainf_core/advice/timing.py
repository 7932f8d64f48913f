"""Timing: what a step, a probe and a whole official run take on this machine, from a few of them.

Also what the official run would take on a GPU, reckoned from its multiply-adds where there is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from adainf_core.advice.designing import Cost
from adainf_core.advice.own_images import OwnImages
from adainf_core.advice.own_study import OwnExperiment, arms_of_own
from adainf_core.evidence.runs.one_run import one_thread
from adainf_core.learning.encoders import encoder_of, multiply_adds
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Run
from adainf_core.learning.probing import knn_probe, linear_probe

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.learning.encoders import Encoder

#: Multiply-adds a second that a GPU is taken to do in training: a tenth of what an A100 lists for
#: bf16 (312e12 operations, two to a multiply-add; NVIDIA's data sheet of the A100). Not measured.
GPU_RATE = 15.6e12
#: Steps a second that it is taken to do at most, small as the network may be.
GPU_STEPS = 100
_FIRST_BATCH = 16  # images of the first look, which says how many a timed step may have
_STEP_SECONDS = 0.6  # that a timed step may take
_PROBED = 600  # images that a timed probe learns from and is tested on
_GAIN = 1.2  # times faster that bf16 has to be
Clock = Callable[[], float]


def faster_precision(experiment: OwnExperiment, own: OwnImages, clock: Clock) -> str:
    """Is "bf16" where a step in it is clearly faster here than in fp32, else "fp32"."""
    took = {}
    size = min(4 * _FIRST_BATCH, experiment.pretrain.batch_size)  # there may be fewer images
    with one_thread():
        for precision in ("fp32", "bf16"):
            tried = replace(experiment, pretrain=replace(experiment.pretrain, precision=precision))
            took[precision] = _stepped([_run(tried, own, size)], clock)
    return "bf16" if took["fp32"] > _GAIN * took["bf16"] else "fp32"


def measured(
    experiments: Mapping[str, OwnExperiment],
    own: OwnImages,
    processes: int,
    start: float,
    *,
    rehearsed: bool = False,
    clock: Clock = time.perf_counter,
) -> Cost:
    """What these arms take, a step of each timed after another to warm up, probes and scores.

    `processes` arms are timed side by side, on a thread each as their runs will be. Steps are of
    fewer images where one of the batch would be long to wait for, probes of some of the images;
    both are then taken in proportion.
    """
    arms = list(experiments.values())
    with one_thread():
        size = arms[0].pretrain.batch_size
        first = _run(arms[0], own, min(size, _FIRST_BATCH))
        an_image = _stepped([first], clock) / min(size, _FIRST_BATCH)
        timed = min(size, max(_FIRST_BATCH, int(_STEP_SECONDS / an_image)))
        runs = [_run(arm, own, timed) for arm in arms]
        groups = [runs[at : at + processes] for at in range(0, len(runs), processes)]
        step = float(np.mean([_stepped(group, clock) for group in groups])) * size / timed
        encoder = first.trainee.method.encoder
        rest = _probed(encoder, arms[0].probe, own, clock)
        began = clock()
        arms[0].scores(encoder, own)
        rest += clock() - began
    return Cost(step, rest, start, rehearsed)


def step_seconds(config: PretrainConfig, own: OwnImages, clock: Clock = time.perf_counter) -> float:
    """Seconds of a step of `config`, alone on all cores, from one of a few images in proportion."""
    size = min(config.batch_size, _FIRST_BATCH)
    run = _run(arms_of_own(own, config)["none"], own, size)
    return _stepped([run], clock) * config.batch_size / size


def step_multiply_adds(config: PretrainConfig, size: int) -> float:
    """Multiply-adds of a step's encoder, forwards and twice that backwards, on `size` pixels."""
    views = 2 * config.batch_size
    return 3.0 * views * multiply_adds(encoder_of(config), size)


def gpu_seconds(config: PretrainConfig, size: int) -> float:
    """Seconds of all steps at `GPU_RATE`, or at `GPU_STEPS` a second where that is longer."""
    return config.steps * max(step_multiply_adds(config, size) / GPU_RATE, 1 / GPU_STEPS)


def _run(experiment: OwnExperiment, own: OwnImages, batch_size: int) -> Run:
    config = replace(experiment.pretrain, batch_size=batch_size, steps=2, warmup=0, compile=False)
    return Run(config, experiment.data(own))


def _stepped(runs: Sequence[Run], clock: Clock) -> float:
    """Seconds of a second step, while as many go side by side: the mean over the runs."""
    threads = torch.get_num_threads()

    def advanced(run: Run) -> float:
        torch.set_num_threads(threads)  # of this thread
        started = clock()
        run.advance(1)
        return clock() - started

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(advanced, runs))
        return float(np.mean(list(pool.map(advanced, runs))))


def _probed(encoder: Encoder, probe: str, own: OwnImages, clock: Clock) -> float:
    """Seconds of the probes, from some of the images in proportion to all; 0 without labels."""
    if own.labelled is None or own.test is None:
        return 0.0
    known, held = _some(own.labelled), _some(own.test)
    started = clock()
    knn_probe(encoder.eval(), known, held)
    if probe == "linear":
        linear_probe(encoder, known, held)
    return (clock() - started) * (len(own.labelled) + len(own.test)) / (len(known) + len(held))


def _some(images: ImageSet) -> ImageSet:
    """About `_PROBED` of the images, two of each class or more; all where there are few."""
    assert images.labels is not None
    if len(images) <= _PROBED:
        return images
    by_class = np.argsort(images.labels, kind="stable")
    ordered = images.labels[by_class]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)  # within its class
    most = max(_PROBED, 2 * len(np.unique(ordered)))
    return images.subset(np.sort(by_class[np.argsort(rank, kind="stable")[:most]]))
