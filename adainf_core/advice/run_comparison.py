"""Runs compared: one recipe against another, paired by seed and by test image.

What is compared are sides, each a recipe that was trained with several seeds; the first is what the
others are held against. A difference is judged by the ledger's rule (`verdicts.outcome_of`) on its
interval over seeds and test images, both of which might have been others (`crossed_interval`); all
sides that are compared with the first share the confidence (Bonferroni). Beside it stands the
interval over test images alone, which speaks of these runs and of no other seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adainf_core.advice.planning import LEVEL, QUESTIONS, seeds_needed
from adainf_core.advice.run_files import Over, RunFile, Side, numbers_of, open_runs, shared_seeds
from adainf_core.advice.run_probing import with_predictions
from adainf_core.configuration import differences
from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN
from adainf_core.evidence.judging.verdicts import Outcome, difference_in_words, outcome_of
from adainf_core.learning.predictions import PROTOCOLS, protocol_name
from adainf_core.notebook import card, table
from adainf_core.statistics.crossed import CrossedInterval, crossed_interval, images_interval
from adainf_core.statistics.intervals import Interval, paired_difference, smallest_detectable
from adainf_core.validation import as_choice, as_confidence, as_count, as_path, in_words

#: What the records of all sides have to share: what was probed, and how.
_SHARED = ("dataset", "real", "labelled", "test", "digest", "world", "probe")
#: What intervals may be over.
BOTH = "seeds and test images"
IMAGES_ALONE = "test images alone, for these runs"
SEEDS_ALONE = "seeds alone, on these test images"
#: What a setting of None means, of those that a reader did not set himself.
_ABSENT = {
    "replication": "no generated images",
    "generator": "no generated images",
    "amount": "all generated images",
    "beta": "beta by the replication",
    "online_learning_rate": "no online probe",
    "pretrain.online_learning_rate": "no online probe",
}
_POINTS = 100.0
_SHOWN, _LONGEST = 4, 200  # settings that differ, in a line, and characters of each
_MOST_SEEDS = 200


@dataclass(frozen=True)
class ComparedSide:
    """A side: its accuracy in % by seed, on the test images that count."""

    name: str
    accuracy: dict[int, float]

    @property
    def mean(self) -> float:
        """The mean over seeds, in %."""
        return float(np.mean(list(self.accuracy.values())))


@dataclass(frozen=True)
class RunDifference:
    """How much more accurate than `reference` a `side` is, in points, over the seeds of both.

    `difference` is over `over`: `BOTH`, `IMAGES_ALONE` or, of records, `SEEDS_ALONE`; `on_images`
    is over test images alone, for these runs (None of records).
    `detectable` is the true difference that such runs find with probability 0.8, and `seeds_needed`
    the seeds that find `MARGIN` (None: more than 200, or no number of them, where `images_needed`
    says how many test images it takes at least). `differing` names the settings in which the sides
    differ.
    """

    side: str
    reference: str
    seeds: tuple[int, ...]
    over: str
    difference: Interval
    on_images: Interval | None
    detectable: float | None
    seeds_needed: int | None
    images_needed: int | None
    differing: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """What the ledger's rule says of "`side` is more accurate than `reference`"."""
        return outcome_of(self.difference)

    @property
    def outcome_on_images(self) -> Outcome | None:
        """The same of these runs alone, over test images."""
        return None if self.on_images is None else outcome_of(self.on_images)

    def __str__(self) -> str:
        return f"{difference_in_words(self.difference)} ({self.over})"


@dataclass(frozen=True, repr=False)
class RunComparison:
    """What `compare_runs` found; prints as a table.

    `protocol` names the probe and `about` describes it; `images` of `all_images` test images count,
    which repeat no training image nor an earlier one (None of records). `notes` say what was left
    out and what rests on little.
    """

    protocol: str
    about: str
    test: str
    images: int | None
    all_images: int | None
    sides: tuple[ComparedSide, ...]
    differences: tuple[RunDifference, ...]
    notes: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        """That of each interval."""
        return self.differences[0].difference.confidence

    def __repr__(self) -> str:
        return self.table()

    def table(self) -> str:
        """The comparison as text: a line a side, a few a difference."""
        wide = max(len(side.name) for side in self.sides) + 2
        lines = [f"{self.protocol} accuracy in % on {self._tested()}", ""]
        for side in self.sides:
            seeds = f"seed{'s' * (len(side.accuracy) > 1)} {numbers_of(side.accuracy)}"
            lines.append(f"{side.name:{wide}}{side.mean:6.2f}   mean over {seeds}")
        lines += [
            "",
            f"differences in points, paired, each at {100 * self.confidence:.4g} %; those below "
            f"{MARGIN:g} are negligible:",
        ]
        for found in self.differences:
            lines += ["", *_told(found)]
        notes = (self._level(), *self.notes)
        return "\n".join(lines + [f"\nnote: {note}" for note in notes])

    def _level(self) -> str:
        """Why each interval has its confidence."""
        asked, whole = len(self.differences), 1 - len(self.differences) * (1 - self.confidence)
        together = f"{asked} questions are asked, so that all together have {100 * whole:.4g} %"
        one = f"{together if asked > 1 else 'one question is asked'}; adainf plan asks"
        return f"{one} {len(QUESTIONS)} of its four arms, each at {100 * LEVEL:.4g} %"

    def _tested(self) -> str:
        if self.images is None or self.all_images is None:
            return self.test
        if self.images == self.all_images:
            return f"{self.images:,} images of {self.test}"
        return f"{self.images:,} of {self.all_images:,} images of {self.test} that repeat no other"

    def rows(self) -> list[dict[str, Any]]:
        """A difference a row, as plain values: what `--csv` writes."""
        means = {side.name: side.mean for side in self.sides}
        return [
            {
                "side": found.side,
                "reference": found.reference,
                "protocol": self.protocol,
                "accuracy": means[found.side],
                "reference_accuracy": means[found.reference],
                "difference": found.difference.value,
                "low": found.difference.low,
                "high": found.difference.high,
                "confidence": found.difference.confidence,
                "over": found.over,
                "outcome": str(found.outcome),
                "reversed": found.difference.high < 0,
                "images_low": None if found.on_images is None else found.on_images.low,
                "images_high": None if found.on_images is None else found.on_images.high,
                "outcome_on_images": found.outcome_on_images,
                "seeds": len(found.seeds),
                "images": self.images,
                "detectable": found.detectable,
                "seeds_needed": found.seeds_needed,
                "images_needed": found.images_needed,
            }
            for found in self.differences
        ]

    def plain(self) -> dict[str, Any]:
        """All of it as plain values: what `--json` writes."""
        return {
            "protocol": self.protocol,
            "about": self.about,
            "test": self.test,
            "images": self.images,
            "all_images": self.all_images,
            "margin": MARGIN,
            "sides": {
                side.name: {str(seed): value for seed, value in side.accuracy.items()}
                for side in self.sides
            },
            "differences": [
                row | {"seeds": list(found.seeds), "differing": list(found.differing)}
                for row, found in zip(self.rows(), self.differences, strict=True)
            ],
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        means = [(side.name, f"{side.mean:.2f}", str(len(side.accuracy))) for side in self.sides]
        found = [
            (
                f"{each.side} less {each.reference}",
                f"{interval:+.2f}",
                over,
                difference_in_words(interval),
            )
            for each in self.differences
            for over, interval in _intervals(each)
        ]
        level = f"points, at {100 * self.confidence:.4g} %"
        return card(
            f"{self.protocol} accuracy in % on {self._tested()}",
            self.notes,
            table(("side", "mean", "seeds"), means),
            table(("difference", level, "over", "verdict"), found),
        )


def compare_runs(
    sides: Mapping[str, Side],
    *,
    train: ImageSet | None = None,
    test: ImageSet | None = None,
    protocol: str | None = None,
    k: int | None = None,
    over: Over = "both",
    confidence: float = CONFIDENCE,
    cache: str | Path | None = None,
    keep: bool = False,
    tell: Callable[[str], object] | None = None,
    by_copies: bool = False,
) -> RunComparison:
    """Every other side against the first, on one probe: differences, intervals, verdicts, power.

    `sides` maps names to runs, as `open_runs` takes them. Checkpoints are probed on `train` and
    `test` where the predictions kept beside them are of others; with `keep` what is told is kept
    there. `protocol` is one of `predictions.PROTOCOLS`, by default linear, or what all predictions
    have. `over` "images" asks about these very runs, over test images alone, and takes one seed;
    else two or more seeds have to be on both sides. Records have no predictions: they are compared
    over seeds alone. `confidence` is shared by the differences (Bonferroni); `tell` is called with
    a line on each run that is to be probed, and on predictions of other images or of another run
    that new ones replace. With `by_copies` a linear probe holds copies within `train` out together,
    as `adainf probe` does on a reader's own images. Raises ValueError as `open_runs` does, for too
    few seeds, and for a checkpoint that has no predictions where `train` or `test` is missing.
    """
    as_choice(over, "over", ("both", "images"))
    confidence = as_confidence(confidence)
    if protocol is not None:
        as_choice(protocol, "protocol", PROTOCOLS)
    if k is not None:
        as_count(k, "k", 1)
    if cache is not None:
        as_path(cache, "cache")
    if (train is None) != (test is None):
        raise ValueError("give both train and test, or neither")
    for name, images in (("train", train), ("test", test)):
        if images is not None:
            as_image_set(images, name)
    opened = open_runs(sides, over)
    shared = shared_seeds(opened, over)
    level = 1 - (1 - confidence) / (len(opened) - 1)
    if any(run.record is not None for files in opened.values() for run in files):
        return _of_records(opened, shared, protocol, over, level)
    name = _protocol(opened, protocol, k)
    told = with_predictions(opened, name, train, test, k, cache, keep, tell, by_copies)
    right = {
        side: {run.seed: run.told.right(name) for run in files} for side, files in told.items()
    }
    first = next(iter(told))
    some = told[first][0].told
    differing = {side: _differing(told[first][0], files[0]) for side, files in told.items()}
    found = tuple(
        _difference(side, first, shared[side], right, over, level, differing[side])
        for side in list(told)[1:]
    )
    return RunComparison(
        name,
        some.protocols[name],
        some.test.name,
        int(some.counted.sum()),
        len(some.labels),
        tuple(
            ComparedSide(side, {s: _POINTS * float(r.mean()) for s, r in sorted(runs.items())})
            for side, runs in right.items()
        ),
        found,
        _notes(told, found),
    )


def _protocol(opened: Mapping[str, Sequence[RunFile]], asked: str | None, k: int | None) -> str:
    """The protocol's name: what is asked for, or linear, or what all predictions have."""
    if asked is not None:
        return protocol_name(asked, k)
    runs = [run for files in opened.values() for run in files]
    told = [set(run.predictions.protocols) for run in runs if run.predictions is not None]
    if len(told) < len(runs):
        return protocol_name("linear")
    common = set.intersection(*told)
    if not common:
        raise ValueError(
            f"the runs were probed differently ({runs[0].name}: {', '.join(sorted(told[0]))}): "
            "probe all by one protocol (adainf probe --protocol ...)"
        )
    return min(common, key=lambda name: (PROTOCOLS.index(name.partition(",")[0]), name))


def _difference(
    side: str,
    reference: str,
    seeds: tuple[int, ...],
    right: Mapping[str, Mapping[int, np.ndarray]],
    over: Over,
    level: float,
    differing: tuple[str, ...],
) -> RunDifference:
    values = _POINTS * np.stack(
        [right[side][seed].astype(float) - right[reference][seed] for seed in seeds]
    )
    on_images = images_interval(values, level, step=_POINTS)
    if over == "images":
        return RunDifference(
            side, reference, seeds, IMAGES_ALONE, on_images, on_images,
            None, None, None, differing,
        )  # fmt: skip
    found = crossed_interval(values, level, step=_POINTS)
    needed, images = found.seeds_for(MARGIN), found.images_for(MARGIN)
    more = images if needed is None and images > found.images else None
    return RunDifference(
        side, reference, seeds, BOTH, found, on_images, found.detectable(),
        needed, more, differing,
    )  # fmt: skip


def _of_records(
    opened: Mapping[str, Sequence[RunFile]],
    shared: Mapping[str, tuple[int, ...]],
    protocol: str | None,
    over: Over,
    level: float,
) -> RunComparison:
    """Records compared over seeds alone."""
    if over == "images":
        one = next(iter(opened.values()))[0].name
        raise ValueError(
            f"{one} is a record, which keeps no predictions: over test images alone only "
            "checkpoints and predictions are compared (adainf probe)"
        )
    runs = [run for files in opened.values() for run in files]
    metric = "linear" if protocol is None else protocol
    if protocol is None and not all("linear" in run.recorded.metrics for run in runs):
        metric = "knn"
    for run in runs:
        if metric not in run.recorded.metrics:
            has = ", ".join(run.recorded.metrics)
            raise ValueError(f"{run.name} has no accuracy by {metric}, but by {has}")
        for key in _SHARED:
            settings = [part.recorded.config.get(key) for part in (runs[0], run)]
            if settings[0] != settings[1]:
                raise ValueError(
                    f"{runs[0].name} has {key}={in_words(settings[0])}, {run.name} "
                    f"{in_words(settings[1])}: "
                    "compare runs on the same images, probed alike"
                )
    values = {
        side: {run.seed: run.recorded.metrics[metric] for run in files}
        for side, files in opened.items()
    }
    first = next(iter(opened))
    found = []
    for side in list(opened)[1:]:
        difference = paired_difference(values[side], values[first], level)
        pairs = [values[side][seed] - values[first][seed] for seed in shared[side]]
        noise = float(np.std(pairs, ddof=1))
        differing = _differing(opened[first][0], opened[side][0])
        least = smallest_detectable(noise, len(pairs), level) if noise else 0.0
        needed = seeds_needed(MARGIN, noise, level) if noise else 2
        found.append(RunDifference(
            side, first, shared[side], SEEDS_ALONE, difference, None, least, needed, None, differing
        ))  # fmt: skip
    config = runs[0].recorded.config
    named = (config.get(key) for key in ("test", "labelled", "dataset", "world"))
    test = next((one for one in named if isinstance(one, str)), "the test set")
    note = (
        "records keep no predictions, so that other test images might say something else: to "
        "count them too, train with adainf pretrain --checkpoint, and adainf probe"
    )
    return RunComparison(
        metric,
        runs[0].recorded.protocols[metric],
        str(test),
        None,
        None,
        tuple(ComparedSide(side, dict(sorted(own.items()))) for side, own in values.items()),
        tuple(found),
        (*_notes(opened, found), note),
    )


def _differing(reference: RunFile, other: RunFile) -> tuple[str, ...]:
    """The settings in which two sides differ; of images that they are others."""
    found, sides = [], (reference.settings, other.settings)
    for each in differences(*sides):
        key = each.partition("=")[0]
        if key == "data.real":
            each = "data.real: other images"
        elif key == "data.generated":
            if "None" in each:
                continue  # the mixture says that one side has none
            each = "data.generated: other images"
        elif key in _ABSENT and None in (values := [_value(side, key) for side in sides]):
            words = [_ABSENT[key] if v is None else f"{key} {_short(v)}" for v in values]
            each = " against ".join(words)
        found.append(each)
    return tuple(found)


def _value(settings: Any, key: str) -> Any:
    """The setting of that dotted name, None where there is none."""
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def _short(value: Any) -> str:
    if isinstance(value, Mapping):  # an object of settings, by its name
        return str(value.get("name", in_words(value)))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _notes(
    opened: Mapping[str, Sequence[RunFile]], found: Iterable[RunDifference]
) -> tuple[str, ...]:
    notes = []
    first = next(iter(opened))
    ours = {run.seed for run in opened[first]}
    for each in found:
        theirs = {run.seed for run in opened[each.side]}
        alone = sorted(ours ^ theirs)
        if alone:
            notes.append(
                f"left out of {each.side} less {first}, as on one side alone: seeds "
                f"{numbers_of(alone)}"
            )
        if len(each.seeds) == 2 and isinstance(each.difference, CrossedInterval):
            notes.append(
                "two seeds hardly tell how much seeds vary: the interval over both errs on the "
                "wide side, and the one over test images alone speaks of these runs and no others"
            )
        if not each.differing:
            notes.append(f"{each.side} and {first} have the same settings, but for their seeds")
    return tuple(dict.fromkeys(notes))


# ---- words


def _intervals(found: RunDifference) -> list[tuple[str, Interval]]:
    """The intervals of a difference, each with what it is over."""
    intervals = [(found.over, found.difference)]
    if found.on_images is not None and found.on_images is not found.difference:
        intervals.append((IMAGES_ALONE, found.on_images))
    return intervals


def _told(found: RunDifference) -> list[str]:
    """A difference in a few lines."""
    lines = [f"is {found.side} more accurate than {found.reference}?"]
    for over, interval in _intervals(found):
        lines.append(f"  {interval:+.2f}  over {over}: {difference_in_words(interval)}")
    if found.detectable is not None:
        lines.append(f"  {_power(found)}")
    shown = [_one_line(each) for each in found.differing[:_SHOWN]]
    more = len(found.differing) - len(shown)
    if shown:
        lines.append(f"  the sides differ in {'; '.join(shown)}{f'; {more} more' * (more > 0)}")
    return lines


def _power(found: RunDifference) -> str:
    seeds, least = len(found.seeds), found.detectable
    text = f"{seeds} seeds find {least:.1f} points in four cases of five (80 % power); "
    if least is not None and least >= _POINTS:  # accuracies differ by no more
        text = f"{seeds} seeds find no difference, however large, with 80 % power; "
    if found.seeds_needed is not None:
        return text + f"{found.seeds_needed} seeds would find {MARGIN:g}"
    if found.images_needed is not None:
        return text + (
            f"no number of seeds would find {MARGIN:g} on fewer than {found.images_needed:,} test "
            "images"
        )
    return text + f"more than {_MOST_SEEDS} seeds would find {MARGIN:g}"


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
