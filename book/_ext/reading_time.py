"""Sphinx extension: the role {minutes}`page, page`, how long reading these pages takes.

The words of their prose at an even pace; solutions and code are for those who have more time.
"""

import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
sys.path.append(str(ROOT / "tools"))

PACE = 200  # words a minute
SOLUTION = re.compile(r"^\s*[`:]{3,}\{solution-start\}.*?\{solution-end\}", re.M | re.S)


@cache
def words(page: str) -> int:
    """How many words of prose the page has, folded solutions left out; OSError where it is none."""
    import prose

    text = SOLUTION.sub("", (BOOK / f"{page}.md").read_text(encoding="utf-8"))
    said = (block.words for block in prose.blocks(text) if not block.is_cell)
    return sum(len(re.findall(r"\w+", each)) for each in said)


def in_words(pages: str) -> str:
    """ "12 minutes" for the names of pages with commas between; ValueError for one that is none."""
    try:
        minutes = round(sum(words(page.strip()) for page in pages.split(",")) / PACE)
    except OSError as error:
        raise ValueError(f"minutes: {error.filename} is no page") from None
    if minutes > 90:
        return f"{minutes / 60:.1f} hours".replace(".0 ", " ")
    return f"{max(1, minutes)} minutes" if minutes > 1 else "1 minute"


def minutes_role(
    role: str, rawtext: str, text: str, line: int, inliner: Any, *rest: Any
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Turn the role into its words."""
    try:
        return [nodes.inline("", in_words(text), classes=["minutes"])], []
    except ValueError as error:
        message = inliner.reporter.error(str(error), line=line)
        return [inliner.problematic(rawtext, rawtext, message)], [message]


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_role("minutes", minutes_role)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
