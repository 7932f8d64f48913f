"""Fingerprints: what a run reaches counts, and nothing that cannot change a number."""

import importlib
import sys

import pytest

from adainf_core.evidence.code import source
from adainf_core.evidence.runs.fingerprints import code_fingerprint, forget, reached

MAIN = '''
"""A small experiment."""
from __future__ import annotations
from dataclasses import dataclass
from toy.data import LOADERS
from toy import methods
from toy.shared import scale, Helper

@dataclass(frozen=True)
class Toy:
    """Doc."""
    method: methods.First | methods.Second
    data: str = "tens"
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.strength < 0:
            raise ValueError(f"strength={self.strength}")

    def run(self):
        images = LOADERS[self.data]()
        return Helper(2).times(scale(self.method.loss(images)) * self.strength)

    def unused(self):
        return scale(3)
'''
METHODS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class First:
    a: float = 1.0

    def loss(self, x):
        return x * self.a

@dataclass(frozen=True)
class Second:
    b: float = 2.0

    def loss(self, x):
        return x - self.b
"""
DATA = """
SIZE = 3

def _tens():
    return 10 * SIZE

def _ones():
    return 1

LOADERS = {"tens": _tens, "ones": _ones}
"""
SHARED = '''
FACTOR = 5

def scale(x: float) -> float:
    """Doc."""
    from toy import late
    return late.twice(x) * FACTOR

class Helper:
    def __init__(self, n):
        self.n = n

    def times(self, x):
        if x < 0:
            raise ValueError("below zero")
        return self.n * x

    def never(self):
        return 0
'''
LATE = "def twice(x):\n    return 2 * x\n\ndef thrice(x):\n    return 3 * x\n"
FILES = {"main": MAIN, "methods": METHODS, "data": DATA, "shared": SHARED, "late": LATE}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A package of five modules; `edit` changes one and gives the experiment's new fingerprint."""
    package = tmp_path / "toy"
    package.mkdir()
    monkeypatch.setattr(source, "PACKAGE", package)
    monkeypatch.syspath_prepend(str(tmp_path))

    class Tree:
        def write(self, **files: str) -> None:
            for name, text in ({"__init__": ""} | FILES | files).items():
                (package / f"{name}.py").write_text(text)
            forget()

        def edit(self, module: str, old: str, new: str, **files: str) -> str:
            assert old in FILES[module]
            self.write(**{module: FILES[module].replace(old, new)} | files)
            return code_fingerprint(self.toy)

    found = Tree()
    found.write()
    modules = [importlib.import_module(f"toy.{name}") for name in ("main", "methods")]
    found.toy = modules[0].Toy(modules[1].First())
    found.other = modules[0].Toy(modules[1].Second(), data="ones")
    yield found
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy"]:
        del sys.modules[name]


def test_what_a_run_reaches(tree):
    assert set(reached(tree.toy)) == {
        "Toy", "Toy.run", "First", "First.loss", "LOADERS['tens']", "_tens", "SIZE", "scale",
        "FACTOR", "twice", "Helper", "Helper.__init__", "Helper.times",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("main", '"""A small experiment."""', '"""Another text."""\n# and a comment'),
        ("main", "    strength: float = 1.0\n", "    strength: float = 1.0\n    joined: int = 0\n"),
        ("main", "if self.strength < 0:", "if not 0 <= self.strength < 9:"),
        ("main", "return scale(3)", "return scale(4)"),
        ("main", "-> None:", ":"),
        ("methods", "return x - self.b", "return x + self.b"),
        ("methods", "    a: float = 1.0", "    a: float = 1.0\n    c: float = 0.0"),
        ("data", '"ones": _ones}', '"ones": _ones, "twos": lambda: 2}'),
        ("data", "return 1\n", "return 7\n"),
        ("shared", '"below zero"', 'f"x={x} lies below zero"'),
        ("shared", "x: float", "x: int"),
        ("shared", "return 0", "return 1"),
        ("late", "return 3 * x", "return 4 * x"),
        ("late", "def thrice", "def four(x):\n    return 4 * x\n\ndef thrice"),
    ],
)
def test_what_cannot_change_a_number_does_not_count(tree, module, old, new):
    before = code_fingerprint(tree.toy)
    assert tree.edit(module, old, new) == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("main", "* self.strength", "/ self.strength"),
        ("methods", "return x * self.a", "return x / self.a"),
        ("data", "SIZE = 3", "SIZE = 4"),
        ("data", "return 10 * SIZE", "return 11 * SIZE"),
        ("data", '{"tens": _tens', '{"tens": _ones'),
        ("shared", "FACTOR = 5", "FACTOR = 6"),
        ("shared", "return self.n * x", "return self.n + x"),
        ("shared", "if x < 0:", "if x < 1:"),
        ("late", "return 2 * x", "return x + x"),
    ],
)
def test_whatever_a_run_passes_through_counts(tree, module, old, new):
    before = code_fingerprint(tree.toy)
    assert tree.edit(module, old, new) != before


def test_each_configuration_counts_its_own(tree):
    before = code_fingerprint(tree.other)
    assert before != code_fingerprint(tree.toy)
    tree.edit("methods", "return x * self.a", "return x / self.a")
    assert code_fingerprint(tree.other) == before
    tree.edit("methods", "return x - self.b", "return x + self.b")
    assert code_fingerprint(tree.other) != before


def test_a_definition_may_move_to_another_module(tree):
    before = code_fingerprint(tree.toy)
    moved = tree.edit(
        "shared",
        "    from toy import late\n    return late.twice(x)",
        "    from toy.moved import twice\n    return twice(x)",
        late="", moved=LATE,
    )  # fmt: skip
    # `late.twice(x)` became `twice(x)`: the call is written otherwise, so a name's path counts
    assert moved != before
    again = tree.edit("shared", "from toy import late", "from toy.rooms import late",
                      rooms="from toy import moved as late\n", moved=LATE, late="")  # fmt: skip
    assert again == before


def test_a_computed_lookup_takes_the_whole_table(tree):
    text = FILES["main"].replace("LOADERS[self.data]()", "LOADERS[self.data + 's']()")
    tree.write(main=text.replace('"tens"', '"ten"'))
    object.__setattr__(tree.toy, "data", "ten")
    assert {"LOADERS", "_tens", "_ones"} <= set(reached(tree.toy))


def test_a_table_that_lacks_the_key_of_another_gives_its_default(tree):
    use = "LOADERS[self.data]() * FACTORS.get(self.data, 1)"
    text = FILES["main"].replace("LOADERS[self.data]()", use)
    text = text.replace("import LOADERS", "import FACTORS, LOADERS")

    def with_factors(factors: str) -> str:
        tree.write(main=text, data=FILES["data"] + f"\nFACTORS = {factors}\n")
        return code_fingerprint(tree.toy)

    before = with_factors('{"ones": 2}')
    assert not any("FACTORS" in name for name in reached(tree.toy))
    assert with_factors('{"ones": 3, "twos": 2}') == before
    assert with_factors('{"ones": 2, "tens": 2}') != before
    # an unknown key may be any
    alone = text.replace(use, "FACTORS.get(self.data, 1)")
    tree.write(main=alone, data=FILES["data"] + '\nFACTORS = {"ones": 2}\n')
    assert "FACTORS" in reached(tree.toy)


def test_what_get_gives_counts_where_the_table_lacks_the_key(tree):
    text = FILES["main"].replace("LOADERS[self.data]()", "DRAWN.get(self.data, _other)()")
    text = text.replace("import LOADERS", "import DRAWN, _other")

    def other_counts(drawn: str) -> bool:
        found = []
        for answer in (7, 8):
            data = f"\nDRAWN = {drawn}\n\ndef _other():\n    return {answer}\n"
            tree.write(main=text, data=FILES["data"] + data)
            found.append(code_fingerprint(tree.toy))
        return found[0] != found[1]

    assert not other_counts('{"tens": _tens}')  # the configuration's own word
    assert other_counts('{"ones": _ones}')


def test_files_of_a_configuration_count_byte_by_byte(tree, tmp_path):
    weights, found = tmp_path / "weights.bin", []
    type(tree.toy.method).files = lambda self: (weights,)
    for content in (b"\x00\xff weights", b"\x00\xfe weights", b"\x00\xff weights"):
        weights.write_bytes(content)
        forget()
        found.append(code_fingerprint(tree.toy))
    assert found[0] == found[2] != found[1]


def test_a_method_does_not_reach_the_others():
    from adainf_core.evidence.studies import methods

    names = set(reached(methods.STUDY.experiment("laptop", "none", 20)))
    assert {"SimCLR", "nt_xent", "linear_probe", "two_views"} <= names
    assert (
        not {"barlow_twins", "info_nce", "GaussianMixtureGenerator", "DiffusionGenerator"} & names
    )


def test_methods_that_call_one_another_in_turn_are_all_reached(tree):
    tree.write(
        late="""
class A:
    def first(self, other):
        return other.second()

    def third(self, other):
        return other.fourth()

class B:
    def second(self):
        return A().third(self)

    def fourth(self):
        return 4

def twice(x):
    return A().first(B()) * x
"""
    )
    assert {"A.first", "B.second", "A.third", "B.fourth"} <= set(reached(tree.toy))
