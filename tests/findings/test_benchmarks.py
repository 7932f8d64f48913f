"""Records of benchmarks, as the book reads them."""

import pytest

from adainf_core.findings import benchmark


def test_a_record_says_whose_it_is():
    assert benchmark("tv_coverage")["benchmark"] == "tv_coverage"


def test_a_record_that_is_missing_is_named_with_its_remedy():
    with pytest.raises(ValueError, match=r"'no_such': run benchmarks/no_such\.py"):
        benchmark("no_such")
