"""The book's own role and footer, and what it mends."""

import types

import accessible
import linked_tests
import page_footer
import pytest

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


def test_lists_of_citations_lose_their_role_and_others_keep_it():
    body = '<div role="list" class="citation-list"><div role="list">'
    assert accessible.plain_lists(body) == '<div class="citation-list"><div role="list">'


def test_thebes_scripts_go_and_others_stay():
    def script(filename, **attributes):
        return types.SimpleNamespace(filename=filename, attributes=attributes)

    kept = [script("a.js"), script("", body="let x = 1")]
    gone = [script("", body='const THEBE_JS_URL = "x"'), script("sphinx-thebe.js")]
    assert accessible.without_thebe([*gone, *kept]) == kept
