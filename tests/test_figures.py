"""Figures: themed, labelled, the same bytes every time."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from adainf_core.evidence.judging.claims import BestLevel as BestLevelClaim
from adainf_core.evidence.judging.claims import Contrast, Published, Term
from adainf_core.evidence.judging.verdicts import Outcome, Verdict
from adainf_core.evidence.studies import ablation, diffusion, failure_mode
from adainf_core.figures import (
    ARM_STYLE,
    BOUNDARY,
    INK,
    READABLE,
    REAL,
    RecipeRow,
    Shown,
    Slider,
    Table,
    arm_dots,
    arrow,
    coloured,
    compared_dots,
    contrastive_pipeline,
    counted_values,
    crop_sheet,
    densities_in_the_plane,
    densities_on_the_line,
    differences,
    draw,
    end_labels,
    experiment_drawing,
    flowchart,
    gains,
    graphs_and_spectra,
    groups_among_all,
    image_rows,
    is_narrow,
    ladder,
    level_dots,
    level_ticks,
    marked_batch,
    mixed_masses,
    over_inverse_size,
    panels,
    picture,
    plausible_levels,
    pushes,
    recipe_rows,
    shares_of_the_truth,
    sheet,
    sign_grid,
    slopes,
    stacked_verdicts,
    star,
    verdict_table,
)
from adainf_core.findings.beneath import NAMES
from adainf_core.gap.estimate import GapEstimate
from adainf_core.learning.augmentation import augment
from adainf_core.learning.policies import POLICIES
from adainf_core.statistics.intervals import (
    Interval,
    PlausibleLevels,
    t_interval,
    wilson_interval,
)
from adainf_core.theory import ring_world

CLAIM = Contrast(
    "k",
    "A beats B",
    "trial",
    (Term("a", 1), Term("b", -1)),
    published=(Published("Table 1", 1.5),),
)
VERDICT = Verdict(CLAIM, "holds", Interval(2.0, 1.0, 3.0, 5), agreeing=5)
BEST = Verdict(
    BestLevelClaim(
        "n", "N is 10", "trial", ((5, "a"), (10, "b")), (10, 10), published=(Published("Fig 2"),)
    ),
    "not decided",
    best=PlausibleLevels(10.0, 5.0, 10.0, 3, (5.0, 10.0)),
)


def line(ax) -> None:
    ax.plot([0, 1], [0, 1], color=INK)
    ax.set_xlabel("x")


def test_ink_becomes_the_pages_text_colour():
    svg = draw(line, alt="A line.").svg
    assert "currentColor" in svg and INK not in svg
    assert not re.search(r"fill: #ffffff|fill:#fff", svg)  # nothing paints over a dark page


def test_same_figure_same_bytes():
    assert draw(line, alt="A line.").svg == draw(line, alt="A line.").svg


def test_alt_text_is_carried_and_escaped():
    html = draw(line, alt='Rises from "0" < 1.')._repr_html_()
    assert 'role="img" aria-label="Rises from &quot;0&quot; &lt; 1."' in html


def test_svg_shrinks_with_the_page_and_text_stays_text():
    svg = draw(line, alt="A line.", width=4).svg
    assert 'style="width: 100%; max-width: 384px; height: auto"' in svg
    assert not re.search(r'<svg[^>]* width="', svg) and "<text" in svg


def test_text_is_in_the_readers_own_font():
    svg = draw(lambda ax: ax.set_xlabel(r"strength $\alpha$"), alt="Axes.").svg
    fonts = set(re.findall(r"font-family: [^;\"]*", svg))
    assert fonts == {"font-family: system-ui, sans-serif"}


def test_a_narrow_drawing_stands_beside_the_wide_one_and_is_switched_by_the_style_sheet():
    seen = []

    def paint(ax):
        seen.append(is_narrow(ax))
        line(ax)

    shown = draw(paint, alt="A line.", width=7, height=2, narrow=3)
    assert seen == [False, True]
    assert 'viewBox="0 0 504 144"' in shown.svg and 'viewBox="0 0 244.8 216"' in shown.narrow
    page = shown._repr_html_()
    assert page.index('class="wide"') < page.index('class="narrow" hidden') and shown.narrow in page
    assert shown.figure.get_figwidth() == 7  # the file that is saved is the wide one


def test_recipes_have_a_picture_for_each_image_and_a_mark_for_each_seed():
    images = np.zeros((3, 3, 4, 4), np.uint8)
    rows = [RecipeRow("none", "A", images, 3, images[:2], [40.0, 42.0]),
            RecipeRow("adainf", "B", images, 1, images[:2], [43.0, 45.0], bold=True)]  # fmt: skip
    inspected = []

    def paint(ax):
        recipe_rows(ax, rows, "accuracy, %")
        words = {text.get_text(): text for text in ax.texts}
        assert {"A", "B", "41.0", "44.0", "accuracy, %"} <= words.keys()
        assert words["B"].get_fontweight() == words["44.0"].get_fontweight() == "bold"
        assert len(ax.images) == 10
        seeds = [dots.get_offsets()[:, 0] for dots in ax.collections]
        ticks = {float(t): words[t].get_position()[0] for t in words if t.isdigit()}
        (a, x), (b, y) = list(ticks.items())[:2]
        for row, places in zip(rows, seeds, strict=True):
            assert np.allclose(x + (np.array(row.values) - a) * (y - x) / (b - a), places)
        inspected.append(is_narrow(ax))

    draw(paint, alt="Recipes.", width=7, height=3, narrow=4)
    assert inspected == [False, True]


@pytest.mark.parametrize("alt", ["", "  ", "x" * 301])
def test_alt_text_is_required_and_short(alt):
    with pytest.raises(ValueError, match="alt text"):
        draw(line, alt=alt)


def test_print_form_is_a_png():
    assert draw(line, alt="A line.")._repr_png_().startswith(b"\x89PNG")


BEGINS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("kind", BEGINS)
def test_a_figure_is_saved_as_its_suffix_says_the_same_every_time(kind, tmp_path):
    path = tmp_path / f"line.{kind.upper()}"
    shown = draw(line, alt="A line & more.", width=4, height=2)
    assert shown.save(str(path)) == path and list(tmp_path.iterdir()) == [path]
    first = path.read_bytes()
    assert first.startswith(BEGINS[kind])
    draw(line, alt="A line & more.", width=4, height=2).save(path)
    assert path.read_bytes() == first
    assert Slider({"a": shown, "b": draw(line, alt="B.")}, "x").save(path).read_bytes() == first
    if kind == "png":
        image = Image.open(path)
        assert image.size == (800, 400) and image.getpixel((0, 0))[:3] == (255, 255, 255)
    if kind == "svg":  # letters are shapes: no reader's font is needed
        assert not ElementTree.parse(path).findall(".//{*}text") and b"A line &amp; more." in first
    if kind == "pdf":
        assert b"/Type3" not in first and b"A line & more." in first


@pytest.mark.parametrize("name", ["line.jpg", "line", "line.svgz", "", ".png"])
def test_another_suffix_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"has to end in .png, .svg or .pdf$") as error:
        draw(line, alt="A line.").save(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and not list(tmp_path.iterdir())


def test_a_figure_for_a_folder_that_is_not_there_is_refused_and_none_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none is no folder: make it to save a.png"):
        draw(line, alt="A line.").save(tmp_path / "none" / "a.png")
    assert not list(tmp_path.iterdir())


def test_what_was_there_stays_where_saving_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_text("old")
    shown = draw(line, alt="A line.")
    monkeypatch.setattr(shown.figure, "savefig", lambda file, **_: file.write(b"ha") / 0)
    with pytest.raises(ZeroDivisionError):
        shown.save(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_failing_painter_leaves_no_open_figure():
    from matplotlib import pyplot as plt

    with pytest.raises(ZeroDivisionError):
        draw(lambda ax: 1 / 0, alt="Never.")
    assert plt.get_fignums() == []


def test_arm_dots_shows_every_seed_and_the_mean():
    def paint(ax):
        arm_dots(ax, {"none": ("no inflation", [50.0, 52.0, 54.0])}, "%")
        assert sum(len(c.get_offsets()) for c in ax.collections) == 3
        assert [t.get_text() for t in ax.texts] == ["52.0"]

    draw(paint, alt="Dots.")


def test_every_arm_has_a_style_of_its_own():
    drawn = (failure_mode.STUDY, ablation.STUDY, diffusion.STUDY)
    assert ARM_STYLE.keys() == set().union(*(study.arms for study in drawn), NAMES)
    # a perfect generator's marks are open, all others filled
    looks = {(style, arm.startswith("perfect")) for arm, style in ARM_STYLE.items()}
    assert len(looks) == len(ARM_STYLE)


def test_differences_marks_the_papers_value():
    def paint(ax):
        differences(ax, [VERDICT], ["A > B"])
        assert [1.5] in [list(artist.get_xdata()) for artist in ax.lines]

    draw(paint, alt="Forest.")


def test_differences_keeps_a_row_for_what_has_no_difference():
    def paint(ax):
        differences(ax, [Verdict(CLAIM, Outcome.NOT_RUN), BEST, VERDICT], ["A", "B", "C"])
        # the paper's star needs no run of ours; a best level is no difference
        assert {row for line in ax.lines[1:] for row in line.get_ydata()} == {0, 2}
        assert [(text.get_text(), text.xy[1]) for text in ax.texts] == [("not run", 0)]
        assert [label.get_text() for label in ax.get_yticklabels()] == ["A", "B", "C"]

    draw(paint, alt="Forest with gaps.")


def test_contact_sheet_places_each_image():
    images = np.arange(2 * 3 * 12 * 12, dtype=np.uint8).reshape(2, 3, 12, 12)

    def paint(ax):
        image_rows(ax, [("row", images)])
        sheet = ax.images[0].get_array()
        assert np.array_equal(sheet[:, 13:, :3], images[1].transpose(1, 2, 0))

    draw(paint, alt="Two pictures.")


def test_a_sheet_takes_views_as_it_takes_images_and_grows_with_its_rows():
    images = np.arange(2 * 3 * 12 * 12, dtype=np.uint8).reshape(2, 3, 12, 12)
    as_views = sheet({"row": images.astype(np.float32) / 255}, alt="Two pictures.")
    assert as_views.svg == sheet({"row": images}, alt="Two pictures.").svg
    three = np.concatenate([images, images[:1]])
    assert (
        as_views.svg
        == sheet({"row": three}, alt="Two pictures.", columns=2).svg
        != (sheet({"row": three}, alt="Two pictures.").svg)
    )
    heights = [
        float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', shown.svg)[1])
        for shown in (as_views, sheet({"a": images, "b": images}, alt="Four."))
    ]
    assert heights[1] - heights[0] == pytest.approx(72 * 7.5 / 2, rel=0.15)  # a row of two


def test_on_a_phone_a_sheet_has_fewer_columns_and_its_labels_above_their_rows():
    images = np.zeros((10, 3, 12, 12), np.uint8)
    seen = {}

    def paint(ax):
        image_rows(ax, [("first row", images), ("second row", images)])
        ((left, right), _) = ax.get_xlim(), ax.get_ylim()
        labels = [text.get_position() for text in ax.texts]
        seen[is_narrow(ax)] = right - left, labels, [t.get_text() for t in ax.get_yticklabels()]

    draw(paint, alt="Two rows.")
    wide, _, beside = seen[False]
    few, above, none = seen[True]
    assert wide == 10 * 13 - 1 and few == 6 * 13 - 1
    assert [label.strip() for label in beside] == ["first row", "second row"] and not none
    assert above[0] == (0, 0) and above[1][1] > 12


@pytest.mark.parametrize("grid", [{"ncols": 3}, {"nrows": 2, "ncols": 2}])
def test_on_a_phone_panels_stand_one_below_the_other(grid):
    places = {}

    def paint(axes):
        assert axes.shape == ((3,) if grid == {"ncols": 3} else (2, 2))
        for number, ax in enumerate(axes.flat):
            ax.plot([0, 1], [0, number])
        places[is_narrow(axes.flat[0])] = [ax.get_position().x0 for ax in axes.flat]

    draw(paint, alt="Panels.", **grid)
    assert len(set(places[False])) > 1 == len(set(places[True]))


def test_pictures_use_the_width_and_stand_two_abreast_on_a_phone():
    def paint(axes):
        for ax in axes:
            ax.imshow(np.zeros((4, 4)))

    shown = draw(paint, alt="Maps.", ncols=4, height=1.4)
    wide, narrow = (
        [float(size) for size in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()]
        for svg in (shown.svg, shown.narrow)
    )
    assert wide[0] == 540 and wide[1] == pytest.approx(72 * 1.4 * 7.5 / 5.4, rel=0.01)
    assert narrow[1] > 1.3 * wide[1]


def test_long_names_of_rows_stand_above_them_on_a_phone():
    names = ["a name that is long enough to leave no room for any mark", "b"]
    arms = {key: (name, [1.0, 2.0]) for key, name in zip("ab", names, strict=True)}
    shown = draw(lambda ax: arm_dots(ax, arms, "x"), alt="Dots.")
    assert names[0] in shown.svg and names[0] not in shown.narrow
    lines = re.findall(r">([^<>]*long enough[^<>]*)<", shown.narrow)
    assert len(lines) == 1 and lines[0] in names[0]


def contrast(first: str, second: str) -> float:
    """The contrast of two colours as the web's guidelines define it."""
    levels = []
    for colour in (first, second):
        parts = [
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in to_rgb(colour)
        ]
        levels.append(float(np.dot(parts, (0.2126, 0.7152, 0.0722))))
    return (max(levels) + 0.05) / (min(levels) + 0.05)


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


CSS = (Path(__file__).parents[1] / "book/_static/book.css").read_text()


@pytest.mark.parametrize("colour", READABLE)
def test_coloured_text_of_figures_can_be_read_in_both_themes(colour):
    light, dark = READABLE[colour]
    assert f"--figure-{colour[1:]}: {dark};" in CSS
    assert contrast(light, "#ffffff") >= 4.5 and contrast(dark, "#121212") >= 4.5
    svg = draw(lambda ax: ax.set_title("words", color=colour), alt="Words.").svg
    assert f"fill: var(--figure-{colour[1:]}, {light})" in svg


def test_words_of_verdicts_can_be_read_in_both_themes():
    found = re.findall(r"--word-\w+: (#\w+);", CSS)
    assert len(found) == 6
    for page, words in (("#ffffff", found[:3]), ("#121212", found[3:])):
        assert all(contrast(word, page) >= 4.5 for word in words)


def test_lines_that_look_the_same_are_one_path_and_transparent_ones_are_not():
    def cross(ax, **look):
        ax.axis("off")
        ax.vlines([0, 1, 2], 0, 1, color="#0072b2", **look)

    one = draw(cross, alt="Lines.").svg
    three = draw(lambda ax: cross(ax, alpha=0.5), alt="Lines.").svg
    assert one.count("stroke: #0072b2") == 1 and three.count("stroke: #0072b2") == 3
    [path] = (p for p in re.findall(r"<path[^>]*>", one) if "#0072b2" in p)
    assert path.count("M ") == 3 == path.count("L ")


def test_text_in_another_colour_is_refused():
    with pytest.raises(ValueError, match=r"text in #ffee00: none of"):
        draw(lambda ax: ax.set_title("words", color="#ffee00"), alt="Words.")


def test_no_text_of_a_style_is_too_small():
    """12 pixels are 9 points at a figure's own size, and no screen shows it smaller."""
    sizes = re.findall(r"font-size: ([\d.]+)px", draw(line, alt="A line.").svg)
    assert sizes and min(map(float, sizes)) >= 9


def test_a_picture_stands_where_it_should_and_leaves_the_axes_alone():
    image = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)

    def paint(ax):
        ax.set(xlim=(0, 9), ylim=(0, 5), aspect="equal")
        picture(ax, image, 2.0, 3.0, 1.0)
        arrow(ax, (2.5, 3.0), (4.0, 3.0), bend=0.2, ls="--")
        assert ax.images[0].get_extent() == [1.5, 2.5, 2.5, 3.5]
        assert np.array_equal(ax.images[0].get_array(), image.transpose(1, 2, 0))
        assert (ax.get_xlim(), ax.get_ylim()) == ((0, 9), (0, 5))
        drawn = ax.texts[0]
        assert drawn.xy == (4.0, 3.0) and drawn.arrow_patch.get_linestyle() == "--"

    draw(paint, alt="A picture and an arrow.")


def test_compared_dots_draw_given_intervals_and_those_of_seeds():
    seeds, counted = [0.5, 0.75, 0.55], wilson_interval(98, 100)

    def paint(ax):
        rows = {"shape": {"a": seeds, "b": counted}, "hue": {"a": seeds, "b": counted}}
        compared_dots(ax, rows, {"a": (INK, "o"), "b": (INK, "s")}, "right, %", chance=(0.1, 0.2))
        low, high = ax.lines[0].get_xdata()
        found = t_interval(seeds)
        assert (low, high) == pytest.approx((100 * found.low, min(100 * found.high, 100)))
        assert tuple(ax.lines[2].get_xdata()) == pytest.approx(
            (100 * counted.low, 100 * counted.high)
        )
        assert [text.get_text() for text in ax.texts[:2]] == ["a 60", "b 98"]
        assert sorted(ax.collections[0].get_offsets()[:, 0]) == pytest.approx([50, 55, 75])
        assert len(ax.collections[1].get_offsets()) == 0  # an interval without seeds
        assert [line.get_xdata()[0] for line in ax.lines[-2:]] == [10, 20]

    draw(paint, alt="Two questions, asked of two encoders.")


def test_tables_are_markdown():
    assert (
        Table(("a", "b"), [("1", "2")])._repr_markdown_() == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    )
    first = "| A beats B | +1.50 (Table 1) | +2.0 [+1.0, +3.0], n = 5 "
    assert f"{first}| {coloured('holds')} |" in repr(verdict_table([VERDICT]))
    levels = "highest at 10 (cannot be excluded as the best: 5, 10), n = 3"
    assert (
        f'| N is 10 | Fig 2 | {levels} | <strong class="verdict open">not decided</strong> |'
        in repr(verdict_table([BEST]))
    )
    bare = Verdict(Contrast("k", "A", "trial", CLAIM.terms), Outcome.NOT_RUN)
    assert '| A | not known | – | <strong class="verdict open">not run</strong> |' in repr(
        verdict_table([bare])
    )
    assert coloured("holds") == '<strong class="verdict gain">holds</strong>'
    assert "loss" in coloured("costs accuracy") and "open" in coloured("not decided")


def frames(count: int, alt: str = "Line {}.") -> dict:
    return {
        f"at {n}": Shown(
            f"<svg>{n}</svg>", alt.format(n), Figure(figsize=(1 + n / 10, 1)), f"<svg>{n}</svg>"
        )
        for n in range(count)
    }


def test_slider_shows_one_frame_and_holds_all():
    slider = Slider(frames(3), "place", start="at 1")
    html = slider._repr_html_()
    shown = re.findall(r'aria-label="(Line \d\.)" data-at="(at \d)"( hidden)?', html)
    assert shown == [
        ("Line 0.", "at 0", " hidden"), ("Line 1.", "at 1", ""), ("Line 2.", "at 2", " hidden"),
    ]  # fmt: skip
    assert 'max="2"' in html and 'value="1"' in html and "<output>at 1</output>" in html
    assert slider._repr_png_() == slider.frames["at 1"].png != slider.frames["at 0"].png
    assert "png" not in vars(slider.frames["at 2"])  # whoever does not print it, does not draw it


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((frames(1), "x"), "1 frames"),
        ((frames(10), "x"), "10 frames"),
        ((frames(2), " "), "label"),
        ((frames(2, "Same."), "x"), "alt text"),
        ((frames(2), "x", "at 7"), "at 7"),
    ],
)
def test_slider_refuses_what_a_reader_could_not_use(arguments, words):
    with pytest.raises(ValueError, match=words):
        Slider(*arguments)


def test_level_dots_shows_seeds_means_and_intervals_where_there_are_any():
    levels = {5: [3.0, 5.0], 1: [1.0], 2: []}

    def paint(ax):
        level_dots(ax, levels, "none", "none", shift=3)
        [means] = [li for li in ax.lines if len(li.get_xdata()) == 2 and li.get_marker() == "o"]
        assert means.get_xydata().tolist() == [[1, 1], [5, 4]]
        [bar] = [li for li in ax.lines if li is not means]
        half = 12.706 * np.sqrt(2) / np.sqrt(2)  # t(0.975, 1) times the standard error
        np.testing.assert_allclose(bar.get_ydata(), [4 - half, 4 + half], rtol=1e-4)
        seeds = sorted(y for dots in ax.collections for _, y in dots.get_offsets())
        assert seeds == [1, 3, 5]

    draw(paint, alt="A sweep.")


def test_arm_dots_says_what_was_not_run_and_gives_one_seed_no_interval():
    def paint(ax):
        arm_dots(ax, {"none": ("none", []), "weak": ("weak", [40.0])}, "%")
        assert "not run" in [text.get_text() for text in ax.texts]
        assert all(li.get_linestyle() == "None" or len(li.get_xdata()) == 1 for li in ax.lines)

    draw(paint, alt="Two arms.")


def test_panels_are_a_row_titled_by_their_keys():
    seen = []

    def paint(ax, value):
        if not is_narrow(ax):
            seen.append((ax, value))

    shown = panels(paint, {"one": 1, "two": 2}, alt="Two.", xlabel="x", ylabel="y")
    assert shown.alt == "Two."
    assert [(ax.get_title(), value) for ax, value in seen] == [("one", 1), ("two", 2)]
    assert [ax.get_xlabel() for ax, _ in seen] == ["x", "x"]
    assert [ax.get_ylabel() for ax, _ in seen] == ["y", ""]
    assert len({ax.get_ylim() for ax, _ in seen}) == 1
    assert panels(paint, {"alone": 3}, alt="One.").svg


def test_slopes_join_the_seeds_that_both_have():
    def paint(ax):
        slopes(ax, {1: 10.0, 2: 20.0}, {2: 22.0, 3: 30.0}, "none", ("left", "right"))
        joined = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 2]
        assert [20.0, 22.0] in [list(y) for y in joined]
        assert not any(10.0 in y and 30.0 in y for y in joined)
        means = [float(line.get_ydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1]
        assert means == [15.0, 26.0]

    draw(paint, alt="Slopes.")


def test_slopes_say_what_is_not_run():
    def paint(ax):
        slopes(ax, {}, {1: 22.0}, "perfect_vanilla", ("left", "right"))
        assert [text.get_text() for text in ax.texts] == ["not run"]

    draw(paint, alt="Half a slope.")


def test_stacked_verdicts_are_as_wide_as_they_are_many():
    def paint(ax):
        stacked_verdicts(
            ax, {"ours": {"holds": 2, Outcome.NOT_RUN: 1}, "theirs": {"not decided": 4}}
        )
        assert [(p.get_x(), p.get_width()) for p in ax.patches] == [(0, 2), (2, 1), (0, 4)]
        assert [text.get_text() for text in ax.texts] == ["2", "1", "4"]

    draw(paint, alt="Stacks.")


def test_plausible_levels_marks_the_kept_and_crosses_the_excluded():
    def paint(ax):
        best = PlausibleLevels(10.0, 5.0, 10.0, 3, (5.0, 10.0))
        plausible_levels(ax, {"a dial": ("vanilla", (1, 5, 10), best)})
        marks = {line.get_marker(): list(line.get_xdata()) for line in ax.lines}
        assert marks == {"v": [5, 10], "x": [1], "o": [10.0]}
        assert [label.get_text() for label in ax.get_yticklabels()] == ["a dial"]

    draw(paint, alt="A strip.")


def test_level_ticks_stand_at_the_levels_alone():
    def paint(ax):
        ax.set(xscale="log", yscale="log", xlim=(1, 60), ylim=(1, 60))
        level_ticks(ax, (2, 10.0, 50))
        level_ticks(ax, (3, 4), ["three", "four"], axis="y")
        assert [t.get_text() for t in ax.get_xticklabels()] == ["2", "10", "50"]
        assert [t.get_text() for t in ax.get_yticklabels()] == ["three", "four"]
        assert not len(ax.get_xticks(minor=True)) + len(ax.get_yticks(minor=True))

    draw(paint, alt="Ticks.")


def test_end_labels_keep_their_distance_and_their_order():
    def paint(ax):
        ax.set_ylim(0, 10)
        end_labels(ax, [(1, 5.0, "b"), (1, 1.0, "a"), (1, 5.1, "c")], gap=0.1)
        places = {text.get_text(): text.xy[1] for text in ax.texts}
        assert places == {"a": 1.0, "b": 5.0, "c": 6.0}

    draw(paint, alt="Labels.")


def test_star_stands_over_its_place():
    def paint(ax):
        star(ax, 10, "theirs")
        assert list(ax.lines[0].get_xdata()) == [10]
        assert ax.texts[0].get_text() == "theirs"

    draw(paint, alt="A star.")


def test_grid_of_signs_is_coloured_by_sign_and_deepest_at_the_largest():
    def paint(ax):
        sign_grid(
            ax, ["a", "b", "c"], {"x": ([1, 0, -1], [0.25, 9.0, -1.0]), "y": ([0] * 3, [0.0] * 3)}
        )
        first, last = ax.patches
        assert first.get_facecolor()[:3] == to_rgb(BOUNDARY)
        assert last.get_facecolor()[:3] == to_rgb(REAL)
        assert first.get_alpha() == pytest.approx(0.2 + 0.45 * 0.5)
        assert last.get_alpha() == pytest.approx(0.65)
        assert [text.get_text() for text in ax.texts] == ["", "=", "+", "=", "=", "="]
        assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]

    assert draw(paint, alt="Signs.").svg


def test_flowchart_numbers_its_arrows_and_outlines_questions():
    boxes = {"a": (0.3, 0.9, "so?"), "b": (0.3, 0.5, "do"), "c": (0.8, 0.9, "leave")}

    def paint(ax):
        flowchart(ax, boxes, [("a", "b", "yes"), ("a", "c", "")])
        said = {text.get_text(): text for text in ax.texts}
        outlines = {
            name: said[text].get_bbox_patch().get_edgecolor()
            for name, (_, _, text) in boxes.items()
        }
        assert outlines["a"][:3] == to_rgb(INK)
        assert outlines["b"] == outlines["c"] != outlines["a"]
        beside, above = said["1  yes"].get_position(), said["2"].get_position()
        assert beside[0] > 0.3
        assert beside[1] == pytest.approx(0.7)
        assert 0.3 < above[0] < 0.8
        assert above[1] > 0.9

    assert draw(paint, alt="A flowchart.").svg


def test_the_pipeline_has_two_images_and_two_views_of_each():
    def paint(ax):
        images = np.stack([np.full((3, 4, 4), level, np.uint8) for level in (10, 20)])
        contrastive_pipeline(ax, images, [images + 1, images + 2])
        shown = [(image.get_extent()[3], image.get_array()[0, 0, 0]) for image in ax.images]
        from_above = [level for _, level in sorted(shown, reverse=True)]
        assert sorted(from_above[:3]) == [10, 11, 12] and sorted(from_above[3:]) == [20, 21, 22]
        marks = [line for line in ax.lines if line.get_marker() in "os"]
        # all four embeddings lie on the circle
        radii = [np.hypot(m.get_xdata()[0] - 8.2, m.get_ydata()[0] - 1.7) for m in marks]
        assert np.allclose(radii, 1.25) and len(radii) == 4

    draw(paint, alt="A pipeline.")


def test_a_ladder_has_its_rungs_in_order_and_their_numbers():
    def paint(ax):
        ladder(ax, [("error", 0.02), ("vote", 0.1), ("bound", 0.9)])
        assert [label.get_text() for label in ax.get_yticklabels()] == ["error", "vote", "bound"]
        notes = {text.get_text(): text.xy for text in ax.texts}
        assert notes["0.100"] == (0.1, 1) and "says nothing" in notes
        assert ax.get_xlim()[0] < 0.02 and ax.get_ylim()[0] > ax.get_ylim()[1]

    draw(paint, alt="A ladder.")


def test_densities_are_shaded_where_the_generated_one_is_higher():
    x = np.linspace(0, 1, 11)
    real, generated = 1 - x, x  # they cross at one half

    def on_the_line(ax):
        densities_on_the_line(ax, x, real, generated)
        for shade in ax.collections:
            corners = np.concatenate([path.vertices for path in shade.get_paths()])
            assert corners[:, 0].min() == pytest.approx(0.6) and corners[:, 0].max() == 1

    def in_the_plane(ax):
        densities_in_the_plane(ax, x, [0, 1], np.stack([real] * 2), np.stack([generated] * 2))
        corners = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
        assert corners[:, 0].min() == pytest.approx(0.5) and corners[:, 0].max() == 1

    draw(on_the_line, alt="On the line.")
    draw(in_the_plane, alt="In the plane.")


def test_shares_of_the_truth_stand_with_what_could_be_reached():
    def paint(ax):
        rows = {"a 0.1": (("red", "o"), 0.0, [70.0, 90.0], 95.0),
                "a 0.2": (("red", "o"), 1.5, [85.0], 99.0)}  # fmt: skip
        shares_of_the_truth(ax, rows, target=80)
        found = [list(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"]
        assert found == [[70, 90], [85]]
        reach = [line.get_xdata()[0] for line in ax.lines if line.get_color() == "#808080"]
        assert reach == [95, 99]
        assert list(ax.get_yticks()) == [0, 1.5] and ax.get_xlim() == (67, 101)

    draw(paint, alt="Shares.")


def test_a_limit_stands_at_infinity_and_larger_samples_to_the_left():
    def paint(ax):
        over_inverse_size(ax, (100, 400), [3.0, 1.5], GapEstimate(1.0, 0.8, 1.2, 400, 400),
                          REAL, "o", "blur", aside=0.1)  # fmt: skip
        curve, bar, limit, _ = ax.lines
        assert list(curve.get_xdata()) == [10, 2.5] and list(curve.get_ydata()) == [3.0, 1.5]
        assert list(bar.get_ydata()) == [0.8, 1.2] and list(limit.get_xdata()) == [0.1]
        ticks = dict(
            zip(ax.get_xticks(), (t.get_text() for t in ax.get_xticklabels()), strict=True)
        )
        assert ticks == {0: "∞", 10: "100", 2.5: "400"}

    draw(paint, alt="Over one over n.")


def test_gains_have_a_star_for_what_is_reported_and_an_interval_for_what_is_measured():
    def paint(ax):
        gains(
            ax, {"theirs": 2.0, "others": 3.0}, {"ours": (Interval(1.0, 0.5, 1.5, 2), [0.9, 1.1])}
        )
        marks = {line.get_marker(): line for line in ax.lines}
        assert [*zip(*marks["*"].get_data(), strict=True)] == [(2.0, 0), (3.0, 1)]
        assert [float(x) for x in marks["o"].get_xdata()] == [1.0]
        assert any(list(line.get_xdata()) == [0.5, 1.5] for line in ax.lines)
        assert ax.collections[0].get_offsets()[:, 0].tolist() == [0.9, 1.1]
        assert [t.get_text() for t in ax.get_yticklabels()] == ["theirs", "others", "ours"]

    draw(paint, alt="Gains.")


def test_values_that_repeat_are_circles_by_their_count():
    def paint(ax):
        counted_values(ax, {"a": (REAL, [1.0, 2.0, 2.0, 2.0]), "b": (INK, [5.0])})
        first, second = ax.collections
        assert first.get_offsets().tolist() == [[1.0, 0.0], [2.0, 0.0]]
        assert first.get_sizes()[1] == pytest.approx(3 * first.get_sizes()[0])
        assert second.get_offsets().tolist() == [[5.0, 1.0]]
        assert [text.get_text() for text in ax.texts] == ["1", "3", "1"]

    draw(paint, alt="Counts.")


def test_a_mixture_has_its_masses_as_bars_between_its_two_sides():
    real, generated = np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.5, 0.5])

    def paint(ax):
        mixed_masses(ax, real, generated, 0.25 * real + 0.75 * generated)
        bars = [patch.get_height() for patch in ax.patches[:3]]
        assert bars == pytest.approx([0.125, 0.45, 0.425])
        sides = [patch.get_data().values.tolist() for patch in ax.patches[3:]]
        assert sides == [real.tolist(), generated.tolist()]

    draw(paint, alt="A mixture.")


def test_a_marked_batch_has_a_dot_for_each_real_image_and_a_cross_for_each_other():
    def paint(ax):
        marked_batch(ax, np.zeros((4, 3, 12, 12), np.uint8), [True, False, True, False])
        found = {line.get_marker(): list(line.get_xdata()) for line in ax.lines}
        assert found == {"o": [6.0, 32.0], "x": [19.0, 45.0]}  # images of 12, gaps of 1

    draw(paint, alt="A batch.")


def test_the_drawing_of_the_experiment_has_its_images_steps_and_questions():
    def paint(ax):
        real, generated = (np.full((6, 3, 4, 4), grey, np.uint8) for grey in (10, 200))
        experiment_drawing(ax, real, generated)
        shown = [int(np.asarray(image.get_array())[0, 0, 0]) for image in ax.images]
        assert shown == [10] * 6 + [200] * 6
        words = [text.get_text() for text in ax.texts]
        assert {"mixture", "two views", "encoder", "$D_{TV}$"} <= set(words)

    draw(paint, alt="A drawing.")


def test_groups_stand_out_among_all():
    points, groups = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 1, 1])

    def paint(axes):
        groups_among_all(axes, points, groups, ["a", "b"], [0.5, 0.5], reach=12)
        for group, ax in enumerate(axes):
            everyone, own, cross = (np.transpose(line.get_data()) for line in ax.lines)
            assert np.array_equal(everyone, points) and np.array_equal(own, points[groups == group])
            assert cross.tolist() == [[0.5, 0.5]] and ax.get_title() == "ab"[group]

    draw(paint, alt="Groups.", ncols=2)


def test_pushes_are_cumulated_from_the_hardest_and_barred_by_temperature():
    carried = {t: np.cumsum(np.full(4, 0.25)) for t in (0.1, 0.2, 0.5, 1.0)}
    misled = dict(zip(carried, (0.4, 0.3, 0.2, 0.1), strict=True))

    def paint(axes):
        pushes(axes, carried, misled, base=0.15)
        assert all(list(line.get_xdata()) == [25, 50, 75, 100] for line in axes[0].lines)
        assert [bar.get_width() for bar in axes[1].patches] == pytest.approx([40, 30, 20, 10])
        assert [tick.get_text() for tick in axes[1].get_yticklabels()] == ["0.1", "0.2", "0.5", "1"]
        assert axes[1].lines[0].get_xdata()[0] == 15

    draw(paint, alt="Pushes.", ncols=2)


def test_spectra_stand_beside_their_graphs():
    world, shares = ring_world(2), {"alone": 1, "both": 1 / 3}

    def paint(axes):
        graphs_and_spectra(axes, world, shares, k=2)
        for beta, line in zip(shares.values(), axes[2].lines, strict=False):
            assert np.allclose(line.get_ydata(), world.graph(beta).eigenvalues(8))
        titles = [f"{name}: α = {world.labeling_error(b):.2f}" for name, b in shares.items()]
        assert [ax.get_title() for ax in axes[:2]] == titles

    draw(paint, alt="Graphs and spectra.", ncols=3)


def test_boxes_of_crops_lie_on_the_images_that_they_are_of():
    images = torch.randint(0, 256, (3, 3, 24, 24), dtype=torch.uint8)
    noise = torch.Generator().manual_seed(0)
    views = {"one": augment(images, POLICIES["symmetric"], noise, return_parameters=True)}

    def paint(ax):
        crop_sheet(ax, images, views, [REAL])
        drawn = views["one"][1]
        for i, box in enumerate(ax.patches):
            # two blank pixels lie between images of 24
            x, y = box.get_x() - 26 * i, box.get_y()
            assert (x, y) == (int(drawn.left[i]), int(drawn.top[i]))
            assert x >= 0 and x + box.get_width() <= 24 and y + box.get_height() <= 24
        assert len(ax.patches) == 3

    draw(paint, alt="Crops.")
