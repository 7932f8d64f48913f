"""The rules that every chapter keeps (CONTRIBUTING.md, "A chapter"), read from its source."""

import ast
import itertools
import re

import prose
import pytest
from run_chapters import BOOK, chapters

from adainf_core.evidence.studies.catalogue import STUDIES

PAGES = {name: BOOK / f"{name}.md" for name in chapters()}
#: Pages that are no chapters: they ask nothing and set no exercises.
REFERENCE = {name for name in PAGES if name.startswith("reference/")} | {"index"}
CHAPTERS = sorted(PAGES.keys() - REFERENCE)

NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])|\d+(?:\.\d+)?\s?%")
CONFIDENCE = {"95 %"}
#: Numbers in prose that are settings, thresholds or exercises, not results: each was looked at.
SETTINGS: dict[str, set[str]] = {
    "bound": {"4.2", "90 %"},  # a lemma's number; a quantile
    "claims": {"0.2", "0.5", "0.8"},  # an exercise
    "complementary-roles": {"0.7"},  # the paper's toy
    "gap": {"0.1", "0.3", "0.5", "0.8", "35 %", "80 %"},  # settings, a target, an exercise
    "total-variation": {"5 %"},  # a risk
}

DRAWS = re.compile(r"\b(?:draw|Slider|panels|forest|dots|sheet)\(|_figure\(")
#: Words by which a caption names its interval, or says that there is no sample behind the figure.
UNCERTAINTY = re.compile(
    r"interval|band|quartile|range|exact|closed form|computed|by counting|eigenv|one run|one draw|"
    r"illustration|drawing|pictures?|views?|images|twelve draws|not chosen|rule",
    re.IGNORECASE,
)


def numbers(block: prose.Block) -> list[str]:
    """Decimals and percentages in a paragraph, white space between them made one blank."""
    return [" ".join(number.split()) for number in NUMBER.findall(prose.words(block.text))]


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request):
    return request.param


@pytest.mark.parametrize("name", PAGES)
def test_no_result_is_typed_in_prose(name):
    allowed = CONFIDENCE | SETTINGS.get(name, set())
    typed = [
        f"line {block.line}: {number}"
        for block in prose.read(PAGES[name])
        if not block.is_cell and "{cite" not in block.text
        for number in numbers(block)
        if number not in allowed
    ]
    assert not typed, "glue it, or list it in SETTINGS: " + "; ".join(typed)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_that_is_listed_is_used(name):
    found = prose.read(PAGES[name])
    typed = {number for block in found if not block.is_cell for number in numbers(block)}
    assert SETTINGS[name] <= typed


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_has_a_caption_that_names_its_uncertainty(name):
    found = prose.read(PAGES[name])
    bad = [
        f"line {after.line}: {after.text[:60]!r}"
        for cell, after in itertools.pairwise(found)
        if cell.is_cell and shows_a_figure(cell.text) and not is_caption(after)
    ]
    assert not bad, "\n".join(bad)


def shows_a_figure(code: str) -> bool:
    """Whether the cell's last statement draws."""
    last = ast.parse(code).body[-1]
    return isinstance(last, ast.Expr) and bool(DRAWS.search(ast.unparse(last)))


def is_caption(block: prose.Block) -> bool:
    """Whether the block below a figure is its caption, typed or computed, and names uncertainty."""
    if block.is_cell:
        made = "Markdown(" in block.text or "caption(" in block.text
        return made and bool(UNCERTAINTY.search(block.text))
    return block.text.lstrip().startswith("*") and bool(UNCERTAINTY.search(block.text))


@pytest.mark.parametrize("name", PAGES)
def test_no_line_of_prose_begins_as_a_comment(name):
    """A line that begins with a percent sign is a comment to MyST: its words vanish."""
    lost = [
        line for block in prose.read(PAGES[name]) if not block.is_cell
        for line in block.text.splitlines() if line.startswith("%")
    ]  # fmt: skip
    assert not lost


@pytest.mark.parametrize("name", PAGES)
def test_commands_name_studies_and_scales_that_there_are(name):
    for command in re.findall(r"adainf study run ([^`\n]*)", PAGES[name].read_text()):
        studies, _, options = command.partition("--")
        scale = re.search(r"scale ([a-z]+)", options)
        for study in filter(re.compile(r"[a-z-]+").fullmatch, studies.split()):
            assert study in STUDIES, command
            assert scale is None or scale[1] in STUDIES[study].layouts, command


def test_opens_with_a_question_and_a_prediction(chapter):
    text = PAGES[chapter].read_text()
    assert "Predict first" in text
    assert "?" in text[: text.index("Predict first") + 1500]


def test_ends_with_what_is_open(chapter):
    text = PAGES[chapter].read_text()
    assert "## What agrees, what does not, what is open" in text


def test_three_exercises_or_more_and_each_has_a_solution_that_runs(chapter):
    text = PAGES[chapter].read_text()
    asked = set(re.findall(r"\{exercise(?:-start)?\}.*?\n:label: ([\w-]+)", text))
    solutions = re.findall(r"\{solution-start\} ([\w-]+)\n(.*?)\{solution-end\}", text, re.DOTALL)
    assert len(asked) >= 3, f"{len(asked)} exercises"
    assert asked == {label for label, _ in solutions}
    for label, solution in solutions:
        assert ":class: dropdown" in solution, f"{label} gives itself away"
        assert "```{code-cell}" in solution, f"{label} computes nothing"


def test_links_terms_and_tests(chapter):
    text = PAGES[chapter].read_text()
    assert "{term}`" in text
    assert "{test}`" in text
    assert "{py:" in text


def test_reader_of_pages_sees_prose_and_cells_apart():
    page = (
        "---\ntitle: x\n---\n\n# Head 0.1\n\n```{code-cell}\na = 0.2\n```\n\n:::{tip}\n"
        "Say 0.3 and $0.4$ and `0.5` and {glue:text}`0.6`.\n:::\n\n```python\n0.7\n```\n"
    )
    found = prose.blocks(page)
    assert [(block.is_cell, block.line) for block in found] == [(False, 5), (True, 7), (False, 12)]
    text = " ".join(prose.words(block.text) for block in found if not block.is_cell)
    assert NUMBER.findall(text) == ["0.1", "0.3"]
