"""Text of single numbers, captions and alt texts."""

import pytest

from adainf_core.figures.typesetting import typeset
from adainf_core.findings import alt_text, caption, holds, points, tell
from adainf_core.statistics.intervals import Interval

AS_IT_IS = "`--size -1`, $x-1 = -2$, 2026-11-23, 5-10, a-1"
FOUND = Interval(1.234, 0.7, 1.7, 5)


@pytest.fixture
def glued(monkeypatch):
    values = {}
    monkeypatch.setattr("myst_nb.glue", lambda key, value, display: values.update({key: value}))
    return values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (2000, "2,000"),
        (0.5, "0.5"),
        (FOUND, "+1.23 [+0.70, +1.70] points, n = 5"),
        (None, "not run yet"),
        (True, "True"),
    ],
)
def test_values_are_glued_in_their_format(value, text, glued):
    tell("p", value=value)
    assert glued == {"p-value": text}


def test_points_take_another_format():
    assert points(FOUND, "+.1f", "") == "+1.2 [+0.7, +1.7], n = 5"


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("+1.88 [+0.77, +2.98] points", "+1.9 [+0.8, +3.0] points"),
        ("-0.48 [-1.78, +0.83]", "−0.5 [−1.8, +0.8]"),
        ("0.0297 [-0.00596, 0.0651]", "0.030 [−0.006, 0.065]"),
        ("+1.50 [+0.04, +2.90]", "+1.50 [+0.04, +2.90]"),  # it does not touch zero, and says so
        ("+0.812 [+0.612, +0.901]", "+0.81 [+0.61, +0.90]"),
        ("a change of -0.00 or +0.0, not -0.004", "a change of 0.00 or 0.0, not −0.004"),
        ("48 [47, 49]", "48 [47, 49]"),
        ("at (-1, -2.5)", "at (−1, −2.5)"),
        (
            "`--size -1`, $x-1 = -2$, 2026-11-23, 5-10, a-1",
            "`--size -1`, $x-1 = -2$, 2026-11-23, 5-10, a-1",
        ),
        ("[words -1](page-1.md#-2) <b -3>", "[words −1](page-1.md#-2) <b -3>"),
    ],
)
def test_numbers_are_typeset(given, printed):
    assert typeset(given) == printed and typeset(printed) == printed


def test_guard_names_its_sentence():
    holds("two is more than one", 2 > 1)
    with pytest.raises(AssertionError, match="rewrite it: one is more than two"):
        holds("one is more than two", 1 > 2)


def test_alt_text_keeps_as_many_parts_as_fit():
    parts = [f"part number {i}" for i in range(40)]
    text = alt_text("Many.", parts)
    assert len(text) <= 300
    kept = text.count("part number")
    assert text.endswith(f"and {40 - kept} more.")
    assert len(alt_text("Many.", parts[: kept + 1])) <= 300
    assert alt_text("Two:", ["a", "b"]) == "Two: a; b."
    assert alt_text("None.") == "None."


def test_alt_text_without_room_is_refused():
    with pytest.raises(ValueError, match="begins with 301 characters"):
        alt_text("x" * 301)


def test_caption_of_no_records():
    assert caption("A picture.").data == "*A picture.*"
    assert caption("A picture.", []).data == "*A picture.*\n\n*Nothing recorded yet.*"
