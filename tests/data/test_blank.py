"""Images that are only counted."""

import pytest

from adainf_core.data.blank import blank
from adainf_core.data.inflation import Inflation


def test_blank_images_are_so_many_black_ones():
    images = blank(7)
    assert len(images) == 7
    assert not images.images.any()
    assert images.labels is None


def test_blank_images_mix():
    assert Inflation(blank(50), blank(1000), replication=10).beta == pytest.approx(1 / 3)
