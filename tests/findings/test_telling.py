"""Text of single numbers, captions and alt texts."""

import pytest

from adainf_core.findings import alt_text, brief, caption, holds, in_full, points, tell
from adainf_core.statistics.intervals import Interval

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


def test_what_is_no_verdict_is_refused():
    with pytest.raises(TypeError, match="float is no verdict"):
        in_full(0.5)
    with pytest.raises(TypeError, match="int is no verdict"):
        brief(3)


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
    assert caption("A picture.", []).data == "*A picture. Nothing recorded yet.*"
