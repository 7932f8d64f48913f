"""The words of a report: of each case what was measured, no more, and rounded to the safe side."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from adainf_core.gap.checks import Check
from adainf_core.gap.estimate import GapEstimate
from adainf_core.gap.format_share import FormatRow, FormatShare
from adainf_core.gap.memorisation import memorisation
from adainf_core.gap.sentences import sentences


def of(value, low, high):
    return GapEstimate(value, low, high, 1000, 900)


def bound(low):
    return of(low + 0.1, low, 1.0)


@dataclass
class Row:
    found: GapEstimate
    mirrored: GapEstimate | None


@dataclass
class Report:
    """What sentences look at."""

    rows: dict
    checks: tuple
    format_share: FormatShare | None
    memorised: SimpleNamespace
    shared: int
    real: range
    generated: range

    def row(self, measure):
        return self.rows[measure]


NAMES = ("copies", "file format", "fine detail", "colour", "sizes")


@pytest.fixture
def report():
    """Nothing is found."""
    same = Row(of(0.9, 0.88, 0.92), of(0.9, 0.87, 0.93))
    return Report(
        {
            "total variation, images": Row(bound(0.0), bound(0.0)),
            "accuracy, images": Row(of(0.5, 0.48, 0.52), of(0.5, 0.48, 0.52)),
            "precision": same,
            "coverage": same,
        },
        tuple(Check(name, "alike", False, of(1, 0.9, 1.1), of(1, 0.9, 1.1)) for name in NAMES),
        None,
        SimpleNamespace(near=of(0.01, 0.005, 0.02), quantile=0.01, reference="other training rows"),
        0,
        range(1000),
        range(900),
    )


def changed(report, name, **changes):
    checks = [replace(c, **changes) if c.name == name else c for c in report.checks]
    return replace(report, checks=tuple(checks))


def with_rows(report, **rows):
    names = {"tv": "total variation, images", "accuracy": "accuracy, images"}
    return replace(report, rows=report.rows | {names.get(k, k): v for k, v in rows.items()})


def test_where_nothing_is_found_nothing_is_claimed(report):
    said = sentences(report)
    assert said.how_far[0].startswith("No distance is proven, and none is excluded")
    assert said.made_of == ("No difference is seen in file format, fine detail, colour, sizes.",)
    assert said.decision == (
        "Whether these images help a learner is not measured here: adainf plan --run compares the "
        "arms.",
    )
    assert [text.partition(":")[0] for text in said.all] == [
        "How far", "What it is made of", "What it changes",
    ]  # fmt: skip


def test_a_bound_is_said_in_images_and_never_rounded_up(report):
    far = with_rows(
        report, tv=Row(bound(0.6329), bound(0.0)), accuracy=Row(of(0.836, 0.815, 0.855), None)
    )
    said = sentences(far)
    assert said.how_far[0] == (
        "At least 63 of 100 generated images would have to be exchanged to give them the real "
        "ones' distribution (total variation >= 0.632 at 95 %, from 1,000 real and 900 generated "
        "images)."
    )
    assert "about 84 times in 100 (82 to 86; 50 is guessing)" in said.how_far[1]
    # (1 - beta) of 0.6329, downwards
    assert "at least 0.421 at 0.33 and 0.126 at 0.8." in said.decision[0]


def test_where_real_is_told_from_real_nothing_is_said_of_the_distance(report):
    unsound = with_rows(report, tv=Row(bound(0.6), bound(0.0519)))
    said = sentences(unsound)
    assert "cannot be said yet" in said.how_far[0] and ">= 0.051" in said.how_far[0]
    assert "mixture" not in " ".join(said.decision)


def test_copies_are_said_and_a_set_against_itself_has_no_distance(report):
    some = sentences(replace(report, shared=100))
    assert some.made_of[0].startswith("100 of 900 generated images are copies of real ones")
    assert "A plan counts generated images without these copies." in some.decision
    whole = sentences(replace(report, shared=900, real=range(900)))
    assert whole.how_far == ("Both sides are the same images: there is no distance between them.",)
    # all are copies of some of the real images: not the same sets
    assert sentences(replace(report, shared=900)).how_far != whole.how_far


@pytest.mark.parametrize(
    ("as_is", "alone", "alike", "says"),
    [
        (0.632, 0.19, 0.648, "told apart (total variation >= 0.190), but it is not what tells"),
        (0.632, 0.0, 0.648, "not told apart with certainty, and it is not what tells"),
        (0.632, 0.19, 0.3, "(total variation >= 0.190), and it is a part of what tells these"),
        (0.2, 0.19, 0.0, "(total variation >= 0.190), and without it no distance is proven"),
        (0.0, 0.0, 0.0, "and nothing is proven with it or without it"),
    ],
)
def test_of_the_bound_the_format_is_what_its_control_says(report, as_is, alone, alike, says):
    row = FormatRow("total variation, images", bound(as_is), bound(alone), bound(alike))
    said = sentences(replace(report, format_share=FormatShare("real", 75, (row,))))
    assert said.made_of[0] == (
        "The generated images were saved as JPEG of quality 75, the real ones were not."
    )
    assert says in said.made_of[1] and "1,000 + 900 images" in said.made_of[1]
    assert "save the real images as JPEG of quality 75" in " ".join(said.decision)


@pytest.mark.parametrize(
    ("as_is", "alike", "says"),
    [
        ((3.0, 2.8, 3.2), (1.74, 1.6, 1.9), "a part of it, about 42 %"),
        ((3.0, 2.8, 3.2), (1.2, 1.0, 1.4), "most of it, about 60 %"),
        ((3.0, 2.8, 3.2), (2.9, 2.7, 3.1), "within the intervals"),
        ((3.0, 2.8, 3.2), (3.5, 3.3, 3.7), "farther apart"),
        ((0.1, -0.1, 0.3), (0.0, -0.2, 0.2), "hardly a distance to explain"),
    ],
)
def test_of_a_distance_it_is_said_as_far_as_intervals_part(report, as_is, alike, says):
    rows = (
        FormatRow("total variation, images", *(bound(0.5),) * 3),
        FormatRow("Fréchet, extrapolated", of(*as_is), of(0.5, 0.4, 0.6), of(*alike)),
    )
    said = sentences(replace(report, format_share=FormatShare("generated", 75, rows)))
    assert said.made_of[0].startswith("The real images were saved as JPEG")
    assert says in said.made_of[2] and "0.500 [0.400, 0.600] the format alone" in said.made_of[2]


def test_each_check_that_differs_is_said_with_its_control(report):
    detail = changed(
        report, "fine detail", differs=True, found=of(1.59, 1.52, 1.66), control=of(1, 0.95, 1.05)
    )
    assert sentences(detail).made_of[0] == (
        "Generated images have more fine detail: 1.59 times the real ones' (1.52 to 1.66; real "
        "against real 0.95 to 1.05)."
    )
    blurred = changed(detail, "fine detail", found=of(0.5, 0.45, 0.55))
    assert "less fine detail" in sentences(blurred).made_of[0]
    swapped = "red +9, and fit with red and blue swapped"
    colour = sentences(changed(report, "colour", differs=True, says=swapped))
    assert colour.made_of[0] == f"Colours differ: {swapped}."
    assert "Import the generated images with --channel-order bgr." in colour.decision
    sizes = sentences(changed(report, "sizes", differs=True, says="real 32, generated 512"))
    assert "(real 32, generated 512)" in sizes.made_of[0]
    assert "Bring both sides to one size in one way." in sizes.decision
    files = sentences(changed(report, "file format", differs=True, says="png; jpg"))
    assert "(png; jpg); what that makes of the distance is not known" in files.made_of[0]
    assert files.made_of[-1] == "No difference is seen in fine detail, colour, sizes."


def test_ground_is_said_where_real_images_do_otherwise(report):
    off = with_rows(report, precision=Row(of(0.7, 0.65, 0.75), of(0.9, 0.87, 0.93)))
    assert (
        "(precision 0.70, 0.65 to 0.75; real against real 0.87 to 0.93)"
        in (sentences(off).made_of[0])
    )
    near = replace(report, memorised=memorised(of(0.05, 0.03, 0.07)))
    assert "3.0 to 7.0 %, of real ones 0.5 to 1.8 %" in sentences(near).made_of[0]


def memorised(near, reference="other training rows"):
    return SimpleNamespace(near=near, quantile=0.01, reference=reference)


def test_chance_is_as_unsure_as_the_real_images_are_few(report):
    near = memorised(of(0.02, 0.015, 0.025), "held-out real rows")
    told = {}
    for held_out in (150, 20000):
        row = Row(of(0, 0, 0), GapEstimate(0, 0, 0, 1000, held_out, confidence=0.95))
        rows = report.rows | {"kernel distance": row}
        told[held_out] = sentences(replace(report, rows=rows, memorised=near)).made_of[0]
    assert told[20000].startswith("More generated images lie very near")
    assert told[150].startswith("No difference is seen")


def test_fresh_images_of_the_same_source_are_not_called_memorised(report):
    rng, said = np.random.default_rng(0), 0
    for _ in range(60):
        found = memorisation(*rng.normal(size=(2, 300, 6)).astype(np.float32))
        said += len(sentences(replace(report, memorised=found)).made_of) > 1
    assert said <= 6  # of which one in twenty may be
