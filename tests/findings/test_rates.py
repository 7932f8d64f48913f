"""The rates of methods: the rule, and that study "methods" has the rates that it gives."""

import pytest

from adainf_core.evidence.studies import method_rates, methods
from adainf_core.evidence.studies.method_rates import BETTER_BY, RATES, SHARED, chosen_rate
from adainf_core.findings import Findings, rates_table
from adainf_core.findings.rates import mean_by_rate


@pytest.mark.parametrize(
    ("low", "shared", "high", "chosen"),
    [
        (40.0, 41.0, 42.0, RATES[2]),
        (42.0, 41.0, 41.2, RATES[0]),
        (41.0 + BETTER_BY, 41.0, 40.0, SHARED),  # within half a point: the shared one stays
        (40.0, 41.0, 40.9, SHARED),
    ],
)
def test_another_rate_has_to_be_better_by_half_a_point(low, shared, high, chosen):
    assert RATES[1] == SHARED
    assert chosen_rate(dict(zip(RATES, (low, shared, high), strict=True))) == chosen


def test_the_methods_of_the_book_have_the_rates_that_the_rule_gives():
    found = Findings("method-rates")
    for method in method_rates.METHODS:
        rate = chosen_rate(mean_by_rate(found, method))
        run = methods.STUDY.experiment("laptop", f"none_{method}", 20)
        assert run.pretrain.learning_rate == rate


def test_the_table_has_every_method_tried_and_its_distance_from_an_untrained_network():
    names = {method: method.upper() for method in ("simclr", *method_rates.METHODS)}
    rows = rates_table(names).rows
    assert [row[0] for row in rows] == [names[method] for method in method_rates.METHODS]
    untrained = Findings("levels").mean("untrained_cifar10")
    for method, row in zip(method_rates.METHODS, rows, strict=True):
        means = mean_by_rate(Findings("method-rates"), method)
        assert row[1:4] == tuple(f"{mean:.1f}" for mean in means.values())
        kept = means[float(row[4])]
        assert (
            row[5]
            == f"{'yes' if kept > untrained + 3 else 'no'}, {kept - untrained:.1f} points above"
        )
