"""Studies: named grids of experiments, and the runner that turns them into records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from adainf_core.evidence.experiments import Experiment, experiment_data, run_experiment
from adainf_core.evidence.records import (
    Record,
    code_hashes,
    config_hash,
    machine,
    read_record,
    record_path,
    write_record,
)
from adainf_core.evidence.scales import SCALES
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import POLICIES, AugmentationPolicy
from adainf_core.learning.pretraining import PretrainConfig


@dataclass(frozen=True)
class Arm:
    """One treatment: which generator, whether real images weigh N times, which policy, a label.

    `inflated` is None, "flawed" (the study's imperfect generator) or "perfect"; `reweighted` uses
    the study's N, else N = 1; `policy` is "strong" or "weak", one of the study's two.
    """

    label: str
    inflated: str | None
    reweighted: bool
    policy: str


#: The paper's three arms, and the controls it lacks.
FAILURE_MODE_ARMS = {
    "none": Arm("no inflation", None, False, "strong"),
    "weak": Arm("weak only", None, False, "weak"),
    "vanilla": Arm("vanilla", "flawed", False, "strong"),
    "adainf": Arm("AdaInf", "flawed", True, "weak"),
    "perfect_vanilla": Arm("vanilla, perfect", "perfect", False, "strong"),
    "perfect_adainf": Arm("AdaInf, perfect", "perfect", True, "weak"),
}


@dataclass(frozen=True)
class Layout:
    """A study's numbers at one scale.

    `base` is the experiment without inflation; inflated arms add `n_generated` images and, where
    reweighted, count each real one `replication` times; every arm runs on `seeds` seeds.
    """

    base: Experiment
    n_generated: int
    replication: float
    seeds: int


@dataclass(frozen=True)
class Study:
    """A grid of arms over seeds, laid out at one or more scales.

    `flawed` is the imperfect generator's name and its `tau`; `policies` are the "strong" and the
    "weak" augmentation; `layouts` maps scales to their numbers; `code` lists the source files that
    decide a run.
    """

    name: str
    arms: dict[str, Arm]
    flawed: tuple[str, float]
    policies: dict[str, AugmentationPolicy]
    layouts: dict[str, Layout]
    code: tuple[str, ...]

    def layout(self, scale: str) -> Layout:
        """The study's numbers at `scale`; ValueError where it is not laid out."""
        if scale not in self.layouts:
            raise ValueError(
                f"study {self.name!r} is not laid out at scale {scale!r}; "
                f"it has {', '.join(self.layouts)}"
            )
        return self.layouts[scale]

    def largest_scale(self, wanted: str) -> str:
        """The largest laid-out scale that is not above `wanted`; ValueError where all are."""
        within = [s for s in SCALES[: SCALES.index(wanted) + 1] if s in self.layouts]
        if not within:
            raise ValueError(f"study {self.name!r} starts at scale {next(iter(self.layouts))!r}")
        return within[-1]

    def experiment(self, scale: str, arm: str, seed: int) -> Experiment:
        """The experiment of one arm and seed; arms of one seed share real images and weights."""
        if arm not in self.arms:
            raise ValueError(
                f"study {self.name!r} has no arm {arm!r}; it has {', '.join(self.arms)}"
            )
        layout, treatment = self.layout(scale), self.arms[arm]
        policy = self.policies[treatment.policy]
        pretrain = replace(layout.base.pretrain, policy=policy, seed=seed)
        experiment = replace(layout.base, seed=seed, pretrain=pretrain)
        if treatment.inflated is None:
            return experiment
        generator, tau = self.flawed if treatment.inflated == "flawed" else ("perfect", 0.0)
        return replace(
            experiment,
            generator=generator,
            tau=tau,
            n_generated=layout.n_generated,
            replication=layout.replication if treatment.reweighted else 1.0,
        )


def run_study(
    study: Study,
    scale: str,
    *,
    seeds: int | None = None,
    store: Path | None = None,
    processes: int = 1,
    budget: float = float("inf"),
    progress: bool = False,
) -> list[Record]:
    """Run what has no record yet, seed by seed across all arms, and return every record.

    Each run has a process and one thread of its own, `processes` at a time. With `store` (a results
    folder) finished runs are read from there and new ones written; without it everything runs and
    nothing is kept. No run starts after `budget` seconds, so a prefix of the grid, balanced over
    arms, is what remains of a budget that was too small. `progress` shows a bar in the terminal.
    Raises ValueError where the store holds a run of another configuration.
    """
    started = time.monotonic()
    records: dict[tuple[int, str], Record] = {}
    pending = []
    for seed in range(study.layout(scale).seeds if seeds is None else seeds):
        for arm in study.arms:
            path = store and record_path(study.name, scale, arm, seed, store)
            if path and path.is_file():
                records[seed, arm] = read_record(path)
                if records[seed, arm].config_hash != config_hash(
                    study.experiment(scale, arm, seed).config()
                ):
                    raise ValueError(
                        f"{path}: ran under another configuration than the study has now; "
                        "move it away to run again"
                    )
            else:
                pending.append((study, scale, arm, seed))
    finished = _run_all(pending, processes, started + budget)
    if progress:
        from tqdm import tqdm

        finished = tqdm(finished, total=len(pending), unit="run")
    for record in finished:
        records[record.seed, record.arm] = record
        if store:
            write_record(record, store)
    return [
        records[key] for key in sorted(records, key=lambda k: (k[0], list(study.arms).index(k[1])))
    ]


def study_pictures(study: Study, scale: str, count: int = 12) -> dict[str, np.ndarray]:
    """The first `count` real images of seed 0, and of what each generator makes of them."""
    real, flawed, _ = experiment_data(study.experiment(scale, "vanilla", 0))
    _, perfect, _ = experiment_data(study.experiment(scale, "perfect_vanilla", 0))
    assert flawed is not None and perfect is not None  # both arms are inflated
    sides = {"real": real, "flawed": flawed, "perfect": perfect}
    return {name: side.images[:count] for name, side in sides.items()}


def run_one(study: Study, scale: str, arm: str, seed: int) -> Record:
    """Run one arm and seed on one thread and return its record."""
    import torch

    torch.set_num_threads(1)
    experiment = study.experiment(scale, arm, seed)
    config = experiment.config()
    code = code_hashes(study.code)
    started = time.monotonic()
    outcome = run_experiment(experiment)
    versions, device = machine(experiment.pretrain.device)
    return Record(
        study=study.name,
        scale=scale,
        arm=arm,
        seed=seed,
        config=config,
        config_hash=config_hash(config),
        code=code,
        versions=versions,
        device=device,
        wall_seconds=round(time.monotonic() - started, 1),
        finished=datetime.now(UTC).strftime("%Y-%m-%d"),
        beta=outcome.beta,
        metrics={name: round(value, 2) for name, value in outcome.metrics.items()},
        protocols=outcome.protocols,
        history=[{"step": h["step"], "loss": round(h["loss"], 4)} for h in outcome.history],
    )


def _run_all(pending: list[tuple], processes: int, deadline: float) -> Iterator[Record]:
    """Records as they finish; work is handed out late, so that the deadline is kept."""
    queue = iter(pending)
    # spawned, not forked: a forked child inherits torch's locked thread pools
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running: set[Future[Record]] = set()
        while True:
            while len(running) < processes and time.monotonic() < deadline:
                job = next(queue, None)
                if job is None:
                    break
                running.add(pool.submit(run_one, *job))
            if not running:
                return
            done = next(as_completed(running))
            running.remove(done)
            if done.exception():
                # what runs beside the failed one is not lost with it
                yield from (other.result() for other in running if not other.exception())
            yield done.result()


_LEARNING = tuple(f"learning/{m}.py" for m in (
    "augmentation", "encoders", "features", "feeding", "methods", "objectives", "optimizers",
    "policies", "pretraining", "probing", "softmax_regression"))  # fmt: skip
_COMMON = (
    "evidence/experiments.py",
    "data/images.py",
    "data/inflation.py",
    "data/named_sets.py",
    "data/sources.py",
    *_LEARNING,
)

FAILURE_MODE = Study(
    name="failure-mode",
    arms=FAILURE_MODE_ARMS,
    flawed=("gaussian_mixture", 0.0),
    policies={
        "strong": POLICIES["symmetric"].for_image_size(16),
        "weak": POLICIES["symmetric_adainf"].for_image_size(16),
    },
    layouts={
        "laptop": Layout(
            Experiment(
                "cifar10", size=16, n_real=5000, n_test=10_000,
                pretrain=PretrainConfig(steps=1000, width=16, precision="bf16", device="cpu"),
            ),
            # N = 4 gives the paper's beta = 1/3
            n_generated=40_000, replication=4.0, seeds=5,
        ),
    },
    code=(*_COMMON, "data/generators.py"),
)  # fmt: skip

_SPRITES = Experiment(
    "sprites", size=16, n_real=1000, n_test=4000,
    pretrain=PretrainConfig(
        method=SimCLR(hidden=128), steps=300, batch_size=128, width=8, warmup=20, device="cpu"
    ),
)  # fmt: skip
# a sprite is gone from a crop of 8 % and shapeless under blur: strong means less here
_SPRITE_POLICIES = {
    "strong": replace(POLICIES["symmetric"], crop_scale=(0.25, 1.0), blur_p=0.0),
    "weak": replace(POLICIES["symmetric_adainf"], crop_scale=(0.5, 1.0), blur_p=0.0),
}

FAILURE_MODE_SPRITES = Study(
    name="failure-mode-sprites",
    arms=FAILURE_MODE_ARMS,
    flawed=("background", 0.9),
    policies=_SPRITE_POLICIES,
    layouts={
        "quick": Layout(_SPRITES, n_generated=10_000, replication=5.0, seeds=4),
        "laptop": Layout(
            replace(_SPRITES, pretrain=replace(_SPRITES.pretrain, steps=3000)),
            n_generated=10_000, replication=5.0, seeds=5,
        ),
    },
    code=(*_COMMON, "data/sprites.py"),
)  # fmt: skip

STUDIES = {study.name: study for study in (FAILURE_MODE, FAILURE_MODE_SPRITES)}
