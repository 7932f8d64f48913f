"""What a page of the book says: its prose and its code cells, in order.

    python tools/prose.py

prints how much code each page has and how much of it the page hides.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

from markdown_it.token import Token
from myst_source import Directive, directive, tokens

#: Directives whose body is no prose.
VERBATIM = {
    "", "bibliography", "code", "code-block", "eval-rst", "literalinclude", "math",
    "nb-exec-table",
}  # fmt: skip
HIDING = {"hide-input", "remove-input", "remove-cell"}


@dataclass(frozen=True)
class Block:
    """A piece of prose (paragraph, heading, item, entry of a table), or a code cell.

    `text` is its source, without the options of a cell; `words` is it without roles, code, maths
    and the targets of links. It begins in line `line` of the file, the code of a cell in `begin`.
    """

    text: str
    line: int
    is_cell: bool = False
    words: str = ""
    begin: int = 0
    tags: frozenset[str] = frozenset()

    @property
    def is_hidden(self) -> bool:
        """Whether the page does not show this code, or shows it when asked."""
        return bool(self.tags & HIDING)


def blocks(page: str) -> list[Block]:
    """The prose and the code cells of a page's source, in order, those in directives included."""
    return list(_blocks(page, 1))


def comments(page: str) -> list[int]:
    """The lines that begin with a percent sign: to MyST they are comments, and vanish."""
    return [
        first + token.map[0]
        for text, first in _texts(page, 1)
        for token in tokens(text)
        if token.type == "myst_line_comment" and token.map
    ]


def read(path: Path) -> list[Block]:
    """The blocks of the page at `path`."""
    return blocks(path.read_text(encoding="utf-8"))


def code_lines(page: list[Block]) -> tuple[int, int]:
    """Lines of code in the cells of a page, blank ones left out: all of them, and the hidden."""
    cells = [block for block in page if block.is_cell]
    lines = [sum(bool(line.strip()) for line in cell.text.splitlines()) for cell in cells]
    return sum(lines), sum(n for n, cell in zip(lines, cells, strict=True) if cell.is_hidden)


def _texts(text: str, first: int) -> Iterator[tuple[str, int]]:
    """`text`, which begins in line `first`, and the bodies of the directives in it."""
    yield text, first
    for token in tokens(text):
        if (each := _directive(token, text)) and each.name not in VERBATIM | {"code-cell"}:
            yield from _texts(each.body, first + each.begin)


def _directive(token: Token, text: str) -> Directive | None:
    if token.type not in ("fence", "colon_fence") or not token.map:
        return None
    return directive(token, text.splitlines())


def _blocks(text: str, first: int) -> Iterator[Block]:
    place = 0
    for token in tokens(text):
        if token.map:
            place = token.map[0]  # the entries of a table have none of their own
        if token.type == "inline" and token.content.strip():
            yield Block(token.content, first + place, words=_words(token))
        elif token.type == "html_block":
            yield Block(token.content, first + place, words=re.sub(r"<[^>]*>", " ", token.content))
        elif each := _directive(token, text):
            yield from _in_directive(each, first)


def _in_directive(each: Directive, first: int) -> Iterator[Block]:
    if each.name == "code-cell":
        tags = frozenset(re.findall(r"[\w-]+", each.options.get("tags", "")))
        begin = first + each.begin
        yield Block(each.body, first + each.first, is_cell=True, tags=tags, begin=begin)
    elif each.name not in VERBATIM:
        yield from _blocks(each.argument, first + each.first)
        yield from _blocks(each.body, first + each.begin)


def _words(token: Token) -> str:
    """The text that stands in an inline token for itself."""
    shown = {"softbreak": " ", "hardbreak": " "}
    parts = []
    for child in token.children or []:
        plain = child.type in ("text", "image", "text_special")
        parts.append(child.content if plain else shown.get(child.type, " "))
    return "".join(parts)


def main() -> int:
    """Print the lines of code of every page, all and hidden."""
    from run_chapters import BOOK, chapters

    counts = {name: code_lines(read(BOOK / f"{name}.md")) for name in chapters()}
    code, hidden = (sum(column) for column in zip(*counts.values(), strict=True))
    counts["all"] = (code, hidden)
    print(f"{'page':26}{'code':>7}{'hidden':>8}{'share':>7}")
    for name, (code, hidden) in counts.items():
        print(f"{name:26}{code:7}{hidden:8}{hidden / code:7.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
