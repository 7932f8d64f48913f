"""Findings of the graph of CIFAR-10 against its records and verdicts."""

import numpy as np
import pytest

from adainf_core.figures.typesetting import typeset
from adainf_core.findings.graphs import STRENGTHS, GraphFindings


@pytest.fixture(scope="module")
def graphs():
    return GraphFindings("cifar-graph")


def test_changes_are_the_means_of_the_judged_brackets(graphs):
    brackets = graphs.verdicts["gap_vanilla"].brackets
    for strength, bracket in zip(STRENGTHS, brackets, strict=True):
        expected = (bracket.least.value, bracket.greatest.value)
        assert graphs.change("vanilla", "none", strength) == pytest.approx(expected)


def test_a_gap_is_read_low_and_high(graphs):
    runs = [r.metrics for r in graphs.records if r.arm == "none"]
    low, high = graphs.gap("none", "strong")
    assert low == pytest.approx(np.mean([r["gap_low_10@strong"] for r in runs]))
    assert high == pytest.approx(np.mean([r["gap_high_10@strong"] for r in runs]))
    assert low < high


@pytest.mark.parametrize(("side", "alpha"), [("low", "alpha"), ("high", "alpha_cell")])
def test_ratios_are_those_of_single_runs(graphs, side, alpha):
    runs = [r.metrics for r in graphs.records if r.arm == "vanilla"]
    expected = [
        [run[f"{alpha}@{s}"] / run[f"gap_{side}_10@{s}"] for s in STRENGTHS] for run in runs
    ]
    np.testing.assert_allclose(graphs.ratios("vanilla", side, alpha), expected)


def test_a_graph_in_pieces_has_no_finite_ratio():
    broken = GraphFindings("cifar-graph")
    metrics = {f"alpha@{s}": 0.1 for s in STRENGTHS} | {f"gap_low_10@{s}": 0.0 for s in STRENGTHS}
    record = type("Record", (), {"arm": "none", "seed": 0, "metrics": metrics})
    broken.__dict__["records"] = [record]
    assert np.isinf(broken.ratios("none")).all()


def test_the_table_has_the_intervals_that_decide(graphs):
    table = str(graphs.table())
    assert len(graphs.table().rows) == len(graphs.study.claims)
    for verdict in graphs.verdicts.values():
        assert verdict.claim.statement in table
        least = min((b.least for b in verdict.brackets), key=lambda found: found.low)
        greatest = min((b.greatest for b in verdict.brackets), key=lambda found: found.high)
        assert (least.low, greatest.high) == (verdict.decisive.low, verdict.decisive.high)
        for found in (least, greatest):
            assert f"| {typeset(f'{found:+.3f}')} |" in table
