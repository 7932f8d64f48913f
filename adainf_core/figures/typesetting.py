"""Numbers as they are printed: true minus signs, no sign of nothing, no more digits than are known.

Whatever computes a text for a page ends here: prose (`findings.tell`), tables, captions.
"""

from __future__ import annotations

import math
import re

# code, formulas, addresses and tags stay as they are
_AS_IT_IS = re.compile(r"(`[^`]*`|\$[^$]*\$|\]\([^)]*\)|<[^<>]*>)")
_NUMBER = r"[+-]?\d+\.\d+"
_INTERVAL = re.compile(rf"(?<![\w.])({_NUMBER}) \[({_NUMBER}), ({_NUMBER})\]")
_NOTHING = re.compile(r"(?<![\w.)\]])[+-](0(?:\.0+)?)(?![\d.])")
_MINUS = re.compile(r"(?<![\w.)\]])-(?=\d)")
_DIGITS = 2


def typeset(text: str) -> str:
    """`text` with its numbers printed well; Markdown around them is left alone."""
    parts = _AS_IT_IS.split(text)
    parts[::2] = [_numbers(part) for part in parts[::2]]
    return "".join(parts)


def _numbers(text: str) -> str:
    text = _INTERVAL.sub(_shortened, text)
    return _MINUS.sub("−", _NOTHING.sub(r"\1", text))


def _shortened(found: re.Match[str]) -> str:
    """An interval with two significant digits of its half width, one more where an end nears 0."""
    value, low, high = found.groups()
    half, given = abs(float(high) - float(low)) / 2, len(low.partition(".")[2])
    if half == 0:
        return found[0]
    digits = max(0, _DIGITS - 1 - math.floor(math.log10(half)))
    vanishing = any(float(end) != 0 == float(f"{float(end):.{digits}f}") for end in (low, high))
    digits = min(given, digits + vanishing)
    value, low, high = (
        f"{float(each):{'+' if each[0] == '+' else ''}.{digits}f}" for each in (value, low, high)
    )
    return f"{value} [{low}, {high}]"
