"""Records from another machine: merged once, refused where they do not fit."""

import hashlib
import io
import resource
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from adainf_core.configuration import to_plain
from adainf_core.evidence import collecting
from adainf_core.evidence.collecting import collect, pack
from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.one_run import UNFINISHED
from adainf_core.evidence.runs.records import path_of, read_record, write_record
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.runs.status import status
from adainf_core.evidence.studies.catalogue import named_study


@pytest.fixture
def made(make_record):
    """A record of a real study's configuration, without running it."""

    def make(study="failure-mode", arm="none", seed=20, scale="laptop", **changes):
        experiment = named_study(study).experiment(scale, arm, seed)
        same = {
            "kind": experiment.kind,
            "config": to_plain(experiment),
            "code": code_fingerprint(experiment),
            "scale": scale,
        }
        return make_record(arm, seed, **{"study": study} | same | changes)

    return make


def archive(size):
    """A checkpoint of so many random bytes, and those that say what they are."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    torch.save(torch.from_numpy(noise), buffer)
    return buffer.getvalue()


def test_records_and_unfinished_runs_come_home(made, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "PIECE", 1000)
    away, carried, home = (tmp_path / name for name in ("away", "carried", "home"))
    for arm in ("none", "vanilla"):
        write_record(made(arm=arm), away)
    state = archive(2000)
    waiting = away / UNFINISHED / "failure-mode" / "laptop" / "weak-20.pt"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(state)
    packed = pack(carried, away)
    assert len(packed) == 2 + 4
    assert max(p.stat().st_size for p in packed if UNFINISHED in str(p)) == 1000
    lost = next(carried.rglob("*.003-of-004"))
    kept = lost.read_bytes()
    lost.unlink()
    assert collect(carried, home).unfinished == 0  # a piece lacks
    lost.write_bytes(kept)
    shutil.rmtree(home)
    found = collect(carried, home)
    assert (found.new, found.known, found.unfinished) == (2, 0, 1)
    assert (home / waiting.relative_to(away)).read_bytes() == state
    again = collect(carried, home)
    assert (again.new, again.known, again.unfinished) == (0, 2, 0)
    waiting.write_bytes(archive(100))
    pack(carried, away)
    assert sorted(p.suffix for p in carried.rglob("*.pt.*")) == [".001-of-002", ".002-of-002"]
    assert len(study_records(named_study("failure-mode"), "laptop", home)) == 2


def test_encoders_come_home_with_the_records_that_speak_of_them(made, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "PIECE", 1000)
    away, carried, home = (tmp_path / name for name in ("away", "carried", "home"))

    def kept(content, **changes):
        said = f"kept as safetensors, SHA-256 {hashlib.sha256(content).hexdigest()}"
        record = made("desktop", scale="desktop", protocols={"encoder": said}, **changes)
        path = write_record(record, away).with_suffix(".safetensors")
        path.write_bytes(content)
        return path

    noise = np.random.default_rng(0).bytes(4000)
    path = kept(noise[:2500])
    lone = path.with_name("weak-20.safetensors")
    lone.write_bytes(noise)  # its record is not written yet
    packed = pack(carried, away)
    assert [part.suffix for part in packed if "safetensors" in part.name] == [
        ".001-of-003", ".002-of-003", ".003-of-003",
    ]  # fmt: skip
    assert (collect(carried, home).encoders, collect(carried, home).encoders) == (1, 0)
    there = home / path.relative_to(away)
    assert there.read_bytes() == noise[:2500]
    assert not (home / lone.relative_to(away)).exists()
    # a stale run's stays, and a fresh run's takes its place along with the record
    write_record(replace(read_record(there.with_suffix(".json")), code="of old"), home)
    kept(noise[:900], linear=51.0)
    pack(carried, away)
    assert collect(carried, home).encoders == 1 and there.read_bytes() == noise[:900]
    kept(noise[:700], linear=50.0, code="of old")
    pack(carried, away)
    assert collect(carried, home).encoders == 0 and there.read_bytes() == noise[:900]


def test_an_encoder_that_its_record_does_not_speak_of_is_neither_packed_nor_collected(
    made, tmp_path
):
    away, carried, home = (tmp_path / name for name in ("away", "carried", "home"))
    said = f"kept as safetensors, SHA-256 {hashlib.sha256(b'whole').hexdigest()}"
    record = made("desktop", scale="desktop", protocols={"encoder": said})
    path = write_record(record, away).with_suffix(".safetensors")
    path.write_bytes(b"whol")
    with pytest.raises(ValueError, match=f"{path}: is another file than its record speaks of"):
        pack(carried, away)
    assert not carried.exists()
    path.write_bytes(b"whole")
    pack(carried, away)
    (piece,) = carried.rglob("*.safetensors.*")
    piece.write_bytes(b"hole")
    with pytest.raises(ValueError, match="is another file than its record speaks of"):
        collect(carried, home)
    assert not home.exists()


def test_one_damaged_record_keeps_all_of_them_out(made, tmp_path):
    away, home = tmp_path / "away", tmp_path / "home"
    write_record(made(), away)
    bad = write_record(made(arm="vanilla"), away)
    bad.write_text(bad.read_text()[:-20])
    with pytest.raises(ValueError, match=r"vanilla-20.json: not JSON"):
        collect(away, home)
    assert not home.exists()


def test_a_damaged_checkpoint_is_neither_packed_nor_collected(made, tmp_path):
    away, carried, home = (tmp_path / name for name in ("away", "carried", "home"))
    write_record(made(), away)
    waiting = away / UNFINISHED / "failure-mode" / "laptop" / "weak-20.pt"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(archive(100)[:-40])
    with pytest.raises(ValueError, match=f"{waiting} is damaged"):
        pack(carried, away)
    assert not carried.exists()
    waiting.write_bytes(archive(100))
    pack(carried, away)
    (piece,) = carried.rglob("*.pt.*")
    whole = piece.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    # of the data, which have a checksum, and of the directory, which has none
    noise = np.random.default_rng(0).integers(0, 256, 100, dtype=np.uint8).tobytes()
    for place in (whole.index(noise) + 50, directory + 42):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        piece.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{piece} is damaged"):
            collect(carried, home)
        assert not home.exists()


def test_a_record_out_of_its_place_is_refused(made, tmp_path):
    path = write_record(made(), tmp_path / "away")
    moved = path.with_name("weak-20.json")
    path.rename(moved)
    with pytest.raises(ValueError, match=r"weak-20.json: holds arm 'none', seed 20"):
        collect(tmp_path / "away", tmp_path / "home")
    (tmp_path / "away" / "ablation" / "laptop").mkdir(parents=True)
    moved.rename(tmp_path / "away" / "ablation" / "laptop" / "none-20.json")
    with pytest.raises(ValueError, match=r"none-20.json: says it is none-20 of failure-mode"):
        collect(tmp_path / "away", tmp_path / "home")


def test_a_record_of_what_there_is_not_is_refused_with_its_file(made, tmp_path):
    known = made()
    for changes, says in (
        ({"arm": "nobody"}, "has no arm 'nobody'"),
        ({"scale": "huge"}, "has no scale 'huge'"),
        ({"study": "unheard-of"}, "unknown study 'unheard-of'"),
        ({"metrics": {"linear": 101.0}}, "metrics.linear=101.0 lies outside 0 to 100"),
        ({"kind": "gap"}, "ran under another configuration"),
    ):
        away = tmp_path / str(changes)
        path = write_record(replace(known, **changes), away)
        with pytest.raises(ValueError, match=f"{path.name}: .*{says}"):
            collect(away, tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_damaged_record_is_not_packed(made, tmp_path):
    path = write_record(made(), tmp_path / "away")
    for content in (path.read_text()[:-20], path.read_text().replace("50.0", "90.0")):
        path.write_text(content)
        with pytest.raises(ValueError, match=f"{path}: "):
            pack(tmp_path / "carried", tmp_path / "away")
    (tmp_path / "lists").mkdir()
    for name in ("registrations", "replays"):
        (tmp_path / "lists" / f"{name}.json").write_text("[")
        with pytest.raises(ValueError, match=f"{name}.json: not a list of {name}"):
            pack(tmp_path / "carried", tmp_path / "lists")
        (tmp_path / "lists" / f"{name}.json").unlink()
    assert not (tmp_path / "carried").exists()


def test_a_record_of_another_version_of_the_study_is_refused(made, tmp_path):
    config = to_plain(named_study("failure-mode").experiment("laptop", "none", 20)) | {"n_real": 3}
    write_record(made(config=config), tmp_path / "away")
    with pytest.raises(ValueError, match=r"\(n_real=3 against 2000\).*another version"):
        collect(tmp_path / "away", tmp_path / "home")


@pytest.mark.parametrize("study", ["failure-mode", "crop-strength"])
def test_a_run_that_disagrees_is_refused_under_any_study(made, tmp_path, study):
    away, home = tmp_path / "away", tmp_path / "home"
    arm = {"failure-mode": "none", "crop-strength": "none_crop_0.08"}[study]
    there = write_record(made(study=study, arm=arm, linear=51.0), away)
    here = write_record(made(linear=50.0), home)
    with pytest.raises(ValueError, match=f"{here} and {there} .* metrics.linear=50.0 against 51.0"):
        collect(away, home)
    assert read_record(here).metrics["linear"] == 50.0


def test_a_fresh_run_takes_the_place_of_a_stale_one(made, tmp_path):
    away, home = tmp_path / "away", tmp_path / "home"
    write_record(made(linear=51.0), away)
    old = write_record(made(linear=50.0, code="of old"), home)
    assert collect(away, home).new == 1
    assert read_record(old).metrics["linear"] == 51.0
    write_record(made(linear=50.0, code="of old"), away)
    assert collect(away, home).known == 1
    assert read_record(old).metrics["linear"] == 51.0


def test_nothing_to_collect_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no records"):
        collect(tmp_path, tmp_path / "home")


def test_status_counts_what_is_there_and_what_a_budget_adds(made, tmp_path):
    study = named_study("failure-mode")
    empty = status(study, "laptop", tmp_path)
    assert (empty.recorded, empty.seconds, empty.within(1e6)) == (0, None, ())
    assert len(empty.left) == empty.planned == len(study.plan("laptop"))
    write_record(made(wall_seconds=100.0), tmp_path)
    write_record(made(arm="weak", wall_seconds=140.0, code="of old"), tmp_path)
    # run for another study: counts here as well
    shared = replace(made(study="ablation", arm="vanilla"), wall_seconds=120.0)
    assert path_of(write_and_read(shared, tmp_path), tmp_path).is_file()
    found = status(study, "laptop", tmp_path)
    assert (found.recorded, found.stale, found.seconds) == (3, ("weak-20",), 120.0)
    assert "vanilla-20" not in found.left
    # begun as long as there is time: at 0 and at 120 seconds
    assert found.within(121) == found.left[:2] and found.within(120) == found.left[:1]
    assert found.within(121, processes=2) == found.left[:4]


def write_and_read(record, root):
    return read_record(write_record(record, root))


def test_a_full_disk_ends_packing_in_a_line_and_leaves_no_part_of_a_file(made, tmp_path):
    away, carried = tmp_path / "away", tmp_path / "carried"
    record = write_record(made(), away)
    waiting = away / UNFINISHED / "failure-mode" / "laptop" / "weak-20.pt"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(archive(60_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit, cut in ((100, record), (50_000, waiting)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))  # as a full disk cuts a write
        try:
            with pytest.raises(OSError, match=f"could not write .*{cut.name}.*free some space"):
                pack(carried, away)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert not [path for path in carried.rglob("*") if cut.name in path.name]
