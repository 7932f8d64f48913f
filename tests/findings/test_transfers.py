"""Findings of the transfer studies, on records that are made up: what stands in them is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from adainf_core.evidence.studies import sprite_transfer, transfer
from adainf_core.findings import TransferFindings
from adainf_core.statistics.intervals import paired_difference, t_interval

#: CIFAR-10's accuracy by arm, well apart, but for the last two.
LEVELS = dict(zip(transfer.RANKED, (50, 53, 56, 59, 62, 65, 68, 68.1), strict=True))
SEEDS = range(20, 24)


@pytest.fixture
def found(make_record):
    """Records in which CIFAR-100 has the order of CIFAR-10, and the digits the reverse."""
    rng, records = np.random.default_rng(0), []
    for arm, level in {transfer.UNTRAINED: 30, **LEVELS}.items():
        for seed in SEEDS:
            noise = rng.normal(0, 0.2, 8)
            metrics = {
                "linear": level + noise[0],
                "cifar100_linear": level / 2 + noise[1],
                "cinic10_imagenet_linear": 40 + noise[2],
                "imagenette32_linear": 60 + noise[3],
                "digits_linear": 99 - level / 2 + noise[4],
                "few_10_linear": 35 + noise[5],
                "few_1_knn": 20 + noise[6],
                "few_100_linear": 40 + noise[7],
            }
            records.append(replace(make_record(arm, seed), study="transfer", scale="desktop",
                                   metrics=metrics))  # fmt: skip
    return TransferFindings(given=tuple(records))


def means(found, metric):
    return [np.mean([found.accuracy(arm, metric)[seed] for seed in SEEDS]) for arm in LEVELS]


def test_ranks_are_of_trained_arms_alone(found):
    assert found.ranked == list(LEVELS) and transfer.UNTRAINED in {r.arm for r in found.records}
    for metric in transfer.TASKS:
        expected = spearmanr(means(found, "linear"), means(found, metric)).statistic
        rank, tau = found.rank(metric), found.tau(metric)
        assert rank.value == pytest.approx(expected) and rank.n == 8
        by_seed = [
            kendalltau(*([found.accuracy(a, m)[seed] for a in LEVELS] for m in ("linear", metric)))
            for seed in SEEDS
        ]
        assert tau == t_interval([one.statistic for one in by_seed])
    assert found.rank("cifar100_linear").low > 0 > found.rank("digits_linear").high
    assert found.tau("cifar100_linear").low > 0.5 and found.tau("digits_linear").high < -0.5
    assert 0 in found.rank("cinic10_imagenet_linear")


def test_pairs_are_those_that_the_first_task_tells_apart(found):
    told = 8 * 7 // 2 - 1  # all but the two that are as good as equal
    same, reversed_, untold = found.pairs("cifar100_linear")
    assert (same, reversed_) == (told, 0) and untold == 0
    assert found.pairs("digits_linear") == (0, told, 0)
    blurred = found.pairs("cinic10_imagenet_linear")
    assert sum(blurred) == told and blurred.untold > told / 2
    assert found.pairs("linear") == (told, 0, 0)
    assert 0 in found.difference("cifake_vanilla_weak", "cifake_adainf_jpeg")


def test_the_table_of_levels_has_an_interval_for_each(found):
    table = found.level_table()
    assert list(table.header) == [
        "", "CIFAR-10", *transfer.TASKS.values(), "1 label a class", "100 labels a class",
    ]  # fmt: skip
    assert [row[0] for row in table.rows] == [
        found.label(arm) for arm in (transfer.UNTRAINED, *LEVELS)
    ]
    metrics = ("linear", *transfer.TASKS, "few_1_knn", "few_100_linear")
    for arm, row in zip((transfer.UNTRAINED, *LEVELS), table.rows, strict=True):
        for metric, cell in zip(metrics, row[1:], strict=True):
            interval = t_interval(found.values(arm, metric))
            half = (interval.high - interval.low) / 2
            assert cell == f"{interval.value:.1f} ± {half:.1f}"
    one = found.level_table({"digits_linear": "digits"})
    assert [row[1:] for row in one.rows] == [row[5:6] for row in table.rows]


def test_the_table_of_ranks_says_what_was_found(found):
    table = found.rank_table(("weak", "none"), ("perfect_weak", "weak"))
    assert [row[0] for row in table.rows] == list(found.tasks.values()) and len(table.rows) == 8
    assert all(len(row) == len(table.header) == 6 for row in table.rows)
    first, cifar100, *_ = table.rows
    assert first[1:4] == ["", "", ""]
    difference = paired_difference(
        found.accuracy("weak", "cifar100_linear"), found.accuracy("none", "cifar100_linear")
    )
    assert cifar100[4] == f"{difference:+.2f}, n = 4"
    assert cifar100[1] == f"{found.rank('cifar100_linear'):+.2f}, n = 8"
    assert cifar100[3] == "27, 0, 0"


def test_what_has_not_run_is_said(found, make_record, tmp_path):
    nothing = TransferFindings(root=tmp_path)
    assert nothing.level_table().rows == [] and nothing.ranked == []
    assert {tuple(row[1:4]) for row in nothing.rank_table().rows[1:]} == {
        ("not run", "not run", "0, 0, 0")
    }
    two = TransferFindings(given=tuple(r for r in found.records if r.arm in ("none", "weak")))
    assert two.rank("cifar100_linear") is None and two.pairs("cifar100_linear") == (1, 0, 0)
    one_seed = TransferFindings(given=tuple(r for r in found.records if r.seed == 20))
    assert one_seed.tau("cifar100_linear") is None and one_seed.rank("cifar100_linear").n == 8
    assert one_seed.pairs("cifar100_linear") == (0, 0, 0)
    assert one_seed.level_table().rows[1][1] == f"{one_seed.mean('none'):.1f}"


def test_sprites_are_ranked_by_their_shape(make_record):
    records = []
    for place, arm in enumerate(sprite_transfer.ARMS):
        for seed in range(3):
            metrics = {
                "linear": 40.0 + place + seed / 10, "place": 50.0 - place + seed / 7,
                "hue": 90.0 + place, "size": 60.0 + seed,
            }  # fmt: skip
            records.append(replace(make_record(arm, seed), study="sprite-transfer",
                                   metrics=metrics))  # fmt: skip
    found = TransferFindings("sprite-transfer", given=tuple(records))
    assert found.tasks == {"linear": "shape", "place": "place", "hue": "hue", "size": "size"}
    assert sprite_transfer.UNTRAINED not in found.ranked and len(found.ranked) == 6
    assert found.rank("place").value == pytest.approx(-1)
    assert found.tau("hue").value == pytest.approx(1) and found.tau("size").value == 0
    assert found.pairs("size") == (0, 0, 15) and found.pairs("place") == (0, 15, 0)
