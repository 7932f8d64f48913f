"""ADAINF_SCALE is one of five names, quick when absent."""

import pytest

from adainf_core.evidence.runs.scales import SCALES, current_scale


def test_default_is_quick(monkeypatch):
    monkeypatch.delenv("ADAINF_SCALE", raising=False)
    assert current_scale() == "quick"


@pytest.mark.parametrize("scale", SCALES)
def test_named_scale_is_taken(monkeypatch, scale):
    monkeypatch.setenv("ADAINF_SCALE", scale)
    assert current_scale() == scale


def test_unknown_scale_is_named(monkeypatch):
    monkeypatch.setenv("ADAINF_SCALE", "huge")
    with pytest.raises(
        ValueError, match="'huge' is not a scale; choose quick, laptop, desktop, gpu"
    ):
        current_scale()
