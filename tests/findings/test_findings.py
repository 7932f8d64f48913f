"""Findings against the records and verdicts they are made of."""

import re

import numpy as np
import pytest

from adainf_core.evidence.judging.claims import Contrast
from adainf_core.evidence.judging.verdicts import Outcome, by_seed, judge
from adainf_core.evidence.runs.running import study_records
from adainf_core.evidence.studies.catalogue import all_claims, family, named_study, studies
from adainf_core.figures import draw
from adainf_core.figures.typesetting import typeset
from adainf_core.findings import (
    Findings,
    GapFindings,
    brief,
    escaped,
    in_full,
    inside,
    phrase,
    published,
    said,
    short_name,
)
from adainf_core.findings.escaping import unmarked
from adainf_core.statistics.intervals import paired_difference
from adainf_core.statistics.response_curves import sweep_curve
from adainf_core.theory import replication_to_beta


@pytest.fixture(scope="module")
def found():
    return Findings("failure-mode")


@pytest.fixture(scope="module")
def records():
    return study_records(named_study("failure-mode"), "laptop")


@pytest.fixture
def unrun(tmp_path):
    return Findings("failure-mode", root=tmp_path)


@pytest.fixture
def glued(monkeypatch):
    """What is glued, by name."""
    values = {}
    monkeypatch.setattr("myst_nb.glue", lambda key, value, display: values.update({key: value}))
    return values


def test_verdicts_are_the_judges(found, records):
    expected = judge(family("failure-mode"), records)
    assert list(found.verdicts.values()) == expected
    assert found.confidence == pytest.approx(expected[0].difference.confidence)


def test_what_is_glued_is_what_was_judged(found, glued):
    found.tell("fm", {"a b": None}, n=2000)
    for verdict in found.verdicts.values():
        key = f"fm-{verdict.claim.key}"
        assert glued[key] == typeset(verdict.summary)
        assert glued[f"{key}-word"] == verdict.words
        assert glued[f"{key}-seeds"] == f"{verdict.agreeing} of {verdict.difference.n}"
        assert glued[f"{key}-claim"] == verdict.claim.statement
        numbers = [p.difference for p in verdict.claim.published if p.difference is not None]
        assert glued.get(f"{key}-paper") == (typeset(f"{numbers[0]:+.2f}") if numbers else None)
    assert glued["fm-a b"] == "not run yet"
    assert glued["fm-n"] == "2,000"


def test_keys_and_form_of_what_is_glued_can_be_chosen(found, glued):
    found.tell("a", say=in_full, keys=["harm"])
    assert glued["a-harm"] == typeset(str(found.verdicts["harm"]))
    assert not any("cure" in key for key in glued)
    found.tell("b", say=brief)
    d = found.verdicts["cure"].difference
    assert glued["b-cure"] == typeset(f"{d:+.2f}, n = {d.n}")


@pytest.mark.parametrize("study", ["cifar-graph", "theory-predicts", "sprite-gap"])
def test_studies_judged_by_other_rules_have_verdicts_in_words(study, glued):
    found = Findings(study)
    found.tell("x")
    assert found.verdicts
    for key, verdict in found.verdicts.items():
        assert glued[f"x-{key}"] == typeset(said(verdict))
        assert glued[f"x-{key}-word"] == phrase(verdict)
        assert "holds" in phrase(verdict) or "rank" in phrase(verdict) or "not" in phrase(verdict)


@pytest.mark.parametrize("study", studies())
def test_every_study_has_findings_at_every_scale_and_at_none(study, tmp_path):
    for scale in ("laptop", "no such scale"):
        found = Findings(study, scale, tmp_path)
        assert found.records == []
        assert all(v.outcome == Outcome.NOT_RUN for v in found.verdicts.values())


def paired(records, *arms):
    return paired_difference(*(by_seed(records, arm) for arm in arms))


def test_exploratory_differences_are_paired_by_seed(found, records):
    assert found.difference("adainf", "weak") == paired(records, "adainf", "weak")
    both = found.estimate({"adainf": 1, "vanilla": -1, "weak": -1, "none": 1})
    by_hand = paired(records, "adainf", "vanilla").value
    by_hand -= paired(records, "weak", "none").value
    shared = [set(found.accuracy(arm)) for arm in ("adainf", "vanilla", "weak", "none")]
    if len({frozenset(seeds) for seeds in shared}) == 1:
        assert both.value == pytest.approx(by_hand)
    assert both.n == len(set.intersection(*shared))


def test_a_claim_is_a_contrast_of_its_own_terms(found):
    values = found.contrast("harm")
    d = found.verdicts["harm"].difference
    assert np.mean(list(values.values())) == pytest.approx(d.value)
    assert sum(value > 0 for value in values.values()) == found.verdicts["harm"].agreeing


def test_what_is_inside_is_within_the_ends(found, unrun):
    for verdict in found.verdicts.values():
        theirs = published(verdict)
        d = verdict.difference
        assert inside(verdict) == (None if theirs is None else d.low <= theirs <= d.high)
    assert {inside(verdict) for verdict in found.verdicts.values()} > {None}
    assert inside(found.verdicts["harm"], "no such table") is None
    assert inside(unrun.verdicts["harm"]) is None


def test_curve_is_the_sweeps():
    mixing = Findings("mixing-ratio")
    arms = {n: f"n_{n}" for n in (1, 2, 5, 10, 20, 50)}
    expected = sweep_curve({n: mixing.accuracy(arm) for n, arm in arms.items()})
    np.testing.assert_array_equal(mixing.curve(arms).mean, expected.mean)


def test_a_sweep_is_read_from_its_arms_and_its_best_level_is_that_of_its_seeds():
    crops = Findings("crop-strength")
    arms = crops.sweep("perfect_")
    assert arms == {level: f"perfect_crop_{level:g}" for level in (0.03, 0.08, 0.2, 0.4, 0.6)}
    best = crops.best(arms)
    means = {level: crops.mean(arm) for level, arm in arms.items()}
    assert best.value == max(means, key=means.get)
    assert (best.n, best.confidence) == (len(crops.shared_seeds(*arms.values())), 0.95)


def test_beta_is_the_experiments(found):
    run = named_study("failure-mode").experiment("laptop", "adainf", 20)
    expected = replication_to_beta(run.n_real, run.n_generated, run.replication)
    assert found.beta("adainf") == expected
    assert found.beta("weak") == 1


def test_without_records_everything_says_so(unrun, glued):
    unrun.tell("u")
    assert glued["u-harm"] == "not run yet"
    assert glued["u-harm-word"] == Outcome.NOT_RUN
    assert unrun.difference("adainf", "none") is None
    assert unrun.interval("none") is None
    assert unrun.curve({1: "none", 2: "weak", 3: "vanilla"}) is None
    assert "Nothing recorded yet" in unrun.caption("What is seen.").data
    assert "not run" in unrun.dots(["none", "weak"]).alt
    assert "harm" not in unrun.forest().alt
    assert unrun.forest().alt.count(Outcome.NOT_RUN) >= 3
    assert Outcome.NOT_RUN in str(unrun.table())


def test_alt_texts_fit_and_name_what_is_drawn(found, monkeypatch):
    monkeypatch.setitem(draw.__globals__, "_themed_svg", lambda figure, salt: "")
    for study in dict.fromkeys(claim.study for claim in all_claims()):
        each = Findings(study)
        if any(v.difference for v in each.verdicts.values()):
            assert len(each.forest().alt) <= 300
    assert "none > vanilla: " + found.verdicts["harm"].words in found.forest("harm").alt
    assert f"no inflation: {found.mean('none'):.1f}" in found.dots({"none": "no inflation"}).alt


def test_caption_ends_with_runs_machine_and_versions(found):
    text = found.caption("Dots: seeds.").data
    record = found.records[0]
    assert text.startswith("*Dots: seeds.*\n\n*Recorded: ")
    assert text.endswith(".*")
    for part in (f"{len(found.records)} runs of `failure-mode`", escaped(record.device),
                 f"torch {record.versions['torch']}"):  # fmt: skip
        assert part in text
    both = found.caption("Dots.", Findings("ablation")).data
    assert "`failure-mode`" in both
    assert "`ablation`" in both


def test_caption_of_an_unfinished_study_counts_what_is_in(found):
    part = Findings("failure-mode")
    part.__dict__["records"] = found.records[:3]
    assert re.search(
        rf"Recorded: 3 of {found.planned} runs are in: 3 runs", part.caption("A.").data
    )


def test_records_that_are_given_are_judged_in_place_of_those_kept(found, records):
    few = tuple(record for record in records if record.arm in ("none", "vanilla"))
    live = Findings("failure-mode", given=few)
    assert live.records == list(few)
    assert live.verdicts["harm"].difference.n == found.verdicts["harm"].difference.n
    assert live.verdicts["cure"].outcome == Outcome.NOT_RUN


def test_dials_and_levels_draw_what_there_is(found, unrun):
    arms = {1.0: "none", 2.0: "weak"}

    def paint(ax):
        for each in (found, unrun):
            each.dial(ax, arms, "vanilla", "a dial", band=True)
            each.level(ax, "none", "no inflation")
        lines = [line.get_ydata() for line in ax.lines]
        assert any(
            np.allclose(y, [found.mean("none"), found.mean("weak")]) for y in lines if len(y) == 2
        )

    assert draw(paint, alt="A dial.").svg


def test_every_contrast_has_a_short_name():
    contrasts = [claim for claim in all_claims() if isinstance(claim, Contrast)]
    assert all(0 < len(short_name(claim)) <= 40 for claim in contrasts)


def test_measures_of_a_gap_are_the_records():
    gap = GapFindings()
    record = next(r for r in gap.records if r.arm == "gaussian_mixture")
    found = gap.measured("gaussian_mixture", "frechet")
    assert (found.value, found.low) == (record.metrics["frechet"], record.metrics["frechet_low"])
    zero = gap.mirrored("gaussian_mixture", "frechet")
    assert zero.value == record.metrics["mirrored_frechet"]
    assert gap.mirrored("gaussian_mixture", "near") is None
    assert GapFindings("sprite-gap").true_tv("mode_drop_50") == pytest.approx(0.5)


def test_a_dial_of_a_gap_has_each_arm_and_its_mirror_behind():
    gap = GapFindings()
    arms = {500: "diffusion_500", 2000: "diffusion_2000", 8000: "diffusion_8000"}

    def paint(ax):
        gap.measured_dial(ax, arms, "frechet", ringed="diffusion_2000")
        band, line, ring = ax.lines
        assert band.get_ydata()[0] == gap.mirrored("diffusion_8000", "frechet").value
        found = {n: gap.measured(arm, "frechet") for n, arm in arms.items()}
        assert line.get_xydata().tolist() == [[n, each.value] for n, each in found.items()]
        assert ring.get_xydata().tolist() == [[2000, found[2000].value]]
        ends = [path.vertices[:, 1].tolist() for path in ax.collections[0].get_paths()]
        assert ends == [[each.low, each.high] for each in found.values()]
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["500", "2k", "8k"]

    draw(paint, alt="Fréchet distance along training.")


def test_panels_have_each_settings_arms_and_say_what_has_not_been_run(unrun):
    methods = Findings("methods")
    shown = methods.panels({"none": "none", "weak": "weak only"}, {"SimCLR": "", "BYOL": "_byol"})
    means = [f"{methods.mean(arm):.0f}" for arm in ("none", "weak", "none_byol", "weak_byol")]
    assert "SimCLR {}, {}; BYOL {}, {}".format(*means) in shown.alt
    assert "BYOL" in shown.svg
    empty = unrun.panels({"none": "none", "weak": "weak"}, {"here": ""})
    assert "here not run, not run" in empty.alt


def test_dials_over_one_another_say_where_each_is_highest():
    found = Findings("crop-strength")
    dials = {
        "alone": ("none", found.sweep("none_")),
        "mixture": ("vanilla", found.sweep("vanilla_")),
    }
    shown = found.best_of_dials(dials, "crop", stars={"theirs": 0.2})
    own = {name: found.best(arms).value for name, (_, arms) in dials.items()}
    assert all(f"{name} at {level:g}" in shown.alt for name, level in own.items())
    assert "theirs" in shown.svg
    claimed = found.verdicts["best_crop"].best
    again = found.best_of_dials(dials, "crop", {"alone": claimed})
    assert f"alone at {claimed.value:g}" in again.alt


def test_where_numbers_come_from_is_the_end_of_the_caption_in_plain_text(found):
    end = found.caption("Dots.").data.removeprefix("*Dots.*\n\n*").removesuffix("*")
    assert found.recorded == unmarked(end)
    assert found.records[0].device in found.recorded and "`" not in found.recorded
    assert found.recorded.startswith("Recorded: ") and found.recorded.endswith(".")
