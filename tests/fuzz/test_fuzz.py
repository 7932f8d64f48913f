"""Damaged files: refused in one line that names them, told of, or without effect. Never more."""

import re
import shutil
import zlib

import numpy as np
import pytest
from kinds import KINDS, Found, Kind


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Makes a sound input of a kind, once, and says what comes of its use."""
    made = {}

    def make(name):
        kind = KINDS[name]
        if kind.make not in made:
            folder = tmp_path_factory.mktemp("sound") / "in"
            folder.mkdir()
            kind.make(folder)
            made[kind.make] = folder
        return made[kind.make]

    return make


@pytest.mark.parametrize("name", KINDS)
def test_damage_is_refused_told_or_without_effect(name, sound, tmp_path):
    kind, original = KINDS[name], sound(name)
    whole = used(kind, original, tmp_path / "whole")
    assert not whole.error, whole.error
    faults = []
    for number in range(kind.times):
        folder = shutil.copytree(original, tmp_path / str(number))
        done = kind.damaged(np.random.default_rng([zlib.crc32(name.encode()), number]), folder)
        fault = judged(kind, whole, folder)
        if fault:
            faults.append(f"{number}: {done}: {fault}")
        shutil.rmtree(folder)
    assert not faults, f"{len(faults)} of {kind.times}\n" + "\n".join(faults)


def used(kind, original, folder):
    return kind.use(shutil.copytree(original, folder))


def judged(kind: Kind, whole: Found, folder) -> str:
    """What is wrong with what comes of a damaged input; nothing if all is well."""
    try:
        found = kind.use(folder)
    except Exception as error:  # ours are caught where they are expected
        return f"a traceback: {error!r}"
    if found.error:
        if kind.harmless:
            return f"refused: {found.error}"
        if "\n" in found.error or len(found.error) > 1000:
            return f"more than a line: {found.error}"
        named = f"{folder}/" in found.error or re.search(r"\b(cats|pets)\b", found.error)
        return "" if named else f"names no file: {found.error}"
    if found.value == whole.value or (found.words and not kind.harmless):
        return ""
    return "another result, without a word" if kind.shows else ""


def test_there_are_three_hundred_inputs_and_more():
    assert sum(kind.times for kind in KINDS.values()) >= 300
