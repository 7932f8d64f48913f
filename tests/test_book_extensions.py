"""The book's own role and footer, and what it mends."""

from base64 import b64encode
from types import SimpleNamespace
from zipfile import ZipFile

import accessible
import captions
import linked_tests
import nbformat
import page_footer
import pytest
import reading_time
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser as RSTParser
from docutils.utils import new_document
from nbformat.v4 import new_code_cell, new_notebook, new_output

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


def test_the_preview_is_the_first_picture_of_the_first_page(tmp_path):
    (tmp_path / "_sources").mkdir()
    (tmp_path / "_static").mkdir()
    outputs = [
        new_output("display_data", {"text/plain": "x"}),
        *(
            new_output("display_data", {"image/png": b64encode(name).decode()})
            for name in (b"1", b"2")
        ),
    ]
    nbformat.write(new_notebook(cells=[new_code_cell("x", outputs=outputs)]),
                   tmp_path / "_sources" / "index.ipynb")  # fmt: skip
    app = SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(format="html"),
                          config=SimpleNamespace(root_doc="index"))  # fmt: skip
    page_footer.write_preview(app, None)
    assert (tmp_path / "_static" / page_footer.PREVIEW).read_bytes() == b"1"


def test_no_script_of_live_code_is_left():
    names = ["_static/sphinx-thebe.js", "_static/doctools.js", None]
    bodies = [{}, {}, {"body": 'const THEBE_JS_URL = "x"'}]
    scripts = [
        SimpleNamespace(filename=n, attributes=b) for n, b in zip(names, bodies, strict=True)
    ]
    assert accessible.without_thebe(scripts) == scripts[1:2]


def test_scripts_that_a_page_adds_later_are_loaded():
    scripts = [SimpleNamespace(filename="_static/sphinx-thebe.js", attributes={})]
    context = {"body": "", "script_files": scripts}  # the list that Sphinx goes on adding to
    accessible.mend(None, "page", "", context, None)
    scripts.append(SimpleNamespace(filename="_static/play/play.js", attributes={}))
    assert [script.filename for script in context["script_files"]] == ["_static/play/play.js"]


def cell_of(html="", markdown="", tags=()):
    """A code cell as myst-nb has it in a document."""
    bundle = nodes.container(nb_element="mime_bundle")
    if html:
        bundle += nodes.container("", nodes.raw("", html, format="html"), mime_type="text/html")
    if markdown:
        said = [nodes.paragraph("", "", nodes.emphasis("", part)) for part in markdown.split("/")]
        bundle += nodes.container("", *said, mime_type="text/markdown")
    output = nodes.container("", bundle, nb_element="cell_code_output")
    return nodes.container("", output, nb_element="cell_code", classes=[f"tag_{t}" for t in tags])


def typed(*children):
    return nodes.paragraph("", "", nodes.emphasis("", "", *children))


def figures_of(*children):
    """The document with these children after the transform."""
    document = new_document("page", get_default_settings(RSTParser))
    document.settings.env = SimpleNamespace(docname="part/page")
    document += list(children)
    captions.Figures(document).apply()
    return document


def test_a_figure_and_the_italics_below_it_are_one_with_a_caption():
    made = nodes.inline("", "Recorded: 3 runs.", classes=["pasted-text"])
    below = typed(nodes.Text("Dots. "), made)
    document = figures_of(cell_of('<div class="fig">'), below, nodes.paragraph("", "Text."))
    [figure] = document.findall(nodes.figure)
    assert figure["ids"] == ["figure-page-1"]
    assert [part.astext() for part in figure.findall(nodes.caption)] == ["Dots."]
    assert [part.astext() for part in figure.findall(captions.Made)] == ["Recorded: 3 runs."]
    assert len(document) == 2 and document[1].astext() == "Text."


def test_a_caption_that_a_cell_computes_is_taken_over_with_its_record():
    document = figures_of(
        cell_of('<div class="slider">'),
        cell_of(markdown="Dots./Live: 2 runs.", tags=["remove-input"]),
    )
    [figure] = document.findall(nodes.figure)
    assert [part.astext() for part in figure.findall(nodes.caption)] == ["Dots."]
    assert [part.astext().strip() for part in figure.findall(captions.Made)] == ["Live: 2 runs."]
    assert len(document) == 1


def test_what_is_no_figure_or_has_no_caption_stays_as_it_is():
    document = figures_of(
        cell_of("<table>"), typed(nodes.Text("Numbers.")), cell_of('<div class="fig">'),
        nodes.paragraph("", "Text."),
    )  # fmt: skip
    assert not list(document.findall(nodes.figure)) and len(document) == 4


def test_a_mark_loses_the_brackets_around_it_and_no_others():
    link = nodes.reference("", "tested", test=("a", "b"))
    alone = nodes.paragraph("", "", nodes.Text("So it is ("), link, nodes.Text(")."))
    two = nodes.paragraph("", "", nodes.Text("So ("), link.deepcopy(), nodes.Text(", said)."))
    document = new_document("page", get_default_settings(RSTParser))
    document += [alone, two]
    linked_tests.without_brackets(None, document)
    assert [part.astext() for part in document] == ["So it is tested.", "So (tested, said)."]


def test_lists_of_citations_lose_their_role_and_others_keep_it():
    body = '<div role="list" class="citation-list"><div role="list">'
    assert accessible.plain_lists(body) == '<div class="citation-list"><div role="list">'
