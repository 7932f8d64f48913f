"""The sweep of the toy as the book reads it: a record by hand, and the committed one."""

import numpy as np
import pytest

from adainf_core.findings import ToySweepFindings
from adainf_core.theory.gaussian_toy import gaussian_toy_labeling_error

RECORD = {
    "findings": {
        "strengths": [0.5, 1.0],
        "sizes": [30, 60],
        "draws": 7,
        "labeling_error": [0.1, 0.2],
        "curves": {
            "2": {
                "spectral_gap": [None, [[0.0005, 0.0001, 0.002], [0.4, 0.2, 0.5]]],
                "real_error": [None, [None, [0.3, 0.25, 0.35]]],
            }
        },
        "best_strength": {"2": {"real_error": [None, [1.0, 0.5, 1.0]]}},
    }
}
FOUND = ToySweepFindings(RECORD)


def test_ends_of_the_ratio_are_those_of_the_connectivity_the_other_way_round():
    nothing, ratio = FOUND.ratio(2, 60)
    assert (ratio.mean, ratio.low, ratio.high, ratio.n) == pytest.approx((0.5, 0.4, 1.0, 7))
    assert np.isnan(nothing.mean) and np.isnan(nothing.high) and nothing.low == 50


def test_the_error_is_read_at_the_best_strength():
    error = FOUND.error_at_best(2, "real_error", 60)
    assert (error.mean, error.low, error.high) == (0.3, 0.25, 0.35)
    assert np.isnan(FOUND.curve(2, "real_error", 60)[0].mean)


def test_the_committed_record_is_of_this_toy():
    found = ToySweepFindings()
    alphas = [gaussian_toy_labeling_error(strength) for strength in found.strengths]
    assert found.record["findings"]["labeling_error"] == pytest.approx(alphas, abs=6e-6)
    for k in (2, 8, 32):
        means = [interval.mean for interval in found.curve(k, "real_error", 1000)]
        best = found.best(k, "real_error", 1000)
        assert found.strengths[int(np.nanargmin(means))] == best.mean and best.mean in best
        assert found.finer_grid(k)["steps_of_the_minimisers"]
