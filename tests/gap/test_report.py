"""The gap report: what each row says, a page that stands alone, and the command."""

import html.parser
import io
import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adainf_core.advice.planning import make_plan
from adainf_core.cli import main
from adainf_core.cli.gap import page_name
from adainf_core.data import copies, known_copies
from adainf_core.data.images import ImageSet
from adainf_core.data.sprites import SpriteWorld
from adainf_core.gap import format_share
from adainf_core.gap import report as report_module
from adainf_core.gap.extractors import pixels
from adainf_core.gap.report import gap_report
from adainf_core.gap.report_page import page, summary
from adainf_core.gap.rows import shown
from adainf_core.progress import progress_told

WORLD = SpriteWorld(places=2, scales=1, tilts=1)


@pytest.fixture(autouse=True, scope="module")
def _fewer_trees_and_blocks():
    """Of the bound's trees, and of the blocks in which traces of JPEG are looked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adainf_core.gap.neighbour_classifier._MOST_TREES", 16)
        patch.setattr("adainf_core.gap.jpeg._SCANNED", 2**14)
        yield


def sprites(distribution, count, seed, name):
    return WORLD.sample(distribution, count, np.random.default_rng(seed), name)


@pytest.fixture(scope="module")
def report(_fewer_trees_and_blocks):
    real = sprites(WORLD.real_distribution(), 260, 0, "real <sprites>")
    made = sprites(WORLD.flaw_distribution("background"), 240, 1, "odd grounds")
    held_out = sprites(WORLD.real_distribution(), 240, 2, "held-out")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return gap_report(real, made, pixels(4), held_out=held_out, n=240, keep_copies=True)


def test_rows_see_the_gap_and_the_zero_line_is_zero(report):
    kernel, frechet = report.row("kernel distance"), report.row("Fréchet, extrapolated")
    for row in (kernel, frechet):
        assert row.found.low > row.mirrored.high >= 0
    assert report.row("total variation, images").found.low > 0.6
    assert report.row("total variation, images").mirrored.low == 0
    assert report.row("AUC, images").found.low > 0.9
    mirrored = report.row("AUC, images").mirrored
    # half-width 0.09 at 84 + 84 rows; two of them
    assert abs(mirrored.value - 0.5) < 0.18
    for row in report.rows:
        assert row.found.n_real <= 240 and row.sees and row.misses and row.features
    assert report.notes == ()
    with pytest.raises(KeyError, match="known are"):
        report.row("FID")


def test_the_table_names_extractor_n_and_interval(report):
    text = str(report)
    assert "pixels at 4x4" in text and "intervals at 95 %" in text and "held-out" in text
    assert "FID" not in text
    assert re.search(r"kernel distance +0\.\d+ \[0\.\d+, 0\.\d+\] +240\+240", text)
    assert max(map(len, text.splitlines())) <= 110


class Reader(html.parser.HTMLParser):
    """Collects what a page would load, its pictures' alt texts and unclosed tags."""

    def __init__(self):
        super().__init__()
        self.loaded, self.alts, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.loaded += [given[key] for key in ("src", "href") if key in given]
        if tag == "img":
            self.alts.append(given.get("alt", ""))
        if tag not in ("img", "meta", "br", "line", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.loaded += [value for key, value in attributes if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_stands_alone(report, tmp_path):
    path = report.write_html(tmp_path / "new" / "gap.html")
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    text = re.sub(r"base64,[^\"]*", "", text)  # four random letters may spell anything
    assert reader.open == []
    assert len(reader.alts) == 4 and all(reader.alts)
    assert all(source.startswith("data:image/png;base64,") for source in reader.loaded)
    assert "<script" not in text and "url(" not in text and "http" not in text
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text
    assert "real &lt;sprites&gt;" in text and "<sprites>" not in text
    assert text.count("<svg") == len(report.rows)
    assert "nan" not in text
    assert [*path.parent.iterdir()] == [path]


def test_no_text_in_a_report_marks_the_page_up(report):
    hostile = "<script>alert('1')</script>\"><b>&"
    rows = tuple(
        replace(row, features=hostile, sees=hostile, misses=hostile) for row in report.rows
    )
    rows += (replace(rows[0], measure=hostile),)
    checks = tuple(replace(check, says=hostile, differs=True) for check in report.checks)
    sides = (replace(side, name=hostile) for side in (report.real, report.generated))
    real, generated = sides
    text = page(
        replace(
            report, rows=rows, real=real, generated=generated, notes=(hostile,), mirror=hostile,
            extractor=hostile, saw=hostile, checks=checks,
        )
    )  # fmt: skip
    text += summary(replace(report, rows=rows, checks=checks, notes=(hostile,)))
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    assert "<script" not in text and "<b>" not in text
    assert text.count("&lt;script&gt;") >= 4 * len(rows)


def test_the_command_prints_the_table_and_writes_the_page(report, tmp_path, capsys, monkeypatch):
    asked = {}

    def measured(real, generated, extractor, **options):
        asked.update(options, real=real, generated=generated, extractor=extractor)
        return report

    monkeypatch.setattr("adainf_core.gap.report.gap_report", measured)
    for seed, name in enumerate(("real", "made", "other")):
        np.savez(tmp_path / name, images=sprites(WORLD.real_distribution(), 20, seed, name).images)
    real, made, other = (str(tmp_path / f"{name}.npz") for name in ("real", "made", "other"))
    page = tmp_path / "page.html"
    options = ["--extractor", "pixels", "--n", "120", "--html", str(page), "--held-out", other]
    assert main(["gap", real, made, *options, "--size", "8"]) == 0
    assert capsys.readouterr().out == f"{report.table()}\n{page}\n" and page.is_file()
    assert asked["n"] == 120 and asked["confidence"] == 0.95 and asked["seed"] == 0
    assert asked["extractor"].name == "pixels at 8x8"
    for side in ("real", "generated", "held_out"):
        assert asked[side].images.shape == (20, 3, 8, 8)
    assert main(["gap", real, made, "--extractor", "dino"]) == 2
    assert "unknown extractor 'dino'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def photographs():
    """Noise of two grains, whose images are all different: uint8 (520, 3, 32, 32)."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 200, (520, 3, 4, 4), np.uint8).repeat(8, axis=2).repeat(8, axis=3)
    return coarse + rng.integers(0, 56, coarse.shape, np.uint8)


@pytest.fixture
def unclassified(report, monkeypatch):
    """What classifiers say is left out, which costs nearly all of a report's time."""
    monkeypatch.setattr("adainf_core.gap.report._classified", lambda *_: (report.classifiers, []))


def a_set(images, name="a set"):
    return ImageSet(np.ascontiguousarray(images), None, name)


def saved(images, quality=98):
    files = [io.BytesIO() for _ in images]
    for image, file in zip(images, files, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(file, "JPEG", quality=quality, subsampling=0)
    return np.stack([np.asarray(Image.open(file)).transpose(2, 0, 1) for file in files])


COPIED = {
    "twice": lambda x: np.concatenate([x, x]),
    "eight times": lambda x: x[:130].repeat(8, axis=0),
    "mirrored": lambda x: np.concatenate([x, x[..., ::-1]]),
    "saved anew": lambda x: np.concatenate([x, saved(x)]),
}


@pytest.mark.usefixtures("unclassified")
@pytest.mark.parametrize("copied", COPIED)
def test_of_copies_of_real_images_the_originals_are_measured(copied, photographs):
    real, fresh = a_set(COPIED[copied](photographs[:260])), a_set(photographs[260:])
    report = gap_report(real, fresh, pixels(4))
    distinct = 130 if copied == "eight times" else 260
    assert len(report.real) == distinct and len(report.generated) == 260
    assert report.repeated[0] == "no generated image is a copy of a real one"
    assert report.repeated[1] == (
        f"real: {len(real) - distinct:,} of {len(real):,} images repeat others, {distinct} distinct"
    )
    assert report.repeated[1] in " ".join(str(report).split())
    assert report.repeated[1] in page(report)
    # of a picture and its copy the first is kept, before the images are shuffled
    originals = {image.tobytes() for image in photographs[:260]}
    assert all(image.tobytes() in originals for image in report.real.images)


@pytest.mark.parametrize("copied", ["eight times", "saved anew"])
def test_copies_of_real_images_are_no_distance(copied, photographs):
    """Fresh images of the same distribution: what repeats on one side has to claim nothing."""
    real, fresh = a_set(COPIED[copied](photographs[:260])), a_set(photographs[260:])
    report = gap_report(real, fresh, pixels(4))
    for measure in ("total variation, images", "total variation, features"):
        # one in twenty may lie a little above 0; copies in both halves would make it 0.3 and more
        assert report.row(measure).found.low < 0.03 > report.row(measure).mirrored.low
    assert report.row("precision").found.value > 0.5


def test_a_set_against_itself_is_said_first(photographs):
    real = a_set(photographs[:150])
    report = gap_report(real, a_set(photographs[:150][::-1]), pixels(4))
    assert report.repeated == ("generated and real are the same images: no distance between them",)
    assert report.checks[0].says == report.repeated[0] and report.checks[0].differs
    assert report.sentences.how_far == (
        "Both sides are the same images: there is no distance between them.",
    )
    for measure in ("precision", "recall", "density", "coverage"):
        row = report.row(measure)
        assert row.found.low < row.mirrored.high and row.found.value > 0.8
    assert report.row("total variation, images").found.low == 0
    # the classifier is asked about the same rows on both sides
    assert report.row("total variation, features").found.value == 0


@pytest.mark.usefixtures("unclassified")
def test_a_generator_that_copies_is_seen_though_real_images_repeat(photographs):
    real = np.concatenate([photographs[:196], photographs[:4]])
    report = gap_report(a_set(real), a_set(saved(real)), pixels(4))
    assert report.repeated == (
        "generated and real are the same images: no distance between them",
        "real: 4 of 200 images repeat others, 196 distinct",
        "generated: 4 of 200 images repeat others, 196 distinct",
    )
    assert report.row("nearer than chance").found.value == 1


@pytest.mark.usefixtures("unclassified")
def test_copies_of_some_real_images_are_counted(photographs):
    half = a_set(np.concatenate([photographs[:100], photographs[300:400]]))
    said = gap_report(a_set(photographs[:200]), half, pixels(4)).repeated
    assert said == ("100 of 200 generated images are copies of real ones",)


@pytest.mark.usefixtures("unclassified")
def test_near_copies_that_are_not_searched_are_said(photographs):
    small = photographs[:, :, ::2, ::2]
    report = gap_report(a_set(small[:260]), a_set(small[260:]), pixels(4))
    assert report.repeated[1:] == (
        "near ones not searched: 16 pixels hold too little to tell a picture from its likes (of "
        "those found at 16 one in five is none; they are searched from 32 on)",
    )


@pytest.mark.usefixtures("unclassified")
def test_copies_are_kept_on_request(photographs):
    real, fresh = a_set(photographs[:130].repeat(2, axis=0)), a_set(photographs[260:])
    report = gap_report(real, fresh, pixels(4), keep_copies=True)
    assert len(report.real) == 260 and "copies among the images are kept" in report.repeated[0]
    with pytest.raises(ValueError, match=r"real has 30 distinct images among 240, .*at least 120"):
        gap_report(a_set(photographs[:30].repeat(8, axis=0)), fresh)


def test_bad_input_is_named():
    small, large = (ImageSet(np.zeros((130, 3, s, s), np.uint8), None, "x") for s in (8, 16))
    with pytest.raises(ValueError, match=r"generated has images of \(16, 16\)"):
        gap_report(small, large)
    with pytest.raises(ValueError, match="held_out has 99 images: at least 120"):
        gap_report(small, small, held_out=small.subset(np.arange(99)))
    with pytest.raises(ValueError, match="n = 10 must be at least 120"):
        gap_report(small, small, n=10)


@pytest.mark.usefixtures("unclassified")
def test_without_held_out_images_halves_of_the_real_ones_are_the_zero_line():
    real, made = (sprites(WORLD.real_distribution(), 131 + i, i, "a set") for i in range(2))
    first, second, other = (
        gap_report(real, made, pixels(2), n=125, seed=s, keep_copies=True) for s in (0, 0, 1)
    )
    assert first.rows == second.rows != other.rows
    assert len(first.real) == len(first.generated) == 125
    kernel, precision = first.row("kernel distance"), first.row("precision")
    assert (kernel.found.n_real, kernel.found.n_generated) == (125, 125)
    assert (kernel.mirrored.n_real, kernel.mirrored.n_generated) == (63, 62)
    # what depends on n has the same n in all
    for found in (precision.found, precision.mirrored):
        assert (found.n_real, found.n_generated) == (62, 62)
    assert "two halves" in first.mirror and first.memorised.reference == "other training rows"


#: Of each row: the module that measures it, the test of its value, the check of its interval.
MEASURES = {
    "Fréchet, extrapolated": (
        "frechet",
        "gap/test_frechet.py::test_torch_fidelity_gives_the_same",
        "gap/test_frechet.py::test_the_bias_goes_and_the_interval_covers",
    ),
    "kernel distance": (
        "kernel_distance",
        "gap/test_kernel_distance.py::test_it_is_the_unbiased_estimate_by_brute_force",
        "gap/test_kernel_distance.py::test_no_bias_and_intervals_that_cover",
    ),
    "nearer than chance": (
        "memorisation",
        "gap/test_memorisation.py::test_copies_and_near_copies_are_found",
        "gap/test_precision_recall.py::test_wilson_interval",
    ),
}
for _name, _check in {
    "precision": "test_intervals_cover_the_draw_of_generated_rows",
    "recall": "test_wilson_interval",
    "density": "test_intervals_cover_the_draw_of_generated_rows",
    "coverage": "test_wilson_interval",
}.items():
    _tests = "gap/test_precision_recall.py::"
    _oracle = f"{_tests}test_the_package_prdc_gives_the_same"
    MEASURES[_name] = ("precision_recall", _oracle, _tests + _check)
for _side, _module in {"images": "image_tv", "features": "classifier_tv"}.items():
    MEASURES[f"total variation, {_side}"] = (
        _module,
        "gap/test_neighbour_classifier.py::"
        "test_the_bound_on_sprites_is_most_of_the_truth_and_never_above",
        "theory/test_tv_estimation.py::test_lower_bound_covers_the_true_distance",
    )
    for _name in ("AUC", "accuracy"):
        MEASURES[f"{_name}, {_side}"] = (
            _module,
            "gap/test_classifier_tv.py::test_accuracy_and_area_are_those_of_the_held_out_rows",
            "gap/test_classifier_tv.py::test_their_intervals_cover",
        )


def test_every_row_of_the_report_is_a_measure_that_is_looked_after(report):
    assert {row.measure for row in report.rows} == set(MEASURES), "list the row in MEASURES"


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_has_a_test_an_interval_check_and_an_entry_in_the_reference(measure):
    module, *checks = MEASURES[measure]
    tests = Path(__file__).parents[1]
    for check in checks:
        path, _, name = check.partition("::")
        assert f"def {name}(" in (tests / path).read_text(encoding="utf-8"), check
    reference = (tests.parent / "book/reference/api.md").read_text(encoding="utf-8")
    assert f"automodule:: adainf_core.gap.{module}\n" in reference


# ---- beside other commands


def never(*_, **__):
    raise AssertionError("searched again")


@pytest.mark.usefixtures("unclassified")
def test_kept_copies_of_whole_sets_are_not_searched_again(photographs, monkeypatch):
    real = a_set(np.concatenate([photographs[:140], saved(photographs[100:140])]))
    made = a_set(np.concatenate([photographs[135:300], photographs[290:300, ..., ::-1]]))
    searched = []
    found = copies.find_copies
    for module in (report_module, known_copies):
        monkeypatch.setattr(
            module, "find_copies", lambda *sets, **o: searched.append(1) or found(*sets, **o)
        )
    first = gap_report(real, made, pixels(4))
    assert searched == [1] and first.shared == 5
    monkeypatch.setattr(known_copies, "find_copies", never)
    again = gap_report(real, made, pixels(4))
    assert again.repeated == first.repeated and again.rows == first.rows
    # of a part of a set nothing is kept
    gap_report(real, made, pixels(4), n=150)
    assert searched == [1, 1]
    # what is searched among the images drawn gives the same groups
    monkeypatch.setattr(report_module, "known_copies", lambda *sets: copies.find_copies(
        *(images.images for images in sets)))  # fmt: skip
    monkeypatch.setattr(report_module, "_copies", lambda sets, taken, orders: copies.find_copies(
        *(images.images for images in taken.values())))  # fmt: skip
    assert gap_report(real, made, pixels(4)).rows == first.rows


def test_a_plan_and_a_report_of_the_same_images_have_one_bound(photographs, monkeypatch, report):
    monkeypatch.setattr(report_module, "classifier_tv", lambda *_, **__: report.classifiers[1])
    real, made = a_set(photographs[:260]), a_set(photographs[260:] // 2)
    plan = make_plan(real, made, 64, 100, noise=1.0, gap_images=150)
    report = gap_report(real, made, pixels(2), n=150)
    assert plan.gap.estimate == report.classifiers[0].estimate and plan.gap.lower > 0.2


def test_a_side_that_is_larger_weighs_no_more(photographs, monkeypatch):
    """Classifiers learn from as many of either side, whatever there is."""
    seen = []

    def classified(real, generated, **_):
        seen.append((len(real), len(generated)))
        raise StopIteration

    monkeypatch.setattr(report_module, "image_tv", classified)
    with pytest.raises(StopIteration):
        gap_report(a_set(photographs[:140]), a_set(photographs[140:]), pixels(2))
    assert seen == [(140, 140)]


def test_a_format_on_one_side_is_measured_and_said(photographs, monkeypatch, report):
    monkeypatch.setattr(report_module, "_classified", lambda *_: (report.classifiers, []))
    monkeypatch.setattr(
        format_share, "image_bound", lambda *_, **__: report.classifiers[0].estimate
    )
    jpegs = a_set(saved(photographs[140:300], 80))
    found = gap_report(a_set(photographs[:140]), jpegs, pixels(4))
    assert (found.format_share.resaved, found.format_share.quality) == ("real", 80)
    by_name = {check.name: check for check in found.checks}
    assert [*by_name] == ["copies", "file format", "fine detail", "colour", "sizes"]
    assert "generated JPEG of quality 80 in the pixels of 100 %" in by_name["file format"].says
    text = " ".join(found.table().split())
    assert text.index("copies:") < text.index("file format:") < text.index("measure generated")
    assert text.index("nearer than chance") < text.index("How far:") < text.index("What it changes")
    shown = page(found)
    assert shown.index("How far") < shown.index("Pictures") and "saved alike" in shown
    plain = json.loads(json.dumps(found.as_plain(), allow_nan=False))
    assert plain["sentences"]["made_of"][0] == (
        "The generated images were saved as JPEG of quality 80, the real ones were not."
    )
    assert [row["measure"] for row in plain["format"]["rows"]] == [
        "total variation, images", "Fréchet, extrapolated", "kernel distance",
    ]  # fmt: skip
    assert plain["checks"][1]["differs"] is True


def test_a_notebook_shows_words_and_the_table_without_pictures(report):
    text = report._repr_html_()
    reader = Reader()
    reader.feed(text)
    assert reader.open == [] and reader.alts == [] and "How far" in text
    assert text.count("<tr>") == 1 + len(report.rows) and "real &lt;sprites&gt;" in text


def test_a_lower_bound_is_never_rounded_up(report):
    row = report.row("total variation, images")
    assert shown(row, replace(row.found, low=0.4699)).startswith("≥ 0.469 ")


def test_pages_of_different_sets_have_different_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert page_name("cifar10", "train", "fakes.npz") == "gap-fakes.npz-vs-cifar10.html"
    assert page_name("cifar10", "test", "a/fakes") == "gap-a+fakes-vs-cifar10+test.html"
    assert page_name("real", "train", str(tmp_path / "fakes")) == page_name(
        "real", "train", "fakes"
    )
    sets = ["fakes", "a/fakes", "b/fakes", "fakes.npz", "../fakes", "/elsewhere/fakes", "a/b/c/d/e"]
    names = {page_name("real", "train", each) for each in sets}
    assert len(names) == len(sets) and not any("/" in name or len(name) > 200 for name in names)


def test_long_work_says_how_far_it_is(photographs, capsys, monkeypatch, report):
    monkeypatch.setattr(report_module, "_classified", lambda *_: (report.classifiers, []))
    sides = a_set(photographs[:130]), a_set(photographs[130:260])
    gap_report(*sides, pixels(2))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("adainf_core.progress._LINE_SECONDS", 0.0)
    with progress_told():
        gap_report(*sides, pixels(2))
    lines = capsys.readouterr().err.splitlines()
    assert "measuring the gap: 6 of 6 stages" in lines
