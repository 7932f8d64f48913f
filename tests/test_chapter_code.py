"""The code of the chapters: ruff sees it, no helper is written twice, and it keeps a budget."""

import ast
from collections import defaultdict

import lint_chapters
import prose
import pytest
from run_chapters import BOOK, chapters

PAGE = """\
# Title

```{code-cell} ipython3
:tags: [hide-input]

import os
import sys

x = sys.path == None
x
```

- item

  ```{code-cell} ipython3
  y = [n for n in (1, 2)]

  y
  ```

```python
import unseen
```
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_faults_are_told_by_the_line_of_the_chapter(page):
    found = [fault.removeprefix(f"{page}:").split()[:2] for fault in lint_chapters.check(page)]
    # an import that only the reader's eyes meet is none of ruff's business
    assert found == [["6:", "F401"], ["9:", "E711"], ["16:", "C416"]]


def test_what_ruff_can_mend_is_mended_in_its_place(page):
    lint_chapters.fix(page)
    assert page.read_text() == PAGE.replace("import os\n", "")
    lint_chapters.fix(page)
    assert page.read_text() == PAGE.replace("import os\n", "")


# --- budgets -------------------------------------------------------------------------------------

PAGES = {name: prose.read(BOOK / f"{name}.md") for name in chapters()}
#: What a cell calls the one drawing that it hands to `draw`: no helper, another on every page.
PAINTER = "paint"
COUNTS = {name: prose.code_lines(page) for name, page in PAGES.items()}


def test_no_helper_is_written_on_two_pages():
    homes = defaultdict(set)
    for name, page in PAGES.items():
        for cell in page:
            for node in ast.parse(cell.text).body if cell.is_cell else ():
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name != PAINTER:
                    homes[node.name].add(name)
    twice = {helper: sorted(names) for helper, names in homes.items() if len(names) > 1}
    assert not twice, "give it one home in the library, or a name of its own"


def test_all_chapters_together_keep_their_budget():
    chapters_only = [count for name, count in COUNTS.items() if not name.startswith("reference/")]
    code, hidden = (sum(column) for column in zip(*chapters_only, strict=True))
    assert code <= 3_600
    assert hidden <= 0.6 * code


@pytest.mark.parametrize("name", PAGES)
def test_no_page_hides_more_code_than_its_budget(name):
    assert COUNTS[name][1] <= 200
