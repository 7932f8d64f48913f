"""What the commands say of files that they read: once, in one line, and without holding them."""

import shutil
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from adainf_core.cli import main
from adainf_core.cli.image_sets import at_size, describe, show_copies
from adainf_core.data.contact_sheet import contact_sheet
from adainf_core.data.images import ImageSet
from adainf_core.data.known_copies import known_copies

pytestmark = pytest.mark.usefixtures("few_penalties")

RNG = np.random.default_rng(0)
SAID = "photos: passed over: 3 files (.gif 2, hidden 1)\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of two classes with other files among them, and a flat one of generated images."""
    monkeypatch.chdir(tmp_path)
    pixels = RNG.integers(0, 256, (48, 8, 8, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        folder = tmp_path / ("fakes" if number >= 24 else f"photos/{'ab'[number % 2]}")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    for name in ("a/0.gif", "b/0.gif", "a/.0.png"):
        (tmp_path / "photos" / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "data show photos",
        "data show photos --size 4",
        "generate import fakes --real photos",
        "gap photos fakes --n 20",
        "plan photos fakes --batch-size 4",
        "pretrain --dataset photos --dry-run pretrain.width=4 pretrain.batch_size=4",
    ],
)
def test_what_is_passed_over_is_said_once(place, capsys, line):
    main(line.split())  # gap and plan find too few of them, once they are read
    assert capsys.readouterr().err.count(SAID) == 1


def test_pretrain_and_probe_say_it_too(place, capsys):
    run = "pretrain.width=4 pretrain.batch_size=4 pretrain.steps=1 pretrain.warmup=0"
    assert main(f"pretrain --dataset photos --checkpoint run.pt {run}".split()) == 0
    assert capsys.readouterr().err.count(SAID) == 1
    shutil.copytree("photos", "others")
    for file in place.glob("others/*/[0-9]*.png"):
        Image.eval(Image.open(file), lambda value: 255 - value).save(file)
    sets = ["--dataset", "photos", "--test", "others"]
    assert main(["probe", "run.pt", *sets, "--protocol", "knn"]) == 0
    said = capsys.readouterr().err
    assert said.count(SAID) == 1 and said.count(SAID.replace("photos", "others")) == 1


def test_an_import_keeps_what_was_passed_over(place, capsys):
    assert main(["generate", "import", "photos", "--store", "kept"]) == 0
    assert main(["data", "show", "kept"]) == 0
    assert (
        capsys.readouterr().out.count("note         Passed over: 3 files (.gif 2, hidden 1).") == 2
    )


def test_parts_of_a_set_are_read_by_split_and_refused_where_none_is(place, capsys):
    (place / "photos/a").rename(place / "photos/train")
    (place / "photos/b").rename(place / "photos/val")
    assert main(["data", "show", "photos", "--split", "val"]) == 0
    assert "val: 12 images of 8x8, unlabelled" in capsys.readouterr().out
    assert main(["data", "show", "photos", "--split", "test"]) == 2
    assert "photos holds the parts train, val, and no 'test'" in capsys.readouterr().err
    assert main(["generate", "import", "photos"]) == 2
    assert "which are parts of a set and no classes: name one" in capsys.readouterr().err


def test_floats_are_imported_on_request(place, capsys):
    np.savez("made.npz", images=RNG.uniform(-0.01, 1, (30, 8, 8, 3)).astype(np.float32))
    assert main(["generate", "import", "made.npz"]) == 2
    assert "convert=True (generate import --convert) does the same" in capsys.readouterr().err
    assert main(["generate", "import", "made.npz", "--convert"]) == 0
    said = capsys.readouterr().out
    assert "clipped      " in said and "were taken as 0..1 and brought to 0..255" in said
    assert main(["generate", "import", "fakes", "--convert"]) == 2
    assert "--convert is for archives of arrays, not fakes" in capsys.readouterr().err


@pytest.mark.parametrize("count", [7, 9001])
def test_a_set_that_is_streamed_is_described_as_one_in_memory(tmp_path, capsys, count):
    path = tmp_path / "mine.npz"
    pixels = RNG.integers(0, 256, (count, 3, 24, 24), dtype=np.uint8)
    np.savez(path, images=pixels, labels=np.arange(count) % 5)
    assert main(["data", "show", str(path)]) == 0
    said = capsys.readouterr().out
    whole = ImageSet.from_npz(path)
    describe(whole)
    show_copies(known_copies(whole), whole)
    assert capsys.readouterr().out == said
    some = pixels[:: max(1, count // 4000)] / 255
    for moment in (some.mean((0, 2, 3)), some.std((0, 2, 3))):
        assert ", ".join(f"{value:.4f}" for value in moment) in said
    assert f"mine: {count:,} images of 24x24, 5 classes" in said


@pytest.mark.parametrize("options", [[], ["--seed", "3"]])
def test_a_sheet_of_what_is_streamed_is_that_of_what_is_in_memory(tmp_path, capsys, options):
    path, sheet = tmp_path / "mine.npz", tmp_path / "sheet.png"
    pixels = RNG.integers(0, 256, (9001, 3, 24, 24), dtype=np.uint8)
    np.savez(path, images=pixels, labels=np.arange(9001) % 5)
    words = ["generate", "show", str(path), "--out", str(sheet), "--count", "50", *options]
    assert main(words) == 0
    seed = int(options[1]) if options else None
    assert np.array_equal(np.asarray(Image.open(sheet)), contact_sheet(pixels, 50, seed=seed))
    said = capsys.readouterr().out
    describe(ImageSet.from_npz(path))
    assert said.startswith(capsys.readouterr().out)
    which = "a random" if options else "the first"
    assert f"{sheet}: {which} 50 of 9,001, row by row" in said


@pytest.mark.parametrize("size", [12, 9])
def test_an_archive_at_another_size_is_streamed_too(tmp_path, capsys, monkeypatch, size):
    path, pixels = tmp_path / "mine.npy", RNG.integers(0, 256, (50, 3, 24, 24), dtype=np.uint8)
    np.save(path, pixels)
    monkeypatch.setattr("adainf_core.data.npz_members._CHUNK_BYTES", 7 * 3 * 24**2)
    with monkeypatch.context() as patch:
        patch.setattr(ImageSet, "from_npz", None)
        assert main(["data", "show", str(path), "--size", str(size)]) == 0
    said = capsys.readouterr().out
    describe(replace(at_size(ImageSet(pixels, None, "mine"), size), name="mine"))
    assert said.startswith(capsys.readouterr().out)


def test_a_sheet_of_a_large_archive_takes_little_memory(tmp_path, capsys):
    path, shape = tmp_path / "large.npy", (20_000, 3, 32, 32)
    np.lib.format.open_memmap(path, "w+", np.uint8, shape).flush()  # 61 MB, of zeros
    words = ["generate", "show", str(path), "--out", str(tmp_path / "sheet.png")]
    tracemalloc.start()
    try:
        assert main(words) == 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 35e6 and "large: 20,000 images" in capsys.readouterr().out


def test_a_picture_under_two_classes_is_told(tmp_path, capsys):
    path, pixels = tmp_path / "mine.npz", RNG.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    np.savez(path, images=pixels[[0, 1, 0, 2, 1]], labels=[0, 1, 3, 2, 2], class_names=list("abcd"))
    says = (
        "classes      2 pictures stand under several classes, and the first of each is kept: image "
    )
    assert main(["data", "show", str(path)]) == 0
    assert f"{says}0 as class 'a', also class 'd'; and 1 more\n" in capsys.readouterr().out
    for name, label in (("x/1.png", 0), ("y/1.png", 0), ("y/2.png", 1)):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[label].transpose(1, 2, 0)).save(tmp_path / "tree" / name)
    assert main(["data", "show", str(tmp_path / "tree"), "--size", "16"]) == 0
    assert "classes      1 picture stands under" in capsys.readouterr().out


def test_numbers_that_are_mostly_gaps_are_names(tmp_path, capsys):
    path, pixels = tmp_path / "mine.npz", RNG.integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)
    np.savez(path, images=pixels, labels=[0, 1_000_000, 1, 2, 1])
    assert main(["data", "show", str(path)]) == 0
    told = capsys.readouterr()
    assert "mine: 5 images of 8x8, 4 classes\n" in told.out
    says = "labels are 4 numbers from 0 to 1000000: taken as 4 classes of these names"
    assert told.err == f"{path}: {says}\n"


def test_a_damaged_archive_is_not_described(tmp_path, capsys):
    path = tmp_path / "mine.npz"
    np.savez(path, images=RNG.integers(0, 256, (9000, 3, 24, 24), dtype=np.uint8))
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    assert main(["data", "show", str(path)]) == 2
    assert "truncated or no npz archive" in capsys.readouterr().err


def test_describing_never_holds_the_whole_set(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, images=np.zeros((30_000, 32, 32, 3), np.uint8))  # 92 MB
    tracemalloc.start()
    assert main(["data", "show", str(path)]) == 0
    large = ImageSet(np.broadcast_to(np.uint8(7), (1000, 3, 224, 224)), None, "large")
    describe(large)  # 151 MB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6
