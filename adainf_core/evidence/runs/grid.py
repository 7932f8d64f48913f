"""Grids: what a study is, whatever it is of: arms over seeds, laid out at one or more scales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from adainf_core.configuration import changed
from adainf_core.evidence.runs.quantities import Quantity
from adainf_core.evidence.runs.scales import SCALES, largest_within

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Outcome:
    """What one run found: numbers by name, how each was measured, beta, and the loss curve.

    Accuracies are in percent. `beta` is the share of real draws, 0 where there are none; `probes`
    are facts of the probes by their names, as plain values. `encoder` is the trained network, where
    there is one.
    """

    metrics: dict[str, float]
    protocols: dict[str, str]
    beta: float
    history: list[dict[str, float]]
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    encoder: Any = field(default=None, compare=False, repr=False)


class Experiment(Protocol):
    """One run as a frozen dataclass: plain values that decide it, where it computes, and the run.

    `kind` names its class in records, `seeded` the dotted fields that a study's seed goes to,
    `quantities` says what kind of number each metric is (`quantities.quantity_of`), `protocol` has
    the settings of its measurements that stand in the code and in no configuration.
    `small` is a version of it that takes seconds and passes through the same code: its metrics are
    kept with a record, for `replay` to compare with.
    """

    kind: ClassVar[str]
    seeded: ClassVar[tuple[str, ...]]
    quantities: ClassVar[Mapping[str, Quantity]]
    protocol: ClassVar[Mapping[str, Any]]

    @property
    def device(self) -> str | None: ...

    def run(self) -> Outcome: ...

    def small(self) -> Experiment: ...


@runtime_checkable
class Resumable(Protocol):
    """An experiment long enough to be worth continuing: None where it was stopped on the way."""

    def resume(self, checkpoint: Path | None, max_seconds: float) -> Outcome | None: ...


@runtime_checkable
class Curved(Protocol):
    """An experiment whose loss curve can be begun again."""

    def first_stretch(self, steps: int) -> list[dict[str, float]]:
        """The loss curve of the first `steps` steps, as `Outcome.history` has it."""
        ...


@runtime_checkable
class Reading(Protocol):
    """An experiment on what another study's run has left in a results folder, an encoder say."""

    def waits_for(self, root: Path) -> str:
        """The command that has to run first; nothing where what it reads is in `root`."""
        ...

    def with_inputs(self, root: Path) -> Any:
        """The experiment with what it reads, ready to be run.

        Raises FileNotFoundError where that is not there, ValueError where it is not what it has to
        be, in one line.
        """
        ...

    def inputs_said(self, root: Path) -> str | None:
        """What a record has to say, as its protocol "encoder", of what it has read.

        None where `root` does not tell.
        """
        ...


def ready(experiment: Any, root: Path) -> Any:
    """The experiment with what it reads in the results folder `root`, if it reads anything."""
    return experiment.with_inputs(root) if isinstance(experiment, Reading) else experiment


@dataclass(frozen=True)
class Times:
    """A number as `factor` times the base's own, or times the arm's field called `of`.

    Rounded where the base has a whole number.
    """

    factor: float
    of: str | None = None


@dataclass(frozen=True)
class Arm:
    """What one arm changes of its layout's base: values by dotted field.

    A value is what the field takes, a `Times`, or a word that the layout has a meaning for
    (`Layout.words`). Arms with `headline` run on more seeds.
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    headline: bool = False

    def changing(
        self,
        changes: Mapping[str, Any],
        label: str | None = None,
        headline: bool | None = None,
    ) -> Arm:
        """The arm with further changes; `label` and `headline` replace its own where given."""
        return Arm(
            self.label if label is None else label,
            {**self.changes, **changes},
            self.headline if headline is None else headline,
        )


@dataclass(frozen=True)
class Layout:
    """A study's numbers at one scale.

    `base` is the experiment that arms change. `seeds` is how many seeds a headline arm and any
    other arm run on, counted from `first_seed`; `without` names arms that this scale leaves out.
    `words` maps dotted fields to what arms call their values, e.g. {"pretrain.policy": {"strong":
    ...}}. `waves` divides the arms, in their order, into so many at a time and the rest: each wave
    is run on all its seeds before the next begins. With `keep_encoders` the trained networks are
    kept beside the records (`kept_encoders`).
    """

    base: Any
    seeds: tuple[int, int]
    first_seed: int = 0
    without: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waves: tuple[int, ...] = ()
    keep_encoders: bool = False


@dataclass(frozen=True)
class Study:
    """A named grid of arms over seeds, at one or more scales, that asks one `question`.

    `claims` are what its records decide (`judging.claims`); where it is `strict`, once, when all of
    them are there, and by the stricter rule (`judging.verdicts.judge_study`).
    """

    name: str
    question: str
    arms: Mapping[str, Arm]
    layouts: Mapping[str, Layout]
    claims: tuple[Any, ...] = ()
    strict: bool = False

    def layout(self, scale: str) -> Layout:
        """The study's numbers at `scale`; ValueError where it is not laid out."""
        return lookup(self.layouts, scale, f"study {self.name!r}", "scale")

    def largest_scale(self, wanted: str) -> str:
        """The largest laid-out scale that is not above `wanted`; ValueError where all are."""
        return largest_within(self.name, self.layouts, wanted)

    @property
    def judged_scale(self) -> str:
        """Where its claims are judged if no scale is named: laptop, or what it has next to that.

        A smaller one where there is one.
        """
        below = SCALES[: SCALES.index("laptop") + 1]
        return next(scale for scale in (*reversed(below), *SCALES) if scale in self.layouts)

    def plan(self, scale: str, seeds: int | None = None) -> list[tuple[str, int]]:
        """Runs as (arm, seed), a wave of arms after another; `seeds` replaces their number.

        Within a wave seed by seed through its arms: the most valuable come first, so that any
        beginning of it is a balanced design.
        """
        layout = self.layout(scale)
        headline, other = layout.seeds
        counts = {
            key: (headline if arm.headline else other) if seeds is None else seeds
            for key, arm in self.arms.items()
            if key not in layout.without
        }
        ends = (0, *accumulate(layout.waves), len(counts))
        waves = (list(counts)[start:end] for start, end in pairwise(ends))
        return [
            (arm, layout.first_seed + number)
            for wave in waves
            for number in range(max(counts.values(), default=0))
            for arm in wave
            if number < counts[arm]
        ]

    def experiment(self, scale: str, arm: str, seed: int) -> Any:
        """The experiment of one arm and seed; ValueError for an arm or word that is not there."""
        layout = self.layout(scale)
        of = f"study {self.name!r}"
        changes = dict(lookup(self.arms, arm, of, "arm").changes)
        for key, words in layout.words.items():
            if isinstance(changes.get(key), str):
                changes[key] = lookup(words, changes[key], of, key.rpartition(".")[2])
        changes |= dict.fromkeys(layout.base.seeded, seed)
        sized = {
            key: _times(value, _part(layout.base, key)) if isinstance(value, Times) else value
            for key, value in changes.items()
            if not (isinstance(value, Times) and value.of)
        }
        counts = {
            key: _times(value, sized.get(value.of, _part(layout.base, value.of)))
            for key, value in changes.items()
            if isinstance(value, Times) and value.of
        }
        return changed(layout.base, sized | counts)


def lookup(table: Mapping[str, Entry], key: str, of: str, what: str) -> Entry:
    """The entry of `table` called `key`; ValueError saying what `of` has of that kind instead."""
    if key not in table:
        raise ValueError(f"{of} has no {what} {key!r}; it has {', '.join(table)}")
    return table[key]


def _part(config: Any, key: str) -> Any:
    for name in key.split("."):
        config = getattr(config, name)
    return config


def _times(times: Times, base: Any) -> Any:
    value = times.factor * base
    return round(value) if isinstance(base, int) else value
