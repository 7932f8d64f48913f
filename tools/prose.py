"""What a page of the book says: its paragraphs and its code cells, in order."""

import re
from dataclasses import dataclass
from pathlib import Path

FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
#: Fenced blocks whose content is no prose; group 2 names the directive, if there is one.
VERBATIM = re.compile(
    r"^(`{3,})(?:\{(code-cell|literalinclude|code-block|math|bibliography|nb-exec-table)\}"
    r"[^\n]*|\w+|)\n(.*?)^\1[ ]*$",
    re.DOTALL | re.MULTILINE,
)
OPTION = re.compile(r"^:[\w-]+:.*$", re.MULTILINE)
FENCE = re.compile(r"^(?:`{3,}|:{3,})(?:\{[\w:-]+\})?", re.MULTILINE)
ROLE = re.compile(r"\{[\w:-]+\}`[^`]*`")
INLINE = re.compile(r"`[^`]*`|\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
TARGET = re.compile(r"\]\([^)]*\)")


@dataclass(frozen=True)
class Block:
    """A paragraph of prose, or a code cell; `line` is where it begins in the file."""

    text: str
    line: int
    is_cell: bool = False


def blocks(page: str) -> list[Block]:
    """The paragraphs and code cells of a page's source, in order."""
    found = []

    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    page = FRONT.sub(blank, page)
    for match in VERBATIM.finditer(page):
        if match[2] == "code-cell":
            line = page.count("\n", 0, match.start()) + 1
            found.append(Block(OPTION.sub("", match[3]), line, is_cell=True))
    prose = OPTION.sub("", FENCE.sub("", VERBATIM.sub(blank, page)))
    line = 1
    for part in re.split(r"(\n(?:[ \t]*\n)+)", prose):
        if part.strip():
            found.append(Block(part.strip("\n"), line))
        line += part.count("\n")
    return sorted(found, key=lambda block: block.line)


def words(text: str) -> str:
    """Text without its roles, inline code, maths and the targets of its links."""
    return TARGET.sub("]", INLINE.sub(" ", ROLE.sub(" ", text)))


def read(path: Path) -> list[Block]:
    """The blocks of the page at `path`."""
    return blocks(path.read_text(encoding="utf-8"))
