"""Check the code of the chapters with ruff, as the rest of the project is.

    python tools/lint_chapters.py [--fix] [CHAPTER ...]

ruff knows notebooks, but not MyST: the cells of a chapter are handed to it as a notebook, and what
it finds is told by the line of the chapter. With `--fix` it mends what it can in the chapter.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import prose
from run_chapters import BOOK, ROOT, chapters


def check(page: Path) -> list[str]:
    """One line for everything that ruff finds in the code of `page`."""
    cells = cells_of(page)
    faults, _ = ruff(cells, "--output-format=json")
    found = [
        (cells[fault["cell"] - 1].begin + fault["location"]["row"] - 1, fault)
        for fault in json.loads(faults)
    ]
    return [
        f"{shown(page)}:{line}: {fault['code']} {fault['message']}"
        for line, fault in sorted(found, key=lambda each: each[0])
    ]


def fix(page: Path) -> None:
    """Mend the code of `page` as far as ruff can."""
    cells = cells_of(page)
    _, mended = ruff(cells, "--fix-only")
    lines = page.read_text(encoding="utf-8").split("\n")
    for cell, code in reversed(list(zip(cells, mended, strict=True))):
        if code != cell.text:
            place = cell.begin - 1
            first = next(line for line in cell.text.split("\n") if line)
            indent = next(line for line in lines[place:] if line).removesuffix(first)
            lines[place : place + len(cell.text.split("\n"))] = [
                indent + line if line else "" for line in code.split("\n")
            ]
    page.write_text("\n".join(lines), encoding="utf-8")


def cells_of(page: Path) -> list[prose.Block]:
    """The code cells of `page`."""
    return [block for block in prose.read(page) if block.is_cell]


def ruff(cells: Sequence[prose.Block], *options: str) -> tuple[str, list[str]]:
    """What ruff prints about `cells` under the project's settings, and their code afterwards."""
    empty: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    notebook = {
        "cells": [{**empty, "source": cell.text} for cell in cells],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    with TemporaryDirectory() as folder:
        file = Path(folder) / "chapter.ipynb"
        file.write_text(json.dumps(notebook), encoding="utf-8")
        command = [sys.executable, "-m", "ruff", "check", f"--config={ROOT / 'pyproject.toml'}"]
        command += ["--no-cache", "--exit-zero", *options, str(file)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(f"ruff failed: {ran.stderr.strip()}")
        after = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return ran.stdout, ["".join(cell["source"]).rstrip("\n") for cell in after]


def shown(page: Path) -> str:
    """The path of `page` as it is told."""
    return str(page.relative_to(ROOT) if page.is_relative_to(ROOT) else page)


def main(arguments: list[str]) -> int:
    """Check the chapters named on the command line, or all."""
    mending = "--fix" in arguments
    names = [name for name in arguments if name != "--fix"]
    unknown = [name for name in names if name not in chapters()]
    if unknown:
        print(f"{unknown[0]} is no chapter; there are {', '.join(chapters())}", file=sys.stderr)
        return 2
    pages = [BOOK / f"{name}.md" for name in names or chapters()]
    for page in pages if mending else ():
        fix(page)
    faults = [fault for page in pages for fault in check(page)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
