"""The book's own role and footer, and what it mends."""

from types import SimpleNamespace
from zipfile import ZipFile

import accessible
import linked_tests
import page_footer
import pytest
import reading_time

FILE = "tests/test_book_extensions.py"


def test_role_finds_a_test_by_file_and_name():
    assert linked_tests.locate(f"{FILE}::test_role_finds_a_test_by_file_and_name")[0] == FILE


@pytest.mark.parametrize(
    "target",
    [
        f"{FILE}::test_of_nothing",
        FILE,
        "tests/test_nowhere.py::test_x",
        "adainf_core/files.py::test_x",
        "",
    ],
)
def test_role_refuses_what_is_no_test(target):
    with pytest.raises(ValueError, match=r"no test|no file of tests"):
        linked_tests.locate(target)


def test_anchor_stands_in_the_line_of_its_test():
    source = "import x\n\n\ndef test_a():\n    pass\n"
    shown = f'<div class="highlight"><pre>{source}</pre></div>'
    lines = linked_tests.with_anchors(shown, {"test_a": 4}).split("\n")
    assert lines[3] == '<span id="test_a"></span>def test_a():'
    [first, *_] = linked_tests.with_anchors(shown, {"test_a": 1}).split("\n")
    assert first == '<div class="highlight"><pre><span id="test_a"></span>import x'


def test_footer_names_time_versions_and_downloads():
    shown = page_footer.footer(3.14159, "_sources/a.ipynb", "_sources/a.md")
    assert "3.1 s" in shown and "adainf_core" in shown and "torch" in shown
    assert 'href="_sources/a.ipynb"' in shown and 'href="_sources/a.md"' in shown


def test_minutes_are_those_of_all_pages_without_their_solutions(monkeypatch, tmp_path):
    solution = "::::{solution-start} ex\n:class: dropdown\n::::\n@\n::::{solution-end}\n::::\n"
    (tmp_path / "a.md").write_text(
        "# T\n\n" + 799 * "word " + "\n\n" + solution.replace("@", "w " * 900)
    )
    (tmp_path / "b.md").write_text("# T\n\n```{code-cell}\n" + 900 * "x; " + "\n```\n")
    monkeypatch.setattr(reading_time, "BOOK", tmp_path)
    assert reading_time.in_words("a") == "4 minutes" and reading_time.in_words("b") == "1 minute"
    assert reading_time.in_words("a, a, b") == "8 minutes"
    with pytest.raises(ValueError, match=r"c\.md is no page"):
        reading_time.in_words("a, c")


def test_the_archive_holds_every_notebook_the_same_every_time(tmp_path):
    (tmp_path / "_sources" / "reference").mkdir(parents=True)
    for name in ("a", "reference/b"):
        (tmp_path / "_sources" / f"{name}.ipynb").write_text(name)
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"))
    page_footer.write_archive(app, None)
    written = (tmp_path / page_footer.ARCHIVE).read_bytes()
    with ZipFile(tmp_path / page_footer.ARCHIVE) as archive:
        assert archive.namelist() == ["notebooks/a.ipynb", "notebooks/reference/b.ipynb"]
        assert archive.read("notebooks/reference/b.ipynb") == b"reference/b"
    page_footer.write_archive(app, None)
    assert (tmp_path / page_footer.ARCHIVE).read_bytes() == written


def test_lists_of_citations_lose_their_role_and_others_keep_it():
    body = '<div role="list" class="citation-list"><div role="list">'
    assert accessible.plain_lists(body) == '<div class="citation-list"><div role="list">'
