"""The loop: it learns, it repeats itself, it stops and goes on, and it refuses before it starts."""

import errno
import math
import os
import resource
import shutil
import signal
import sys
import zipfile
from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from adainf_core.data.inflation import Inflation
from adainf_core.learning import pretraining
from adainf_core.learning.augmentation import NOISE, two_views
from adainf_core.learning.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from adainf_core.learning.methods import BYOL, BarlowTwins, MoCo, SimCLR, Spectral
from adainf_core.learning.operations import Erase
from adainf_core.learning.pretrain_config import OPTIMIZERS, PretrainConfig, warmup_cosine
from adainf_core.learning.pretraining import Pretrained, Run, load_pretrained, pretrain, step_seed
from adainf_core.learning.probing import online_probe


def weights(trained: Pretrained) -> torch.Tensor:
    return torch.cat([v.flatten().double() for v in trained.encoder.state_dict().values()])


@pytest.fixture(scope="module")
def brief(config) -> PretrainConfig:
    """Three steps, where it does not matter how many."""
    return replace(config, steps=3, warmup=1)


@pytest.fixture(scope="module")
def finished(brief, data, tmp_path_factory) -> Pretrained:
    """The whole run of `brief`, with its checkpoint; for tests that change neither."""
    return pretrain(brief, data, checkpoint=tmp_path_factory.mktemp("finished") / "run.pt")


@pytest.fixture
def path(finished, tmp_path) -> Path:
    """The checkpoint of `finished`, copied."""
    return Path(shutil.copy(finished.checkpoint, tmp_path))


def test_loss_falls_from_chance(config, data):
    history = pretrain(replace(config, steps=40), data).history
    assert history[0]["loss"] == pytest.approx(np.log(63), rel=0.15)
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]


def test_same_seed_same_weights(brief, data, finished):
    one, two = finished, pretrain(brief, data)
    other = pretrain(replace(brief, seed=1), data)
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))
    assert one.history == two.history and one.finished and one.steps == 3


def test_bf16_stays_close_to_fp32(config, data):
    full, half = (pretrain(replace(config, precision=p), data).history for p in ("fp32", "bf16"))
    assert half != full and half[-1]["loss"] == pytest.approx(full[-1]["loss"], rel=0.05)


def test_seed_and_step_decide_every_random_number(config, data, monkeypatch):
    def traced(seed: int) -> tuple[list, list, list]:
        batches, noises, weights = [], [], []

        def spy(first, second, policy, noise):
            assert first is second
            batches.append(first.clone())
            noises.append(noise.clone())
            return two_views(first, second, policy, noise)

        two_views = sound
        monkeypatch.setattr(pretraining, "two_views", spy)
        run = Run(replace(config, seed=seed), data)
        weights.append(next(run.trainee.parameters()).clone())
        run.advance(3)
        return batches, noises, weights

    sound = pretraining.two_views
    first, again, other = traced(0), traced(0), traced(1)
    for mine, same, different in zip(first, again, other, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, same, strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(mine, different, strict=True))
        assert all(not torch.equal(a, b) for a, b in combinations(mine, 2))


def test_the_callers_random_numbers_are_left_alone(brief, data):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    pretrain(brief, data)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_schedule_reaches_the_optimiser(optimizer, config, data):
    config = replace(config, steps=5, optimizer=optimizer, online_learning_rate=0.5)
    run, rates = Run(config, data), []
    for _ in range(config.steps):
        run.advance(1)
        rates.append([group["lr"] for group in run.optimizer.param_groups])
    factors = np.array([warmup_cosine(step, config) for step in range(config.steps)])
    assert np.allclose(rates, factors[:, None] * [config.learning_rate, 0.5])


def test_views_grow_in_equal_stretches_and_are_averages_of_whole_ones(config, data, monkeypatch):
    grown = replace(config, steps=7, warmup=1, view_scales=(0.5, 0.75, 1.0))
    run, seen = Run(grown, data), []
    forward = run.trainee.method.encoder.forward
    monkeypatch.setattr(
        run.trainee.method.encoder, "forward", lambda views: seen.append(views) or forward(views)
    )
    run.advance(7)
    side = data.real.image_size
    assert [views.shape[-1] for views in seen] == [side // 2] * 3 + [side * 3 // 4] * 2 + [side] * 2
    _, images = next(run.feed.batches(0, 1))
    run.step = 0
    torch.testing.assert_close(seen[0], F.avg_pool2d(run._views(*images), 2))


def test_a_run_with_growing_views_ends_in_the_same_bits_when_continued(config, data, tmp_path):
    grown, path = replace(config, view_scales=(0.5, 1.0)), tmp_path / "run.pt"
    whole = pretrain(grown, data)
    run = Run(grown, data)
    run.advance(config.steps // 2 + 1)
    write_checkpoint(run.checkpoint(), path)
    assert torch.equal(weights(pretrain(grown, data, checkpoint=path)), weights(whole))
    assert not torch.equal(weights(whole), weights(pretrain(config, data)))


def test_the_encoder_is_built_as_configured(config, data):
    config = replace(config, encoder="resnet18", stem_padding=2, pixel_mean=(0.1, 0.2, 0.3))
    encoder = Run(config, data).trainee.method.encoder
    assert encoder.backbone.conv1.padding == (2, 2)
    assert encoder.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_momentum_rises_from_the_first_step_to_the_last(config, data, monkeypatch):
    config = replace(config, steps=5, method=BYOL(16, 8))
    run, shares = Run(config, data), []
    monkeypatch.setattr(run.trainee.method, "after_step", shares.append)
    run.advance(config.steps)
    assert shares == [step / config.steps for step in range(config.steps)]


def test_numbers_of_numpy_are_as_good_as_plain_ones(brief, data, tmp_path):
    trained = pretrain(replace(brief, seed=np.int64(3)), data, checkpoint=tmp_path / "run.pt")
    assert torch.equal(weights(trained), weights(pretrain(replace(brief, seed=3), data)))
    again = pretrain(replace(brief, seed=3), data, checkpoint=tmp_path / "run.pt")
    assert again.finished


def test_warmup_and_cosine(config):
    config = replace(config, steps=100, warmup=10)
    assert [warmup_cosine(t, config) for t in (0, 9, 10)] == pytest.approx([0.1, 1, 1])
    assert warmup_cosine(55, config) == pytest.approx(0.5)
    assert warmup_cosine(100, config) == pytest.approx(0, abs=1e-12)


def test_step_seeds_differ():
    assert len({step_seed(s, t) for s in range(20) for t in range(200)}) == 4000


METHODS = [MoCo(16, 8, queue=50), BYOL(16, 8), BarlowTwins(16, 8), Spectral(16, 8)]


# every method's state and every optimiser's, which know nothing of each other
@pytest.mark.parametrize(
    ("method", "optimizer"),
    [
        (SimCLR(16, 8), "adamw"),
        (SimCLR(16, 8), "sgd"),
        *((method, "lars") for method in [SimCLR(16, 8), *METHODS]),
    ],
    ids=lambda part: getattr(part, "name", part),
)
def test_resume_is_bit_exact(method, optimizer, config, data, tmp_path):
    config = replace(config, optimizer=optimizer, method=method, steps=4)
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


def test_resume_carries_losses_that_are_not_recorded_yet(config, data, tmp_path, monkeypatch):
    monkeypatch.setattr(pretraining, "_HISTORY", 5)  # of 12 steps, every second
    path, parts = tmp_path / "run.pt", 0
    while not (part := pretrain(config, data, checkpoint=path, max_seconds=0)).finished:
        parts += 1
    assert parts == 11 and len(part.history) == 6
    assert part.history == pretrain(config, data).history


def test_resume_is_bit_exact_for_epochs_in_bf16(config, data, tmp_path):
    mixed = Inflation(data.real, data.generated, replication=2, sampling="epoch", stratified=True)
    config = replace(config, precision="bf16", batch_size=64, steps=10)  # over two epochs
    path = tmp_path / "run.pt"
    while not (part := pretrain(config, mixed, checkpoint=path, max_seconds=0)).finished:
        assert part.checkpoint == path
    assert torch.equal(weights(part), weights(pretrain(config, mixed)))


def test_a_finished_run_is_not_trained_further(brief, data, finished, path):
    again = pretrain(brief, data, checkpoint=path)
    assert torch.equal(weights(finished), weights(again)) and again.history == finished.history


def at_call(number: int, function, action):
    """`function`, doing `action` before its call of that number."""
    calls = 0

    def counted(*given):
        nonlocal calls
        calls += 1
        if calls == number:
            action()
        return function(*given)

    return counted


def test_sigterm_ends_in_a_checkpoint(config, data, tmp_path, monkeypatch):
    path, before = tmp_path / "run.pt", signal.getsignal(signal.SIGTERM)
    kill = at_call(5, pretraining.two_views, lambda: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(pretraining, "two_views", kill)
    part = pretrain(config, data, checkpoint=path)
    assert not part.finished and part.steps == 5 and read_checkpoint(path).step == 5
    assert signal.getsignal(signal.SIGTERM) == before


def test_ctrl_c_ends_in_a_checkpoint_and_says_how_to_go_on(config, data, tmp_path, monkeypatch):
    path, before, sound = tmp_path / "run.pt", signal.getsignal(signal.SIGINT), two_views
    stop = at_call(5, sound, lambda: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(pretraining, "two_views", stop)
    with pytest.raises(KeyboardInterrupt, match=r"5 of 12 steps.*run.pt: the same call goes on"):
        pretrain(config, data, checkpoint=path)
    assert read_checkpoint(path).step == 5 and signal.getsignal(signal.SIGINT) == before
    stop = at_call(2, sound, lambda: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(pretraining, "two_views", stop)
    with pytest.raises(KeyboardInterrupt, match="2 of 12 steps, nothing is kept"):
        pretrain(config, data)


def test_a_setting_younger_than_the_checkpoint_had_its_default(config, data, tmp_path):
    path = tmp_path / "run.pt"
    part = pretrain(config, data, checkpoint=path, max_seconds=0)
    older = read_checkpoint(path)
    del older.config["policy"]["extra"]
    write_checkpoint(older, path)
    assert part.steps == 1 and pretrain(config, data, checkpoint=path).finished
    write_checkpoint(older, path)
    erasing = replace(config, policy=replace(config.policy, extra=(Erase(),)))
    with pytest.raises(ValueError, match=r"another run: policy\.extra=\[\] against"):
        pretrain(erasing, data, checkpoint=path)


def test_checkpoints_are_written_on_the_way(config, data, tmp_path, monkeypatch):
    path, seen = tmp_path / "run.pt", []
    look = at_call(5, pretraining.two_views, lambda: seen.append(read_checkpoint(path).step))
    monkeypatch.setattr(pretraining, "two_views", look)
    pretrain(config, data, checkpoint=path, checkpoint_seconds=0)
    assert seen == [4]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 1}, "seed=0 against 1"),
        ({"method": BYOL()}, "method"),
        ({"learning_rate": 0.5}, "learning_rate=0.002 against 0.5"),
    ],
)
def test_a_checkpoint_of_another_config_is_refused(change, says, brief, data, path):
    content = path.read_bytes()
    with pytest.raises(ValueError, match=f"another run: .*{says}"):
        pretrain(replace(brief, **change), data, checkpoint=path)
    assert path.read_bytes() == content


def test_a_checkpoint_of_other_data_is_refused(brief, data, path):
    with pytest.raises(ValueError, match=r"another run: beta="):
        pretrain(brief, Inflation(data.real, data.generated), checkpoint=path)
    swapped = replace(data.real, images=255 - data.real.images)
    with pytest.raises(ValueError, match=r"another run: real.hash="):
        pretrain(brief, Inflation(swapped, data.generated, replication=4), checkpoint=path)


def test_labels_are_part_of_the_run_where_it_learns_from_them(brief, data, tmp_path):
    relabelled = replace(data.real, labels=1 - data.real.labels)
    other = Inflation(relabelled, data.generated, replication=4)
    for name, online in (("without", None), ("with", 0.1)):
        path = tmp_path / name
        wanted = replace(brief, online_learning_rate=online)
        pretrain(wanted, data, checkpoint=path)
        if online is None:
            assert pretrain(wanted, other, checkpoint=path).finished
        else:
            with pytest.raises(ValueError, match="another run: labels="):
                pretrain(wanted, other, checkpoint=path)


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.999])
def test_a_truncated_checkpoint_is_named(kept, brief, data, path):
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(ValueError, match=r"run.pt is damaged or no checkpoint"):
        pretrain(brief, data, checkpoint=path)


def test_a_flipped_bit_is_noticed(path):
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    content[largest.header_offset + largest.file_size // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"run.pt is damaged .*checksum"):
        load_pretrained(path)


def test_a_pickle_with_code_is_not_run(config, data, tmp_path):
    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    path = tmp_path / "run.pt"
    torch.save({"format": 1, "model": Harm()}, path)
    with pytest.raises(ValueError, match="no checkpoint"):
        pretrain(config, data, checkpoint=path)
    assert not (tmp_path / "harm").exists()


def test_a_write_that_fails_leaves_the_earlier_checkpoint(brief, data, tmp_path):
    path = tmp_path / "run.pt"
    pretrain(brief, data, checkpoint=path, max_seconds=0)
    content = path.read_bytes()
    # no file may grow beyond half a checkpoint: what a full disk is to the writer
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) // 2, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            pretrain(brief, data, checkpoint=path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path, monkeypatch, brief, data):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"run.pt \(No space left on device\).*free some space"):
        pretrain(brief, data, checkpoint=tmp_path / "run.pt")
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


def test_weights_that_explode_in_the_last_step_are_noticed(config, data, tmp_path):
    path = tmp_path / "run.pt"
    config = replace(config, steps=1, warmup=0, optimizer="sgd", learning_rate=1e300)
    with pytest.raises(FloatingPointError, match=r"not finite after step 1.*learning_rate=1e\+300"):
        pretrain(config, data, checkpoint=path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("format", 99, "format 99, this version reads 2: update adainf_core"),
        ("format", 1, "format 1, this version reads 2: train anew, or go on with the version"),
        ("format", "x", "format 'x', this version reads 2: train anew, or go on with the version"),
        ("format", None, "format None, this version reads 2: train anew, or go on with the"),
        ("epoch", 1, r"\(field 'epoch' missing or unknown\): delete it to start afresh"),
        (3, 1, r"\(field '3' missing or unknown\): delete it to start afresh"),
    ],
)
def test_checkpoint_formats_are_told_apart_with_the_remedy(tmp_path, field, value, says):
    path = tmp_path / "run.pt"
    torch.save({one.name: 0 for one in fields(Checkpoint)} | {"format": 2, field: value}, path)
    with pytest.raises(ValueError, match=says):
        load_pretrained(path)


@pytest.mark.parametrize("field", ["config", "data", "step", "model", "optimizer", "history",
                                   "pending", "classifier"])  # fmt: skip
def test_wrong_values_in_a_checkpoint_are_named_with_its_file(brief, data, tmp_path, field):
    path = tmp_path / "run.pt"
    pretrain(brief, data, checkpoint=path, max_seconds=0)
    sound = read_checkpoint(path)

    def named(read) -> bool:
        try:
            read()
        except ValueError as error:
            return f"{path} " in str(error) and "delete it" in str(error)
        return False

    for value in ("x", 3.5, [1], {"x": 1}, {}, None, True, (1, "x")):
        write_checkpoint(replace(sound, **{field: value}), path)
        both = [named(lambda: load_pretrained(path)),
                named(lambda: pretrain(brief, data, checkpoint=path))]  # fmt: skip
        unused = field == "classifier" and value is None
        assert any(both) or unused, value


def test_a_model_of_another_width_is_named(brief, data, tmp_path, path):
    pretrain(replace(brief, width=8), data, checkpoint=tmp_path / "other.pt")
    mixed = replace(read_checkpoint(path), model=read_checkpoint(tmp_path / "other.pt").model)
    write_checkpoint(mixed, path)
    with pytest.raises(ValueError, match=r"run\.pt does not fit .*size mismatch.*: delete it"):
        load_pretrained(path)


def test_loading_what_is_not_there_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*nothing.pt"):
        load_pretrained(tmp_path / "nothing.pt")


def test_online_classifier_learns_from_real_images_only(config, data):
    trained = pretrain(
        replace(config, steps=3, online_learning_rate=0.05),
        Inflation(data.real, data.generated, beta=0.5),
    )
    assert trained.online_classifier.weight.shape == (2, 32)
    # nothing real in any batch: its loss is 0, not 0 / 0, and it stays where it began
    one, two = (
        pretrain(
            replace(config, steps=steps, warmup=0, online_learning_rate=0.05, optimizer="sgd"),
            Inflation(data.real, data.generated, beta=0.0),
        )
        for steps in (1, 4)
    )
    assert torch.equal(one.online_classifier.weight, two.online_classifier.weight)
    assert np.isfinite(two.history[-1]["loss"])


def test_online_classifier_learns_each_views_own_label(config, data):
    """Colours decide the labels: views paired with another image's label would teach nothing."""
    config = replace(config, steps=80, batch_size=16, online_learning_rate=0.1)
    trained = pretrain(config, Inflation(data.real))
    result = online_probe(trained.encoder, trained.online_classifier, data.real, trained.mixture)
    assert result.accuracy > 0.75 and "64 real" in result.protocol


def test_online_classifier_does_not_touch_the_encoder(brief, data, finished):
    with_probe = pretrain(replace(brief, online_learning_rate=0.05), data)
    assert torch.equal(weights(with_probe), weights(finished))


def test_tensorboard_gets_the_history(brief, data, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = pretrain(brief, data, tensorboard=tmp_path).history
    events = EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [e.step for e in events] == [h["step"] for h in history]
    assert [e.value for e in events] == pytest.approx([h["loss"] for h in history], rel=1e-6)


def test_a_continued_log_holds_each_step_once(brief, data, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    path, folder = tmp_path / "run.pt", tmp_path / "log"
    pretrain(brief, data, checkpoint=path, max_seconds=0)
    first = path.read_bytes()
    pretrain(brief, data, checkpoint=path, tensorboard=folder)
    path.write_bytes(first)  # as after a crash between two checkpoints
    history = pretrain(brief, data, checkpoint=path, tensorboard=folder).history
    steps = [event.step for event in EventAccumulator(str(folder)).Reload().Scalars("loss")]
    assert steps == [entry["step"] for entry in history if entry["step"] > 1]


def test_a_log_that_cannot_be_written_does_not_end_the_run(config, data, tmp_path):
    pytest.importorskip("tensorboard")
    path, before = tmp_path / "run.pt", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))  # a full disk to the log
    try:
        with pytest.warns(UserWarning, match=r"log in .*log \(File too large\) at step 2?\d: the"):
            trained = pretrain(config, data, tensorboard=tmp_path / "log")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert trained.finished and torch.equal(weights(trained), weights(pretrain(config, data)))
    (tmp_path / "taken").write_text("")
    with pytest.raises(OSError, match=r"log in .*taken .*: free some space, name another folder"):
        pretrain(config, data, checkpoint=path, tensorboard=tmp_path / "taken")
    assert not path.exists()


def test_progress_goes_to_the_terminal_only_if_asked(brief, data, capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    pretrain(brief, data)
    assert capfd.readouterr().err == ""
    pretrain(brief, data, progress=True)
    assert " 3/3 " in capfd.readouterr().err


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
        {"view_scales": ()},
        {"view_scales": (0.5, 1.5)},
        {"view_scales": (0.0,)},
        {"view_scales": 0.5},
        {"pixel_mean": (0.1, 0.2)},
        {"online_learning_rate": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"method": "simcrl"},
        {"method": SimCLR},
        {"policy": "symmetric"},
        {"width": 10**6},
        {"batch_size": 10**12},
        {"pixel_mean": 0.5},
        {"learning_rate": "fast"},
        {"steps": 10.5},
        {"batch_size": 32.0},
        {"weight_decay": math.inf},
        {"pixel_mean": (math.nan,)},
    ],
)
def test_bad_config_is_named(wrong, config):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        replace(config, **wrong)


@pytest.mark.parametrize("seconds", [math.nan, -1])
def test_no_time_is_named(seconds, config, data):
    with pytest.raises(ValueError, match=f"max_seconds={seconds}"):
        pretrain(config, data, max_seconds=seconds)


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


def test_what_is_no_name_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"method='simcrl'.* \(simclr, moco, byol, barlow, "):
        PretrainConfig(method="simcrl")
    with pytest.raises(ValueError, match=r"policy='weak'.* \(symmetric, symmetric_weak, "):
        PretrainConfig(policy="weak")


def test_images_that_are_not_wrapped_are_told_how(config, data):
    for policy in (config.policy, None):
        with pytest.raises(ValueError, match=r"an ImageSet: wrap it, as Inflation\(images\)"):
            pretrain(replace(config, policy=policy), data.real)
    with pytest.raises(ValueError, match=r"data='cifar10' must be an Inflation of images"):
        pretrain(config, "cifar10")
    with pytest.raises(ValueError, match="config='small' must be a PretrainConfig"):
        pretrain("small", data)


def test_networks_that_no_machine_holds_are_refused_at_once(config, data):
    method = SimCLR(hidden=2**24, out=2**24)
    with pytest.raises(ValueError, match=r"hidden=16777216.*would take 1,\d+,\d+\.\d GB of memory"):
        pretrain(replace(config, method=method), data)


def test_each_seed_has_a_network_of_its_own(config, data):
    """Torch's generator on processors reads 32 bits: beyond them networks would come again."""
    assert torch.equal(
        *(torch.rand(3, generator=torch.Generator().manual_seed(seed)) for seed in (7, 2**32 + 7))
    )
    with pytest.raises(ValueError, match=r"seed = 4294967303 must be in 0\.\.4294967295"):
        replace(config, seed=2**32 + 7)
    first = [
        next(Run(replace(config, seed=seed), data).trainee.parameters()).flatten()[0].item()
        for seed in (0, 7, 2**31 + 7, 2**32 - 1)
    ]
    assert len(set(first)) == 4


class Halves:
    """A view source of flat images: two views of source i are its grey value and a neighbour."""

    images, labels = (), None

    def batch(self, step, batch_size, seed, rows=slice(None)):
        ids = np.random.default_rng((seed, step)).integers(0, 8, batch_size)[rows]
        first, second = (
            np.full((len(ids), 3, 16, 16), grey[:, None, None, None], np.uint8)
            for grey in (20 * ids, 20 * ids + 3)
        )
        return ids, first, second

    def fingerprint(self):
        return {"shape": [3, 16, 16], "mixture": "eight greys"}


def test_views_that_come_ready_are_trained_on_as_they_are(brief):
    config, seen = replace(brief, policy=None), []
    run = Run(config, Halves())
    run.trainee.register_forward_pre_hook(lambda module, given: seen.append(given))
    run.advance(3)
    for step, (views, ids, *_) in enumerate(seen):
        expected_ids, *expected = Halves().batch(step, config.batch_size, config.seed)
        assert torch.equal(ids, torch.from_numpy(expected_ids))
        torch.testing.assert_close(views, torch.from_numpy(np.concatenate(expected)).float() / 255)
    trained = pretrain(config, Halves())
    assert trained.image_size == 16 and trained.mixture == "eight greys"
    assert torch.equal(weights(trained), weights(pretrain(config, Halves())))


class Partners:
    """Pairs of two images: white with black, to be augmented."""

    images, labels = [np.zeros((32, 3, 16, 16), np.uint8)], None

    def batch(self, step, batch_size, seed, rows=slice(None)):
        shape = (len(range(batch_size)[rows]), 3, 16, 16)
        ids = np.arange(batch_size)[rows]
        return ids, np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)

    def fingerprint(self):
        return {"shape": [3, 16, 16], "mixture": "white and black"}


def test_a_second_view_may_come_from_another_image(config):
    run, seen = Run(config, Partners()), []
    run.trainee.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    run.advance(1)
    first, second = seen[0].chunk(2)
    torch.testing.assert_close(first, torch.ones_like(first))
    torch.testing.assert_close(second, torch.zeros_like(second))


def test_images_are_fed_once_where_both_views_are_theirs(config, data):
    ids, (first, second) = next(Run(config, data).feed.batches(3, 4))
    assert first is second and first.dtype == torch.uint8
    expected = data.batch_indices(3, config.batch_size, config.seed)
    assert np.array_equal(ids, expected) and np.array_equal(first, data.gather(expected))


def test_extra_operations_draw_anew_every_step_and_change_no_batch(config, data, monkeypatch):
    noises, sound = [], two_views

    def spy(first, second, policy, noise):
        noises.append(noise)
        return sound(first, second, policy, noise)

    monkeypatch.setattr(pretraining, "two_views", spy)
    erasing = replace(config, policy=replace(config.policy, extra=(Erase(),)))
    for one in (config, erasing):
        Run(one, data).advance(2)
    plain, extra = noises[:2], noises[2:]
    assert all(torch.equal(b[:, :NOISE], a) for a, b in zip(plain, extra, strict=True))
    assert not torch.equal(extra[0][:, NOISE:], extra[1][:, NOISE:])


def test_views_continue_from_a_checkpoint(brief, tmp_path):
    config, path = replace(brief, policy=None), tmp_path / "run.pt"
    assert not pretrain(config, Halves(), checkpoint=path, max_seconds=0).finished
    assert torch.equal(
        weights(pretrain(config, Halves(), checkpoint=path)), weights(pretrain(config, Halves()))
    )


def test_policy_and_data_have_to_agree(config, data):
    with pytest.raises(ValueError, match="set policy=None"):
        pretrain(config, Halves())
    with pytest.raises(ValueError, match="give images a policy"):
        pretrain(replace(config, policy=None), data)
    with pytest.raises(ValueError, match="needs labels, and the data has none"):
        pretrain(replace(config, policy=None, online_learning_rate=0.1), Halves())


def test_a_whole_learning_rate_goes_on_as_any_other(brief, data, tmp_path):
    path = tmp_path / "run.pt"
    config = replace(brief, optimizer="sgd", learning_rate=1)
    pretrain(config, data, checkpoint=path, max_seconds=0)
    resumed = pretrain(config, data, checkpoint=path)
    assert torch.equal(weights(resumed), weights(pretrain(config, data)))
