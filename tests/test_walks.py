"""The walks of CONTRIBUTING.md, run as they stand there in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("adainf_core", "tests", "tools", "book/reference", "book/_ext", "pyproject.toml")
FENCE = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def walks() -> dict[str, list[tuple[str, str, str]]]:
    """The blocks (language, file, text) of each walk."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Three walks\n")[1].split("\n## ")[0]
    parts = (part.partition("\n") for part in section.split("\n### ")[1:])
    return {title: FENCE.findall(body) for title, _, body in parts}


WALKS = walks()


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The repository, committed, where nothing that the walks do leaves a trace."""
    root = tmp_path_factory.mktemp("walks")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, root / part)
    return root


def apply(root: Path, language: str, file: str, text: str) -> None:
    """Write a file that is new, or make a change, each of whose hunks has one place in its file."""
    path = root / file
    if language == "python":
        assert not path.exists(), f"{file} is there already"
        path.write_text(text, encoding="utf-8")
        return
    found = path.read_text(encoding="utf-8")
    for hunk in text.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old, new = ("".join(x[1:] for x in lines if x[0] in kept) for kept in (" -", " +"))
        # the last line of context may go on in the file
        old, new = old.rstrip("\n"), new.rstrip("\n")
        assert found.count(old) == 1, f"{file} has {found.count(old)} places like\n{old}"
        found = found.replace(old, new)
    path.write_text(found, encoding="utf-8")


def run(root: Path, commands: str) -> str:
    """What the commands print in the tree, where `adainf` is the one of the tree."""
    tools = root / ".tools"
    tools.mkdir(exist_ok=True)
    for name, words in {"python": "", "adainf": "-m adainf_core.cli "}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        (tools / name).chmod(0o755)
    who = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Walker") | dict.fromkeys(
        ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "walker@example.org"
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=root, capture_output=True, text=True,
        env=os.environ | who | {"PYTHONPATH": str(root), "PATH": f"{tools}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_walk_fits_the_repository_as_it_is(tmp_path):
    assert list(WALKS) == ["A preset", "A measure of the gap", "A study with a claim"]
    files = {file for blocks in WALKS.values() for _, file, _ in blocks if file}
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, tmp_path / file)
    for blocks in WALKS.values():
        for language, file, text in blocks:
            assert language in ("python", "diff") if file else language == "bash"
            if file:
                apply(tmp_path, language, file, text)
    for path in filter(lambda file: file.endswith(".py"), files):
        compile((tmp_path / path).read_text(encoding="utf-8"), path, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_leads_to_its_end(walk, tree):
    run(tree, "git init --quiet; printf 'runs/\\n.tools/\\n__pycache__/\\n' > .gitignore")
    said = ""
    for language, file, text in WALKS[walk]:
        if file:
            apply(tree, language, file, text)
        else:
            said += run(tree, text)
    if walk != "A study with a claim":
        assert re.search(r"\d+ passed", said) and "skipped" not in said
        return
    assert "narrow at quick: 4 of 4 runs are recorded" in said
    assert re.search(r"^narrow +quick +4 +4 +0 ", said, re.MULTILINE)
    registered, _, exploratory = said.partition("exploratory, because")
    (line,) = (x for x in registered.splitlines() if "Narrow networks gain" in x)
    assert "n = 2 at quick" in line and not exploratory
    # the book's functions find the study at the scale that it has
    found = run(
        tree,
        """python -c "
from pathlib import Path
from adainf_core.evidence.ledger import ledger
from adainf_core.findings import Findings, ledger_table, registration_table
root = Path('runs')
found = Findings('narrow', root=root)
print(found.scale, len(found.records), found.forest().alt, found.recorded)
print(registration_table([e for e in ledger(root=root) if e.claim.study == 'narrow'], root))
" """,
    )
    assert found.startswith("quick 4 ") and "4 of 4 |" in found
