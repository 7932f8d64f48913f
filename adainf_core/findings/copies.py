"""What the finder of copies finds and misses, and the bound where images repeat, in words."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from adainf_core.figures.style import Table
from adainf_core.findings.benchmarks import benchmark
from adainf_core.gap.image_tv import image_tv
from adainf_core.statistics.intervals import wilson_interval

PLANTED = 1000  # in each way, in benchmarks/copies.py
TESTED = 10_000  # test images of either set
SETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}


def planted_table() -> Table:
    """Copies planted among training images: the share found, and of what is joined the right."""
    planted = {title: benchmark(f"copies_{name}")["planted"] for name, title in SETS.items()}
    header = [f"{what}, {title}" for what in ("found", "rightly joined") for title in planted]
    rows = [
        (kind, *(f"{each[kind][what]:.1%}" for what in ("recall", "precision")
                 for each in planted.values()))
        for kind in planted["CIFAR-10"]
    ]  # fmt: skip
    return Table(("planted copies", *header), rows)


def planted_sizes() -> dict[str, Any]:
    """How many copies were planted in each way, and the lowest share found with its interval."""
    rows = [row for name in SETS for row in benchmark(f"copies_{name}")["planted"].values()]
    worst = min(row["recall"] for row in rows)
    found = wilson_interval(round(worst * PLANTED), PLANTED)
    ends = f"{100 * found.low:.1f}, {100 * found.high:.1f}"
    return {"n": f"{PLANTED:,}", "lowest": f"{100 * found.value:.1f} % [{ends}]"}


def repeated_test_images(name: str) -> dict[str, Any]:
    """How many test images of CIFAR repeat training ones by our rule, and of those known to.

    `same` of the `listed` are what Barz and Denzler (2020) call the same picture; `similar` what
    they call similar, `new` what is on no list of theirs.
    """
    record = benchmark(f"copies_{name}")
    counts = record["counts"]
    known = counts["known"]

    def same(what: str) -> int:
        return known["same pixels"][what] + known["same picture"][what]

    again = counts["test images that repeat training images"]
    return {
        "again": again,
        "share": f"{100 * again / TESTED:.1f} %",
        "same": same("found"),
        "listed": same("listed"),
        "similar": known["similar"]["found"],
        "new": known["on no list"]["found"],
        "seconds": f"{record['figures']['processor seconds']['median']:.0f}",
    }


def claims_under_copies() -> dict[str, Any]:
    """How often the bound claims a distance that is none, where real images repeat."""
    record = benchmark("copies_bound")
    looked = {name: row for name, row in record["claimed"].items() if "ignored" not in name}
    worst = max(looked.values(), key=lambda row: row["claimed"])
    return {
        "sets": record["sets"],
        "images": record["images"],
        "kinds": len(looked),
        "allowed": f"{100 * (1 - _confidence()):.2g} %",
        "worst": _share(worst),
        "blind": _share(record["claimed"]["photographs, twice, ignored"]),
        "power": f"{min(record['power'].values()):.2f}",
    }


def _confidence() -> float:
    """That of the bounds in benchmarks/copies_bound.py, which leaves it as it comes."""
    return signature(image_tv).parameters["confidence"].default


def _share(row: Mapping[str, float]) -> str:
    ends = f"{100 * row['low']:.1f}, {100 * row['high']:.1f}"
    return f"{100 * row['claimed']:.1f} % [{ends}], n = {row['sets']:.0f}"
