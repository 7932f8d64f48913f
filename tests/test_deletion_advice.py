"""What an error advises to delete is deleted, and the same call then works."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

from adainf_core.cli import main
from adainf_core.data import named_sets, npy_files
from adainf_core.data.generated import GeneratedImages
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.runs.freshness import replays
from adainf_core.evidence.runs.records import load_records
from adainf_core.files import atomic_folder
from adainf_core.learning.features import extract_features
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (120, 3, 8, 8), np.uint8)
SET = ImageSet(IMAGES, None, "some")
TINY = ["widths=[16]", "attention=[false]", "batch_size=8", "precision=fp32", "device=cpu"]
CONFIG = PretrainConfig(
    policy=AugmentationPolicy(),
    method=SimCLR(8, 8),
    steps=1,
    batch_size=16,
    width=4,
    warmup=0,
    device="cpu",
)


def inverted(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(255 - value for value in content[middle : middle + 50])
    path.write_bytes(content)


def advised(message: str) -> Path:
    """What the message says to delete: a path after the word, or the one that it begins with."""
    named = re.search(r"delete (?:the folder )?(/[^\s:;]+)", message)
    if named is None:
        assert re.search(r"delete (it|the)\b", message), message
        named = re.search(r"(/[^\s:;,]+)", message)
    return Path(named[1])


def deleted(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


# ---- each gives a call that raises, once it has made what is damaged


def resized(folder):
    SET.resized(4, cache=folder)
    (path,) = folder.iterdir()
    inverted(path)
    return lambda: SET.resized(4, cache=folder).images


def features(folder):
    encoder = nn.Flatten()
    extract_features(encoder, IMAGES, cache=folder)
    (path,) = folder.iterdir()
    inverted(path)
    return lambda: extract_features(encoder, IMAGES, cache=folder)


def _store(folder):
    np.savez(folder / "a.npz", images=IMAGES)
    return lambda: GeneratedImages.from_npz(folder / "a.npz", store=folder / "store").images


def _growing(folder, seed=0):
    def draw(start, stop):
        return IMAGES[start:stop]

    return lambda: (
        grown_store(folder / "store", draw, 100, (3, 8, 8), origin={"seed": seed}, block=30).images
    )


def _spoilt(make, name, spoil):
    def case(folder):
        call = make(folder)
        call()
        spoil(folder / "store" / name)
        return call

    return case


def another_source(folder):
    _store(folder)()
    np.savez(folder / "a.npz", images=255 - IMAGES)
    return lambda: GeneratedImages.from_npz(folder / "a.npz", store=folder / "store").images


def reversed_colours(folder):
    base = RNG.normal((200, 128, 60), 20, (300, 8, 8, 3)) + RNG.normal(0, 30, (300, 1, 1, 1))
    warm = base.clip(0, 255).astype(np.uint8).transpose(0, 3, 1, 2)
    np.savez(folder / "a.npz", images=warm[:150, ::-1])
    GeneratedImages.from_npz(folder / "a.npz", store=folder / "store")
    real, order = ImageSet(warm[150:], None, "real"), iter(("auto", "bgr"))
    return lambda: (
        GeneratedImages.from_npz(
            folder / "a.npz", store=folder / "store", real=real, channel_order=next(order)
        ).images
    )


def another_origin(folder):
    _growing(folder)()
    return _growing(folder, seed=1)


def taken(folder):
    (folder / "out").mkdir()

    def call():
        with atomic_folder(folder / "out") as out:
            (out / "a").write_text("")

    return call


def taken_model(folder):
    (folder / "model").mkdir()
    train = ["generate", "train", "digits", "--out", str(folder / "model"), *TINY, "--steps", "1"]
    return lambda: main(train)


def model_of_another_run(folder):
    train = ["generate", "train", "digits", "--out", str(folder / "model"), *TINY, "--steps", "2"]
    main([*train, "--max-seconds", "0"])
    return lambda: main([*train, "seed=1"])


def checkpoint(folder):
    data, path = Inflation(SET, SET), folder / "run.pt"
    pretrain(CONFIG, data, checkpoint=path)
    inverted(path)
    return lambda: pretrain(CONFIG, data, checkpoint=path).history[-1]["loss"]


def checkpoint_of_another_run(folder):
    data, path = Inflation(SET, SET), folder / "run.pt"
    pretrain(CONFIG, data, checkpoint=path)
    other = replace(CONFIG, seed=1)
    return lambda: pretrain(other, data, checkpoint=path).history[-1]["loss"]


def broken_image(folder):
    for i in range(4):
        Image.fromarray(IMAGES[i].transpose(1, 2, 0)).save(folder / f"{i}.png")
    (folder / "2.png").write_bytes(b"no picture")
    return lambda: ImageSet.from_folder(folder).images


def empty_class(folder):
    for name in ("cat", "dog"):
        (folder / name).mkdir()
        Image.fromarray(IMAGES[0].transpose(1, 2, 0)).save(folder / name / "0.png")
    (folder / "dog" / "0.png").unlink()
    return lambda: ImageSet.from_folder(folder).images


def _published(spoil):
    class Published:
        base_folder = "published"

        def __init__(self, root, download):
            (Path(root) / "published").mkdir()
            (Path(root) / "published" / "a.bin").write_bytes(b"abc")

    files = [("a.bin", "900150983cd24fb0d6963f7d28e17f72")]  # RFC 1321's MD5 of abc

    def case(folder):
        named_sets._fetched(Published, folder, files, True)
        spoil(folder / "published" / "a.bin")
        return lambda: named_sets._fetched(Published, folder, files, True)

    return case


def record(folder):
    place = folder / "trial" / "quick"
    place.mkdir(parents=True)
    (place / "none-0.json").write_text("{")
    return lambda: load_records("trial", "quick", folder)


def replayed(folder):
    (folder / "replays.json").write_text(json.dumps([3]))
    return lambda: replays(folder)


CASES = {
    "resized": resized,
    "features": features,
    "images of a store": _spoilt(_store, "images.npy", inverted),
    "description of a store": _spoilt(_store, "meta.json", inverted),
    "deleted images": _spoilt(_store, "images.npy", Path.unlink),
    "empty images": _spoilt(_store, "images.npy", lambda path: path.write_bytes(b"")),
    "images of a growing store": _spoilt(_growing, "images.npy", inverted),
    "description of a growing store": _spoilt(_growing, "meta.json", inverted),
    "deleted images of a growing store": _spoilt(_growing, "images.npy", Path.unlink),
    "a store of another source": another_source,
    "a store of reversed colours": reversed_colours,
    "a store of another origin": another_origin,
    "a folder that is taken": taken,
    "a model that is there": taken_model,
    "a model of another run": model_of_another_run,
    "checkpoint": checkpoint,
    "checkpoint of another run": checkpoint_of_another_run,
    "broken image": broken_image,
    "empty class": empty_class,
    "damaged set": _published(lambda path: path.write_bytes(b"abx")),
    "incomplete set": _published(Path.unlink),
    "record": record,
    "replays": replayed,
}


def failure(call, capsys) -> str:
    try:
        result = call()
    except (ValueError, RuntimeError, OSError) as error:
        return str(error)
    assert isinstance(result, int) and result == 2, "nothing was noticed"
    return capsys.readouterr().err


@pytest.mark.parametrize("case", CASES)
def test_what_is_to_be_deleted_is_made_anew(case, tmp_path, capsys):
    call = CASES[case](tmp_path)
    npy_files._known.clear()
    said = failure(call, capsys)
    place = advised(said)
    assert place.is_relative_to(tmp_path) and place != tmp_path, said
    deleted(place)
    result = call()
    assert not isinstance(result, int) or result == 0, capsys.readouterr().err
