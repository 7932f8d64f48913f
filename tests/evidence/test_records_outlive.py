"""Results outlive the code: what changes no behaviour refuses no record and makes none stale."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adainf_core.cli import main
from adainf_core.evidence.code.source import PACKAGE
from adainf_core.evidence.runs.records import RESULTS

ANOTHER = '''"""A method that nobody uses."""

from dataclasses import dataclass
from typing import Literal

from adainf_core.learning.methods.simclr import SimCLR


@dataclass(frozen=True)
class Another(SimCLR):
    """SimCLR under another name."""

    name: Literal["another"] = "another"  # type: ignore[assignment]
'''


class Tree:
    """A copy of the package beside the committed records."""

    def __init__(self, root: Path) -> None:
        self.root, self.package = root, root / PACKAGE.name
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__"))

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.package / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def status(self, *names: str) -> dict[str, tuple[int, int]]:
        """Records and stale ones by study; the command fails where a record is refused."""
        return rows_of(self.python(f"{STATUS}status(*{names})"))

    def python(self, program: str) -> str:
        """What `program` prints under this package."""
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(self.root)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


#: A program's beginning: `status(*names)` is the command on the committed records.
STATUS = f"""
from adainf_core.cli import main

def status(*names):
    words = "study", "status", *names, "--scale", "laptop", "--results", {str(RESULTS)!r}
    assert main(words) == 0

"""


def rows_of(table: str) -> dict[str, tuple[int, int]]:
    """Records and stale ones by study."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {row[0]: (int(row[3]), int(row[4])) for row in rows}


def field_in_policy(tree):
    tree.edit("learning/policies.py", "    flip_p: float = 0.5\n",
              "    flip_p: float = 0.5\n    tint_p: float = 0.0\n")  # fmt: skip


def field_in_training(tree):
    tree.edit("learning/pretrain_config.py", "    seed: int = 0\n",
              "    seed: int = 0\n    clip_norm: float | None = None\n")  # fmt: skip


def unused_method(tree):
    (tree.package / "learning/methods/another.py").write_text(ANOTHER)
    tree.edit("learning/methods/__init__.py", "SimCLR | ", "SimCLR | Another | ")
    tree.edit("learning/methods/__init__.py", "from adainf_core.learning.methods.barlow",
              "from adainf_core.learning.methods.another import Another\n"
              "from adainf_core.learning.methods.barlow")  # fmt: skip


def another_data_set(tree):
    digits = "lambda root, split, download: _digits(split),\n"
    tree.edit("data/named_sets.py", f'    "digits": {digits}',
              f'    "digits": {digits}    "digits_again": {digits}')  # fmt: skip


def another_preset(tree):
    tree.edit("learning/policies.py", '    "symmetric_weak": _WEAK,\n',
              '    "symmetric_weak": _WEAK,\n    "feeble": replace(_WEAK, hue=0.0),\n')  # fmt: skip


def moved_module(tree):
    """The loss curve's optimisers, and a module that all rooms use, elsewhere under new names."""
    for old, new in (("learning/optimizers.py", "learning/descent.py"),
                     ("validation.py", "theory/checks.py")):  # fmt: skip
        (tree.package / old).rename(tree.package / new)
        before, after = (path[:-3].replace("/", ".") for path in (old, new))
        for path in tree.package.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            moved = text.replace(f"adainf_core.{before} import", f"adainf_core.{after} import")
            if moved != text:
                path.write_text(moved, encoding="utf-8")


def docstring_and_comment(tree):
    tree.edit("learning/pretraining.py", '"""Contrastive pre-training', '"""# other words')


NEUTRAL = [field_in_policy, field_in_training, unused_method, another_data_set, another_preset,
           moved_module, docstring_and_comment]  # fmt: skip


#: A study of each kind of experiment.
OF_EACH_KIND = ("failure-mode", "methods", "sprite-gap", "theory-predicts", "cifar-graph")


@pytest.fixture(scope="module")
def before():
    words = "study", "status", "--scale", "laptop", "--results", str(RESULTS)
    with contextlib.redirect_stdout(io.StringIO()) as table:
        assert main(words) == 0
    return rows_of(table.getvalue())


def test_all_neutral_changes_together_leave_every_record_as_it_was(tmp_path, before):
    tree = Tree(tmp_path)
    for change in NEUTRAL:
        change(tree)
    assert sum(done for done, _ in before.values()) > 600
    assert sum(stale for _, stale in before.values()) == 0
    assert tree.status() == before


@pytest.mark.slow
@pytest.mark.parametrize("change", NEUTRAL)
def test_each_neutral_change_leaves_records_of_each_kind_as_they_were(tmp_path, before, change):
    tree = Tree(tmp_path)
    change(tree)
    assert tree.status(*OF_EACH_KIND) == {name: before[name] for name in OF_EACH_KIND}


def test_a_change_of_behaviour_makes_the_runs_that_reach_it_stale(tmp_path, before):
    tree = Tree(tmp_path)
    tree.edit("learning/methods/moco.py", "self.temperature", "(self.temperature + 0.01)")
    found = tree.status("methods", "failure-mode")
    assert found["methods"] == (before["methods"][0], 3 * 4)  # seeds and arms of MoCo
    assert found["failure-mode"] == before["failure-mode"]


def test_a_study_with_a_claim_is_one_file_and_one_line(tmp_path):
    tree = Tree(tmp_path)
    (tree.package / "evidence/studies/repeated.py").write_text(
        '"""Repetition: the main arms again."""\n\n'
        "from adainf_core.evidence.published import control\n"
        "from adainf_core.evidence.studies.paper_model import MAIN, paper_study\n\n"
        'NAME = "repeated"\n'
        'CLAIMS = (control("again", "Weak beats none again", NAME, "weak", "none", '
        'short="weak > none"),)\n'
        'STUDY = paper_study(NAME, "Is it so again?", MAIN, CLAIMS)\n'
    )
    tree.edit("evidence/studies/catalogue.py", '    "code_traps",\n',
              '    "code_traps",\n    "repeated",\n')  # fmt: skip
    said = tree.python(
        f"{STATUS}from adainf_core.evidence.studies.catalogue import all_claims\n"
        "print(*[claim.statement for claim in all_claims() if claim.study == 'repeated'])\n"
        "status('repeated')"
    )
    claims, table = said.split("\n", 1)
    assert claims == "Weak beats none again"
    # its arms are those of other studies: their runs are found, and nothing else is touched
    assert rows_of(table) == {"repeated": (20, 0)}


def test_the_ledger_loads_nothing_heavy():
    program = (
        "import sys\n"
        "from adainf_core.evidence.ledger import ledger\n"
        "ledger('laptop')\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'scipy.stats', 'matplotlib', 'diffusers'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
