"""`adainf pretrain`: one AdaInf for all, presets that are the arms, and what to do next."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adainf_core.cli import main
from adainf_core.configuration import override
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.inflation import paper_replication
from adainf_core.data.named_sets import load_images
from adainf_core.learning.checkpoints import read_checkpoint
from adainf_core.learning.recipes import recipe

SMALL = [
    "pretrain.width=4", "pretrain.method.hidden=16", "pretrain.method.out=8", "pretrain.steps=2",
    "pretrain.batch_size=16", "pretrain.warmup=1", "pretrain.device=cpu",
]  # fmt: skip
README = Path(__file__).parents[2] / "README.md"
DIGITS = load_images("digits")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Real images, test images, and a store of five generated ones for every two real."""
    folder = tmp_path_factory.mktemp("one adainf")  # a space, as in many a path
    test = load_images("digits", split="test")
    np.savez(folder / "real.npz", images=DIGITS.images[:120], labels=DIGITS.labels[:120])
    np.savez(folder / "test.npz", images=test.images[:60], labels=test.labels[:60])
    noisy = np.random.default_rng(0).integers(0, 9, (300, 3, 8, 8), np.uint8)
    np.savez(folder / "fakes.npz", images=DIGITS.images[200:500] // 2 + noisy)
    GeneratedImages.from_npz(folder / "fakes.npz")
    return folder


def said(capsys) -> dict[str, str]:
    """What stands behind the first word of each line."""
    lines = (line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    return dict(line for line in lines if len(line) == 2)


def readme_command(word: str) -> list[str]:
    """The words of README's first line that begins so."""
    line = next(x for x in README.read_text().splitlines() if x.startswith(f"adainf {word}"))
    return shlex.split(line.partition(" #")[0])[1:]


def test_readme_plan_dry_run_and_python_mean_one_adainf(sets, capsys, monkeypatch):
    monkeypatch.setattr("adainf_core.gap.image_tv.image_tv", lambda *_, **__: "no bound")
    real, store, test = (str(sets / name) for name in ("real.npz", "fakes.images", "test.npz"))
    # 1/3 of the draws: N = 1.25 exactly, and of whole numbers 1 (beta 2/7) is nearer than 2 (4/9)
    expected, beta = 1, 2 / 7
    assert paper_replication(120, 300) == expected
    data = recipe(real, "simclr", "adainf", store).data()
    assert data.replication == expected and data.beta == pytest.approx(beta)
    # README's own two lines
    places = {"path/to/images": real, "fakes.images": store, "path/to/test": test}
    words = [places.get(word, word) for word in readme_command("plan")]
    assert main([*words, "--batch-size", "16", "--steps", "2", "--noise", "1"]) == 0
    out = capsys.readouterr().out
    (row,) = (line.split() for line in out.splitlines() if line.endswith("<- AdaInf"))
    assert int(row[0]) == expected and float(row[1]) == pytest.approx(beta, abs=5e-5)
    words = [places.get(word, word) for word in readme_command("pretrain")]
    assert main([*words, "--dataset", real, "--scale", "laptop", *SMALL]) == 0
    shown = said(capsys)
    assert f"(weight {expected})" in shown["mixture"] and f"beta = {beta:.4f}" in shown["mixture"]
    assert shown["share"].startswith(f"N = {expected} is AdaInf's at these sizes")
    # plan's command for the arm, with its own weight, is the same mixture
    (command,) = (shlex.split(line.replace("$seed", "0"))[1:] for line in out.splitlines()
                  if "adainf pretrain" in line and "adainf-$seed.pt" in line)  # fmt: skip
    assert main([*command, "--dry-run", "--scale", "laptop", *SMALL]) == 0
    assert said(capsys)["mixture"] == shown["mixture"]


@pytest.mark.parametrize("arm", ["none", "weak", "vanilla", "vanilla_weak", "reweighted", "adainf"])
def test_presets_are_the_arms_of_the_comparison(arm, sets):
    from adainf_core.evidence.studies import paper_model

    treatment = getattr(paper_model, arm.upper())
    store = str(sets / "fakes.images") if "generator" in treatment.changes else None
    weak = treatment.changes.get("pretrain.policy") == "weak"
    found = recipe("cifar10", "simclr", arm, store)
    assert found.pretrain.policy == paper_model.policies(32)["weak" if weak else "strong"]
    weight = None if store is None else treatment.changes.get("replication", 1)
    at_its_sizes = {"paper": paper_replication(50_000, 1_000_000)}
    assert at_its_sizes.get(found.replication, found.replication) == weight


def test_a_weight_of_ones_own_is_said_not_to_be_adainfs(sets, capsys):
    words = ["pretrain", "--dataset", str(sets / "real.npz"), "--generated",
             str(sets / "fakes.images"), "--scale", "laptop", *SMALL]  # fmt: skip
    own = "is not AdaInf's at these sizes: that is N = 1, whose beta = 0.2857 is nearest to"
    for more, given in (
        (["--preset", "adainf", "replication=10"], "N = 10"),
        (["--preset", "adainf", "replication=null", "beta=0.5", "sampling=iid"], "beta = 0.5000"),
    ):
        for last in ("--dry-run", "--max-seconds=inf"):  # before and at a run
            assert main([*words, *more, last]) == 0
            assert said(capsys)["share"].startswith(f"{given} {own} the paper's 1/3")
    assert main([*words, "--preset", "adainf", "beta=0.5"]) == 2
    assert "both replication=1.0 and beta=0.5" in capsys.readouterr().err


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_a_command_is_its_recipe(scale, sets, tmp_path, monkeypatch):
    """What reaches `pretrain` from the command is what `recipe` and `override` make in Python."""
    reached = []

    def caught(config, data, **_):
        reached.append((config, data))
        raise ZeroDivisionError

    monkeypatch.setattr("adainf_core.learning.pretraining.pretrain", caught)
    real, store = str(sets / "real.npz"), str(sets / "fakes.images")
    settings = ["pretrain.steps=70", "pretrain.warmup=7", "stratified=true"]
    words = ["pretrain", "--dataset", real, "--method", "byol", "--preset", "adainf",
             "--generated", store, "--scale", scale, "--checkpoint", f"{tmp_path}/x"]  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        main([*words, *settings])
    ((config, data),) = reached
    chosen = override(recipe(real, "byol", "adainf", store, scale), settings)
    assert config == chosen.pretrain and data.fingerprint() == chosen.data().fingerprint()
    assert config.encoder == {"laptop": "small_cnn", "paper": "resnet18"}[scale]


# ---- what comes next


def next_command(capsys) -> tuple[list[str], str]:
    line = said(capsys)["next"]
    command, _, note = line.partition("   # ")
    return shlex.split(command)[1:], note


def test_a_run_ends_with_its_file_and_a_command_that_probes_it(sets, tmp_path, capsys):
    path = tmp_path / "the run.pt"
    train = ["pretrain", "--scale", "laptop", *SMALL, "--checkpoint", str(path), "--dataset"]
    assert main([*train, "digits"]) == 0
    out = capsys.readouterr().out
    assert f"checkpoint   {path}\nnext         adainf probe '{path}'\n" in out
    assert main(["probe", str(path), "--protocol", "knn"]) == 0
    path.unlink()
    assert main([*train, str(sets / "real.npz")]) == 0
    words, note = next_command(capsys)
    assert note == "TEST: other labelled images" and words.count("TEST") == 1
    words[words.index("TEST")] = str(sets / "test.npz")
    assert main([*words, "--protocol", "knn"]) == 0
    assert "knn" in capsys.readouterr().out


@pytest.mark.parametrize("parts", [("train", "test"), ("train", "val")])
def test_the_parts_of_a_folder_are_found_by_the_next_command(parts, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for part in parts:
        for name in ("cat", "dog"):
            (tmp_path / "pets" / part / name).mkdir(parents=True)
            for i in range(10):
                pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / "pets" / part / name / f"{i}.png")
    train = ["pretrain", "--dataset", str(tmp_path / "pets"), "--scale", "laptop", *SMALL]
    assert main([*train, "--checkpoint", str(tmp_path / "run.pt")]) == 0
    words, note = next_command(capsys)
    assert not note and words == ["probe", str(tmp_path / "run.pt")]
    assert main([*words, "--protocol", "knn"]) == 0


def test_unlabelled_images_are_probed_on_others(tmp_path, capsys):
    np.savez(tmp_path / "bare.npz", images=DIGITS.images[:40])
    train = ["pretrain", "--dataset", str(tmp_path / "bare.npz"), "--scale", "laptop", *SMALL]
    assert main([*train, "--checkpoint", str(tmp_path / "run.pt")]) == 0
    words, note = next_command(capsys)
    assert words[-4:] == ["--dataset", "LABELLED", "--test", "TEST"] and "labelled" in note


def test_without_a_checkpoint_it_is_said_first_that_nothing_is_kept(capsys):
    assert main(["pretrain", "--dataset", "digits", "--scale", "laptop", *SMALL]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "checkpoint   none: name a --checkpoint to keep what is trained"
    assert not any(line.startswith("next") for line in rest)


# ---- errors with a remedy


def test_fewer_steps_than_warm_up_name_the_setting_that_mends_it(capsys, tmp_path):
    words = ["pretrain", "--dataset", "digits", "--scale", "laptop", *SMALL[:3],
             "pretrain.batch_size=16", "pretrain.steps=5"]  # fmt: skip
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "warmup=50 is outside 0..steps=5" in line
    remedy = next(word for word in line.split() if word.startswith("pretrain.warmup="))
    assert main([*words, remedy, "--checkpoint", str(tmp_path / "run.pt")]) == 0


def test_a_batch_larger_than_the_set_names_one_that_fits(sets, capsys, tmp_path):
    words = ["pretrain", "--dataset", str(sets / "real.npz"), "--scale", "laptop", *SMALL[:4],
             "pretrain.warmup=1"]  # fmt: skip
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "batch_size=256 is larger than the 120 images" in line
    remedy = next(word for word in line.split() if word.startswith("pretrain.batch_size="))
    assert remedy == "pretrain.batch_size=64" and main([*words, remedy]) == 0


def test_files_that_are_no_checkpoint_of_this_version_come_with_a_remedy(sets, tmp_path, capsys):
    import torch

    path = tmp_path / "run.pt"
    train = ["pretrain", "--dataset", str(sets / "real.npz"), "--scale", "laptop", *SMALL]
    assert main([*train, "--checkpoint", str(path)]) == 0
    whole = {name: getattr(read_checkpoint(path), name) for name in
             read_checkpoint(path).__dataclass_fields__}  # fmt: skip
    lacking = {name: value for name, value in whole.items() if name != "history"}
    for content, says in (
        (whole | {"format": "x"}, "format 'x', this version reads 2: train anew"),
        (whole | {"format": 3}, "format 3, this version reads 2: update adainf_core"),
        ({"weights": torch.zeros(2)}, "holds tensors, but no run: name a file that pretrain wrote"),
        (lacking, "no checkpoint (field 'history' missing or unknown): delete it"),
    ):
        torch.save(content, path)
        for words in ([*train, "--checkpoint", str(path)], ["probe", str(path)]):
            capsys.readouterr()
            assert main(words) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert says in line
    shutil.rmtree(tmp_path)
