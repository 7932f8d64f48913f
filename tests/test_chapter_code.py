"""The code of the chapters: ruff sees it."""

import lint_chapters
import pytest

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


@pytest.fixture
def no_exceptions(monkeypatch):
    """All rules of the project, also those which the chapters do not keep yet."""
    plain = lint_chapters.ruff

    def strict(cells, *options):
        return plain(cells, "--config=lint.per-file-ignores={}", *options)

    monkeypatch.setattr(lint_chapters, "ruff", strict)


def test_faults_are_told_by_the_line_of_the_chapter(page, no_exceptions):
    found = [fault.removeprefix(f"{page}:").split()[:2] for fault in lint_chapters.check(page)]
    # an import that only the reader's eyes meet is none of ruff's business
    assert found == [["6:", "F401"], ["9:", "E711"], ["16:", "C416"]]


def test_what_ruff_can_mend_is_mended_in_its_place(page, no_exceptions):
    lint_chapters.fix(page)
    assert page.read_text() == PAGE.replace("import os\n", "")
    lint_chapters.fix(page)
    assert page.read_text() == PAGE.replace("import os\n", "")
