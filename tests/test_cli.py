"""The command line: lists, and says in one line what is wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from adainf_core.cli import main
from adainf_core.cli.image_sets import sized_set
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import grown_store
from adainf_core.data.named_sets import load_images
from adainf_core.data.store_meta import as_json
from adainf_core.evidence.runs.records import RESULTS, read_pictures
from adainf_core.evidence.studies.catalogue import all_claims
from adainf_core.generators.dial import KernelDensitySetting, make_generator
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.diffusion_training import _Run, train_diffusion
from adainf_core.generators.pipelines import plain
from adainf_core.learning.checkpoints import read_checkpoint
from adainf_core.learning.pretraining import load_pretrained

pytestmark = pytest.mark.usefixtures("few_penalties")


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Nothing is said of a probe that lasts, on a slow machine either."""
    monkeypatch.setattr("adainf_core.cli.probed_sets._PATIENCE", (3600.0,) * 5)


def test_list_names_every_study_and_scale(capsys):
    assert main(["study", "list"]) == 0
    out = capsys.readouterr().out
    assert "failure-mode " in out and "failure-mode-sprites" in out and "laptop" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["study", "run", "nothing"], "unknown study 'nothing'"),
        (["study", "run", "failure-mode", "--scale", "quick"], "no scale 'quick'"),
    ],
)
def test_errors_are_one_line(arguments, says, capsys, tmp_path):
    assert main([*arguments, "--results", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_show_says_what_sets_the_arms_apart(capsys):
    assert main(["study", "show", "mixing-ratio", "--scale", "laptop"]) == 0
    first, *arms = capsys.readouterr().out.split("\n\n")
    assert first.startswith("mixing-ratio at scale laptop: How much should a real image weigh")
    by_name = {arm.split(":")[0]: arm for arm in arms}
    assert "pretrain.steps = 1000" in by_name["none"]
    assert by_name["n_50"].count("\n") == by_name["n_1"].count("\n") + 1
    assert "replication = 50.0" in by_name["n_50"]


def test_status_and_claims_of_an_empty_folder(capsys, tmp_path):
    where = ["--results", str(tmp_path)]
    assert main(["study", "status", "nothing", *where]) == 2
    assert "unknown study 'nothing'" in capsys.readouterr().err
    assert main(["study", "status", "--scale", "laptop", "--budget", "60", *where]) == 0
    out = capsys.readouterr().out
    assert "failure-mode-sprites" in out and "the budget adds 0: unknown" in out
    assert main(["claims", "show", *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(all_claims()) and all("not run" in line for line in lines)
    assert main(["study", "collect", str(tmp_path), *where]) == 2
    assert "no records" in capsys.readouterr().err


def test_exploratory_claims_are_shown_last_under_a_line_that_says_so(capsys):
    assert main(["claims", "show", "--scale", "laptop"]) == 0
    registered, exploratory = capsys.readouterr().out.split("\n\n")
    heading, *rest = exploratory.splitlines()
    assert "exploratory" in heading
    lines = [*registered.splitlines(), *rest]
    assert [int(line[:3]) for line in lines] == [*range(1, len(all_claims()) + 1)]
    assert any("rises with: exact error" in line and "n = 36" in line for line in rest)


def test_a_registration_of_another_plan_is_one_line(capsys, tmp_path):
    content = json.loads((RESULTS / "registrations.json").read_text())
    content["sprite-gap"]["plan"]["laptop"] = "0" * 16
    (tmp_path / "registrations.json").write_text(json.dumps(content))
    assert main(["claims", "show", "--results", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "registrations.json") in line and "'sprite-gap'" in line
    assert "run adainf claims register" in line


def test_unknown_scale_in_the_environment_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ADAINF_SCALE", "huge")
    assert main(["study", "run", "failure-mode", "--results", str(tmp_path)]) == 2
    assert "ADAINF_SCALE='huge'" in capsys.readouterr().err


def test_pictures_are_kept_as_they_are_made(capsys, tmp_path):
    arguments = ["study", "pictures", "failure-mode-sprites", "--scale", "quick"]
    assert main([*arguments, "--results", str(tmp_path)]) == 0
    pictures = read_pictures("failure-mode-sprites", "quick", tmp_path)
    assert list(pictures) == ["real", "vanilla", "perfect_vanilla"]
    assert all(p.shape == (12, 3, 16, 16) and p.dtype == np.uint8 for p in pictures.values())
    assert not np.array_equal(pictures["vanilla"], pictures["perfect_vanilla"])


# digits come with scikit-learn: no download, 8 pixels a side
SMALL = [
    "pretrain.encoder=small_cnn", "pretrain.width=4", "pretrain.method.hidden=16",
    "pretrain.method.out=8", "pretrain.optimizer=adamw", "pretrain.learning_rate=0.002",
    "pretrain.batch_size=64", "pretrain.warmup=2", "pretrain.device=cpu",
]  # fmt: skip
DIGITS = ["pretrain", "--dataset", "digits", *SMALL]


@pytest.fixture
def store(tmp_path):
    """A store of generated digits: real ones under noise."""
    real = load_images("digits").images
    rng = np.random.default_rng(0)
    noisy = (real[:200] // 2 + rng.integers(0, 128, (200, 3, 8, 8))).astype(np.uint8)
    np.savez(tmp_path / "noisy.npz", images=noisy)
    assert main(["generate", "import", str(tmp_path / "noisy.npz"), "--real", "digits"]) == 0
    return tmp_path / "noisy.images"


def test_import_makes_a_store_that_shows_its_checks(store, capsys):
    assert len(GeneratedImages.open(store)) == 200
    assert main(["data", "show", str(store)]) == 0
    out = capsys.readouterr().out
    assert "noisy: 200 images of 8x8, unlabelled" in out
    assert "duplicates   none of 200 images repeats an earlier one" in out


def test_import_reports_caveats_and_what_was_skipped(tmp_path, capsys):
    real = load_images("digits").images[:30].transpose(0, 2, 3, 1) * np.uint8(15)
    np.savez(tmp_path / "cifar10-edm-1m.npz", image=real, label=np.arange(30) % 10)
    assert main(["generate", "import", str(tmp_path / "cifar10-edm-1m.npz")]) == 0
    out = capsys.readouterr().out
    assert "note         If this is the CIFAR-10 EDM set" in out and "as true classes" in out
    folder = tmp_path / "files"
    folder.mkdir()
    for i, pixels in enumerate(real):
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
    (folder / "07.png").write_bytes(b"")
    arguments = ["generate", "import", str(folder)]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert "07.png is no readable image" in err and "--skip-broken" in err
    assert main([*arguments, "--skip-broken"]) == 0
    assert (
        "1 of 30 files are no readable images and were skipped: 07.png" in capsys.readouterr().out
    )
    assert len(GeneratedImages.open(tmp_path / "files.images")) == 29
    assert main([*arguments[:2], str(tmp_path / "cifar10-edm-1m.npz"), "--skip-broken"]) == 2


def size_of(path) -> tuple[int, int]:
    with Image.open(path) as sheet:
        return sheet.size


def test_show_writes_a_contact_sheet(store, tmp_path, capsys):
    assert main(["generate", "show", str(store)]) == 0
    out = capsys.readouterr().out
    assert "noisy: 200 images of 8x8" in out and "duplicates   none of 200" in out
    assert f"sheet        {store}.png: the first 100 of 200, row by row in the" in out
    assert size_of(f"{store}.png") == (10 * 66 + 2, 10 * 66 + 2)
    sheet = tmp_path / "sheets" / "some.png"
    arguments = ["generate", "show", str(tmp_path / "noisy.npz"), "--out", str(sheet)]
    assert main([*arguments, "--count", "7", "--columns", "4", "--scale", "2", "--seed", "1"]) == 0
    assert f"{sheet}: a random 7 of 200, row by row in the set's" in capsys.readouterr().out
    assert size_of(sheet) == (4 * 18 + 2, 2 * 18 + 2)


def test_show_tells_what_an_unfinished_store_lacks_and_what_draws_it(tmp_path, capsys):
    def draw(start, stop):
        return np.random.default_rng(start).integers(0, 256, (stop - start, 3, 4, 4), np.uint8)

    origin = {"generator": {"name": "noise"}, "seed": 3}
    path = tmp_path / "store"
    grown_store(path, draw, 30, (3, 4, 4), origin=origin, block=10, max_seconds=0)
    assert main(["data", "show", str(path)]) == 0
    out = capsys.readouterr().out
    assert "store: 10 images of 4x4" in out and "planned      30; the same command goes on" in out
    assert "origin       generator.name = noise" in out and "origin       seed = 3" in out


def test_the_module_runs_as_a_command():
    command = [sys.executable, "-m", "adainf_core.cli", "data", "list"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "cifar10" in done.stdout


def test_data_sets_are_listed_and_shown(capsys):
    assert main(["data", "list"]) == 0 and "stl10" in capsys.readouterr().out
    assert main(["data", "show", "digits", "--split", "test"]) == 0
    assert "10 classes" in capsys.readouterr().out


def test_dry_run_shows_the_run_and_its_cost_and_trains_nothing(store, tmp_path, capsys):
    arguments = [*DIGITS, "pretrain.steps=300", "--preset", "adainf", "--generated", str(store)]
    assert main([*arguments, "--dry-run", "--checkpoint", str(tmp_path / "run.pt")]) == 0
    lines = capsys.readouterr().out.splitlines()
    real = len(load_images("digits"))
    beta = real / (real + 200)  # N = 1: more copies would be further from the paper's 1/3
    assert "pretrain.policy.crop_scale = [0.2, 1.0]" in lines and "replication = paper" in lines
    assert any(f"beta = {beta:.4f}" in line for line in lines)
    exposures = next(line for line in lines if line.startswith("exposures"))
    assert f"{300 * 64 * beta / real:.1f} a real image" in exposures
    encoder = next(line for line in lines if line.startswith("encoder"))
    assert re.fullmatch(r"encoder +[\d,]+ parameters, [\d,]+ multiply-adds an image", encoder)
    assert any(line.startswith("time") and "a step" in line for line in lines)
    assert any(line.startswith("memory") and "MiB" in line for line in lines)
    assert not (tmp_path / "run.pt").exists()


def test_a_run_stops_goes_on_and_is_probed(store, tmp_path, capsys):
    path = tmp_path / "run.pt"
    arguments = [
        *DIGITS, "pretrain.steps=30", "pretrain.online_learning_rate=0.05", "stratified=true",
        "--preset", "vanilla", "--generated", str(store), "--checkpoint", str(path),
    ]  # fmt: skip
    assert main([*arguments, "--max-seconds", "0"]) == 0
    assert "stopped after 1 of 30 steps; the same command goes on" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "after 30 steps" in capsys.readouterr().out and load_pretrained(path).finished
    assert "stratified" in read_checkpoint(path).data["mixture"]
    protocols = ["linear", "knn", "online"]
    asked = [part for name in protocols for part in ("--protocol", name)]
    assert main(["probe", str(path), "--dataset", "digits", *asked]) == 0
    copies, *out, kept, following = capsys.readouterr().out.splitlines()
    assert kept.split() == ["predictions", str(tmp_path / "run.predictions.npz")]
    assert following.split()[:3] == ["next", "adainf", "compare"]
    assert copies.startswith(
        "copies           none of 355 test images repeat training images; near"
    )
    assert [line.split()[0] for line in out] == protocols
    # an encoder of thirty steps tells digits apart: the probes get the labels right
    assert float(out[0].split()[1]) > 50 and "ONLINE" in out[2]


def test_images_of_ones_own_are_trained_on_and_probed(tmp_path, capsys):
    for split in ("train", "test"):
        digits = load_images("digits", split=split)
        np.savez(tmp_path / f"{split}.npz", images=digits.images[:300], labels=digits.labels[:300])
    train, test, path = (str(tmp_path / n) for n in ("train.npz", "test.npz", "run.pt"))
    arguments = ["pretrain", "--dataset", train, *SMALL, "pretrain.steps=5", "size=12"]
    assert main([*arguments, "--checkpoint", path]) == 0
    assert load_pretrained(path).image_size == 12
    assert main(["data", "show", train]) == 0 and "300 images of 8x8" in capsys.readouterr().out
    probe = ["probe", path, "--dataset", train, "--protocol", "knn"]
    assert main([*probe, "--test", test]) == 0 and "all 300 labelled" in capsys.readouterr().out
    assert main(probe) == 2 and "name the --test images too" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pretrain", "--dataset", "mnist"], "unknown image set 'mnist'"),
        (["pretrain", "--method", "dino"], "method='dino' is unknown"),
        (["pretrain", "--preset", "adainf"], "preset='adainf' needs generated images"),
        (["pretrain", "--generated", "x"], "preset='none' wants no generated images"),
        ([*DIGITS, "pretrain.stepz=3"], "unknown key 'pretrain.stepz'"),
        ([*DIGITS, "replication=3"], "generated is None"),
        ([*DIGITS, "pretrain.batch_size=5000"], "batch_size=5000 is"),
        (["probe", "nothing.pt"], "no checkpoint at nothing.pt"),
        (["data", "show", "nowhere"], "unknown image set 'nowhere'"),
        (["generate", "import", "nothing.npz"], "nothing.npz"),
        (["generate", "show", "nowhere"], "unknown image set 'nowhere'"),
        (["generate", "show", "digits", "--count", "0"], "--count: 0 has to be at least 1"),
    ],
)
def test_other_errors_are_one_line_too(arguments, says, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_online_protocol_needs_an_online_probe(tmp_path, capsys):
    path = tmp_path / "run.pt"
    assert main([*DIGITS, "pretrain.steps=2", "--checkpoint", str(path)]) == 0
    assert main(["probe", str(path), "--dataset", "digits", "--protocol", "online"]) == 2
    assert "carried no online probe" in capsys.readouterr().err


TINY = ["widths=[16]", "attention=[false]", "batch_size=8", "precision=fp32", "device=cpu"]


def test_a_diffusion_model_is_trained_in_parts_and_sampled_into_a_store(tmp_path, capsys):
    model, store = tmp_path / "model", tmp_path / "fakes"
    train = ["generate", "train", "digits", "--out", str(model), *TINY]
    assert main([*train, "--steps", "3", "--max-seconds", "0"]) == 0
    assert "stopped after 1 of 3 steps" in capsys.readouterr().out and not model.exists()
    assert main([*train, "--steps", "3"]) == 0
    assert f"{model}, " in capsys.readouterr().out
    sample = ["generate", "sample", str(model), "--store", str(store), "steps=2", "batch_size=4"]
    assert main([*sample, "--count", "4"]) == 0
    assert main([*sample, "--count", "6", "--real", "digits"]) == 0
    out = capsys.readouterr().out
    assert "sampler.steps = 2" in out and str(store) in out
    assert len(GeneratedImages.open(store)) == 6
    assert main([*sample, "--count", "6", "--seed", "1"]) == 2
    assert "seed" in capsys.readouterr().err
    before = {path: path.read_bytes() for path in model.rglob("*.*")}
    assert main([*train, "--steps", "3"]) == 0  # of this very run
    assert "already, and the same" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in model.rglob("*.*")} == before
    assert main([*train, "--steps", "4"]) == 2
    assert "is there already" in capsys.readouterr().err
    shutil.rmtree(model)
    other = train_diffusion(load_images("digits"), DiffusionConfig(widths=(16,), attention=(False,),
                            batch_size=8, precision="fp32", device="cpu"), 0)  # fmt: skip
    other.generator.save(model)
    assert main([*train, "--steps", "3"]) == 2
    assert f"{model} is there already, and another model" in capsys.readouterr().err


def test_a_model_that_cannot_be_sampled_leaves_no_store(tmp_path, capsys):
    from diffusers import DDPMPipeline, DDPMScheduler

    model = DiffusionConfig(widths=(16, 16), attention=(False, False)).unet(8)
    odd = type(model).from_config({**plain(model.config), "sample_size": 33})
    DDPMPipeline(odd, DDPMScheduler()).save_pretrained(tmp_path / "odd")
    DDPMPipeline(model, DDPMScheduler(num_train_timesteps=10)).save_pretrained(tmp_path / "few")
    DDPMPipeline(model, DDPMScheduler()).save_pretrained(tmp_path / "foreign")
    store = ["--store", str(tmp_path / "fakes"), "--count", "2"]
    for name, settings, says in (
        ("odd", [], "cannot take images of its own sample_size, 33"),
        ("few", [], "choose kind=ddim steps=10"),
        ("foreign", ["kind=ddim", "steps=1001"], "give steps=1000 or fewer"),
    ):
        assert main(["generate", "sample", str(tmp_path / name), *store, *settings]) == 2
        err = capsys.readouterr().err
        assert says in err and err.count("\n") == 1 and not (tmp_path / "fakes").exists()
    assert main(["generate", "sample", str(tmp_path / "foreign"), *store, "steps=2"]) == 0
    said = capsys.readouterr()
    assert "origin       files = none came with the model" in said.out and not said.err


@pytest.mark.parametrize(
    ("absurd", "says"),
    [
        (["--size", "50000"], "at 50,000 pixels a side would take"),
        (["noise_levels=100000000000"], "noise_levels = 100000000000 must be in 50..10000"),
        (["blocks=100000", "widths=[256]", "attention=[false]"], "would take"),
        (["batch_size=1000000000000"], "would take"),
    ],
)
def test_what_no_memory_holds_is_refused_before_it_is_begun(absurd, says, tmp_path, capsys):
    model = tmp_path / "model"
    assert main(["generate", "train", "digits", "--out", str(model), *TINY, *absurd]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_generator_of_the_dial_is_fitted_and_sampled(tmp_path, capsys):
    store = tmp_path / "fakes"
    sample = ["generate", "sample", "kernel_density", "--store", str(store), "--count", "30"]
    assert main([*sample, "--real", "digits", "--seed", "2", "principal=9"]) == 0
    assert "generator.principal = 9" in capsys.readouterr().out
    real = load_images("digits")
    made = make_generator(KernelDensitySetting(principal=9), real, seed=2).sample(30, 2)
    assert (GeneratedImages.open(store).images == made.images).all()
    # a store of an earlier part of the same sample is continued, in blocks
    assert main([*sample[:-1], "501", "--real", "digits", "--seed", "2", "principal=9"]) == 0
    longer = make_generator(KernelDensitySetting(principal=9), real, seed=2).sample(501, 2)
    assert (GeneratedImages.open(store).images == longer.images).all()
    capsys.readouterr()
    for arguments, says in (
        (sample, "name them with --real"),
        ([*sample[:2], "diffusion", *sample[3:]], "name the one to sample"),
        (["generate", "sample", "held_out", "--store", "x", "--real", "digits"], "held-out"),
        ([*sample, "--real", "digits", "steps=3"], "steps"),
    ):
        assert main(arguments) == 2
        assert says in capsys.readouterr().err


def test_a_store_is_not_continued_on_other_images_of_the_same_name(tmp_path, capsys):
    digits = load_images("digits").images
    for folder, some in (("one", digits[:300]), ("other", digits[300:600])):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "mine.npz", images=some)
    sample = ["generate", "sample", "memorised", "--store", str(tmp_path / "fakes"), "--count"]
    assert main([*sample, "20", "--real", str(tmp_path / "one" / "mine.npz")]) == 0
    assert main([*sample, "30", "--real", str(tmp_path / "other" / "mine.npz")]) == 2
    assert "fitted_to.digest" in capsys.readouterr().err
    assert len(GeneratedImages.open(tmp_path / "fakes")) == 20


def test_time_is_kept_by_generators_of_the_dial_too(tmp_path, capsys):
    sample = ["generate", "sample", "memorised", "--store", str(tmp_path / "fakes")]
    arguments = [*sample, "--real", "digits", "--count", "1100"]
    assert main([*arguments, "--max-seconds", "0"]) == 0
    assert "planned      1,100; the same command goes on" in capsys.readouterr().out
    assert len(GeneratedImages.open(tmp_path / "fakes")) == 500
    assert main(arguments) == 0 and len(GeneratedImages.open(tmp_path / "fakes")) == 1100


def test_a_model_named_like_a_generator_of_the_dial_is_not_shadowed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copula").mkdir()
    (tmp_path / "copula" / "model_index.json").write_text("{}")
    sample = ["generate", "sample", "copula", "--store", "fakes", "--real", "digits"]
    assert main(sample) == 2
    assert "say ./copula" in capsys.readouterr().err and not (tmp_path / "fakes").exists()


def test_ctrl_c_keeps_a_training_run_and_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    advance, model = _Run.advance, tmp_path / "model"

    def struck(run):
        advance(run)
        if run.step == 2:
            signal.raise_signal(signal.SIGINT)

    train = ["generate", "train", "digits", "--out", str(model), *TINY, "--steps", "3"]
    monkeypatch.setattr(_Run, "advance", struck)
    assert main(train) == 130
    err = capsys.readouterr().err.splitlines()[-1]
    assert err.startswith(f"adainf: stopped after 2 of 3 steps, kept in {model}.pt")
    monkeypatch.setattr(_Run, "advance", advance)
    assert main(train) == 0 and model.is_dir()


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (MemoryError("9 TiB asked"), 2, "not enough memory (9 TiB asked): name fewer images"),
        (MemoryError(), 2, "not enough memory: name fewer images, or smaller ones (--size)"),
        (OverflowError("too large to convert"), 2, "too large to convert"),
    ],
)
def test_what_ends_a_command_is_one_line(error, status, says, monkeypatch, capsys):
    def ends(*_, **__):
        raise error

    monkeypatch.setattr("adainf_core.cli.image_sets.describe", ends)
    assert main(["data", "show", "digits"]) == status
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


@pytest.mark.parametrize(("made", "options"), [(4, []), (8, ["--size", "4"])])
def test_all_sides_of_a_gap_are_sized_alike(made, options, tmp_path, monkeypatch, capsys):
    train, test = (load_images("digits", split=split) for split in ("train", "test"))
    np.savez(tmp_path / "made.npz", images=train.downsampled(made).images[:300])
    compared = []

    def report(real, generated, extractor, *, held_out, **_):
        compared.extend(side.images for side in (real, generated, held_out))
        return SimpleNamespace(table=lambda: "the table", write_html=lambda path: path)

    monkeypatch.setattr("adainf_core.gap.report.gap_report", report)
    gap = ["gap", "digits", str(tmp_path / "made.npz"), "--held-out", "digits", *options]
    assert main(gap) == 0 and "the table" in capsys.readouterr().out
    # by exact averages: a bicubic filter on one side alone would be measured as a gap
    whole = train.downsampled(4).images
    for found, expected in zip(
        compared, (whole, whole[:300], test.downsampled(4).images), strict=True
    ):
        assert np.array_equal(found, expected)


def test_folders_are_resized_as_their_files_are_read(tmp_path, monkeypatch):
    digits = load_images("digits").images[:5].transpose(0, 2, 3, 1)
    for name in ("real", "made"):
        (tmp_path / name).mkdir()
        for i, pixels in enumerate(digits):
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    compared = []

    def report(real, generated, extractor, **_):
        compared.extend(side.images for side in (real, generated))
        return SimpleNamespace(table=str, write_html=str)

    monkeypatch.setattr("adainf_core.gap.report.gap_report", report)
    assert main(["gap", str(tmp_path / "real"), str(tmp_path / "made"), "--size", "4"]) == 0
    assert np.array_equal(*compared)


def test_nothing_is_enlarged_to_be_compared(tmp_path, capsys):
    digits = load_images("digits")
    np.savez(tmp_path / "small.npz", images=digits.downsampled(4).images)
    np.savez(tmp_path / "large.npz", images=digits.resized(12).images)
    for made, options, says in (
        ("small", ["--size", "8"], "small has images of 4x4 pixels, which would be enlarged"),
        ("large", [], "digits-train has images of 8x8 pixels, which would be enlarged to 12x12"),
    ):
        assert main(["gap", "digits", str(tmp_path / f"{made}.npz"), *options]) == 2
        err = capsys.readouterr().err
        assert says in err and "--size" in err


def test_a_sheet_is_never_put_into_the_store(store, monkeypatch, capsys):
    monkeypatch.chdir(store)
    for name in (f"{store}/", "."):
        assert main(["generate", "show", name]) == 0
        sheet = store.with_name(f"{store.name}.png")
        assert f"sheet        {sheet}" in capsys.readouterr().out
        sheet.unlink()
    assert sorted(path.name for path in store.iterdir()) == ["images.npy", "meta.json"]


@pytest.fixture
def pets(tmp_path):
    """A folder of two classes."""
    images = load_images("digits").images[:6].transpose(0, 2, 3, 1)
    for i, pixels in enumerate(images):
        path = tmp_path / "pets" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "pets"


def test_a_sheet_of_a_folder_is_written_here_and_never_into_a_set(pets, monkeypatch, capsys):
    monkeypatch.chdir(pets.parent)
    for name in ("pets/cat", "pets"):
        assert main(["generate", "show", name]) == 0
        sheet = pets.parent / f"{name.split('/')[-1]}.png"
        assert sheet.is_file() and f"sheet        {sheet.name}: " in capsys.readouterr().out
    monkeypatch.chdir(pets)
    inside = [
        ["cat"], [str(pets)], ["."], ["cat", "--out", "cat/sheet.png"],
        ["cat", "--out", str(pets / "sheet.png")], [str(pets), "--out", "dog/../sheet.png"],
    ]  # fmt: skip
    for words in inside:
        assert main(["generate", "show", *words]) == 2
        assert "name another place with --out" in capsys.readouterr().err
    monkeypatch.chdir(pets / "cat")
    assert main(["generate", "show", "."]) == 2
    assert main(["generate", "show", ".", "--out", "../../sheet.png"]) == 0
    assert sorted(path.name for path in pets.iterdir()) == ["cat", "dog"]
    assert main(["data", "show", str(pets)]) == 0
    assert "6 images of 8x8, 2 classes" in capsys.readouterr().out


def test_the_limit_of_an_import_can_be_raised(tmp_path, capsys):
    images = load_images("digits").images[:20].copy()
    images[:3] = images[0]
    np.savez(tmp_path / "twice.npz", images=images)
    arguments = ["generate", "import", str(tmp_path / "twice.npz")]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert "2 of 20 images are duplicates" in err and "(--duplicate-limit)" in err
    assert main([*arguments, "--duplicate-limit", "0.2"]) == 0
    assert "duplicates   2" in capsys.readouterr().out


def test_copies_are_said_by_kind_and_checks_of_earlier_stores_are_read(tmp_path, capsys):
    images = load_images("digits").images[:200]
    np.savez(
        tmp_path / "a.npz", images=np.concatenate([images, images[:1], images[1:2, ..., ::-1]])
    )
    assert main(["generate", "import", str(tmp_path / "a.npz")]) == 0
    assert (
        "duplicates   2 of 202 images repeat an earlier one (exact 1, mirrored 1, near ones not "
        "searched); kept\nmemorised    not looked for: no --real images were given\n"
    ) in capsys.readouterr().out
    described = tmp_path / "a.images" / "meta.json"
    meta = json.loads(described.read_text())
    meta["checks"] = {"constant": 0, "duplicates": 1, "memorised": None, "order": "undecided"}
    described.write_bytes(as_json(meta))
    assert main(["data", "show", str(tmp_path / "a.images")]) == 0
    out = capsys.readouterr().out
    assert "duplicates   1 of 202 images repeats an earlier one; kept\nmemorised    not lo" in out
    assert "copies       2 of 202 images repeat an earlier one (exact 1, mirrored 1)" in out


@pytest.mark.parametrize(
    ("make", "more", "says"),
    [
        (lambda x: x, ["--real"], "these are the real images themselves: 200 of 200 images"),
        (lambda x: np.concatenate([x[:20, ..., ::-1], 255 - x]), ["--real", "--memorised-limit",
         "0.01"], "20 of 220 images are copies of real (mirrored 20)"),
        (lambda x: x[:1].repeat(200, axis=0), [], "199 of 200 images are duplicates"),
        (lambda x: x, ["--memorised-limit", "3"], "--memorised-limit: 3 has to lie in 0..1"),
    ],
)  # fmt: skip
def test_sets_of_copies_are_refused_in_one_line(tmp_path, capsys, make, more, says):
    images = load_images("digits").images[:200]
    np.savez(tmp_path / "real.npz", images=images)
    np.savez(tmp_path / "a.npz", images=make(images))
    more = [part for word in more for part in ([word, str(tmp_path / "real.npz")]
                                               if word == "--real" else [word])]  # fmt: skip
    assert main(["generate", "import", str(tmp_path / "a.npz"), *more]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "real.npz"]


def test_a_set_of_real_images_is_imported_on_request(tmp_path, capsys):
    images = load_images("digits").images[:200]
    np.savez(tmp_path / "a.npz", images=images)
    path = str(tmp_path / "a.npz")
    assert main(["generate", "import", path, "--real", path, "--memorised-limit", "1"]) == 0
    said = (
        "memorised    200 of 200 images copy images of a (exact 200, near ones not searched); kept"
    )
    assert said in capsys.readouterr().out


def test_test_images_that_repeat_training_images_are_said(tmp_path, capsys):
    digits, path = load_images("digits"), str(tmp_path / "run.pt")

    def written(name, images, labels):
        np.savez(tmp_path / f"{name}.npz", images=images, labels=labels)
        return str(tmp_path / f"{name}.npz")

    train = written("train", digits.images[:300], digits.labels[:300])
    mirrored = digits.images[250:300, :, :, ::-1]
    overlap = written("overlap", np.concatenate([digits.images[200:250], mirrored,
                                                 digits.images[300:500]]),
                      np.concatenate([digits.labels[200:500]]))  # fmt: skip
    fresh = written("fresh", digits.images[300:500], digits.labels[300:500])
    inside = written("inside", digits.images[50:90], digits.labels[50:90])
    assert main(["pretrain", "--dataset", train, *SMALL, "pretrain.steps=5", "size=8",
                 "--checkpoint", path]) == 0  # fmt: skip
    capsys.readouterr()

    def probed(test, *more):
        words = ["probe", path, "--dataset", train, "--test", test, "--protocol", "knn", *more]
        return main([*words, "--k", "1"]), *capsys.readouterr()

    _, alone, _ = probed(fresh)
    _, both, _ = probed(overlap)
    first, second, *_ = both.splitlines()
    assert first == ("copies           100 of 300 test images repeat training images (exact 50, "
                     "mirrored 50); near copies not searched")  # fmt: skip
    number = alone.splitlines()[1].split()[:4]
    assert second.split()[:4] == number  # accuracy and error are those of the others
    assert "on the 200 that repeat none; " in second
    every = float(second.split("none; ")[1].split()[0])
    right = 2 * float(number[1])  # of 200; an exact copy is its own nearest neighbour
    assert right + 50 <= 3 * every + 0.02 and "% on all 300; offline" in second
    thrice = written("thrice", *(np.repeat(part[300:500], 3, axis=0)
                                 for part in (digits.images, digits.labels)))  # fmt: skip
    first, second, *_ = probed(thrice)[1].splitlines()
    assert "none of 600 test images repeat training images, 400 each other" in first
    assert second.split()[:4] == number and "on the 200 that repeat none; " in second
    status, out, err = probed(inside)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert "inside: all 40 images are copies of images of train (exact 40)" in err


def test_of_named_sets_the_usual_number_comes_first(tmp_path, capsys, monkeypatch):
    digits, path = load_images("digits"), str(tmp_path / "run.pt")
    some = {"train": digits.subset(np.arange(300)), "test": digits.subset(np.arange(200, 500))}
    assert main([*DIGITS, "pretrain.steps=5", "--checkpoint", path]) == 0
    capsys.readouterr()
    monkeypatch.setattr("adainf_core.data.named_sets.named_or_own",
                        lambda name, split, *_, **__: some[split])  # fmt: skip
    assert main(["probe", path, "--dataset", "digits", "--protocol", "knn", "--k", "1"]) == 0
    copies, usual, others, *_ = capsys.readouterr().out.splitlines()
    assert "100 of 300 test images repeat training images (exact 100)" in copies
    assert "on the 200 that repeat none" in others and "offline" in usual
    right = [round(float(line.split()[at]) / 100 * n)
             for line, at, n in ((usual, 1, 300), (others, 0, 200))]  # fmt: skip
    assert right[0] == right[1] + 100


READER_GONE = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from adainf_core.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["data", "list"], ["data", "show", "made.npz"]])
def test_a_reader_that_has_gone_ends_a_command_quietly(arguments, unbuffered, tmp_path):
    np.savez(tmp_path / "made.npz", images=np.zeros((3, 3, 4, 4), np.uint8))
    command = [sys.executable, "-c", READER_GONE, *arguments]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_broken_pipe_of_another_kind_is_an_error(monkeypatch, capsys):
    def ends(*_, **__):
        raise BrokenPipeError(32, "a worker has died")

    monkeypatch.setattr("adainf_core.cli.image_sets.describe", ends)
    assert main(["data", "show", "digits"]) == 2
    assert "a worker has died" in capsys.readouterr().err


@pytest.fixture
def numbered_otherwise(tmp_path):
    """A network, and digits as named numbers: an archive to learn from, folders to test on."""
    path = tmp_path / "run.pt"
    assert main([*DIGITS, "pretrain.steps=30", "pretrain.online_learning_rate=0.05",
                 "--checkpoint", str(path)]) == 0  # fmt: skip
    words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
                      "nine"])  # fmt: skip
    train, test = (load_images("digits", split=split) for split in ("train", "test"))
    for name, names in (("named", {"class_names": words}), ("plain", {})):
        np.savez(tmp_path / f"{name}.npz", images=train.images, labels=train.labels, **names)
        np.savez(tmp_path / f"{name}-test.npz", images=test.images, labels=test.labels, **names)
    for i, (image, label) in enumerate(zip(test.images, test.labels, strict=True)):
        folder = tmp_path / "test" / str(words[label])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{i:04}.png")
    return tmp_path


def test_probes_match_classes_by_name(numbered_otherwise, capsys):
    def probed(train, test, *more):
        words = ["probe", str(numbered_otherwise / "run.pt"), "--dataset", train, "--test", test]
        capsys.readouterr()
        status, printed = main([*words, *more]), capsys.readouterr()
        lines = printed.out.splitlines()[1:-2]  # but those on copies, the file and what is next
        found = [float(line.split()[1]) for line in lines if not line.startswith("replaced ")]
        return found or status, printed.err

    named, plain, folder = (str(numbered_otherwise / n) for n in ("named.npz", "plain.npz", "test"))
    protocols = [word for name in ("linear", "knn", "online") for word in ("--protocol", name)]
    right, _ = probed(plain, str(numbered_otherwise / "plain-test.npz"), *protocols)
    assert right[0] > 50 and min(right) > 20
    assert probed(named, folder, *protocols)[0] == right
    status, err = probed(plain, folder)
    assert status == 2 and "the classes of test have names" in err and err.count("\n") == 1
    status, err = probed(plain, plain)
    assert status == 2 and "are the same images" in err and err.count("\n") == 1


def test_knn_takes_k_and_says_when_it_is_cut(numbered_otherwise, capsys):
    path = str(numbered_otherwise / "run.pt")
    few = str(numbered_otherwise / "few.npz")
    digits = load_images("digits")
    np.savez(few, images=digits.images[:50], labels=digits.labels[:50])
    probe = ["probe", path, "--dataset", few, "--test", str(numbered_otherwise / "plain-test.npz")]
    for words, says in (
        (["knn", "--k", "3"], "offline 3-nearest-neighbour probe: "),
        (["knn"], "offline 10-nearest-neighbour probe: "),
        (["knn-weighted"], "50-nearest-neighbour probe (k = 200 was cut to the 50 training"),
    ):
        capsys.readouterr()
        assert main([*probe, "--protocol", *words]) == 0
        assert says in capsys.readouterr().out
    assert main([*probe, "--protocol", "knn", "--k", "0"]) == 2
    assert "--k: 0 has to be at least 1" in capsys.readouterr().err


def test_images_are_averaged_where_that_is_exact_and_resized_elsewhere():
    digits = load_images("digits")
    side = digits.image_size
    half = sized_set("digits", side // 2, None)
    assert (half.images == digits.downsampled(side // 2).images).all()
    assert sized_set("digits", side - 1, None).image_size == side - 1
    assert sized_set("digits", None, None).image_size == side
