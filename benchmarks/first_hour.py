"""CPU seconds to an answer: `adainf plan --run`, and what a user would do with lightly instead.

    python benchmarks/first_hour.py [--budget 360]      # peer: benchmarks/requirements.txt

The images are 3,000 labelled photographs of CIFAR-10 and 6,000 of a Gaussian mixture that is fitted
to 5,000 other ones. Ours is the whole command on folders of PNG files, from its start to its
verdicts: reading, copies, the look at the gap, timing, runs, probes. Theirs is a notebook that does
the same comparison by the design of ours, as many runs of as many steps and images: lightly's
documented SimCLR loop in float32 (`SimCLRTransform`, `LightlyDataset`, a `ConcatDataset` with the
real images N times, `DataLoader`, projection head, `NTXentLoss`, SGD), scikit-learn's
`LogisticRegressionCV` on standardised frozen features, scipy's paired t-test. Three of them: with
our network and augmentations; with the network of lightly's example for CIFAR-10 (torchvision's
ResNet-18) and its augmentations; with that of its CIFAR-10 benchmark (`ResNetGenerator`). Reading
the images, copies, the gap and the choice of steps are no part of theirs.

Ours is measured whole. Of theirs slices are measured, some steps of each arm after others to warm
up and a probe, and taken times the design's steps and runs. Slices of our own loop take turns with
theirs: they say which part costs what, and what is left of the whole is all that is no run. All is
CPU time, children included, on one thread a process; the command has its default, a process a core,
and what these cost each other counts against it. Both sides end in an interval for each of the
plan's questions; the notebook's t-test is shown on the accuracies of our runs, for its own are not
carried to their end.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from common import report
from PIL import Image
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader
from training import Pictures, marked

from adainf_core.advice.own_images import OwnImages, own_images
from adainf_core.advice.own_study import SCALE, OwnExperiment, compared, own_study
from adainf_core.advice.planning import LEVEL
from adainf_core.advice.proposing import Proposal, read_proposal
from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.evidence.judging.verdicts import by_seed
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.one_run import one_thread
from adainf_core.evidence.runs.records import Record
from adainf_core.evidence.runs.running import study_records
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.learning.encoders import encoder_of
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.pretraining import Run
from adainf_core.learning.probing import knn_probe, linear_probe

TARGET = 3.0
REAL, GENERATED, FITTED = 3000, 6000, 5000
OURS, NETWORK, EXAMPLE, BENCHMARK = (
    "ours",
    "lightly and a notebook, our network",
    "lightly and a notebook, its example's ResNet-18",
    "lightly and a notebook, its benchmark's ResNet-18",
)
RATE = 0.06  # of lightly's example
_IMPORTS = "import lightly.data, lightly.loss, lightly.models, lightly.transforms, torchvision"
_IMPORTS += "; import scipy.stats, sklearn.linear_model"


# ---- the sets


def sets() -> tuple[ImageSet, ImageSet]:
    """The photographs and the generated images."""
    train = load_images("cifar10", download=False)
    order = np.random.default_rng(0).permutation(len(train))
    real, others = order[:REAL], order[REAL : REAL + FITTED]
    mixture = GaussianMixtureGenerator.fit(train.subset(np.sort(others)).unlabelled())
    return train.subset(np.sort(real)), mixture.sample(GENERATED)


def save(images: ImageSet, folder: Path) -> None:
    """One PNG file an image, in a sub-folder a class where there are labels."""
    for i, pixels in enumerate(images.images.transpose(0, 2, 3, 1)):
        place = folder if images.labels is None else folder / f"class-{images.labels[i]}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{i:05}.png")


# ---- the whole of ours


@dataclass(frozen=True)
class Whole:
    """The command carried out: its seconds, its design, and the study and records that it made."""

    processor: float
    wall: float
    proposal: Proposal
    study: Study
    records: Sequence[Record]


def spent(command: Sequence[str | Path]) -> tuple[float, float]:
    """Processor seconds, children's included, and wall seconds of a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def whole(real: Path, generated: Path, records: Path, options: Sequence[str]) -> Whole:
    """`adainf plan --run` on these folders."""
    command = [sys.executable, "-m", "adainf_core", "plan", real, generated, "--run"]
    processor, wall = spent([*command, "--records", records, *options])
    proposal = read_proposal(records)
    assert proposal is not None
    study = study_of(real, generated, proposal)
    return Whole(processor, wall, proposal, study, study_records(study, SCALE, records))


def study_of(real: Path, generated: Path, proposal: Proposal) -> Study:
    """What the command runs by this design."""
    return own_study(
        real,
        generated,
        pretrain=proposal.pretrain,
        seeds=proposal.design.seeds,
        amounts=proposal.amounts,
    )


# ---- contestants: a step returns the seconds of data with augmentation, and of the model


class Ours:
    """An arm's run by this library, and its probes."""

    def __init__(self, experiment: OwnExperiment, own: OwnImages) -> None:
        self.own, self.run = own, Run(experiment.pretrain, experiment.data(own))
        self._step = marked(self.run, time.process_time)

    def step(self) -> np.ndarray:
        data, augmentation, model = self._step()
        return np.array([data + augmentation, model])

    def probe(self) -> None:
        encoder = self.run.trainee.method.encoder.eval()
        knn_probe(encoder, self.own.labelled, self.own.test)
        linear_probe(encoder, self.own.labelled, self.own.test)


class Notebook:
    """An arm's run as lightly documents it, and a notebook's probe.

    `backbone` maps images to `features` of them; `head` are the sizes of the projection, and
    `temperature` is lightly's own where it is None.
    """

    def __init__(
        self,
        experiment: OwnExperiment,
        own: OwnImages,
        backbone: nn.Module,
        features: int,
        head: tuple[int, int],
        augmentation: Mapping[str, Any],
        temperature: float | None = None,
    ) -> None:
        from lightly.data import LightlyDataset
        from lightly.loss import NTXentLoss
        from lightly.models.modules import SimCLRProjectionHead
        from lightly.transforms import SimCLRTransform

        mixture = experiment.data(own)
        transform = SimCLRTransform(input_size=own.real.image_size, **augmentation)
        real, generated = (
            None
            if images is None
            else LightlyDataset.from_torch_dataset(Pictures(images), transform=transform)
            for images in (mixture.real, mixture.generated)
        )
        parts = [real] if generated is None else [real] * int(mixture.replication) + [generated]
        batch = experiment.pretrain.batch_size
        self.loader = DataLoader(ConcatDataset(parts), batch, shuffle=True, drop_last=True)
        self.backbone = backbone
        self.model = nn.Sequential(backbone, SimCLRProjectionHead(features, *head))
        self.criterion = NTXentLoss() if temperature is None else NTXentLoss(temperature)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)
        self.own, self.batches = own, self._batches()

    def _batches(self) -> Iterator[list[torch.Tensor]]:
        while True:
            for views, _, _ in self.loader:
                yield views

    def step(self) -> np.ndarray:
        start = time.process_time()
        views = next(self.batches)
        loaded = time.process_time()
        loss = self.criterion(*(self.model(view) for view in views))
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return np.diff([start, loaded, time.process_time()])

    def probe(self) -> None:
        from sklearn.linear_model import LogisticRegressionCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.backbone.eval()
        known, held = self.own.labelled, self.own.test
        model = make_pipeline(StandardScaler(), LogisticRegressionCV(cv=5, max_iter=1000))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged, or of defaults that will change
            model.fit(self._features(known), known.labels)
        model.score(self._features(held), held.labels)

    @torch.no_grad()
    def _features(self, images: ImageSet) -> np.ndarray:
        batches = torch.from_numpy(images.images).split(256)
        return torch.cat([self.backbone(batch / 255) for batch in batches]).numpy()


def as_lightly(policy: AugmentationPolicy) -> dict[str, Any]:
    """A policy in the words of lightly's `SimCLRTransform`."""
    return {
        "cj_prob": policy.jitter_p,
        "cj_bright": policy.brightness,
        "cj_contrast": policy.contrast,
        "cj_sat": policy.saturation,
        "cj_hue": policy.hue,
        "min_scale": policy.crop_scale[0],
        "random_gray_scale": policy.grey_p,
        "gaussian_blur": policy.blur_p,
        "sigmas": policy.blur_sigma,
        "normalize": None,  # our encoder takes the pixels' mean and deviation out itself
    }


def with_our_network(experiment: OwnExperiment, own: OwnImages) -> Notebook:
    config = experiment.pretrain
    encoder, method = encoder_of(config), config.method
    return Notebook(
        experiment,
        own,
        encoder,
        encoder.feature_dim,
        (method.hidden, method.out),
        as_lightly(config.policy),
        method.temperature,
    )


def as_its_example(experiment: OwnExperiment, own: OwnImages) -> Notebook:
    import torchvision

    layers = list(torchvision.models.resnet18().children())[:-1]
    backbone = nn.Sequential(*layers, nn.Flatten())
    return Notebook(experiment, own, backbone, 512, (512, 128), {"gaussian_blur": 0.0})


def as_its_benchmark(experiment: OwnExperiment, own: OwnImages) -> Notebook:
    from lightly.models import ResNetGenerator

    layers = list(ResNetGenerator("resnet-18").children())[:-1]
    backbone = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Notebook(experiment, own, backbone, 512, (512, 128), {"gaussian_blur": 0.0})


MAKERS: dict[str, Callable[[OwnExperiment, OwnImages], Ours | Notebook]] = {
    OURS: Ours,
    NETWORK: with_our_network,
    EXAMPLE: as_its_example,
    BENCHMARK: as_its_benchmark,
}


# ---- slices


class Slices:
    """Some steps and a probe of each contestant's arms, measured in turns."""

    def __init__(
        self, experiments: Sequence[OwnExperiment], own: OwnImages, few: Mapping[str, int]
    ) -> None:
        """`few` are the contestants, and how many steps of an arm each takes in a turn.

        Of one step, it is of the first arm alone.
        """
        self.few = dict(few)
        self.arms = {
            name: [MAKERS[name](one, own) for one in experiments[: None if steps > 1 else 1]]
            for name, steps in few.items()
        }
        self.steps: dict[str, list[np.ndarray]] = {name: [] for name in few}
        self.probes: dict[str, list[float]] = {name: [] for name in few}

    def warm_up(self, steps: int = 3) -> None:
        """Steps of each arm that do not count, no more than in a turn."""
        for name, runs in self.arms.items():
            for run in runs:
                for _ in range(min(steps, self.few[name])):
                    run.step()

    def turn(self) -> None:
        """Each contestant's steps of each arm."""
        for runs in zip_longest(*self.arms.values()):
            for name, run in zip(self.arms, runs, strict=True):
                if run is not None:
                    self.steps[name] += [run.step() for _ in range(self.few[name])]

    def probe(self) -> None:
        """Each contestant's probe of its first arm."""
        for name, (run, *_) in self.arms.items():
            start = time.process_time()
            run.probe()
            self.probes[name].append(time.process_time() - start)

    def seconds(self, name: str) -> dict[str, float]:
        """Of the parts of a step, and of a probe: means of what was measured."""
        data, model = np.mean(self.steps[name], 0)
        probe = float(np.mean(self.probes[name]))
        return {"data and augmentation": float(data), "model": float(model), "probe": probe}


def scaled(parts: Mapping[str, float], runs: int, steps: int) -> dict[str, float]:
    """CPU seconds of so many runs of so many steps and a probe each, by their parts."""
    return {
        part: runs * seconds * (1 if part == "probe" else steps) for part, seconds in parts.items()
    }


# ---- answers


def answers(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """The interval that each side gives for each of the plan's questions, from these runs."""
    from scipy.stats import ttest_rel

    found = {}
    for verdict in compared(records).verdicts:
        by_arm = {arm: by_seed(records, arm, "linear") for arm in verdict.claim.arms}
        seeds = sorted(set.intersection(*(set(values) for values in by_arm.values())))
        sides = [
            [sum(abs(t.weight) * by_arm[t.arm][seed] for t in terms) for seed in seeds]
            for terms in (
                [term for term in verdict.claim.terms if term.weight > 0],
                [term for term in verdict.claim.terms if term.weight < 0],
            )
        ]
        theirs = ttest_rel(*sides).confidence_interval(LEVEL)
        ours = verdict.difference
        found[verdict.claim.statement] = {
            "seeds": len(seeds),
            "ours": None if ours is None else [round(ours.low, 2), round(ours.high, 2)],
            "verdict": str(verdict.outcome),
            "scipy": [round(float(end), 2) for end in theirs],
        }
    return found


def _rounded(seconds: Mapping[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in seconds.items()}


def main() -> None:
    """Measure all and write results/first_hour.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=int, default=360, help="seconds (default 360)")
    parser.add_argument("--steps", type=int, default=3, help="of an arm, a turn (default 3)")
    parser.add_argument("--turns", type=int, default=2, help="of all arms (default 2)")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # the commands' and ours
    few = dict.fromkeys((OURS, NETWORK, EXAMPLE), options.steps) | {BENCHMARK: 1}
    with TemporaryDirectory() as folder, one_thread():
        real, generated, records = (Path(folder) / name for name in ("real", "generated", "runs"))
        for images, place in zip(sets(), (real, generated), strict=True):
            save(images, place)
        done = whole(real, generated, records, ["--budget", str(options.budget)])
        print(f"the command: {done.processor:.0f} CPU seconds", flush=True)
        own = own_images(real, generated)
        experiments = [done.study.experiment(SCALE, arm, 0) for arm in done.study.arms]
        slices = Slices(experiments, own, few)
        slices.warm_up()
        for _ in range(options.turns):
            slices.turn()
        slices.probe()
        imports = spent([sys.executable, "-c", _IMPORTS])[0]
    write(done, slices, imports)


def write(done: Whole, slices: Slices, imports: float) -> None:
    """Tell the seconds of all, and write the file."""
    design = done.proposal.design
    runs = len(done.records)
    slice_seconds = {name: slices.seconds(name) for name in slices.arms}
    parts = {name: scaled(found, runs, design.steps) for name, found in slice_seconds.items()}
    for name in parts.keys() - {OURS}:
        parts[name]["imports"] = imports
    parts[OURS]["all else"] = done.processor - sum(parts[OURS].values())
    seconds = {name: sum(found.values()) for name, found in parts.items()}
    times = {name: round(seconds[name] / seconds[OURS], 2) for name in parts if name != OURS}
    report(
        "first_hour",
        {name: dict.fromkeys(("median", "low", "high"), value) for name, value in seconds.items()},
        "CPU seconds to the answer",
        ("lightly",),
        "cpu",
        images=f"{REAL:,} of CIFAR-10, {GENERATED:,} of a Gaussian mixture fitted to {FITTED:,}",
        design={
            "steps": design.steps,
            "seeds": design.seeds,
            "arms": list(done.study.arms),
            "runs_done": runs,
            "width": design.width,
            "batch": done.proposal.pretrain.batch_size,
            "precision": done.proposal.pretrain.precision,
        },
        measured={
            "whole": {OURS: done.processor, "wall": done.wall, "imports of theirs": imports},
            "steps": {name: len(found) for name, found in slices.steps.items()},
            "probes": {name: len(found) for name, found in slices.probes.items()},
            "seconds_of_a_step_and_a_probe": {
                name: _rounded(found, 4) for name, found in slice_seconds.items()
            },
        },
        scaled=f"theirs: seconds of a step times {design.steps:,} steps and {runs} runs, of a "
        f"probe times {runs} runs. Ours is measured whole: its parts are scaled alike, and "
        '"all else" is what the whole took besides, reading, copies, gap and timing',
        parts={name: _rounded(found, 1) for name, found in parts.items()},
        load=os.getloadavg()[0],
        answers=answers(done.records),
        times_ours=times,
        targets_met={f"{name}: at least {TARGET:g} times ours": value >= TARGET
                     for name, value in times.items()},
    )  # fmt: skip
    for name, value in times.items():
        print(f"{name}: {value} times ours")


if __name__ == "__main__":
    main()
