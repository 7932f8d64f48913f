"""What a notebook shows: a few lines with escaped names, a small picture; no pixels in numbers."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from adainf_core import GeneratedImages, ImageSet, Inflation, small_cnn
from adainf_core.advice.own_images import OwnImages
from adainf_core.advice.own_study import compared
from adainf_core.learning.pretraining import Pretrained
from adainf_core.notebook import curve, table

HOSTILE = "<script>alert('1')</script>\"><b>&"
RNG = np.random.default_rng(0)


def noise(count: int, height: int, width: int, name: str = "noise", labelled: bool = True):
    pixels = RNG.integers(0, 256, (count, 3, height, width), np.uint8)
    return ImageSet(pixels, np.arange(count) % 3 if labelled else None, name)


def store(name: str = "fakes", planned: int = 9) -> GeneratedImages:
    checks = {"constant": 0, "duplicates": 4, "memorised": 2, "order": "rgb"}
    images = noise(6, 8, 8).images
    return GeneratedImages(images, None, name, Path(), checks, "auto", "real", planned=planned)


def run(mixture: str = "noise", losses=(5.0, 4.0, 3.5)) -> Pretrained:
    history = [{"step": 10 * n, "loss": loss} for n, loss in enumerate(losses, 1)]
    return Pretrained(small_cnn(1), history, 30, True, 8, mixture, Path("run.pt"))


class Reader(HTMLParser):
    """Collects pictures and text; every tag has to be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pictures, self.text, self.open = [], "", []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in ["div", "strong", "br", "img", "svg", "table", "tr", "th", "td"], tag
        if tag == "img":
            data = dict(attributes)["src"].removeprefix("data:image/png;base64,")
            self.pictures.append(base64.b64decode(data, validate=True))
        elif tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag == "polyline"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + "\n"


@pytest.mark.parametrize("sides", [(1, 1), (8, 8), (16, 16), (32, 32), (33, 20), (224, 300)])
def test_a_set_is_its_name_its_numbers_and_a_few_of_its_images(sides):
    shown = Reader(noise(70, *sides)._repr_html_())
    (picture,) = shown.pictures
    assert len(picture) < 30_000  # noise cannot be compressed: no images take more
    assert max(Image.open(io.BytesIO(picture)).size) <= 20 * (32 + 2) + 2
    assert shown.text.split("\n")[:2] == [
        "noise", f"70 images of {sides[0]}x{sides[1]} pixels, 3 classes"
    ]  # fmt: skip


def test_the_pictures_are_images_of_the_set_from_its_first_to_its_last():
    images = noise(5, 6, 6)
    (picture,) = Reader(images._repr_html_()).pictures
    found = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    for place, image in enumerate(images.images):
        left = 2 + 8 * place
        assert np.array_equal(found[2:8, left : left + 6], image.transpose(1, 2, 0))


@pytest.mark.parametrize("make", [
    lambda name: noise(3, 8, 8, name),
    store,
    lambda name: Inflation(noise(3, 8, 8, name), noise(3, 8, 8, name, labelled=False)),
    run,
    lambda name: replace(run(), checkpoint=Path(name.replace("/", ""))),
])  # fmt: skip
def test_no_name_marks_the_page_up_and_nothing_prints_its_numbers(make):
    shown, plain = make(HOSTILE), make("noise")
    assert "alert('1')" in Reader(shown._repr_html_()).text
    assert len(repr(plain)) < 400 and "array" not in repr(plain) and "Conv2d" not in repr(plain)


def test_generated_images_say_what_was_counted_and_what_is_to_come():
    assert "6 images" in repr(store()) and "4 duplicates, 2 copies of real, 9 planned" in repr(
        store()
    )
    assert "planned" not in store(planned=6).describe()
    unchecked = replace(store(), checks=store().checks | {"memorised": None})
    assert "copies" not in unchecked.describe()


def test_an_inflation_shows_both_sides_and_their_weights():
    data = Inflation(noise(4, 8, 8), store(), replication=2)
    shown = Reader(data._repr_html_())
    assert data.describe() in shown.text and "fakes" in shown.text and len(shown.pictures) == 2
    assert len(Reader(Inflation(noise(4, 8, 8))._repr_html_()).pictures) == 1


def test_a_run_shows_where_it_stands_and_its_loss():
    text = Reader(run()._repr_html_()).text
    assert "30 steps, finished" in text and "loss 5 at first, 3.5 at last" in text
    assert "run.pt" in text
    begun = replace(run(losses=()), finished=False, steps=0)
    assert "not finished" in Reader(begun._repr_html_()).text and "<svg" not in begun._repr_html_()


def test_a_curve_goes_from_corner_to_corner():
    points = re.search(r'points="([^"]*)"', curve([(1, 3.0), (2, 1.0), (5, 2.0)], "Loss."))[1]
    assert points == "3.0,3.0 61.5,57.0 237.0,30.0"
    ElementTree.fromstring(curve([(1, 3.0)], HOSTILE))


def test_a_comparison_is_a_row_a_question(make_record):
    records = [
        make_record(arm, seed, linear=50.0 + 5 * (arm == "none") + seed)
        for arm in ("none", "weak", "vanilla", "adainf")
        for seed in range(2)
    ]
    found = compared(records)
    html = found._repr_html_()
    shown = Reader(html)
    assert "8 runs" in shown.text and html.count("<tr>") == 1 + len(found.verdicts)
    for verdict in found.verdicts:
        assert verdict.claim.statement in shown.text and verdict.summary in shown.text
    assert "not run" in Reader(compared([])._repr_html_()).text


def test_images_to_decide_about_are_their_sets():
    names = ("real", "made", "known", "held")
    sides = [noise(3, 8, 8, name) for name in names]
    own = OwnImages(
        *sides,
        test_kept=True,
        copies={},
        test_copied=0,
        new=np.arange(3),
        digest="",
        two_classes={},
    )
    shown = Reader(own._repr_html_())
    assert len(shown.pictures) == 4 and all(name in shown.text for name in names)
    unlabelled = replace(own, labelled=None, test=None)
    assert len(Reader(unlabelled._repr_html_()).pictures) == 2


def test_cells_of_a_table_are_text():
    assert table(("a",), [(HOSTILE,)]).count("<td>") == 1
    assert HOSTILE in Reader(table(("a",), [(HOSTILE,)])).text
