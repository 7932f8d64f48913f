"""A chapter runs again when something that it reaches has changed, and at no other time."""

import shutil
from dataclasses import replace
from pathlib import Path

import book_state
import pytest
from run_chapters import BOOK, chapters

from adainf_core.evidence.code import source
from adainf_core.evidence.runs.fingerprints import forget
from adainf_core.evidence.runs.records import read_record, write_record

#: Studies whose records the copy has, of the many.
READ = ("diffusion", "methods", "quality")
PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

# A page

```{code-cell} python
from adainf_core import mixture
from adainf_core.findings import Findings

found = Findings("quality")
mixture([1.0], [1.0], 0.5)
```
"""


class Page:
    """The state of a page, as the library and the results of a copy of this tree have it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.before = self.state()

    def state(self, text: str = PAGE) -> str:
        for cached in (book_state.state, book_state.records_of):
            cached.cache_clear()
        return book_state.state("page", text, self.root)

    def edit(self, *edits: tuple[str, str, str]) -> str:
        """The state after `edits` (file, old, new), which are taken back."""
        kept = {file: (self.root / file).read_text(encoding="utf-8") for file, _, _ in edits}
        for file, old, new in edits:
            assert old in kept[file]
            (self.root / file).write_text(kept[file].replace(old, new, 1), encoding="utf-8")
        code = any(file.endswith(".py") for file in kept)
        if code:
            forget()
        found = self.state()
        for file, text in kept.items():
            (self.root / file).write_text(text, encoding="utf-8")
        if code:
            forget()
        return found


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of a copy that is made and read once; each test leaves it as it was."""
    root = tmp_path_factory.mktemp("tree")
    for name in ("adainf_core", *(f"results/{study}" for study in READ)):
        shutil.copytree(
            book_state.ROOT / name, root / name,
            ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"),
        )  # fmt: skip
    for file in (book_state.ROOT / "results").glob("*.json"):
        shutil.copy(file, root / "results")
    (root / "requirements.lock").write_text("torch==1\n")
    (root / "benchmarks/results").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ADAINF_SCALE", raising=False)
        patch.setattr(source, "PACKAGE", root / "adainf_core")
        forget()
        yield Page(root)
    for cached in (book_state.state, book_state.records_of):
        cached.cache_clear()
    forget()


def test_what_a_page_does_not_reach_reruns_nothing(page):
    (page.root / "benchmarks/results/speed.json").write_text("{}")
    assert page.before == page.edit(
        ("adainf_core/theory/total_variation.py", '"""', '"""Other words. '),
        ("adainf_core/learning/encoders.py", "from __future__", "# a comment\nfrom __future__"),
        ("adainf_core/theory/bounds.py", "def transfer_bound(", "def renamed_bound("),
    )


def test_what_it_reaches_does(page):
    changed = [
        page.before,
        page.edit(("adainf_core/theory/total_variation.py", "share * real", "share / real")),
        page.edit(("adainf_core/evidence/studies/quality.py", "held-out, blurred", "blurred")),
        page.edit(("requirements.lock", "torch==1", "torch==2")),
        page.state(PAGE.replace('"quality"', '"methods"')),
    ]
    assert len(set(changed)) == len(changed)
    assert page.state() == changed[0]  # taken back, it is what it was


def test_a_record_counts_for_the_pages_of_its_study(page):
    other = PAGE.replace('"quality"', '"diffusion"')
    elsewhere = page.state(other)
    path = next((page.root / "results/quality/laptop").glob("blur-*.json"))
    content, record = path.read_bytes(), read_record(path)
    better = record.metrics | {"linear": record.metrics["linear"] + 1}
    write_record(replace(record, metrics=better), page.root / "results")
    assert page.state() != page.before and page.state(other) == elsewhere
    path.write_bytes(content)
    assert page.state() == page.before


def test_a_page_that_asks_for_all_studies_reads_every_record(page):
    every = "from adainf_core.evidence.studies.catalogue import studies"
    text = PAGE.replace('Findings("quality")', "[Findings(name) for name in studies()]")
    text = text.replace(
        "from adainf_core import mixture", f"from adainf_core import mixture\n{every}"
    )
    before = page.state(text)
    path = next((page.root / "results/quality/laptop").glob("blur-*.json"))
    content = path.read_bytes()
    path.unlink()
    assert page.state(text) != before
    path.write_bytes(content)
    assert page.state(text) == before


def test_the_scale_counts(page, monkeypatch):
    monkeypatch.setenv("ADAINF_SCALE", "laptop")
    assert page.state() != page.before
    monkeypatch.setenv("ADAINF_SCALE", "quick")
    assert page.state() == page.before


def test_the_state_stands_in_the_kernel_s_description():
    text = book_state.stated(PAGE, "page")
    lines = text.splitlines()
    assert lines[6] == f"  state: {book_state.state('page', PAGE)}"
    assert lines[:6] + lines[7:] == PAGE.splitlines()
    assert book_state.stated("# Words alone\n", "page") == "# Words alone\n"


def test_every_chapter_has_a_state_of_its_own():
    # a share of them: every chapter's state is made where it is run
    some = chapters()[::5]
    texts = {name: (BOOK / f"{name}.md").read_text(encoding="utf-8") for name in some}
    states = {name: book_state.state(name, text) for name, text in texts.items()}
    assert len(set(states.values())) > len(states) // 2


def test_unknown_scale_ends_the_build_in_one_line(monkeypatch):
    monkeypatch.setenv("ADAINF_SCALE", "huge")
    with pytest.raises(SystemExit) as ending:
        book_state.configure(app=None, config=None)
    message = str(ending.value)
    assert "\n" not in message
    assert all(word in message for word in ("huge", "quick", "laptop", "gpu", "paper"))


def test_mathjax_comes_from_its_package_as_one_file(tmp_path):
    book_state.copy_mathjax(tmp_path)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.relative_to(tmp_path).as_posix() == "mathjax/tex-svg-full.js"
    assert 1e6 < file.stat().st_size < 3e6


def test_bars_in_docstrings_stay_bars():
    lines = ["The sum of |p − q| over `a|b` and ``c|d``."]
    book_state.keep_bars(None, "function", "name", None, None, lines)
    assert lines == [r"The sum of \|p − q\| over `a|b` and ``c|d``."]


@pytest.mark.parametrize(
    ("code", "studies", "benchmarks"),
    [
        ("from adainf_core.findings.recipes import Recipes\nRecipes()",
         {"recipe-race", "recipe-search"}, {"recipes"}),
        ("from adainf_core.findings.worlds import WorldFindings\nWorldFindings()",
         {"theory-predicts"}, set()),
        ("from adainf_core.findings.pairs import PairFindings\nPairFindings()",
         {"role-worlds"}, set()),
        ("from adainf_core.findings.benchmarks import SweptToy\nSweptToy()", set(), {"toy_sweep"}),
        ("from adainf_core import mixture\nmixture", set(), set()),
    ],
)  # fmt: skip
def test_records_that_the_library_names_for_a_page_count(code, studies, benchmarks, monkeypatch):
    read, files = set(), set()
    monkeypatch.setattr(book_state, "records_of", lambda name, root: read.add(name) or ())
    monkeypatch.setattr(book_state, "_file", lambda path: files.add(path) or "")
    head, _, _ = PAGE.partition("```{code-cell} python\n")
    text = head + "```{code-cell} python\n" + code + "\n```\n"
    book_state.state.__wrapped__("page", text)
    assert studies <= read and bool(read) == bool(studies)
    assert benchmarks <= {path.stem for path in files if path.parent.parent.name == "benchmarks"}
