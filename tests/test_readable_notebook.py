"""A downloaded notebook: executed, readable without MyST, and it runs from any folder."""

import base64
import importlib.util
import re

import pytest
from readable_notebook import (
    SET_UP,
    Site,
    Work,
    merged,
    raw_markup,
    read_page,
    readable_notebook,
)
from run_chapters import BOOK, ROOT, chapters, run_all

#: Chapters that run in seconds.
CHEAP = ("bound", "claims", "total-variation")
SITE = Site(
    root="https://example.org/book/",
    places={
        "term encoder": "glossary.html#term-encoder",
        "py adainf_core.fit": "api.html#adainf_core.fit",
        "test tests/test_x.py::test_y": "_tests/test_x.html#test_y",
        "th-main": "bound.html#th-main",
    },
    names={"th-main": "Theorem 2", "ex-one": "Exercise 5", "bound": "The bound"},
    works={
        "wang": Work("Wang et al.", "2024", "https://arxiv.org/abs/1"),
        "he": Work("He and Li", "2020"),
    },
    macros={"TV": r"D_{\mathrm{TV}}", "P": "P"},
)


@pytest.fixture(autouse=True, scope="module")
def _nbformat():
    """Loaded by the process that runs these tests: it takes more than a second."""
    global nbformat, new_code_cell, new_markdown_cell, new_notebook, new_output
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


def glue_output(name, value):
    kind = "application/papermill.record/text/plain"
    scrapbook = {"name": name, "mime_prefix": "application/papermill.record/"}
    return new_output("display_data", {kind: repr(value)}, metadata={"scrapbook": scrapbook})


def converted(*cells, site=None, page="a"):
    return readable_notebook(new_notebook(cells=list(cells)), page, site)


def shown(text, site=None, **values):
    """The Markdown that becomes of `text` in a notebook whose cells glued `values`."""
    outputs = [glue_output(name, value) for name, value in values.items()]
    cells = (new_markdown_cell(text), new_code_cell("glue()", outputs=outputs))
    return converted(*cells, site=site).cells[0].source


@pytest.mark.parametrize(
    ("text", "plain", "linked"),
    [
        ("{term}`encoder`", "encoder", "[encoder](@/glossary.html#term-encoder)"),
        (
            "{term}`the\nencoders <encoder>`",
            "the encoders",
            "[the encoders](@/glossary.html#term-encoder)",
        ),
        ("{term}`unheard of`", "unheard of", "unheard of"),
        ("{py:func}`~adainf_core.fit`", "`fit()`", "[`fit()`](@/api.html#adainf_core.fit)"),
        (
            "{py:class}`adainf_core.fit`",
            "`adainf_core.fit`",
            "[`adainf_core.fit`](@/api.html#adainf_core.fit)",
        ),
        ("{py:func}`fitted <adainf_core.fit>`", "fitted", "[fitted](@/api.html#adainf_core.fit)"),
        ("{py:attr}`~adainf_core.No.where`", "`where`", "`where`"),
        (
            "{test}`tests/test_x.py::test_y`",
            "`test_y`",
            "[`test_y`](@/_tests/test_x.html#test_y)",
        ),
        (
            "{prf:ref}`th-main`",
            "th-main",
            "[Theorem 2](@/bound.html#th-main)",
        ),
        ("{ref}`here <th-main>`", "here", "[here](@/bound.html#th-main)"),
        ("{numref}`th-main`", "th-main", "[Theorem 2](@/bound.html#th-main)"),
        ("{doc}`bound`", "bound", "The bound"),
        ("{minutes}`reference/status`", "1 minute", "1 minute"),
        ("{eq}`e`", "e", "e"),
        ("{cite:t}`wang`", "wang", "[Wang et al. (2024)](https://arxiv.org/abs/1)"),
        ("{cite:p}`he`", "(he)", "(He and Li, 2020)"),
        (
            "{cite:p}`wang,he{p. 3}`",
            "(wang; he, p. 3)",
            "([Wang et al., 2024](https://arxiv.org/abs/1); He and Li, 2020, p. 3)",
        ),
        ("{command}`make`", "`make`", "`make`"),
        ("{unknown}`words`", "words", "words"),
        ("{math}`\\TV`", "$\\TV$", "${D_{\\mathrm{TV}}}$"),
        ("$\\TV + \\P_\\PX$", "$\\TV + \\P_\\PX$", "${D_{\\mathrm{TV}}} + {P}_\\PX$"),
        ("[The *bound*](bound.md#x)", "The *bound*", "[The *bound*](@/bound.html#x)"),
        ("[](bound.md)", "bound", "[The bound](@/bound.html)"),
        ("[out](https://a.org)", "[out](https://a.org)", "[out](https://a.org)"),
        ("[label](th-main)", "label", "[label](@/bound.html#th-main)"),
        ("`` {term}`encoder` ``", "`` {term}`encoder` ``", "`` {term}`encoder` ``"),
        ("(here)=\n# Head", "# Head", "# Head"),
    ],
)
def test_roles_and_links_become_words(text, plain, linked):
    assert shown(text) == plain
    assert shown(text, SITE) == linked.replace("@/", SITE.root)


def test_links_start_from_the_folder_of_their_page():
    cell = new_markdown_cell("[x](cli.md) [y](../bound.md)")
    [found] = converted(cell, site=SITE, page="reference/api").cells
    root = SITE.root
    assert found.source == f"[x]({root}reference/cli.html) [y]({root}bound.html)"


def test_glue_becomes_the_value():
    text = "{glue:text}`a`, {glue:text}`b` and {glue:text}`c:.2f`."
    assert shown(text, a="it's 5 %", b=7, c=0.1234) == "it's 5 %, 7 and 0.12."


def test_glue_of_nothing_names_page_and_key():
    with pytest.raises(ValueError, match="page a: no cell glued 'lost'"):
        shown("{glue:text}`lost`")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ":::{admonition} Predict {term}`x`\n:class: tip\nOne\n\n$$\na\n$$\n:::",
            "> **Predict x**\n>\n> One\n>\n> $$ a $$",
        ),
        ("```{note}\nWell {term}`x`.\n```", "> **Note**\n>\n> Well x."),
        (
            "::::{tip}\n:::{prf:lemma} Small\nA.\n:::\n::::",
            "> **Tip**\n>\n> **Lemma (Small).** A.",
        ),
        (":::{prf:theorem} Big\n:label: th-main\nSo.\n:::", "**Theorem 2 (Big).** So."),
        (":::{prf:proof}\nClear.\n:::", "*Proof.* Clear. ∎"),
        (":::{exercise}\n:label: ex-one\nTry.\n:::", "**Exercise 5**\n\nTry."),
        (":::{exercise} Hard\nTry.\n:::", "**Exercise (Hard)**\n\nTry."),
        ("```{code-block} python\nx = '{term}`y`'\n```", "```python\nx = '{term}`y`'\n```"),
        ("```python\nx\n```", "```python\nx\n```"),
        ("```{math}\n:label: e\n\\TV\n```", "$$ {D_{\\mathrm{TV}}} $$"),
        ("```{bibliography}\n```", ""),
        ("```{figure} a.png\n:alt: A line\nThe {term}`x`.\n```", "![A line](a.png)\n\nThe x."),
        ("- one\n\n  ```{note}\n  Two\n  ```", "- one\n\n  > **Note**\n  >\n  > Two"),
        (
            "::::{tip}\nMuch?\n\n:::{predict}\n- {term}`x`\n- no\n\nYes, {term}`x`.\n:::\n::::",
            "> **Tip**\n>\n> Much?\n>\n> - x\n> - no\n>\n> <details><summary>What the page finds"
            "</summary>\n>\n> Yes, x.\n>\n> </details>",
        ),
        ("```{only} html\n<a href='x.zip'>x</a>\n```", ""),
        (
            "::::{grid} 1 2\n:::{grid-item-card} One\n:link: a\n\n"
            "![A ring](_static/a.svg) Is {term}`x`.\n"
            ":::\n::::",
            "> **One**\n>\n> Is x.",
        ),
    ],
)
def test_directives_become_markdown(text, expected):
    assert shown(f"Before {{term}}`z`.\n\n{text}\n\nAfter.", SITE) == "\n\n".join(
        filter(None, ["Before z.", expected, "After."])
    )


def test_a_piece_to_play_with_becomes_a_line_that_leads_to_its_page():
    cell = new_markdown_cell("Before.\n\n```{play} weigh\n```\n\nAfter.")
    [linked], [plain] = converted(cell, site=SITE, page="weights").cells, converted(cell).cells
    before, line, after = linked.source.split("\n\n")
    assert (before, after) == ("Before.", "After.")
    assert line.startswith("**How much should a real image weigh?** ")
    assert f"[the built page]({SITE.root}weights.html)" in line
    assert "the built page" in plain.source and "](" not in plain.source


def test_included_code_stands_in_the_notebook(tmp_path):
    (tmp_path / "code.py").write_text("import a\n\n@a.b\ndef f():\n    return 1\n\nx = 2\n")
    text = "```{literalinclude} code.py\n:language: python\n:pyobject: f\n```"
    code = "@a.b\ndef f():\n    return 1"
    assert shown(text, Site(source=tmp_path)) == f"```python\n{code}\n```"
    with pytest.raises(ValueError, match=r"code\.py defines no g"):
        shown(text.replace(" f\n", " g\n"), Site(source=tmp_path))


def test_a_solution_folds_over_its_cells():
    result = converted(
        new_markdown_cell("Q?\n\n:::{solution-start} q\n:class: dropdown\n:::"),
        new_code_cell("1", outputs=[new_output("execute_result", {"text/plain": "1"})]),
        new_markdown_cell("Because.\n\n:::{solution-end}\n:::\n\nNext."),
        new_code_cell("2"),
    )
    question, set_up, inside, after, outside = result.cells
    assert question.source == "Q?\n\n**Solution**, folded:"
    assert set_up.source == SET_UP.strip()
    assert inside.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}
    assert after.source.startswith("<details><summary>") and after.source.endswith("Next.")
    assert after.source.index("Because.") < after.source.index("</details>")
    assert "jupyter" not in outside.metadata


@pytest.mark.parametrize(
    ("tag", "hidden"),
    [
        ("hide-input", {"source_hidden": True}),
        ("remove-input", {"source_hidden": True}),
        ("remove-cell", {"source_hidden": True, "outputs_hidden": True}),
        ("hide-output", {"outputs_hidden": True}),
    ],
)
def test_what_the_page_hides_is_folded(tag, hidden):
    cell = converted(new_code_cell("x", metadata={"tags": [tag]})).cells[-1]
    assert cell.metadata.jupyter == hidden


def test_outputs_are_what_jupyter_shows_without_trust():
    picture = {"text/html": "<svg/>", "image/png": "AA==", "text/plain": "Figure: a line"}
    cell = new_code_cell(
        "x",
        outputs=[
            glue_output("a", 1),
            new_output("stream", name="stderr", text="noise"),
            new_output("stream", name="stdout", text="word"),
            new_output("execute_result", picture),
            new_output("display_data", {"text/html": "<b>x</b>", "text/plain": "x"}),
            new_output("display_data", {"text/markdown": "{term}`x` is {glue:text}`a`"}),
        ],
    )
    text, figure, table, caption = converted(cell).cells[-1].outputs
    assert text.text == "word"
    assert set(figure.data) == {"image/png", "text/plain"}
    assert figure.metadata["image/png"]["alt"] == "Figure: a line"
    assert "text/html" in table.data
    assert caption.data["text/markdown"] == "x is 1"


def test_what_was_given_stays_as_it_was():
    notebook = new_notebook(cells=[new_markdown_cell("{term}`x`"), new_code_cell("1")])
    notebook.metadata["jupytext"] = {}
    before = nbformat.writes(notebook)
    once, again = (nbformat.writes(readable_notebook(notebook)) for _ in range(2))
    assert nbformat.writes(notebook) == before
    assert once == again and "jupytext" not in once


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("{term}`x` and `` {term}`y` ``", ["{term}`x`"]),
        ("```python\n{term}`x`\n```", []),
        ("- a\n\n  :::{note}\n  {term}`x`\n  :::", [":::{note}"]),
    ],
)
def test_what_is_left_of_myst_is_found(text, left):
    assert raw_markup(text) == left


@pytest.mark.parametrize("missing", ["adainf_core", "myst_nb", "results"])
def test_what_is_missing_is_said_in_one_line_with_the_remedy(missing, monkeypatch, tmp_path):
    real = importlib.util.find_spec

    class Elsewhere:
        origin = str(tmp_path / "adainf_core" / "__init__.py")

    def find(name):
        if missing == "results" and name == "adainf_core":
            return Elsewhere
        return None if name == missing else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(ModuleNotFoundError, match=rf"{missing} not found.*pip install") as raised:
        exec(SET_UP, {})
    assert "\n" not in str(raised.value)


def test_nothing_is_said_where_all_is_there():
    exec(SET_UP, {})


# --- chapters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", chapters())
def test_no_markup_is_left_of_any_page(name):
    text = (BOOK / f"{name}.md").read_text(encoding="utf-8")
    keys = set(re.findall(r"\{glue:text\}`([^`]*)`", text))
    page = read_page(BOOK / f"{name}.md")
    page.cells.append(new_code_cell("", outputs=[glue_output(key, 0) for key in keys]))
    result = readable_notebook(page, name, Site(source=BOOK))
    prose = [cell.source for cell in result.cells if cell.cell_type == "markdown"]
    assert [each for text in prose for each in raw_markup(text)] == []
    assert not any(":::" in text for text in prose)


@pytest.fixture(scope="module")
def downloaded():
    """The notebooks of the cheap chapters, from the cache that they are run into."""
    from book_state import notebook_cache

    for ran in run_all(CHEAP).values():
        assert not ran.error, ran.error
    site = Site(source=BOOK)
    return {
        name: readable_notebook(
            merged(read_page(BOOK / f"{name}.md", stated=True), notebook_cache()), name, site
        )
        for name in CHEAP
    }


@pytest.mark.chapter
@pytest.mark.parametrize("name", CHEAP)
def test_a_chapters_notebook_has_outputs_and_numbers(name, downloaded):
    notebook = downloaded[name]
    nbformat.validate(notebook)
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert raw_markup(text) == []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [
        output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    assert len(outputs) > len(pictures) > 0
    assert base64.b64decode(pictures[0]).startswith(b"\x89PNG")


@pytest.mark.chapter
def test_a_downloaded_notebook_runs_from_another_folder(downloaded, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # as if installed
    path = tmp_path / "bound.ipynb"
    nbformat.write(downloaded["bound"], path)
    fresh = nbformat.read(path, as_version=4)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(fresh, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    kept, anew = (
        [
            output.data["text/plain"]
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if output.output_type == "execute_result" and "image/png" not in output.data
        ]
        for notebook in (downloaded["bound"], fresh)
    )
    assert kept == anew
