"""The rules that every chapter keeps (CONTRIBUTING.md, "A chapter"), read from its source."""

import ast
import itertools
import re

import prose
import pytest
from run_chapters import BOOK, chapters, pages

from adainf_core.evidence.studies.catalogue import studies
from adainf_core.findings.answers import answers_of

PAGES = {name: BOOK / f"{name}.md" for name in chapters()}
#: Pages that are no chapters: they ask nothing and set no exercises.
REFERENCE = {name for name in PAGES if name.startswith("reference/")} | {"index"}
CHAPTERS = sorted(PAGES.keys() - REFERENCE)

NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?!\w|\.\d)|\d+(?:\.\d+)?\s?%")
CONFIDENCE = {"95 %"}
#: Numbers in prose that are settings, thresholds or exercises, not results: each was looked at.
SETTINGS: dict[str, set[str]] = {
    "bound": {"4.2", "90 %"},  # a lemma's number; a quantile
    "claims": {"0.2", "0.5", "0.8"},  # an exercise
    "complementary-roles": {"0.7"},  # the paper's toy
    "gap": {
        "0.1",
        "0.3",
        "0.5",
        "0.8",
        "0.95",
        "1 %",
        "35 %",
        "80 %",
    },  # settings, a target, an exercise
    "reference/reproducing": {"1.4", "4.0"},  # a model's version, a licence's
    "total-variation": {"5 %"},  # a risk
}

DRAWS = re.compile(r"\b(?:draw|Slider|panels|forest|dots|sheet)\(|_figure\(")
#: What a caption says of its uncertainty: what the marks span ...
SPANS = (
    r"intervals?\b", r"standard errors?\b", r"quartiles?\b", r"\d+ to \d+ % ranges?\b",
    r"\d+ % (?:\{term\}`)?(?:bootstrap`? )?(?:bands?|lower bounds?)\b",
)  # fmt: skip
#: ... or that there is none, and why: "exact" must be said of the figure, not of a line in it.
NONE = (
    r"(?-i:Exact)\b", r"\bexact[.;]", r"no sample\b", r"no uncertainty\b", r"one draw\b",
    r"one (?:\w+ )?illustration\b", r"\ban? (?:illustration|drawing)\b", r"illustration[.:,]",
    r"nothing (?:is )?measured\b",
)  # fmt: skip
UNCERTAINTY = re.compile("|".join((*SPANS, *NONE)), re.IGNORECASE)


def numbers(block: prose.Block) -> list[str]:
    """Decimals and percentages in a paragraph, white space between them made one blank."""
    return [" ".join(number.split()) for number in NUMBER.findall(block.words)]


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request):
    return request.param


@pytest.mark.parametrize("name", PAGES)
def test_no_result_is_typed_in_prose(name):
    allowed = CONFIDENCE | SETTINGS.get(name, set())
    page = PAGES[name].read_text(encoding="utf-8")
    written = answers_of(page) or ""  # a test of its own holds them to the records
    typed = [
        f"line {block.line}: {number}"
        for block in prose.blocks(page.replace(written, ""))
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
    text = block.text
    if block.is_cell:  # a string goes on in the next line of code
        text = re.sub(r"[\"']\s*\+?\s*f?[\"']", "", text)
        begins = "Markdown(" in text or "caption(" in text
    else:
        begins = text.lstrip().startswith("*")
    return begins and bool(UNCERTAINTY.search(" ".join(text.split())))


@pytest.mark.parametrize(
    ("caption", "good"),
    [
        ("*Dots: seeds; bars: 95 % t-interval of the mean.*", True),
        ("*Means over draws with 95 % bootstrap bands.*", True),
        ("*Median and quartiles of 200 pairs.*", True),
        ("*Medians and 10 to 90 % ranges of 200 draws.*", True),
        ("*Means and their standard errors.*", True),
        ("*Exact: no sample.*", True),
        ("*Two curves; all values exact.*", True),
        ("*Pictures of the test set; nothing is measured.*", True),
        ("*Accuracy of two arms.*", False),
        ("*Images, one view each, by a rule over the whole range.*", False),
        ("*Pictures of the training set.*", False),
        ("*Accuracy; dashed, the exact limit.*", False),
        ("*A band of grey photographs, computed by counting.*", False),
        ("Bars: 95 % interval, but no caption.", False),
    ],
)
def test_a_caption_without_its_uncertainty_is_found(caption, good):
    assert is_caption(prose.Block(caption, 1)) == good
    typed = f'Markdown("{caption[:12]}"\n    f"{caption[12:]}")' if good else caption
    assert is_caption(prose.Block(typed, 1, is_cell=good)) == good


def length(block: prose.Block) -> int:
    """How many words a caption has on the page, where its numbers come from left out."""
    text = block.text
    if block.is_cell:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        says = next(c for c in calls if ast.unparse(c.func).endswith(("caption", "Markdown")))
        parts = [n.value for n in ast.walk(says.args[0]) if isinstance(n, ast.Constant)]
        text = "".join(part for part in parts if isinstance(part, str))
    text = re.sub(r"\{glue:text\}`[^`]*-recorded[^`]*`.*", "", text, flags=re.DOTALL)
    text = re.sub(r"\{glue:text\}`[^`]*`|\$[^$]*\$", "N", text)
    text = re.sub(r"\{[\w:]+\}`([^`<]*)[^`]*`|\[([^\]]*)\]\([^)]*\)", r"\1\2", text)
    return len(text.split())


@pytest.mark.parametrize("name", PAGES)
def test_a_caption_has_forty_five_words_at_most(name):
    found = prose.read(PAGES[name])
    long = [
        f"line {after.line}: {length(after)} words"
        for cell, after in itertools.pairwise(found)
        if cell.is_cell and shows_a_figure(cell.text) and length(after) > 45
    ]
    assert not long, "; ".join(long)


def test_words_of_a_caption_are_those_that_the_page_shows():
    text = "*Two {term}`arms <arm>` at $a + b$, [as said](x.md): {glue:text}`a-b`. "
    text += "{glue:text}`a-recorded`*"
    assert length(prose.Block(text, 1)) == 7
    cell = 'found.caption("Two arms, "\n    f"{n} seeds.", how="Live")'
    assert length(prose.Block(cell, 1, is_cell=True)) == 3


@pytest.mark.parametrize("name", PAGES)
def test_no_line_of_prose_begins_as_a_comment(name):
    """A line that begins with a percent sign is a comment to MyST: its words vanish."""
    assert not prose.comments(PAGES[name].read_text(encoding="utf-8"))


#: Theorems that are called laws; what draws samples is a distribution.
THEOREMS = re.compile(r"\b(?:Weyl's law|law of (?:large numbers|total probability))\b")


@pytest.mark.parametrize("name", pages())
def test_a_distribution_is_called_one(name):
    text = THEOREMS.sub("", (BOOK / f"{name}.md").read_text(encoding="utf-8"))
    assert not re.search(r"\blaws?\b", text, re.IGNORECASE)


@pytest.mark.parametrize("name", PAGES)
def test_commands_name_studies_and_scales_that_there_are(name):
    for command in re.findall(r"adainf study run ([^`\n]*)", PAGES[name].read_text()):
        names, _, options = command.partition("--")
        scale = re.search(r"scale ([a-z]+)", options)
        for study in filter(re.compile(r"[a-z-]+").fullmatch, names.split()):
            assert study in studies(), command
            assert scale is None or scale[1] in studies()[study].layouts, command


def test_opens_with_a_question_and_a_prediction(chapter):
    text = PAGES[chapter].read_text()
    assert "Predict first" in text
    assert "?" in text[: text.index("Predict first") + 1500]


def test_begins_with_what_it_says_in_short(chapter):
    text = PAGES[chapter].read_text(encoding="utf-8")
    title, box = re.findall(r"^# .*|^:::\{admonition\} .*|^\S.*", text.split("---\n", 2)[2], re.M)[
        :2
    ]
    assert title.startswith("# ") and box == ":::{admonition} In short"
    said = text.split(box, 1)[1].split("\n:::\n", 1)[0]
    assert re.search(r"\*\*[^*]+\?\*\*", said), "the question"
    assert f"{{minutes}}`{chapter}`" in said and "Needs " in said
    assert len(prose.blocks(said)) and sum(len(b.words.split()) for b in prose.blocks(said)) <= 75


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
    text = " ".join(block.words for block in found)
    assert NUMBER.findall(text) == ["0.1", "0.3"]


def test_reader_of_pages_sees_into_nested_fences_and_behind_them():
    page = """\
````{admonition} At 0.1
:class: dropdown
```{literalinclude} a.py
```
Is 0.2.
````

::::{note}
:::{tip}
```{code-cell}
:tags: [hide-input]

a = 0.3
```
:::
0.4
::::

- one

  ```{code-cell}
  b
  ```
- 0.5

| a | 0.6 |
|---|-----|
| c | 0.7 |
"""
    found = prose.blocks(page)
    cells = [(block.text.strip(), block.line, block.is_hidden) for block in found if block.is_cell]
    assert cells == [("a = 0.3", 10, True), ("b", 21, False)]
    typed = [(number, block.line) for block in found for number in NUMBER.findall(block.words)]
    assert typed == [("0.1", 1), ("0.2", 5), ("0.4", 16), ("0.5", 24), ("0.6", 26), ("0.7", 28)]


def test_comments_are_found_wherever_they_stand():
    page = "Words\n\n% lost\n\n:::{tip}\n:class: x\n% lost too\n:::\n\n```python\n% code\n```\n"
    assert prose.comments(page) == [3, 7]


def test_lines_of_code_are_counted_without_blanks_and_tags():
    page = "```{code-cell}\n:tags: [remove-cell]\n\na = 1\n\n# why\nb = 2\n```\n"
    found = prose.blocks(page + "```{code-cell}\nc\n```\n")
    assert prose.code_lines(found) == (4, 3)
    assert [cell.begin for cell in found] == [3, 10]


def test_the_first_page_says_what_it_has_to_say_in_two_hundred_words():
    """Above the second section: the question, the scope, the figure's caption, the answers."""
    text = (BOOK / "index.md").read_text(encoding="utf-8")
    above = text.split("\n## ", 2)
    said = [block.words for block in prose.blocks("\n## ".join(above[:2])) if not block.is_cell]
    assert sum(len(words.split()) for words in said) <= 200
