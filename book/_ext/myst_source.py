"""A page's source as MyST parses it: its tokens, and the directives among them."""

import re
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

OPTION = re.compile(r"[ \t]*:([\w-]+):(?:[ \t]+(.*))?$")
OPENING = re.compile(r"\{([\w:+.-]+)\}[ \t]*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Directive:
    """A fenced block; `name` is empty where it is plain code, whose language is `argument`.

    Lines count from 0 in the text that was parsed: the fence takes `first` to `end` - 1, the body,
    without options, begins in line `begin`. `indent` is what stands before the fence.
    """

    name: str
    argument: str
    options: dict[str, str]
    body: str
    first: int
    end: int
    begin: int
    indent: str = ""


@cache
def parser() -> MarkdownIt:
    """The parser of the book, with the extensions of `_config.yml` that change what is a block."""
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    extensions = {"amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "html_image"}
    return create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)


def tokens(text: str) -> list[Token]:
    """The tokens of `text`; the bodies of directives are not parsed."""
    return parser().parse(text)


def directive(token: Token, lines: list[str]) -> Directive:
    """The fenced block of a `fence` or `colon_fence` token; `lines` are those of its page."""
    assert token.map is not None
    first, end = token.map
    opening = OPENING.fullmatch(token.info.strip())
    name, argument = opening.groups() if opening else ("", token.info.strip())
    body = token.content.splitlines()
    options: dict[str, str] = {}
    while name and len(options) < len(body) and (match := OPTION.match(body[len(options)])):
        options[match[1]] = match[2] or ""
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    text = "\n".join(body[len(options) :])
    return Directive(name, argument, options, text, first, end, first + 1 + len(options), indent)


def directives(text: str) -> list[Directive]:
    """The outermost fenced blocks of `text`, in order."""
    lines = text.splitlines()
    return [
        directive(token, lines)
        for token in tokens(text)
        if token.type in ("fence", "colon_fence") and token.map
    ]
