"""Terminals that cannot show a character get ASCII in its place."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

_PLAIN = {
    "≥": ">=", "≤": "<=", "±": "+-", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "…": "...",
    "’": "'", "‘": "'", "“": '"', "”": '"', "→": "->", "∞": "inf",
}  # fmt: skip


def write_plainly() -> None:
    """From here on stdout and stderr write what their encoding lacks in ASCII, and lose nothing."""
    codecs.register_error("plainly", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plainly")


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    """ASCII for a character: a likeness, a Greek letter's name, the letter without its accent."""
    if character in _PLAIN:
        return _PLAIN[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK"):
        return name.partition(" WITH ")[0].rpartition(" ")[2].lower()
    letter = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letter or "?"
