"""Replay: whether the code as it is still gives what is recorded, by doing some of it again.

Of a study's records whose fingerprint is not today's, a sample is repeated in part: the first
entries of its loss curve, where there is one, and its rehearsal, the experiment's small version
from data to measurement, whose metrics lie in the record. With the versions and on the device of
the record (of its rehearsal) a number has to agree to the last digit that is kept; elsewhere, where
sums have another order, within the tolerance of its kind of number, which the kind of experiment
declares (`quantities`).
What agreed is written down (`freshness`) and speaks for all records of the study with that
fingerprint.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.freshness import Replay, is_fresh, write_replays
from adainf_core.evidence.runs.grid import Curved, Study, ready
from adainf_core.evidence.runs.one_run import one_thread, rehearse
from adainf_core.evidence.runs.quantities import LOSS, quantity_of
from adainf_core.evidence.runs.records import RESULTS, Record, machine, source_commit
from adainf_core.evidence.runs.running import study_records

#: Entries of a loss curve that are repeated.
ENTRIES = 2
_LAST_DIGIT = 1e-9


@dataclass(frozen=True)
class Comparison:
    """A repeated run: how many numbers were compared, how many of them exactly, what differs."""

    name: str
    compared: int
    exact: int
    differing: tuple[str, ...]

    def __str__(self) -> str:
        if self.differing:
            return f"{self.name}: {'; '.join(self.differing)}"
        rest = self.compared - self.exact
        said = [f"{self.exact} numbers agree to the last digit"] if self.exact else []
        said += [f"{rest} within the tolerance of another machine"] if rest else []
        return f"{self.name}: {', '.join(said)}"


@dataclass(frozen=True)
class Verified:
    """What `verify` found of a study at a scale.

    `fresh` records are of today's code or had been replayed already; `replayed` are spoken for by
    `replays` made now; of the `refuted` the sample differs, as `comparisons` says. `unknown` could
    not be repeated, for the reason given.
    """

    study: str
    scale: str
    fresh: int = 0
    replayed: int = 0
    refuted: int = 0
    unknown: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    replays: tuple[Replay, ...] = ()

    def __add__(self, other: Verified) -> Verified:
        """What both found of one study."""
        sums = {
            part.name: getattr(self, part.name) + getattr(other, part.name)
            for part in fields(self)[2:]
        }
        return replace(self, **sums)

    def lines(self) -> list[str]:
        """It in words; nothing where nothing is recorded."""
        counts = {"fresh": self.fresh, "replayed": self.replayed, "refuted": self.refuted}
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        if not said and not self.unknown:
            return []
        found = [f"{self.study} at {self.scale}: {said or 'nothing repeated'}"]
        found += [f"    not repeated: {reason}" for reason in self.unknown]
        return found + [f"    {made}" for made in self.comparisons]


def verify(
    study: Study, scale: str, root: Path = RESULTS, *, sample: int = 1, again: bool = False
) -> Verified:
    """Replay `sample` records of `study` of every fingerprint that is not today's.

    `again` replays those of today's fingerprint, too. What agreed is added to `root`/replays.json.
    A run whose data are not on this machine is left out.
    """
    found, codes = Verified(study.name, scale), list[tuple[str, str]]()
    for (then, now), group in _by_code(study, scale, root):
        codes.append((then, now))
        if not again and all(is_fresh(*pair, root) for pair in group):
            found += Verified(study.name, scale, len(group))
            continue
        # those with a rehearsal first: it passes through all of the code
        chosen = sorted(group, key=lambda pair: not pair[0].rehearsal)[:sample]
        part = _repeated(study, scale, chosen, len(group), root)
        if part.replayed and then != now:
            part = replace(part, replays=(_note(part, then, now, len(group), group[0][1]),))
        found += part
    if found.replays:
        write_replays(found.replays, root, study.name, scale, codes)
    return found


def spot_check(study: Study, scale: str, root: Path = RESULTS) -> Verified:
    """Repeat one record of `study`, the first that was rehearsed, and write nothing."""
    rehearsed = [record for record in study_records(study, scale, root) if record.rehearsal]
    chosen = [
        (record, study.experiment(scale, record.arm, record.seed)) for record in rehearsed[:1]
    ]
    return _repeated(study, scale, chosen, 1, root) if chosen else Verified(study.name, scale)


def _repeated(
    study: Study, scale: str, chosen: list[tuple[Record, Any]], of: int, root: Path
) -> Verified:
    """The chosen records repeated; they speak for `of` records."""
    found = Verified(study.name, scale)
    name = chosen[0][0].name
    if not chosen[0][0].rehearsal:
        reason = f"{name}: its record holds no rehearsal; run it again"
        return replace(found, unknown=(reason,))
    try:
        made = tuple(repeat(record, experiment, root) for record, experiment in chosen)
    except FileNotFoundError as error:
        if error.filename is not None:  # not the message of `load_images`
            raise
        return replace(found, unknown=(f"{name}: {error}",))
    agree = not any(comparison.differing for comparison in made)
    counts = {"replayed": of} if agree else {"refuted": of}
    return replace(found, comparisons=made, **counts)  # type: ignore[arg-type]


def repeat(record: Record, experiment: Any, root: Path = RESULTS) -> Comparison:
    """Do the beginning of a recorded run again, and its rehearsal, on one thread, and compare.

    What the run reads is read in `root`.
    """
    with one_thread():
        experiment = ready(experiment, root)
        here = machine(experiment.device)
        same_run, same_rehearsal = (
            (record.versions, device) == here for device in (record.device, record.rehearsed_on)
        )
        pairs = [(*pair, same_run) for pair in _curve(record, experiment)]
        pairs += [(*pair, same_rehearsal) for pair in _rehearsal(record, experiment)]
    differing = tuple(
        f"{name} is {now:g}, was {then:g}"
        for name, then, now, tolerance, exact in pairs
        if not abs(now - then) <= (_LAST_DIGIT if exact else tolerance)
    )
    return Comparison(record.name, len(pairs), sum(pair[-1] for pair in pairs), differing)


def _curve(record: Record, experiment: Any) -> Iterator[tuple[str, float, float, float]]:
    """Losses by name: as recorded, as they are now, and how far apart they may be elsewhere."""
    if not isinstance(experiment, Curved) or not record.history:
        return
    begun = record.history[:ENTRIES]
    again = {
        entry["step"]: round(entry["loss"], 4)
        for entry in experiment.first_stretch(round(begun[-1]["step"]))
    }
    for entry in begun:
        then, step = entry["loss"], entry["step"]
        yield f"loss at step {step:g}", then, again.get(step, math.nan), LOSS.tolerance(then)


def _rehearsal(record: Record, experiment: Any) -> Iterator[tuple[str, float, float, float]]:
    """The same of the rehearsal's metrics."""
    again = rehearse(experiment) if record.rehearsal else {}
    kind: Any = type(experiment)
    for name in sorted(record.rehearsal.keys() | again.keys()):
        then, now = (side.get(name, math.nan) for side in (record.rehearsal, again))
        quantity = quantity_of(kind, name)
        # a number that its kind does not know has changed its name: nothing is near it
        tolerance = 0.0 if quantity is None else quantity.tolerance(then)
        yield f"{name} of the rehearsal", then, now, tolerance


def _by_code(
    study: Study, scale: str, root: Path
) -> Iterator[tuple[tuple[str, str], list[tuple[Record, Any]]]]:
    """A study's records, each with its experiment, by their fingerprint and today's."""
    pairs = [
        (record, study.experiment(scale, record.arm, record.seed))
        for record in study_records(study, scale, root)
    ]

    def codes(pair: tuple[Record, Any]) -> tuple[str, str]:
        return pair[0].code, code_fingerprint(pair[1])

    for key, group in groupby(sorted(pairs, key=codes), codes):
        yield key, list(group)


def _note(found: Verified, then: str, now: str, of: int, experiment: Any) -> Replay:
    commit, clean = source_commit()
    compared = sum(comparison.compared for comparison in found.comparisons)
    exact = sum(comparison.exact for comparison in found.comparisons)
    return Replay(
        study=found.study,
        scale=found.scale,
        then=then,
        now=now,
        runs=tuple(comparison.name for comparison in found.comparisons),
        of=of,
        compared=compared,
        exact=exact,
        commit=commit,
        clean=clean,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        device=machine(experiment.device)[1],
    )
