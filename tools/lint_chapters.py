"""Check the code of the chapters with ruff, as the rest of the project is.

    python tools/lint_chapters.py [--fix] [CHAPTER ...]

ruff knows notebooks, but not MyST: the cells of a chapter are handed to it as a notebook, and what
it finds is told by the line of the chapter. With `--fix` it mends and formats what it can, and the
cells are written back.
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


def notebook(cells: Sequence[prose.Block]) -> dict[str, Any]:
    """The cells as a notebook's JSON."""
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    listed = [{**empty, "source": cell.text} for cell in cells]
    return {"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def ruff(command: str, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ruff with the project's settings on `file`."""
    settings = [f"--config={ROOT / 'pyproject.toml'}", "--no-cache", *options]
    line = [sys.executable, "-m", "ruff", command, *settings, str(file)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)


def check(page: Path) -> list[str]:
    """One line for everything that ruff finds in the code of `page`."""
    cells = [block for block in prose.read(page) if block.is_cell]
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{page.stem}.ipynb"
        file.write_text(json.dumps(notebook(cells)), encoding="utf-8")
        checked = ruff("check", file, "--output-format=json")
        formatted = ruff("format", file, "--check")
    if checked.returncode > 1 or formatted.returncode > 1:
        raise RuntimeError(f"ruff failed on {page}: {checked.stderr or formatted.stderr}")
    found = []
    for fault in json.loads(checked.stdout):
        line = cells[fault["cell"] - 1].begin + fault["location"]["row"] - 1
        found.append((line, f"{fault['code']} {fault['message']}"))
    if formatted.returncode:
        found.append((1, "some cells are not formatted; lint_chapters.py --fix formats them"))
    return [f"{shown(page)}:{line}: {said}" for line, said in sorted(found)]


def fix(page: Path) -> None:
    """Mend and format the code of `page` as far as ruff can."""
    cells = [block for block in prose.read(page) if block.is_cell]
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{page.stem}.ipynb"
        file.write_text(json.dumps(notebook(cells)), encoding="utf-8")
        ruff("check", file, "--fix")
        ruff("format", file)
        mended = json.loads(file.read_text(encoding="utf-8"))["cells"]
    lines = page.read_text(encoding="utf-8").split("\n")
    for cell, now in reversed(list(zip(cells, mended, strict=True))):
        place, length = cell.begin - 1, len(cell.text.splitlines())
        old = next((line for line in lines[place : place + length] if line.strip()), "")
        indent = old[: len(old) - len(old.lstrip())] if not cell.text.startswith(" ") else ""
        code = "".join(now["source"]).rstrip("\n").split("\n")
        lines[place : place + length] = [indent + line if line else "" for line in code]
    page.write_text("\n".join(lines), encoding="utf-8")


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
