"""Text from records in Markdown: it says what it says, and marks nothing up."""

from __future__ import annotations

import re

# what opens emphasis, code, links, cells, tags, entities, formulas, roles and citations
_MARKS = r"[\\`*_{}\[\]<>|#$~&@^]"


def escaped(text: str) -> str:
    """`text` for Markdown, on one line, with everything escaped that would mark something up."""
    return re.sub(f"({_MARKS})", r"\\\1", " ".join(text.split()))


def as_code(text: str) -> str:
    """`text` as code in Markdown, on one line; a character that would end it is left out."""
    return f"`{' '.join(re.sub('[`|]', '', text).split())}`"


def unmarked(markdown: str) -> str:
    """The same without marks of code and of stress, and nothing escaped: for plain text."""
    return re.sub(rf"\\({_MARKS})|`|\*\*", lambda found: found[1] or "", markdown)
