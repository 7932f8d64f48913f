"""What the file format makes of a distance: each measure with its own control."""

import numpy as np
import pytest
from photo_tiles import tiles

from adainf_core.gap.extractors import pixels
from adainf_core.gap.format_share import format_share
from adainf_core.gap.frechet import frechet_estimate
from adainf_core.gap.jpeg import jpeg_grid, saved_as_jpeg
from adainf_core.theory.tv_estimation import tv_lower_bound

BOUND = tv_lower_bound([0.0] * 9, [1.0] * 9)


@pytest.fixture
def bounded(monkeypatch):
    """The bound on images is asked for, and not computed."""
    asked = []

    def bound(one, other, **_):
        asked.append((one, other))
        return BOUND

    monkeypatch.setattr("adainf_core.gap.format_share.image_bound", bound)
    return asked


def sides(qualities, n=130):
    images = {"real": tiles()[:n], "generated": tiles()[:n, ..., ::-1]}
    for name, quality in qualities.items():
        if quality is not None:
            images[name] = saved_as_jpeg(images[name], quality)
    return images


def shared(images, **options):
    chosen = pixels(4)
    features = {name: chosen(side) for name, side in images.items()}
    grids = {name: jpeg_grid(side) for name, side in images.items()}
    return format_share(images, features, grids, chosen, **options)


@pytest.mark.parametrize("quality", [None, 40])
def test_of_one_format_nothing_is_explained(quality, bounded):
    assert shared(sides({"real": quality, "generated": quality})) is None
    assert bounded == []


@pytest.mark.parametrize(
    ("real", "generated", "resaved"),
    [(None, 40, "real"), (40, None, "generated"), (90, 40, "real")],
)
def test_the_finer_side_is_saved_as_the_coarser_one(real, generated, resaved, bounded):
    images = sides({"real": real, "generated": generated})
    share = shared(images, as_is=BOUND, frechet="FID, extrapolated")
    assert (share.resaved, share.quality) == (resaved, 40)
    after = saved_as_jpeg(images[resaved], 40)
    # the format alone: two halves, one of them saved anew; then both sides saved alike
    (before, again), alike = bounded
    assert np.array_equal(before, images[resaved][65:]) and np.array_equal(again, after[:65])
    expected = images | {resaved: after}
    assert all(np.array_equal(a, b) for a, b in zip(alike, expected.values(), strict=True))
    rows = {row.measure: row for row in share.rows}
    assert rows["total variation, images"].as_is.low == BOUND.lower
    chosen = pixels(4)
    for name, pair in (
        ("as_is", images.values()),
        ("alone", (images[resaved][65:], after[:65])),
        ("alike", expected.values()),
    ):
        found = getattr(rows["FID, extrapolated"], name)
        assert found == frechet_estimate(*map(chosen, pair)).extrapolated, name


def test_so_many_are_taken_and_no_more(bounded, monkeypatch):
    monkeypatch.setattr("adainf_core.gap.format_share.MOST", 120)
    share = shared(sides({"real": None, "generated": 40}), as_is=BOUND)
    assert [len(side) for pair in bounded for side in pair] == [120, 120, 60, 60, 120, 120]
    assert share.rows[-1].measure == "kernel distance" and share.rows[-1].alike.n_real == 120
