"""`adainf compare` and what `probe` keeps for it, from checkpoints to files."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from adainf_core.advice import run_probing
from adainf_core.cli import main, probed_sets
from adainf_core.cli.probed_sets import telling
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.runs.records import RESULTS
from adainf_core.learning.predictions import read_predictions
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain

RNG = np.random.default_rng(0)
LABELS = np.arange(160) % 2
PIXELS = RNG.integers(0, 200, (160, 3, 8, 8)).astype(np.uint8)
PIXELS[LABELS == 1, :, :4] += 40
SETS = {"train": slice(0, 80), "test": slice(80, 160)}


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Nothing is said of work that lasts, on a slow machine either."""
    monkeypatch.setattr(probed_sets, "_PATIENCE", (3600.0,) * 5)


def saved(folder, name, images, labels):
    np.savez(folder / f"{name}.npz", images=images, labels=labels)


def run(path, seed, weights=4, steps=1, name="train.npz", **options):
    config = PretrainConfig(
        seed=seed, steps=steps, batch_size=8, width=weights, warmup=0, device="cpu"
    )
    made_of = {"dataset": str(path.parent / name), "split": "train", "root": None}
    data = Inflation(ImageSet(PIXELS[:80], LABELS[:80], "train"))
    pretrain(config, data, checkpoint=path, made_of=made_of, **options)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two seeds of two recipes, and the images that they learnt from."""
    folder = tmp_path_factory.mktemp("runs")
    for name, part in SETS.items():
        saved(folder, name, PIXELS[part], LABELS[part])
    for seed in (0, 1):
        run(folder / f"weak-{seed}.pt", seed)
        run(folder / f"wide-{seed}.pt", seed, weights=6)
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    for path in trained.iterdir():
        if path.suffix in (".pt", ".npz"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


KNN = ["--dataset", "train.npz", "--test", "test.npz", "--protocol", "knn"]
WEAK, WIDE = ["weak-0.pt", "weak-1.pt"], ["wide-0.pt", "wide-1.pt"]


def refused(capsys, *words):
    capsys.readouterr()
    assert main(list(words)) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    return said.err


def test_from_checkpoints_to_every_output(folder, capsys):
    assert refused(capsys, "compare", *WEAK, *WIDE, "--protocol", "knn").startswith(
        "adainf: weak-0.pt learnt from "
    )
    outputs = ["--json", "a.json", "--csv", "a.csv", "--figure", "a.svg"]
    assert main(["compare", *WEAK, *WIDE, *KNN, *outputs]) == 0
    out, err = capsys.readouterr()
    assert (
        "is wide more accurate than weak?" in out and "the sides differ in width=4 against 6" in out
    )
    assert [line for line in err.splitlines() if "4)" in line][-1] == "probing wide-1.pt (4 of 4)"
    plain = json.loads((folder / "a.json").read_text())
    (row,) = csv.DictReader((folder / "a.csv").read_text().splitlines())
    assert float(row["difference"]) == plain["differences"][0]["difference"]
    assert f"{float(row['difference']):+.2f} [" in out
    assert "<svg" in (folder / "a.svg").read_text()
    kept = [read_predictions(folder / f"{name[:-3]}.predictions.npz") for name in WEAK + WIDE]
    right = [100 * one.right("knn, k = 10").mean() for one in kept]
    assert list(plain["sides"]["weak"].values()) == right[:2]
    # what was told is there: no images are needed, and none are probed
    (folder / "test.npz").unlink()
    assert main(["compare", *WEAK, *WIDE, "--protocol", "knn"]) == 0
    again, err = capsys.readouterr()
    assert (
        again.splitlines() == out.splitlines()[: len(again.splitlines())] and "probing" not in err
    )
    files = [f"{name[:-3]}.predictions.npz" for name in WEAK + WIDE]
    for figure in ("a.png", "a.pdf"):
        assert main(["compare", *files, "--figure", figure]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == figure
    assert (folder / "a.png").read_bytes()[1:4] == b"PNG"
    assert (folder / "a.pdf").read_bytes()[:4] == b"%PDF"


def test_against_turns_the_sides_round(folder, capsys):
    assert main(["compare", *WEAK, *WIDE, *KNN, "--json", "a.json"]) == 0
    assert main(["compare", *WEAK, "--against", *WIDE, *KNN, "--json", "b.json"]) == 0
    (one,), (other,) = (json.loads((folder / f"{name}.json").read_text())["differences"]
                        for name in "ab")  # fmt: skip
    assert (one["side"], other["side"]) == ("wide", "weak")
    assert other["difference"] == pytest.approx(-one["difference"])


def test_a_run_that_was_trained_on_is_probed_anew(folder, capsys):
    assert main(["compare", *WEAK, *WIDE, *KNN]) == 0
    (folder / "wide-1.pt").unlink()
    run(folder / "wide-1.pt", 1, weights=6, steps=2)
    run(folder / "wide-0.pt.new", 0, weights=6, steps=2)
    (folder / "wide-0.pt.new").rename(folder / "wide-0.pt")
    capsys.readouterr()
    assert main(["compare", *WEAK, *WIDE, *KNN]) == 0
    assert "probing wide-0.pt (1 of 2)" in capsys.readouterr().err


def test_what_cannot_be_compared_is_one_line_and_writes_nothing(folder, capsys, monkeypatch):
    saved(folder, "other", PIXELS[100:160], LABELS[100:160])
    assert main(["probe", "wide-0.pt", *KNN[:2], "--test", "other.npz", "--protocol", "knn"]) == 0
    assert main(["probe", "weak-0.pt", *KNN]) == 0
    (folder / "copy-0.pt").write_bytes((folder / "weak-0.pt").read_bytes())
    run(folder / "begun-0.pt", 0, weights=6, steps=4, max_seconds=0)
    (folder / "kept").mkdir()
    (folder / "kept" / "design.json").write_text("{}")
    files = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(
        "adainf_core.data.named_sets.named_or_own", lambda *_: pytest.fail("images were read")
    )
    told = [f"{name}-0.predictions.npz" for name in ("weak", "wide")]
    for words, says in (
        (["weak-0.pt", "wide-0.pt", *KNN], "share one seed, 0: a difference between two runs"),
        ([*WEAK, *KNN], "a comparison takes two sides, and weak is the only one"),
        ([*WEAK, "--against", *WEAK, *KNN], "weak-0.pt is in weak"),
        (["weak-0.pt", "copy-0.pt", *KNN], "weak-0.pt and copy-0.pt are one run, or copies"),
        (["weak-0.pt", "begun-0.pt", *KNN], "begun-0.pt has stopped after 1 of 4 steps"),
        (told, f"{told[0]} is tested on test (80 images), {told[1]} tested on other (60)"),
        ([*WEAK, *WIDE, "--figure", "a.gif"], "has to end in .png, .svg, .pdf"),
        (["gone-0.pt", *WIDE], "no run at gone-0.pt"),
        (["kept", *WIDE], "kept is a folder: name the runs in it"),
        (["kept/design.json", *WIDE], "design.json is the design of adainf plan, no run"),
        (["test.npz", *WIDE], "test.npz holds no predictions: make it anew by adainf probe"),
        ([*WEAK, *WIDE, *KNN[:2]], "--dataset train.npz is a path: name the --test images too"),
    ):
        assert says in refused(capsys, "compare", *words)
    assert sorted(path.name for path in folder.iterdir()) == files


def test_what_was_told_before_a_stop_is_not_lost(folder, capsys, monkeypatch):
    told, probe = [], run_probing.probed

    def stopped(*arguments, **options):
        told.append(probe(*arguments, **options))
        if len(told) == 3:
            raise KeyboardInterrupt
        return told[-1]

    monkeypatch.setattr(run_probing, "probed", stopped)
    assert main(["compare", *WEAK, *WIDE, *KNN, "--json", "a.json"]) == 130
    assert "runs that were probed keep their predictions" in capsys.readouterr().err
    assert not (folder / "a.json").exists()
    monkeypatch.setattr(run_probing, "probed", probe)
    assert main(["compare", *WEAK, *WIDE, *KNN]) == 0
    err = capsys.readouterr().err
    assert [line for line in err.splitlines() if "probing" in line] == [
        "probing wide-0.pt (1 of 2)",
        "probing wide-1.pt (2 of 2)",
    ]


def test_records_are_compared_by_what_they_hold(capsys):
    folder = RESULTS / "failure-mode" / "laptop"
    files = [str(path) for arm in ("vanilla", "weak") for path in sorted(folder.glob(f"{arm}-*"))]
    assert main(["compare", *files]) == 0
    out = capsys.readouterr().out
    assert "is weak more accurate than vanilla?" in out and "over seeds alone" in out
    assert "leave --dataset and --test out" in refused(
        capsys, "compare", *files, "--test", "digits"
    )


def test_one_pair_of_runs_is_compared_over_images_where_asked(folder, capsys):
    assert main(["compare", "weak-0.pt", "wide-0.pt", *KNN, "--images-alone"]) == 0
    assert "over test images alone, for these runs: " in capsys.readouterr().out


# ---- what probe takes by itself


def test_a_run_is_probed_by_its_own_images(folder, capsys):
    for name, part in SETS.items():
        for place, (image, label) in enumerate(zip(PIXELS[part], LABELS[part], strict=True)):
            path = folder / "own" / name / str(label)
            path.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.transpose(1, 2, 0)).save(path / f"{place:03}.png")
    images = ImageSet.from_folder(folder / "own" / "train")
    config = PretrainConfig(steps=1, batch_size=8, width=4, warmup=0, device="cpu")
    made_of = {"dataset": str(folder / "own"), "split": "train", "root": None}
    pretrain(config, Inflation(images), checkpoint=folder / "own.pt", made_of=made_of)
    assert main(["probe", "own.pt", "--protocol", "knn"]) == 0
    out = capsys.readouterr().out
    assert "all 80 labelled images" in out and "own.predictions.npz" in out
    (folder / "own" / "train" / "0" / "000.png").unlink()
    assert "learnt from other images than" in refused(capsys, "probe", "own.pt")
    (folder / "own").rename(folder / "gone")
    assert "own, which is gone: name the --dataset" in refused(capsys, "probe", "own.pt")


def test_a_script_s_run_on_a_named_set_needs_no_name(tmp_path, capsys, monkeypatch):
    mine = ImageSet(PIXELS[:80], LABELS[:80], "digits-train")
    config = PretrainConfig(steps=1, batch_size=8, width=4, warmup=0, device="cpu")
    monkeypatch.chdir(tmp_path)
    pretrain(config, Inflation(mine), checkpoint="named.pt")
    # the name leads to other images than these, which is seen
    assert "named.pt learnt from other images than digits holds" in refused(
        capsys, "probe", "named.pt"
    )
    unknown = ImageSet(PIXELS[:80], LABELS[:80], "mine")
    pretrain(config, Inflation(unknown), checkpoint="unknown.pt")
    assert "unknown.pt does not say where its images are" in refused(capsys, "probe", "unknown.pt")


def test_copies_among_the_training_images_are_said(folder, capsys):
    twice = np.concatenate([PIXELS[:80], PIXELS[:6]]), np.concatenate([LABELS[:80], LABELS[:6]])
    saved(folder, "twice", *twice)
    words = ["probe", "weak-0.pt", "--dataset", "twice.npz", *KNN[2:]]
    assert main(words) == 0
    assert "within twice 6 of 86 images repeat an earlier one (exact 6)" in capsys.readouterr().out


def test_predictions_of_several_protocols_share_a_file_and_replace_no_other(folder, capsys):
    assert main(["probe", "weak-0.pt", *KNN]) == 0
    assert main(["probe", "weak-0.pt", *KNN, "--k", "3"]) == 0
    assert "replaced" not in capsys.readouterr().out
    place = folder / "weak-0.predictions.npz"
    assert set(read_predictions(place).protocols) == {"knn, k = 10", "knn, k = 3"}
    saved(folder, "other", PIXELS[100:160], LABELS[100:160])
    assert main(["probe", "weak-0.pt", *KNN[:2], "--test", "other.npz", *KNN[4:]]) == 0
    assert "replaced         weak-0.predictions.npz: it was of test told" in capsys.readouterr().out
    assert "is there, and holds none: name another file" in refused(
        capsys, "probe", "weak-0.pt", *KNN, "--predictions", "train.npz"
    )
    assert main(["probe", "weak-0.pt", *KNN, "--predictions", "mine.npz"]) == 0
    assert len(read_predictions(folder / "mine.npz").protocols) == 1


def test_long_work_is_told_in_plain_lines_and_short_work_is_not(capsys, monkeypatch):
    with telling("short work"):
        pass
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(probed_sets, "_PATIENCE", (0.0, 0.0))
    spoken = probed_sets.threading.Event()
    monkeypatch.setattr(probed_sets, "print", lambda *_, **__: spoken.set(), raising=False)
    with telling("long work"):
        assert spoken.wait(60)


@pytest.mark.parametrize("option", ["--json", "--csv"])
@pytest.mark.parametrize("name", ["weak-0.pt", "wide-1.pt", "test.npz"])
def test_what_is_compared_is_never_written_over(folder, capsys, option, name):
    before = (folder / name).read_bytes()
    assert main(["compare", *WIDE, *WEAK, *KNN, option, name]) == 2
    assert capsys.readouterr().err == (
        f"adainf: {option} {name} is read by this command: name another place\n"
    )
    assert (folder / name).read_bytes() == before


def test_damaged_predictions_are_made_anew_not_copied_again(folder, capsys):
    assert main(["compare", *WIDE, *WEAK, *KNN]) == 0
    kept = folder / "weak-0.predictions.npz"
    whole = kept.read_bytes()
    for place in (100, len(whole) // 2, len(whole) - 30):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        kept.write_bytes(damaged)
        capsys.readouterr()
        assert main(["compare", *WIDE, *WEAK, "--protocol", "knn"]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "weak-0.predictions.npz" in error
        assert "make it anew by adainf probe" in error and "download" not in error


# ---- copies, and predictions of others


def test_a_reader_s_copies_are_held_out_together(folder, capsys):
    saved(folder, "twice", np.repeat(PIXELS[:80], 2, 0), np.repeat(LABELS[:80], 2))
    linear = ["--dataset", "twice.npz", "--test", "test.npz", "--protocol", "linear"]
    assert main(["probe", "weak-0.pt", *linear]) == 0
    assert "copies held out together" in capsys.readouterr().out
    assert main(["compare", *WEAK, *WIDE, *linear]) == 0
    for name in (*WEAK, *WIDE):
        kept = read_predictions(folder / f"{name[:-3]}.predictions.npz")
        assert "copies held out together" in kept.protocols["linear"]
    # without copies there is nothing to say
    assert main(["probe", "weak-0.pt", *KNN[:4], "--protocol", "linear"]) == 0
    assert "copies held out" not in capsys.readouterr().out


def test_predictions_that_are_replaced_are_named(folder, capsys):
    assert main(["compare", *WEAK, *WIDE, *KNN]) == 0
    saved(folder, "other", PIXELS[100:160], LABELS[100:160])
    other = [*KNN[:2], "--test", "other.npz", *KNN[4:]]
    assert "replaced" not in capsys.readouterr().err
    assert main(["compare", *WEAK, *WIDE, *other]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "replaced" in line]
    assert lines == [
        f"replaced {name[:-3]}.predictions.npz: it was of test told from train"
        for name in (*WEAK, *WIDE)
    ]
    # as of the same protocol, and probe says so, too
    assert main(["probe", "weak-0.pt", *KNN]) == 0
    said = capsys.readouterr().out
    assert "replaced         weak-0.predictions.npz: it was of other told from train\n" in said
    (folder / "weak-0.pt").unlink()
    run(folder / "weak-0.pt", 0, steps=2)
    assert main(["probe", "weak-0.pt", *KNN]) == 0
    assert "weak-0.predictions.npz: it was of another run\n" in capsys.readouterr().out
