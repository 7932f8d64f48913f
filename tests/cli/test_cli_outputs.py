"""Where commands write: one writer at a time, and nothing lost to a terminal or to a stop."""

import io
import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from adainf_core.cli import main
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import load_images
from adainf_core.data.tally import Tally
from adainf_core.gap.checks import Check
from adainf_core.gap.report import GapReport
from adainf_core.gap.sentences import Sentences
from adainf_core.generators.dial import GENERATORS
from adainf_core.learning.checkpoints import read_checkpoint
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import Run, pretrain

DIGITS = [
    "pretrain", "--dataset", "digits",
    "pretrain.encoder=small_cnn", "pretrain.width=4", "pretrain.method.hidden=16",
    "pretrain.method.out=8", "pretrain.optimizer=adamw", "pretrain.learning_rate=0.002",
    "pretrain.batch_size=64", "pretrain.warmup=2", "pretrain.device=cpu", "pretrain.steps=6",
    "pretrain.precision=fp32",
]  # fmt: skip
TINY = ["widths=[16]", "attention=[false]", "batch_size=8", "precision=fp32", "device=cpu"]


@contextmanager
def held(path, kind):
    """Another process that writes to `path`; its id."""
    code = (
        "import sys, time; from pathlib import Path; from adainf_core.files import claim_output\n"
        f"with claim_output(Path(sys.argv[1]), {kind!r}): print('', flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "\n"
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def made(tmp_path):
    """An npz of generated digits."""
    path = tmp_path / "made.npz"
    rng = np.random.default_rng(0)
    np.savez(path, images=rng.integers(0, 256, (200, 3, 8, 8), np.uint8))
    return path


# ---- one writer


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ([*DIGITS, "--checkpoint", "OUT"], "file"),
        (["generate", "train", "digits", "--out", "OUT", "--steps", "1", *TINY], "new folder"),
        (["generate", "train", "digits", "--out", "new", "--checkpoint", "OUT", "--steps", "1",
          *TINY], "file"),
        (["generate", "import", "MADE", "--store", "OUT"], "new folder"),
        (["gap", "digits", "MADE", "--html", "OUT"], "file"),
    ],
)  # fmt: skip
def test_a_second_run_is_refused_before_it_begins(words, kind, made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out, begun = tmp_path / "deep" / "out", []
    before = sorted(tmp_path.iterdir())
    for place in ("learning.pretraining.pretrain", "generators.diffusion_training.train_diffusion",
                  "gap.report.gap_report"):  # fmt: skip
        monkeypatch.setattr(f"adainf_core.{place}", lambda *_, **__: begun.append(1))
    arguments = [{"OUT": str(out), "MADE": str(made)}.get(word, word) for word in words]
    with held(out, kind) as owner:
        assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{out} is being written by process {owner} on {socket.gethostname()}" in line
    assert "--" in line and not begun
    (left,) = out.parent.iterdir()  # of the owner, which was killed
    left.unlink()
    out.parent.rmdir()
    assert sorted(tmp_path.iterdir()) == before


def test_a_second_run_in_python_is_refused_too(tmp_path, monkeypatch):
    path, images = tmp_path / "run.pt", load_images("digits")
    monkeypatch.setattr(Run, "_descend", lambda *_: pytest.fail("it has begun"))
    with (
        held(path, "file") as owner,
        pytest.raises(BlockingIOError, match=f"written by process {owner}"),
    ):
        pretrain(PretrainConfig(batch_size=64, device="cpu"), Inflation(images), checkpoint=path)


def test_a_dead_owner_stops_nobody(tmp_path):
    path = tmp_path / "run.pt"
    with held(path, "file"):
        pass
    assert (tmp_path / ".run.pt.lock").is_file()
    (tmp_path / ".run.pt.0a1b2c3d.partial").write_bytes(b"half of it")
    assert main([*DIGITS, "--checkpoint", str(path)]) == 0
    assert list(tmp_path.iterdir()) == [path] and read_checkpoint(path).step == 6


def test_what_a_killed_import_left_goes_with_the_next(made, tmp_path):
    store = tmp_path / "made.images"
    for name in (".made.images.0a1b2c3d.partial", ".made.images.4e5f6a7b.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "images.npy").write_bytes(b"half of it")
    assert main(["generate", "import", str(made)]) == 0
    assert sorted(tmp_path.iterdir()) == [store, made] and len(GeneratedImages.open(store)) == 200
    assert main(["generate", "import", str(made)]) == 0  # there already: looked at, not made


# ---- stops


def struck(function, signal_number, when=1):
    """`function`, which a signal strikes at its call number `when`."""
    calls = []

    def striking(*arguments, **options):
        calls.append(1)
        if len(calls) == when:
            signal.raise_signal(signal_number)
        return function(*arguments, **options)

    return striking


STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("number", STATUS)
def test_a_stop_before_the_first_step_promises_nothing(number, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run.pt"
    loader = struck(load_images, number)
    monkeypatch.setattr("adainf_core.data.named_sets.load_images", loader)
    assert main([*DIGITS, "--checkpoint", str(path)]) == STATUS[number]
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "adainf: stopped; no step was taken, or none is kept"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", STATUS)
def test_a_stop_in_training_keeps_the_steps(number, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run.pt"
    monkeypatch.setattr(Run, "_descend", struck(Run._descend, number, when=3))
    status = main([*DIGITS, "--checkpoint", str(path)])
    captured = capsys.readouterr()
    assert read_checkpoint(path).step == 3 and list(tmp_path.iterdir()) == [path]
    if number == signal.SIGINT:
        assert status == 130
        assert f"stopped after 3 of 6 steps, kept in {path}" in captured.err
    else:
        assert status == 0 and "stopped after 3 of 6 steps; the same command" in captured.out
    loader = struck(load_images, number)
    with monkeypatch.context() as later:
        later.setattr("adainf_core.data.named_sets.load_images", loader)
        assert main([*DIGITS, "--checkpoint", str(path)]) == STATUS[number]
    assert f"{path} is as it was last written: the same" in capsys.readouterr().err
    assert main([*DIGITS, "--checkpoint", str(path)]) == 0 and read_checkpoint(path).step == 6


def test_a_stop_without_a_checkpoint_says_that_nothing_is_kept(monkeypatch, capsys):
    monkeypatch.setattr(Run, "_descend", struck(Run._descend, signal.SIGINT, when=3))
    assert main(DIGITS) == 130
    assert "stopped after 3 of 6 steps, nothing is kept" in capsys.readouterr().err


@pytest.mark.parametrize("number", STATUS)
def test_a_stopped_import_leaves_nothing(number, made, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Tally, "counted", struck(Tally.counted, number))
    assert main(["generate", "import", str(made)]) == STATUS[number]
    assert capsys.readouterr().err == "adainf: stopped; nothing is kept\n"
    assert list(tmp_path.iterdir()) == [made]


@pytest.mark.parametrize("number", STATUS)
def test_a_stopped_sample_says_how_many_images_are_kept(number, tmp_path, monkeypatch, capsys):
    store = tmp_path / "fakes"
    sample = ["generate", "sample", "memorised", "--store", str(store), "--real", "digits"]
    assert "memorised" in GENERATORS
    monkeypatch.setattr(Tally, "counted", struck(Tally.counted, number, when=2))
    assert main([*sample, "--count", "1100"]) == STATUS[number]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"adainf: stopped; 500 of 1,100 images are kept in {store}")
    assert len(GeneratedImages.open(store)) == 500
    other = tmp_path / "others"
    monkeypatch.setattr(Tally, "counted", struck(Tally.counted, number))
    assert main([*sample[:4], str(other), *sample[5:], "--count", "9"]) == STATUS[number]
    assert capsys.readouterr().err == "adainf: stopped; no image is kept\n"


@pytest.mark.parametrize("number", STATUS)
@pytest.mark.parametrize(
    ("words", "patched", "says"),
    [
        (["gap", "digits", "MADE"], "gap.report.gap_report", "nothing was written"),
        (["study", "run", "failure-mode", "--scale", "laptop", "--results", "runs"],
         "evidence.runs.running.run_study", "finished runs are recorded in runs"),
        (["plan", "MADE", "MADE", "--run"], "advice.own_images.own_images",
         "nothing is kept: name --records"),
        (["plan", "MADE", "MADE", "--run", "--records", "runs"], "advice.own_images.own_images",
         "finished runs are recorded in runs"),
    ],
)  # fmt: skip
def test_other_stops_say_what_stays(
    number, words, patched, says, made, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"adainf_core.{patched}", struck(lambda *_, **__: None, number))
    arguments = [str(made) if word == "MADE" else word for word in words]
    assert main(arguments) == STATUS[number]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"adainf: stopped; {says}")
    assert list(tmp_path.iterdir()) == [made]


# ---- what is shown, and what is written first


class Report(SimpleNamespace):
    def table(self):
        return "D_TV ≥ 0.3 ± 0.1, β of Fréchet: 5 × 10…"

    def write_html(self, path):
        path.write_text("the page")

    def as_plain(self):
        return GapReport.as_plain(self)


@pytest.fixture
def report(monkeypatch):
    def row(measure, value, mirrored=None):
        found, zero = (
            v if v is None else SimpleNamespace(
                value=v, low=0.1, high=float("inf"), n_real=9, n_generated=8
            )
            for v in (value, mirrored)
        )  # fmt: skip
        return SimpleNamespace(measure=measure, features="pixels", found=found, mirrored=zero)

    rows = [row("recall", 0.5, 1.0), row("near", np.float64(0))]
    made = Report(
        real=SimpleNamespace(name="real"), generated=SimpleNamespace(name="made"),
        extractor="pixels", mirror="two halves", confidence=0.9, seed=4, repeated=(),
        notes=("a note",),
        rows=rows, format_share=None, sentences=Sentences(("far",), ("noise",), ("nothing",)),
        checks=(Check("colour", "alike", False),),
    )  # fmt: skip
    monkeypatch.setattr("adainf_core.gap.report.gap_report", lambda *_, **__: made)


@pytest.mark.usefixtures("report")
def test_files_are_written_before_anything_is_shown(made, tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError("the terminal is gone")

    html, numbers = tmp_path / "gap.html", tmp_path / "gap.json"
    monkeypatch.setattr("sys.stdout", Gone())
    gap = ["gap", "digits", str(made), "--html", str(html), "--json", str(numbers)]
    assert main(gap) == 2
    assert html.read_text() == "the page"
    content = json.loads(numbers.read_text())
    assert content["real"] == "real" and content["notes"] == ["a note"]
    first, second = content["rows"]
    assert first["generated"] == {
        "value": 0.5, "low": 0.1, "high": None, "n_real": 9, "n_generated": 8
    }  # fmt: skip
    assert content["sentences"]["how_far"] == ["far"]
    assert content["checks"][0]["check"] == "colour" and content["checks"][0]["generated"] is None
    assert first["real_against_real"]["value"] == 1 and second["real_against_real"] is None


@pytest.mark.usefixtures("report")
def test_a_terminal_without_the_character_gets_ascii(made, tmp_path, monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, "ascii", write_through=True))
    assert main(["gap", "digits", str(made), "--html", str(tmp_path / "gap.html")]) == 0
    first, second = shown.getvalue().decode("ascii").splitlines()
    assert first == "D_TV >= 0.3 +- 0.1, beta of Frechet: 5 x 10..."
    assert second == str(tmp_path / "gap.html")


def test_a_process_under_another_encoding_loses_nothing(tmp_path):
    """As a user starts it: an error line with a letter that ASCII does not have."""
    command = [sys.executable, "-m", "adainf_core.cli", "data", "show", "β≥é☃"]
    done = subprocess.run(
        command, capture_output=True, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
    )
    assert done.returncode == 2 and b"unknown image set 'beta>=e?'" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["gap", "digits", "made.npz", "--json", "made.npz"],
        ["gap", "made.npz", "made.npz", "--html", "./made.npz"],
        ["generate", "show", "made.npz", "--out", "made.npz"],
        ["pretrain", "--dataset", "made.npz", "--checkpoint", "made.npz"],
    ],
)
def test_a_set_that_is_read_is_never_written_over(made, monkeypatch, capsys, command):
    monkeypatch.chdir(made.parent)
    before = made.read_bytes()
    assert main(command) == 2
    assert "made.npz is read by this command: name another place" in capsys.readouterr().err
    assert made.read_bytes() == before
