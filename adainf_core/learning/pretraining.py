"""Contrastive pre-training on an inflated set."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from adainf_core.configuration import from_plain, to_plain
from adainf_core.data.images import ImageSet
from adainf_core.devices import check_memory, chosen_device
from adainf_core.files import claim_output
from adainf_core.learning import distributed
from adainf_core.learning.augmentation import two_views, view_noise, views_of_noise
from adainf_core.learning.checkpoints import (
    Checkpoint,
    check_same_run,
    read_checkpoint,
    write_checkpoint,
)
from adainf_core.learning.encoders import Encoder, encoder_of
from adainf_core.learning.event_log import event_log
from adainf_core.learning.feeding import Feed, Source
from adainf_core.learning.networks import Method
from adainf_core.learning.optimizers import build_optimizer
from adainf_core.learning.pretrain_config import PretrainConfig, view_scale, warmup_cosine
from adainf_core.notebook import card, curve
from adainf_core.progress import progress_range
from adainf_core.stopping import StopRequest, stop_requests
from adainf_core.tensor_files import naming_misfits, restore_optimizer
from adainf_core.validation import as_number, as_path, in_words

_HISTORY = 50  # entries of a loss curve
_LOOK = 100  # steps between two looks at whether the loss is finite
_VOTE = 10  # steps between two looks of all ranks at whether one has to stop


@dataclass(frozen=True)
class Pretrained:
    """A trained encoder (in eval mode, on the CPU) and the loss along the way.

    `history` is a list of {"step", "loss"}: the mean loss since the entry before. `steps` were
    done of those configured, all of them if `finished`, on images of `image_size` pixels.
    `mixture` says in words of what. `checkpoint` is the file a run can be continued from.
    `online_classifier` maps features to class scores where one was asked for.
    """

    encoder: Encoder = field(repr=False)
    history: list[dict[str, float]] = field(repr=False)
    steps: int
    finished: bool
    image_size: int
    mixture: str
    checkpoint: Path | None = None
    online_classifier: nn.Linear | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        weights = sum(parameter.numel() for parameter in self.encoder.parameters())
        lines = [
            f"{self.mixture}, {self.image_size} pixels",
            f"encoder of {weights:,} weights, {self.encoder.feature_dim} features",
        ]
        if self.checkpoint is not None:
            lines.append(f"checkpoint: {self.checkpoint}")
        parts = []
        if self.history:
            first, last = self.history[0]["loss"], self.history[-1]["loss"]
            lines.append(f"loss {first:.4g} at first, {last:.4g} at last:")
            points = [(entry["step"], entry["loss"]) for entry in self.history]
            parts.append(curve(points, "Loss over steps."))
        state = "finished" if self.finished else "not finished"
        return card(f"Run of {self.steps:,} steps, {state}", lines, *parts)


def pretrain(
    config: PretrainConfig,
    data: Source,
    *,
    checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 300.0,
    max_seconds: float = math.inf,
    progress: bool = False,
    tensorboard: str | Path | None = None,
    made_of: dict[str, Any] | None = None,
) -> Pretrained:
    """Train an encoder on draws from `data`: images to be augmented, or views made already.

    Every random number is a function of `config.seed` and the step, so a run is deterministic on
    one machine and thread count, whatever the number of processes. With `checkpoint` (a file) the
    run continues from there if the file exists, writes it every `checkpoint_seconds` and at the
    end; after `max_seconds` or on SIGTERM it stops there and returns unfinished, and Ctrl-C ends
    it there too, as a KeyboardInterrupt that says how to go on. On CPU a continued run ends in the
    same bits. With `progress` it tells how far it is, with `tensorboard` (a folder) the loss goes
    there. Under `torchrun` (see `distributed.process_group`) `batch_size` is shared among the
    processes. `made_of` goes into the checkpoint as it is: the names by which `adainf probe` finds
    the data again, {"dataset": ..., "split": ..., "root": ...}.

    Raises ValueError before any training for a batch larger than the data, labels missing for an
    online probe, a policy for views or none for images, or a checkpoint of another run; OSError for
    a checkpoint that cannot be written or that another run is writing (`claim_output`); and
    FloatingPointError when loss or weights stop being finite (the checkpoint then is from before).
    """
    if not as_number(max_seconds, "max_seconds") >= 0:
        raise ValueError(f"max_seconds={max_seconds} is no time to train for")
    if not as_number(checkpoint_seconds, "checkpoint_seconds") >= 0:
        raise ValueError(f"checkpoint_seconds={checkpoint_seconds} is no time between checkpoints")
    path = None if checkpoint is None else as_path(checkpoint, "checkpoint")
    started, main = time.monotonic(), distributed.rank() == 0
    claim = claim_output(path, "file") if path is not None and main else nullcontext()
    with claim, stop_requests() as stop:
        run = Run(config, data, made_of)
        if path is not None and path.is_file():
            run.restore(path)
        _check_same_start(run)
        _train(run, stop, path, checkpoint_seconds, started + max_seconds, progress, tensorboard)
        if path is not None and main:
            write_checkpoint(run.checkpoint(), path)
    kept = "nothing is kept" if path is None else f"kept in {path}: the same call goes on"
    stop.raise_interrupt(f"stopped after {run.step} of {config.steps} steps, {kept}")
    return run.result(path)


def _train(
    run: Run,
    stop: StopRequest,
    path: Path | None,
    checkpoint_seconds: float,
    deadline: float,
    progress: bool,
    tensorboard: str | Path | None,
) -> None:
    """Take the steps that are left, until `stop` is true or the `deadline` is past on some rank."""
    main, saved = distributed.rank() == 0, time.monotonic()
    with event_log(tensorboard if main else None, run.step) as log:
        steps = progress_range(run.step, run.config.steps, "step", shown=progress and main)
        for step, loss in run.train(steps):
            if loss is not None:
                log(step, {"loss": loss, "learning_rate": run.learning_rate()})
            now = time.monotonic()
            wanted = bool(stop) or now >= deadline
            if (distributed.world_size() == 1 or step % _VOTE == 0) and distributed.any_rank(
                wanted, run.device
            ):
                break
            if path is not None and main and now - saved >= checkpoint_seconds:
                write_checkpoint(run.checkpoint(), path)
                saved = now


def _check_same_start(run: Run) -> None:
    """Raise ValueError where ranks do not go on from one step: they read different files."""
    step = torch.tensor(float(run.step), device=run.device)
    if float(distributed.all_reduce_sum(step)) != run.step * distributed.world_size():
        raise ValueError(
            f"rank {distributed.rank()} goes on from step {run.step}, others from elsewhere: the "
            "checkpoint has to lie where all of them see it"
        )


def load_pretrained(path: str | Path) -> Pretrained:
    """What the run that wrote the checkpoint at `path` has reached."""
    path = as_path(path, "path")
    found = read_checkpoint(path)
    with naming_misfits(path):
        config = from_plain(PretrainConfig, found.config)
        trainee = _Trainee(config, _classes(found.classifier))
        trainee.restore(found)
        return trainee.result(found.history, found.step, found.data, path)


def untrained_encoder(config: PretrainConfig) -> Encoder:
    """The encoder that a run of `config` begins with, in eval mode."""
    return _Trainee(config, None).method.encoder.eval()


def _check_memory(config: PretrainConfig) -> None:
    """Raise ValueError where the networks alone are more than this machine can hold."""
    with torch.device("meta"):
        method = config.method.build(encoder_of(config))
    weights = sum(tensor.nbytes for tensor in [*method.parameters(), *method.buffers()])
    wide = "width" if config.encoder == "small_cnn" else "base_width"
    check_memory(
        weights, f"{wide}={getattr(config, wide)} of {config.encoder} under {config.method}"
    )


class _Trainee(nn.Module):
    """What descends: a method, and the online classifier where there is one."""

    def __init__(self, config: PretrainConfig, classes: int | None) -> None:
        super().__init__()
        self.steps = config.steps
        _check_memory(config)
        # weights are drawn on the CPU, and whoever else draws there is not disturbed
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(int(config.seed))
            encoder = encoder_of(config)
            self.method: Method = config.method.build(encoder)
            self.method.role = config.generated_role
            self.classifier = nn.Linear(encoder.feature_dim, classes) if classes else None

    def forward(
        self,
        views: torch.Tensor,
        ids: torch.Tensor,
        real: torch.Tensor | None,
        labels: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The method's loss, and the sum of all that is to be descended."""
        loss, features = self.method(views, ids, real)
        if self.classifier is None or labels is None:
            return loss, loss
        scores = self.classifier(features).float()
        labels = labels.repeat(2)
        summed = F.cross_entropy(scores, labels, ignore_index=-1, reduction="sum")
        # generated images carry -1; a batch may hold nothing else, and 0 / 0 would be the mean
        known = distributed.all_reduce_sum((labels >= 0).sum()).clamp(min=1)
        return loss, loss + summed * distributed.world_size() / known  # ranks are averaged

    def restore(self, found: Checkpoint) -> None:
        """Take the weights of `found`."""
        self.method.load_state_dict(found.model)
        if self.classifier is not None and found.classifier is not None:
            self.classifier.load_state_dict(found.classifier)

    def result(
        self,
        history: list[dict[str, float]],
        steps: int,
        data: dict[str, Any],
        path: Path | None,
    ) -> Pretrained:
        encoder = self.method.encoder.eval().to("cpu")
        classifier = None if self.classifier is None else self.classifier.eval().to("cpu")
        shape, mixture, finished = data["shape"], data["mixture"], steps == self.steps
        return Pretrained(encoder, history, steps, finished, shape[-1], mixture, path, classifier)


class Run:
    """A run between two of its steps; `pretrain` drives it, benchmarks and estimates too."""

    def __init__(
        self, config: PretrainConfig, data: Source, made_of: dict[str, Any] | None = None
    ) -> None:
        self.made_of = made_of
        self.labels = _checked_labels(config, data)
        self.config, self.data = config, data
        self.device = chosen_device(config.device)
        self.feed = Feed(data, config.batch_size, config.seed, self.device, config.generated_role)
        identity = data.fingerprint()
        if self.labels is not None:
            identity["labels"] = hashlib.sha256(self.labels.tobytes()).hexdigest()[:16]
        self.described = to_plain(config), identity
        classes = None if self.labels is None else int(self.labels.max()) + 1
        self.trainee = _Trainee(config, classes).to(self.device)
        self.trainee = self.trainee.to(memory_format=torch.channels_last)
        self.model = distributed.wrap(self.trainee, self.device)
        self.two_views = two_views
        if config.compile:
            self.model = torch.compile(self.model)  # type: ignore[assignment]
            if self.device.type != "cpu":  # where its chunks are faster than a compiled graph
                self.two_views = torch.compile(two_views, fullgraph=True)
        groups: list[dict[str, Any]] = [
            {
                "params": [p for p in self.trainee.method.parameters() if p.requires_grad],
                "lr": config.learning_rate,
            }
        ]
        if self.trainee.classifier is not None:
            online = list(self.trainee.classifier.parameters())
            groups.append(
                {"params": online, "lr": config.online_learning_rate, "weight_decay": 0.0}
            )
        self.rates = [group["lr"] for group in groups]
        self.optimizer = build_optimizer(
            config.optimizer, groups, config.weight_decay, config.momentum
        )
        self.noise = torch.Generator(self.device)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.total, self.since = torch.zeros((), device=self.device), 0

    def train(self, steps: Iterator[int]) -> Iterator[tuple[int, float | None]]:
        """Take `steps` one by one; yield each one's number and, where recorded, the loss."""
        config = self.config
        every = max(1, config.steps // _HISTORY)
        self.model.train()
        batches = self.feed.batches(self.step, config.steps)
        for _, batch in zip(steps, batches, strict=False):
            loss = self._descend(*batch)
            self.step += 1
            self.total, self.since = self.total + loss, self.since + 1
            if self.step % _LOOK == 0:
                self._finite_total()
            recorded = None
            if self.step == config.steps:
                self._check_weights()
            if self.since == every or self.step == config.steps:
                recorded = self._finite_total() / self.since
                self.history.append({"step": self.step, "loss": recorded})
                self.total, self.since = torch.zeros_like(self.total), 0
            yield self.step, recorded

    def advance(self, steps: int) -> None:
        """Take `steps` more steps (no more than are left), and wait for the device."""
        for _ in self.train(iter(range(steps))):
            pass
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def _descend(self, ids: np.ndarray, images: Sequence[torch.Tensor]) -> torch.Tensor:
        config = self.config
        views = _averaged(self._views(*images), view_scale(self.step, config))
        views = views.to(memory_format=torch.channels_last)
        image_ids = torch.from_numpy(ids).to(self.device, non_blocking=True)
        real = image_ids < len(self.data.images[0]) if self.data.images else None
        labels = None if self.labels is None else self._labels(ids)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * warmup_cosine(self.step, config)
        half = config.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16) if half else nullcontext():
            loss, descended = self.model(views, image_ids, real, labels)
        self.optimizer.zero_grad(set_to_none=True)
        descended.backward()
        self.optimizer.step()
        self.trainee.method.after_step(self.step / config.steps)
        return loss.detach()

    def _views(
        self, first: torch.Tensor, second: torch.Tensor, *others: torch.Tensor
    ) -> torch.Tensor:
        """Views float (m rows, 3, h, w) of m images each: augmented, or what are views already.

        Those of the pairs come first; the others are augmented as first views are.
        """
        config, n = self.config, self.config.batch_size
        if config.policy is None:
            return torch.cat([first, second]).float() / 255
        self.noise.manual_seed(step_seed(config.seed, self.step))
        # noise for the global batch, whatever the number of ranks; each takes its rows
        noise = view_noise(2 * n, self.noise, config.policy.extra).view(2, n, -1)
        noise = noise[:, self.feed.rows].flatten(0, 1)
        views = [self.two_views(first, second, config.policy, noise)]
        for images in others:
            noise = view_noise(n, self.noise, config.policy.extra)[self.feed.rows]
            views.append(views_of_noise(images, config.policy, noise))
        return torch.cat(views) if others else views[0]

    def _labels(self, ids: np.ndarray) -> torch.Tensor:
        """Labels of the batch's labelled (real) images, -1 for generated ones."""
        assert self.labels is not None
        known = ids < len(self.labels)
        labels = np.where(known, self.labels[np.where(known, ids, 0)], -1)
        return torch.from_numpy(labels).to(self.device, non_blocking=True)

    def _finite_total(self) -> float:
        total = float(self.total)
        if not math.isfinite(total):
            raise FloatingPointError(
                f"the loss became {total} by step {self.step}: lower learning_rate="
                f"{self.config.learning_rate} or raise the temperature"
            )
        return total

    def _check_weights(self) -> None:
        """Raise FloatingPointError where the last step has made a weight infinite."""
        for name, value in self.trainee.state_dict().items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise FloatingPointError(
                    f"{name} is not finite after step {self.step}: lower learning_rate="
                    f"{self.config.learning_rate}"
                )

    def learning_rate(self) -> float:
        return self.optimizer.param_groups[0]["lr"]

    def checkpoint(self) -> Checkpoint:
        self._check_weights()
        classifier = self.trainee.classifier
        config, data = self.described
        return Checkpoint(
            config=config,
            data=data,
            step=self.step,
            model=self.trainee.method.state_dict(),
            optimizer=self.optimizer.state_dict(),
            history=self.history,
            pending=(self._finite_total(), self.since),
            classifier=None if classifier is None else classifier.state_dict(),
            made_of=self.made_of,
        )

    def restore(self, path: Path) -> None:
        found = read_checkpoint(path)
        check_same_run(found, *self.described, path)
        with naming_misfits(path):
            self.trainee.restore(found)
            restore_optimizer(self.optimizer, found.optimizer)
        self.step, self.history = found.step, list(found.history)
        self.total = torch.tensor(found.pending[0], device=self.device)
        self.since = found.pending[1]

    def result(self, path: Path | None) -> Pretrained:
        return self.trainee.result(self.history, self.step, self.described[1], path)


def _checked_labels(config: PretrainConfig, data: Source) -> np.ndarray | None:
    """Labels for the online probe, if there is one; ValueError where config and data disagree."""
    if not isinstance(config, PretrainConfig):
        raise ValueError(f"config={in_words(config)} must be a PretrainConfig")
    given: object = data
    if isinstance(given, ImageSet):
        raise ValueError(
            f"data is {given.name}, an ImageSet: wrap it, as Inflation(images) or "
            "Inflation(images, generated, replication=10)"
        )
    if not all(hasattr(data, name) for name in ("images", "labels", "batch", "fingerprint")):
        raise ValueError(
            f"data={in_words(data)} must be an Inflation of images, or a source of views (`Source` "
            "in learning/feeding.py)"
        )
    _check_role(config, data)
    available = sum(map(len, data.images))
    if config.policy is not None and not available:
        raise ValueError("the data comes as views already: set policy=None")
    if config.policy is None and available:
        raise ValueError("policy=None is for data that comes as views: give images a policy")
    if 0 < available < config.batch_size:
        raise ValueError(
            f"batch_size={config.batch_size} is larger than the {available} images there are: set "
            f"pretrain.batch_size={max(2, 1 << (available.bit_length() - 1))} or less"
        )
    if config.online_learning_rate is None:
        return None
    if data.labels is None:
        raise ValueError(
            f"online_learning_rate={config.online_learning_rate}: an online probe needs labels, "
            "and the data has none; set it to None"
        )
    return data.labels


def _check_role(config: PretrainConfig, data: Source) -> None:
    """ValueError where the data has not what the configuration asks of it."""
    role = config.generated_role
    own = getattr(config.method, "own_negatives", False)
    if (role is not None or own) and not data.images:
        asked = "own_negatives=True" if role is None else f"generated_role={role.name!r}"
        raise ValueError(f"{asked} is for images, and the data comes as views already")
    if role is not None and role.varies and not hasattr(data, "variations"):
        raise ValueError(
            f"generated_role={role.name!r} needs variations of the images: give a "
            "Varied(inflation, pairs)"
        )


def _averaged(views: torch.Tensor, scale: float) -> torch.Tensor:
    """Views (n, 3, h, w) averaged down to `scale` times their height and width."""
    if scale == 1:
        return views
    height, width = (max(1, round(scale * side)) for side in views.shape[-2:])
    return F.adaptive_avg_pool2d(views, (height, width))


def step_seed(seed: int, step: int) -> int:
    """The seed of the augmentation's noise at `step`, well apart for neighbouring arguments.

    63 bits, of which torch's generator on processors reads the last 32.
    """
    return int(np.random.SeedSequence((seed, step, 1)).generate_state(1, np.uint64)[0] >> 1)


def _classes(classifier: dict[str, Any] | None) -> int | None:
    return None if classifier is None else len(classifier["bias"])
