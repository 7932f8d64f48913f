"""What is said of traps, weights, ranks and sweeps, against records and tables."""

import myst_nb
import numpy as np
import pytest
from scipy.stats import spearmanr

from adainf_core.evidence.published import PUBLISHED
from adainf_core.figures.typesetting import typeset
from adainf_core.findings import Findings, GapFindings, SweptToy, benchmark, recovered, traps
from adainf_core.findings.benchmarks import tell_recovered
from adainf_core.findings.gaps import JUDGED, MEASURES
from adainf_core.findings.weights import quality_panels, sizes_panels, tell_of_copies


@pytest.fixture
def glued(monkeypatch):
    said: dict[str, str] = {}
    monkeypatch.setattr(myst_nb, "glue", lambda name, value, display: said.update({name: value}))
    return said


def test_the_swap_harms_and_as_much_is_said(glued):
    found = Findings("code-traps")
    traps.tell_of_traps("tr", found)
    swapped = found.difference("none", "perfect_swapped")
    assert glued["tr-harm-swapped"] == typeset(f"{swapped:+.2f}, n = {swapped.n}")
    assert int(glued["tr-decided"]) <= int(glued["tr-claims"]) == len(found.study.claims)


def test_a_swap_that_no_longer_harms_is_no_more_said(glued):
    found = Findings("code-traps", given=())
    with pytest.raises(AssertionError, match="no longer true"):
        traps.tell_of_traps("tr", found)


def test_tables_are_compared_as_published(glued):
    traps.tell_of_tables("tr", steps=1000, every=300)
    one, other = PUBLISHED["Table 1, CIFAR-10", "R"], PUBLISHED["Table 3a, STF", "D"]
    assert float(glued["tr-baselines"]) == pytest.approx(abs(one["none"] - other["none"]))
    assert float(glued["tr-published-harm"]) == pytest.approx(one["none"] - one["vanilla"])
    assert glued["tr-looks"] == "3"


def test_each_default_says_whose_it_is():
    rows = {method: row for method, *row in traps.defaults_table().rows}
    assert list(rows) == list(traps.DEFAULTS)
    for default, baseline, whose in rows.values():
        assert (whose == "the baseline's") == (default.partition(": ")[2] == baseline)
    assert rows["simclr"][-1] == "**AdaInf's own**"


def test_the_best_copies_are_those_of_the_claim(glued):
    found = Findings("mixing-ratio")
    copies = {int(n): arm for n, arm in found.sweep("n_").items()}
    tell_of_copies("wt", found, copies)
    best = found.verdicts["best_n"].best
    assert glued["wt-plausible"] == ", ".join(f"{n:g}" for n in best.plausible)
    assert bool(glued["wt-end"]) == (best.value == max(copies))


def test_panels_tell_the_means_of_their_arms():
    sized, graded = Findings("inflation-size"), Findings("quality")
    alt = sizes_panels(sized).alt
    assert alt.startswith("Accuracy against 2, 5, 10 and 20 generated images")
    assert f"{sized.mean('mixture_strong_2'):.1f}" in alt
    shown = quality_panels(graded, {1: "pca_gaussian", 0: "held_out"})
    assert f"1: {graded.mean('pca_gaussian'):.1f}, 0: {graded.mean('held_out'):.1f}" in shown.alt
    left, right = shown.figure.axes
    assert left.get_xlim()[0] > left.get_xlim()[1] and len(right.get_xticks()) == 3


@pytest.fixture(scope="module")
def sprites():
    return GapFindings("sprite-gap")


def test_ranks_are_in_order_and_each_measure_is_listed_once(sprites, glued):
    found = [verdict.correlation.value for verdict in sprites.ranked]
    assert found == sorted(found, reverse=True) and len(found) == len(JUDGED)
    table = sprites.rank_table()
    assert [row[0] for row in table.rows] == [MEASURES[v.claim.key] for v in sprites.ranked]
    sprites.tell_ranks("gap")
    words = ("ranks-rightly", "does-not-rank-rightly", "not-decided")
    listed = [name for word in words for name in glued[f"gap-{word}"].split("; ")]
    assert sorted(set(listed) - {"none"}) == sorted(MEASURES[key] for key in JUDGED)
    assert glued["gap-first-name"] == table.rows[0][0]


def test_an_order_without_a_mistake_is_not_perfect_where_generators_tie(sprites, glued):
    sprites.tell_ranks("gap")
    flawed = [arm for arm in sprites.by_arm if arm != "perfect"]
    truth = [sprites.true_tv(arm) for arm in flawed]
    order = np.argsort(np.argsort(truth, kind="stable"))
    assert float(glued["gap-perfect-rho"]) == pytest.approx(
        spearmanr(truth, order).statistic, abs=0.005
    )


def test_measures_are_told_beside_what_they_decide(sprites, glued):
    sprites.tell_measured("gap", ["mode_drop_50"], ["recall", "frechet"])
    assert glued["gap-mode_drop_50-recall"] == sprites.in_words("mode_drop_50", "recall", ".3f")
    says = sprites.told_in_words("mode_drop_50", "frechet")
    assert glued["gap-mode_drop_50-frechet-says"] == says and len(glued) == 4


def test_what_misses_the_target_is_named(glued):
    record, rows = benchmark("sprite_gap"), recovered()
    tell_recovered("gap", record, rows)
    missed = [row.name for row in rows if row.median < 100 * record["target"]]
    assert glued["gap-met"] == f"{len(rows) - len(missed)} of {len(rows)}"
    assert all(name in glued["gap-missed"] for name in missed)
    tell_recovered("all", record | {"target": 0.0}, rows)
    assert glued["all-missed"] == "none"


def test_few_points_are_more_than_the_dimensions(glued):
    toy = SweptToy()
    toy.tell("cr", (2, 32))
    assert glued["cr-e2-few"] == f"{toy.best(2, 'real_error', 30):g}"
    assert glued["cr-b32-few"] == f"{toy.best(32, 'bound', 60):g}"
    assert glued["cr-b32-many"] == f"{toy.best(32, 'bound', 1000):g}"
    assert float(glued["cr-error-low"]) <= float(glued["cr-error-from"])


def test_what_the_ratio_costs_has_a_row_for_each_size():
    toy = SweptToy()
    table = toy.cost_table((2, 8), (30, 1000))
    assert [row[:2] for row in table.rows] == [(k, n) for k in "28" for n in ("30", "1,000")]
    strength, error = toy.error_at_best(8, "bound", 1000)
    assert table.rows[-1][2:4] == (f"{strength:g}", f"{error:.3f}")
    shown = toy.best_panels((2, 8), alt="Two panels.")
    assert [ax.get_title() for ax in shown.figure.axes] == ["k = 2", "k = 8"]
    assert len(shown.figure.legends) == 1
