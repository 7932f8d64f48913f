"""What is damaged and read: for each kind of input how it is made, harmed and used.

An input lies in a folder. What is done with it returns a value to be compared: of a command the
files that it wrote and what it printed, of a function its result. Whatever goes wrong is one of our
errors, in one line that names the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import mutations
import numpy as np
import torch
from PIL import Image
from sklearn.naive_bayes import GaussianNB

from adainf_core.cli import main
from adainf_core.configuration import override
from adainf_core.data.generated import GeneratedImages, ImportLimits
from adainf_core.data.growing_store import grown_store
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.evidence.runs.records import RESULTS, read_pictures, write_pictures
from adainf_core.evidence.studies.catalogue import studies
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import DiffusionConfig
from adainf_core.generators.diffusion_training import train_diffusion
from adainf_core.generators.pipelines import DIGESTS
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import load_pretrained, pretrain

OURS = (ValueError, OSError, RuntimeError, FloatingPointError)
RNG = np.random.default_rng(0)
#: Images of two classes that a linear probe tells apart.
PIXELS = RNG.integers(0, 160, (260, 3, 8, 8), np.uint8)
LABELS = np.arange(260) % 2
PIXELS[LABELS == 1, 0] += 90
CONFIG = PretrainConfig(
    method=SimCLR(8, 4),
    steps=2,
    batch_size=8,
    width=1,
    warmup=1,
    online_learning_rate=0.1,
    device="cpu",
)
TINY = override(
    DiffusionConfig(),
    ["widths=[16]", "attention=[false]", "blocks=1", "batch_size=4", "precision=fp32",
     "device=cpu", "noise_levels=50"],
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What came of using an input: `value`, or an `error`; `words` were said beside it."""

    value: Any = None
    error: str = ""
    words: str = ""


@dataclass(frozen=True)
class Kind:
    """`make` writes a sound input into a folder; `files` are those of it that are damaged.

    `use` reads it, `damage` is done to one of the files, `times` in all. Damage `shows` where
    the format has means to tell (a checksum): the result then is refused, equal, or told in words.
    Where damage is `harmless`, the result has to be equal.
    """

    make: Callable[[Path], None]
    use: Callable[[Path], Found]
    times: int
    files: str = "*"
    damage: mutations.Damage = mutations.rot
    shows: bool = True
    harmless: bool = False

    def damaged(self, rng: np.random.Generator, folder: Path) -> str:
        """Damage one of the files in `folder`; says what was done."""
        files = sorted(path for path in folder.glob(self.files) if path.is_file())
        return self.damage(rng, files[rng.integers(len(files))])


# ---- uses


def command(*words: str, made: str = "") -> Callable[[Path], Found]:
    """A use: a command, IN in whose words is the folder; what it `made` there is compared."""

    def use(folder: Path) -> Found:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([word.replace("IN", str(folder)) for word in words])
        *notes, last = err.getvalue().splitlines() or [""]
        if status:
            assert last.startswith("adainf: ") and status == 2, (status, err.getvalue())
            return Found(error=last, words="\n".join(notes))
        printed = out.getvalue().replace(str(folder), "IN")
        value = (printed, contents(folder / made) if made else None)
        return Found(value, words="\n".join([*notes, last]).replace(str(folder), "IN"))

    return use


def function(call: Callable[[Path], Any]) -> Callable[[Path], Found]:
    """A use: a function of the folder."""

    def use(folder: Path) -> Found:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = call(folder)
            except OURS as error:
                return Found(error=str(error) or type(error).__name__)
        return Found(value, words="\n".join(str(w.message) for w in caught))

    return use


def contents(folder: Path) -> dict[str, str]:
    """Hashes of all files below `folder`, hidden ones too, but times and places in them."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        if path.is_file():
            content = path.read_bytes()
            if ".pt" in path.suffixes:  # of which a part is padding
                with contextlib.suppress(RuntimeError):
                    state = torch.load(io.BytesIO(content), weights_only=True)
                    content = digest(state).encode()
            if path.name == "meta.json":  # names the source by its time
                content = json.dumps(json.loads(content) | {"identity": "", "crc32": ""}).encode()
            name = path.relative_to(folder).as_posix()
            found[name] = hashlib.sha256(content).hexdigest()
    return found


def digest(content: Any) -> str:
    """A hash of tensors and plain values, however deep."""
    if isinstance(content, torch.Tensor):
        content = content.numpy()
    if isinstance(content, np.ndarray):
        return f"{content.dtype}{content.shape}{hashlib.sha256(content.tobytes()).hexdigest()}"
    if isinstance(content, dict):
        return str({key: digest(content[key]) for key in sorted(content, key=str)})
    if isinstance(content, list | tuple):
        return str([digest(part) for part in content])
    return repr(content)


# ---- images


def _npz(folder: Path) -> None:
    np.savez(folder / "cats.npz", images=PIXELS, labels=LABELS, class_names=["cat", "dog"])


def _packed(folder: Path) -> None:
    np.savez_compressed(folder / "cats.npz", images=PIXELS, labels=LABELS)


def _floats(folder: Path) -> None:
    np.savez(folder / "cats.npz", images=(PIXELS / 255).astype(np.float32))


def _npy(folder: Path) -> None:
    np.save(folder / "cats.npy", PIXELS)


def _files(ending: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        for i in range(6):
            place = folder / "cats" / ("cat", "dog")[LABELS[i]]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(PIXELS[i].transpose(1, 2, 0)).save(place / f"{i}{ending}")

    return make


def _pair(folder: Path) -> None:
    np.savez(folder / "cats.npz", images=PIXELS[:130], labels=LABELS[:130])
    np.savez(folder / "pets.npz", images=PIXELS[130:], labels=LABELS[130:])


def _read_folder(folder: Path) -> Any:
    read = ImageSet.from_folder(folder / "cats")
    return digest([read.images, read.labels, read.class_names])


def _read_npz(folder: Path) -> Any:
    read = ImageSet.from_npz(folder / "cats.npz")
    return digest([read.images, read.labels, read.class_names])


_import = ["generate", "import", "--limit", "0.5", "--store", "IN/store"]


def _by_means(rows: np.ndarray, origin: np.ndarray, seed: int) -> GaussianNB:
    return GaussianNB().fit(rows, origin)


def _cheaply(use: Callable[[Path], Found]) -> Callable[[Path], Found]:
    """A use whose classifiers learn next to nothing: it asks which files pass, not how far."""

    def cheap(folder: Path) -> Found:
        with (
            patch("adainf_core.gap.neighbour_classifier._boosted", _by_means),
            patch("adainf_core.gap.classifier_tv._default_classifier", _by_means),
        ):
            return use(folder)

    return cheap


_gap = ["gap", "IN/pets.npz", "IN/cats.npz", "--extractor", "pixels", "--n", "130"]
_gap += ["--html", "IN/gap.html", "--json", "IN/gap.json"]


def _store(folder: Path) -> None:
    _npz(folder)
    GeneratedImages.from_npz(folder / "cats.npz", store=folder / "store", limits=ImportLimits(0.5))


def _grown(folder: Path) -> None:
    def draw(start: int, stop: int) -> np.ndarray:
        return PIXELS[start:stop]

    grown_store(folder / "store", draw, 20, (3, 8, 8), origin={"seed": 0}, block=8)


def _open(folder: Path) -> Any:
    found = GeneratedImages.open(folder / "store")
    told = [found.name, found.checks, found.caveats, found.origin, found.planned]
    return digest([found.images, found.channel_order, found.compared, *told])


# ---- runs


def _run(folder: Path) -> None:
    _pair(folder)
    images = ImageSet(PIXELS, LABELS, "made", class_names=("cat", "dog"))
    pretrain(CONFIG, Inflation(images), checkpoint=folder / "run.pt")


def _load(folder: Path) -> Any:
    found = load_pretrained(folder / "run.pt")
    rest = [found.history, found.steps, found.mixture, found.finished]
    assert found.online_classifier is not None
    states = [found.encoder.state_dict(), found.online_classifier.state_dict()]
    return digest([*states, *rest])


def _go_on(folder: Path) -> Any:
    images = ImageSet(PIXELS, LABELS, "made", class_names=("cat", "dog"))
    pretrain(CONFIG, Inflation(images), checkpoint=folder / "run.pt")
    return _load(folder)


def _half(folder: Path) -> None:
    images = ImageSet(PIXELS, LABELS, "made", class_names=("cat", "dog"))
    pretrain(CONFIG, Inflation(images), checkpoint=folder / "run.pt", max_seconds=0)


@lru_cache(1)
def _tensors(content: bytes) -> Any:
    """What a checkpoint holds; not to be changed, for the next one is the same."""
    return torch.load(io.BytesIO(content), weights_only=True)


def odd_tensors(rng: np.random.Generator, path: Path) -> str:
    """One value of a checkpoint, of another type or shape, left out, or added."""
    content = _tensors(path.read_bytes())
    odd, done = mutations.odd_value(rng, content)
    while done.startswith("config") and done.endswith("left out"):  # it has its default then
        odd, done = mutations.odd_value(rng, content)
    torch.save(odd, path)
    return f"{path.name}: {done}"


_probe = ["probe", "IN/run.pt", "--dataset", "IN/cats.npz", "--test", "IN/pets.npz"]
_probe += ["--protocol", "knn", "--k", "3"]


# ---- diffusion models


def _model(folder: Path) -> None:
    torch.manual_seed(0)
    images = ImageSet(PIXELS[:8], None, "made")
    train_diffusion(images, TINY, 1).generator.save(folder / "model")


def _unverified(folder: Path) -> None:
    _model(folder)
    (folder / "model" / DIGESTS).unlink()


def _sampled(folder: Path) -> Any:
    made = DiffusionGenerator.load(folder / "model", "cpu").using(steps=2, batch_size=1)
    return digest(made.sample(1).images)


def _half_diffusion(folder: Path) -> None:
    train_diffusion(ImageSet(PIXELS[:8], None, "made"), TINY, 1, checkpoint=folder / "run.pt")


def _go_on_diffusion(folder: Path) -> Any:
    images = ImageSet(PIXELS[:8], None, "made")
    return train_diffusion(images, TINY, 2, checkpoint=folder / "run.pt").generator.digest()


# ---- results

STUDY, SCALE = "failure-mode", "laptop"
_where = ["--results", "IN/results"]


def _records(folder: Path) -> None:
    place = folder / "results" / STUDY / SCALE
    place.mkdir(parents=True)
    for path in sorted((RESULTS / STUDY / SCALE).glob("*.json"))[:3]:
        shutil.copy(path, place)
    for name in ("registrations.json", "replays.json"):
        content = json.loads((RESULTS / name).read_text())
        kept: Any = (
            {STUDY: content[STUDY]}
            if isinstance(content, dict)
            else [entry for entry in content if entry["study"] == STUDY]
        )
        (folder / "results" / name).write_text(json.dumps(kept))


def _waiting_runs(folder: Path) -> None:
    _records(folder)
    _half(folder)
    place = folder / "results" / ".unfinished" / STUDY / SCALE
    place.mkdir(parents=True)
    (folder / "run.pt").rename(place / "none-20.0123456789abcdef.pt")


def _packed_runs(folder: Path) -> None:
    _waiting_runs(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        assert not main(["study", "pack", str(folder / "away"), "--results", f"{folder}/results"])
    shutil.rmtree(folder / "results")


def _pictures(folder: Path) -> None:
    write_pictures(STUDY, SCALE, {"real": PIXELS[:4], "made": PIXELS[4:8]}, folder)


_collect = command("study", "collect", "IN/away", *_where, made="results")
_pack = command("study", "pack", "IN/away", *_where, made="away")
_status = command("study", "status", STUDY, "--scale", SCALE, *_where)


def _show_claims(folder: Path) -> Found:
    """The ledger of the one study that there is something of: all others would be judged alike."""
    with patch("adainf_core.evidence.ledger.studies", lambda: {STUDY: studies()[STUDY]}):
        return command("claims", "show", "--scale", SCALE, *_where)(folder)


KINDS = {
    "npz, imported": Kind(_npz, command(*_import, "IN/cats.npz", made="store"), 25, "cats.npz"),
    "compressed npz, imported": Kind(
        _packed, command(*_import, "IN/cats.npz", made="store"), 25, "cats.npz"
    ),
    "float npz, imported": Kind(
        _floats, command(*_import, "IN/cats.npz", "--convert", made="store"), 15, "cats.npz"
    ),
    "npz, read": Kind(_npz, function(_read_npz), 40, "cats.npz"),
    "npz of odd arrays, imported": Kind(
        _npz,
        command(*_import, "IN/cats.npz", made="store"),
        30,
        damage=mutations.odd_arrays,
        shows=False,
    ),
    "npz of odd arrays, read": Kind(
        _npz, function(_read_npz), 30, damage=mutations.odd_arrays, shows=False
    ),
    "npz of odd arrays, converted": Kind(
        _npz,
        command(*_import, "IN/cats.npz", "--convert", made="store"),
        30,
        damage=mutations.odd_arrays,
        shows=False,
    ),
    "npz in another order": Kind(
        _npz, function(_read_npz), 3, damage=mutations.reordered_zip, harmless=True
    ),
    # without a checksum: what is missing or too much is noticed, a wrong value is not
    "npy, imported": Kind(
        _npy,
        command(*_import, "IN/cats.npy", made="store"),
        15,
        "cats.npy",
        mutations.any_of(mutations.cut, mutations.lengthen, mutations.leave_out),
    ),
    "npy with wrong bits, imported": Kind(
        _npy, command(*_import, "IN/cats.npy", made="store"), 15, "cats.npy", mutations.flip, False
    ),
    "folder of PNG, imported": Kind(
        _files(".png"), command(*_import, "IN/cats", made="store"), 25, "cats/*/*"
    ),
    "folder of PNG, read": Kind(_files(".png"), function(_read_folder), 25, "cats/*/*"),
    # JPEG has no checksum, either
    "folder of JPEG, cut": Kind(
        _files(".jpg"), function(_read_folder), 15, "cats/*/*", mutations.cut
    ),
    "folder of JPEG, imported": Kind(
        _files(".jpg"), command(*_import, "IN/cats", made="store"), 25, "cats/*/*", shows=False
    ),
    "store": Kind(_store, function(_open), 30, "store/*"),
    "store of odd values": Kind(_store, function(_open), 30, "store/meta.json", mutations.odd_json),
    "store that grows": Kind(_grown, function(_open), 30, "store/*[!k]"),
    "store that grows, of odd values": Kind(
        _grown, function(_open), 30, "store/meta.json", mutations.odd_json
    ),
    "gap": Kind(_pair, _cheaply(command(*_gap, made="gap.json")), 25, "*.npz"),
    "gap of odd arrays": Kind(
        _pair, _cheaply(command(*_gap, made="gap.json")), 20, "*.npz", mutations.odd_arrays, False
    ),
    "probe": Kind(_run, command(*_probe), 25, "*.npz"),
    "probe of odd arrays": Kind(_run, command(*_probe), 20, "*.npz", mutations.odd_arrays, False),
    "probe of a checkpoint": Kind(_run, command(*_probe), 20, "run.pt"),
    "checkpoint, loaded": Kind(_run, function(_load), 30, "run.pt"),
    "checkpoint of odd values, loaded": Kind(_run, function(_load), 40, "run.pt", odd_tensors),
    "checkpoint of odd values, gone on with": Kind(
        _half, function(_go_on), 40, "run.pt", odd_tensors
    ),
    "checkpoint of a diffusion model": Kind(
        _half_diffusion, function(_go_on_diffusion), 15, "run.pt"
    ),
    "checkpoint of a diffusion model, odd values": Kind(
        _half_diffusion, function(_go_on_diffusion), 30, "run.pt", odd_tensors
    ),
    "model": Kind(_model, function(_sampled), 30, "model/**/*"),
    "model, odd values": Kind(
        _model, function(_sampled), 20, "model/**/*.json", mutations.odd_json
    ),
    "model without digests, odd values": Kind(
        _unverified, function(_sampled), 20, "model/**/*.json", mutations.odd_json
    ),
    "records": Kind(_records, _status, 30, f"results/{STUDY}/*/*.json"),
    "records of odd values": Kind(
        _records, _status, 30, f"results/{STUDY}/*/*.json", mutations.odd_json
    ),
    "records in another order": Kind(
        _records,
        _show_claims,
        3,
        f"results/{STUDY}/*/*.json",
        mutations.reordered_json,
        harmless=True,
    ),
    # what was registered and replayed has no checksum: it is under version control
    "registrations and replays": Kind(_records, _show_claims, 30, "results/*.json", shows=False),
    "registrations and replays of odd values": Kind(
        _records, _show_claims, 40, "results/*.json", mutations.odd_json, False
    ),
    "results, packed": Kind(_waiting_runs, _pack, 40, "results/*/**/*"),
    "pack": Kind(_packed_runs, _collect, 40, "away/*/**/*"),
    "pictures": Kind(
        _pictures,
        function(lambda folder: digest(read_pictures(STUDY, SCALE, folder))),
        20,
        f"{STUDY}/*/*.npz",
    ),
}
