"""The loop: it learns, it repeats itself, it stops and goes on, and it refuses before it starts."""

import errno
import math
import os
import random
import resource
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import children
import numpy as np
import pytest
import torch

from adainf_core.data.inflation import Inflation
from adainf_core.learning import pretraining
from adainf_core.learning.checkpoints import read_checkpoint, write_checkpoint
from adainf_core.learning.methods import BYOL, BarlowTwins, MoCo, Spectral
from adainf_core.learning.pretraining import (
    Pretrained,
    load_pretrained,
    pretrain,
    step_seed,
    warmup_cosine,
)


def weights(trained: Pretrained) -> torch.Tensor:
    return torch.cat([v.flatten().double() for v in trained.encoder.state_dict().values()])


def test_loss_falls_from_chance(config, data):
    history = pretrain(replace(config, steps=40), data).history
    assert history[0]["loss"] == pytest.approx(np.log(63), rel=0.15)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]


def test_same_seed_same_weights(config, data):
    one, two = (pretrain(config, data) for _ in range(2))
    other = pretrain(replace(config, seed=1), data)
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))
    assert one.history == two.history and one.finished and one.steps == 12


def test_bf16_stays_close_to_fp32(config, data):
    full, half = (pretrain(replace(config, precision=p), data).history for p in ("fp32", "bf16"))
    assert half[-1]["loss"] == pytest.approx(full[-1]["loss"], rel=0.05)


def test_warmup_and_cosine(config):
    config = replace(config, steps=100, warmup=10)
    assert [warmup_cosine(t, config) for t in (0, 9, 10)] == pytest.approx([0.1, 1, 1])
    assert warmup_cosine(55, config) == pytest.approx(0.5)
    assert warmup_cosine(100, config) == pytest.approx(0, abs=1e-12)


def test_step_seeds_differ():
    assert len({step_seed(s, t) for s in range(20) for t in range(200)}) == 4000


METHODS = [MoCo(16, 8, queue=50), BYOL(16, 8), BarlowTwins(16, 8), Spectral(16, 8)]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lars"])
@pytest.mark.parametrize("method", [None, *METHODS], ids=lambda m: getattr(m, "name", "simclr"))
def test_resume_is_bit_exact(method, optimizer, config, data, tmp_path):
    config = replace(config, optimizer=optimizer, method=method or config.method)
    config = replace(config, online_learning_rate=0.1)
    whole = pretrain(config, data)
    path = tmp_path / "run.pt"
    parts = 0
    while not path.is_file() or read_checkpoint(path).step < config.steps:
        continued = pretrain(config, data, checkpoint=path, max_seconds=0)  # one step a part
        parts += 1
    assert parts == config.steps and continued.finished
    assert torch.equal(weights(whole), weights(continued))
    assert torch.equal(whole.online_classifier.weight, continued.online_classifier.weight)
    assert whole.history == continued.history
    loaded = load_pretrained(path)
    assert torch.equal(weights(loaded), weights(whole)) and loaded.finished
    assert torch.equal(loaded.online_classifier.weight, whole.online_classifier.weight)


def test_resume_is_bit_exact_for_epochs_in_bf16(config, data, tmp_path):
    mixed = Inflation(data.real, data.generated, replication=2, sampling="epoch", stratified=True)
    config = replace(config, precision="bf16", steps=20)  # over two epochs
    path = tmp_path / "run.pt"
    while not (part := pretrain(config, mixed, checkpoint=path, max_seconds=0)).finished:
        assert part.checkpoint == path
    assert torch.equal(weights(part), weights(pretrain(config, mixed)))


def test_a_finished_run_is_not_trained_further(config, data, tmp_path):
    path = tmp_path / "run.pt"
    first = pretrain(config, data, checkpoint=path)
    again = pretrain(config, data, checkpoint=path)
    assert torch.equal(weights(first), weights(again)) and again.history == first.history


def test_sigterm_ends_in_a_checkpoint(config, data, tmp_path):
    path = tmp_path / "run.pt"
    before = signal.getsignal(signal.SIGTERM)
    config = replace(config, steps=100_000)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    part = pretrain(config, data, checkpoint=path)
    assert not part.finished and 0 < part.steps < config.steps
    assert read_checkpoint(path).step == part.steps
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
def test_twenty_kills_end_in_the_undisturbed_weights(tmp_path):
    def start(path: Path) -> BaseProcess:
        child = children.context.Process(target=children.save_every_step, args=(path,))
        child.start()
        return child

    undisturbed, killed = tmp_path / "undisturbed.pt", tmp_path / "killed.pt"
    whole = start(undisturbed)
    whole.join()
    assert whole.exitcode == 0
    rng = random.Random(0)
    steps = []
    for kill in range(20):
        child = start(killed)
        wanted = children.STEPS * (kill + 1) // 22
        while not killed.is_file() or _step(killed) < wanted:
            assert child.exitcode is None
            time.sleep(0.01)
        time.sleep(rng.random() * 0.05)  # anywhere within a step, or in the middle of a write
        child.kill()
        child.join()
        steps.append(_step(killed))
    assert len(set(steps)) == 20 and steps[-1] < children.STEPS
    last = start(killed)
    last.join()
    one, other = (read_checkpoint(path) for path in (undisturbed, killed))
    assert one.step == other.step == children.STEPS and one.history == other.history
    for name, value in one.model.items():
        assert torch.equal(value, other.model[name]), name
    assert sorted(tmp_path.iterdir()) == [killed, undisturbed]


def _step(path: Path) -> int:
    return read_checkpoint(path).step


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 1}, "seed=0 against 1"),
        ({"method": BYOL()}, "method"),
        ({"learning_rate": 0.5}, "learning_rate=0.002 against 0.5"),
    ],
)
def test_a_checkpoint_of_another_config_is_refused(change, says, config, data, tmp_path):
    path = tmp_path / "run.pt"
    pretrain(config, data, checkpoint=path)
    content = path.read_bytes()
    with pytest.raises(ValueError, match=f"another run: .*{says}"):
        pretrain(replace(config, **change), data, checkpoint=path)
    assert path.read_bytes() == content


def test_a_checkpoint_of_other_data_is_refused(config, data, tmp_path):
    path = tmp_path / "run.pt"
    pretrain(config, data, checkpoint=path)
    with pytest.raises(ValueError, match=r"another run: beta="):
        pretrain(config, Inflation(data.real, data.generated), checkpoint=path)
    swapped = replace(data.real, images=255 - data.real.images)
    with pytest.raises(ValueError, match=r"another run: real.hash="):
        pretrain(config, Inflation(swapped, data.generated, replication=4), checkpoint=path)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.999])
def test_a_truncated_checkpoint_is_named(kept, config, data, tmp_path):
    path = tmp_path / "run.pt"
    pretrain(config, data, checkpoint=path)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match=r"run.pt is truncated or no checkpoint"):
        pretrain(config, data, checkpoint=path)


def test_a_pickle_with_code_is_not_run(config, data, tmp_path):
    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    path = tmp_path / "run.pt"
    torch.save({"format": 1, "model": Harm()}, path)
    with pytest.raises(ValueError, match="no checkpoint"):
        pretrain(config, data, checkpoint=path)
    assert not (tmp_path / "harm").exists()


def test_a_write_that_fails_leaves_the_earlier_checkpoint(config, data, tmp_path):
    path = tmp_path / "run.pt"
    pretrain(config, data, checkpoint=path, max_seconds=0)
    content = path.read_bytes()
    # no file may grow beyond half a checkpoint: what a full disk is to the writer
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            pretrain(config, data, checkpoint=path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path, monkeypatch, config, data):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"run.pt \(No space left on device\).*free some space"):
        pretrain(config, data, checkpoint=tmp_path / "run.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_nan_never_reaches_a_checkpoint(config, data, tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    config = replace(config, steps=200)
    pretrain(config, data, checkpoint=path, max_seconds=0)
    content = path.read_bytes()
    sound = pretraining.two_views
    monkeypatch.setattr(pretraining, "two_views", lambda *given: sound(*given) * math.nan)
    with pytest.raises(FloatingPointError, match=r"learning_rate=0\.002"):
        pretrain(config, data, checkpoint=path, checkpoint_seconds=0)
    assert path.read_bytes() == content


def test_checkpoint_formats_are_told_apart(config, data, tmp_path):
    path = tmp_path / "run.pt"
    pretrain(config, data, checkpoint=path)
    write_checkpoint(replace(read_checkpoint(path), format=99), path)
    with pytest.raises(ValueError, match="format 99, this version reads 1"):
        load_pretrained(path)


def test_loading_what_is_not_there_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*nothing.pt"):
        load_pretrained(tmp_path / "nothing.pt")


def test_online_classifier_learns_from_real_images_only(config, data):
    trained = pretrain(
        replace(config, steps=60, online_learning_rate=0.05),
        Inflation(data.real, data.generated, beta=0.5),
    )
    assert trained.online_classifier.weight.shape == (2, 32)
    # nothing real in any batch: its loss is 0, not 0 / 0, and it stays where it began
    one, two = (
        pretrain(
            replace(config, steps=steps, warmup=0, online_learning_rate=0.05, optimizer="sgd"),
            Inflation(data.real, data.generated, beta=0.0),
        )
        for steps in (1, 9)
    )
    assert torch.equal(one.online_classifier.weight, two.online_classifier.weight)
    assert np.isfinite(two.history[-1]["loss"])


def test_online_classifier_does_not_touch_the_encoder(config, data):
    with_probe = pretrain(replace(config, online_learning_rate=0.05), data)
    assert torch.equal(weights(with_probe), weights(pretrain(config, data)))


def test_compiled_run_stays_close(config, data, monkeypatch):
    # the cheap backend: it proves that nothing breaks the graph, not that it is fast
    monkeypatch.setattr(torch, "compile", _cheap(torch.compile))
    compiled = pretrain(replace(config, compile=True), data)
    plain = pretrain(config, data)
    assert compiled.history[-1]["loss"] == pytest.approx(plain.history[-1]["loss"], rel=1e-3)


def _cheap(compile):
    return lambda function, **options: compile(function, backend="aot_eager", **options)


def test_tensorboard_gets_the_history(config, data, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = pretrain(config, data, tensorboard=tmp_path).history
    events = EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [e.step for e in events] == [h["step"] for h in history]
    assert [e.value for e in events] == pytest.approx([h["loss"] for h in history], rel=1e-6)


def test_progress_goes_to_the_terminal_only_if_asked(config, data, capfd):
    pretrain(config, data)
    assert capfd.readouterr().err == ""
    pretrain(config, data, progress=True)
    assert "12/12" in capfd.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"precision": "fp16"},
        {"warmup": 99},
        {"learning_rate": -1},
        {"learning_rate": math.nan},
        {"batch_size": 1},
        {"encoder": "vgg"},
        {"optimizer": "adam"},
        {"device": "tpu"},
        {"weight_decay": -0.1},
        {"momentum": 1.0},
        {"stem_padding": 0},
        {"pixel_std": (0.0,)},
        {"pixel_mean": (0.1, 0.2)},
        {"online_learning_rate": 0},
    ],
)
def test_bad_config_is_named(wrong, config):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        replace(config, **wrong)


def test_batch_larger_than_the_data_is_refused(config, data):
    with pytest.raises(ValueError, match="batch_size=193 is larger than the 192"):
        pretrain(replace(config, batch_size=193), data)


def test_online_probe_without_labels_is_refused(config, data):
    with pytest.raises(ValueError, match=r"online_learning_rate=0\.1.*has none"):
        pretrain(replace(config, online_learning_rate=0.1), Inflation(data.real.unlabelled()))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_missing_gpu_is_named(config, data):
    with pytest.raises(ValueError, match="no GPU is visible"):
        pretrain(replace(config, device="cuda"), data)
