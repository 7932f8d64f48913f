"""Every chapter runs from top to bottom on a fresh kernel and prints nothing to stderr."""

import os
from pathlib import Path

import jupytext
import nbclient
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CELL = "```{code-cell}"


def chapters() -> list[str]:
    """Pages of the table of contents that hold code."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text())
    listed = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    names = [toc["root"], *listed]
    return [name for name in names if CELL in (BOOK / f"{name}.md").read_text()]


@pytest.mark.parametrize("name", chapters())
def test_chapter_has_the_header_that_makes_it_run(name):
    text = (BOOK / f"{name}.md").read_text()
    metadata = jupytext.reads(text, fmt="md:myst").metadata
    assert "kernelspec" in metadata, "without a kernelspec Jupyter Book runs no cell of the page"
    assert metadata["jupytext"]["text_representation"]["format_name"] == "myst"


@pytest.mark.chapter
@pytest.mark.parametrize("name", chapters())
def test_chapter_runs(name, monkeypatch):
    inherited = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), inherited])))
    path = BOOK / f"{name}.md"
    notebook = jupytext.read(path)
    # A raising cell ends this with its traceback.
    nbclient.NotebookClient(
        notebook, timeout=1200, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    stray = [
        f"cell {number}: {output['text']}"
        for number, cell in enumerate(notebook.cells, start=1)
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert not stray, "the chapter wrote to stderr:\n" + "\n".join(stray)
