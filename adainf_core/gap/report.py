"""The gap report: every measure in one table, each beside real against real."""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from adainf_core.data.copies import Copies, find_copies, why_not_near
from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.data.known_copies import known_copies
from adainf_core.gap.checks import Check, Files, checked
from adainf_core.gap.classifier_tv import ClassifierTV, MirrorWarning, classifier_tv
from adainf_core.gap.drawing import drawn
from adainf_core.gap.estimate import GapEstimate, Rows
from adainf_core.gap.extractors import Extractor, random_convolution
from adainf_core.gap.format_share import FormatShare, format_share
from adainf_core.gap.frechet import frechet_estimate
from adainf_core.gap.image_tv import image_tv
from adainf_core.gap.kernel_distance import kernel_distance
from adainf_core.gap.memorisation import Memorisation, memorisation
from adainf_core.gap.precision_recall import precision_recall
from adainf_core.gap.rows import GapRow, shown
from adainf_core.gap.sentences import Sentences, sentences
from adainf_core.progress import progress_bar
from adainf_core.validation import IntArray, as_confidence, as_count, as_path, as_seed, in_words

_LEAST = 120  # rows a side: what halves of the real ones need for an extrapolated distance
_WIDTH = 100
# what a measure sees, and what it misses
_BOUNDS = {
    "total variation": (
        "whatever the classifier learns; the bound holds at its confidence",
        "what it does not learn: the bound is then smaller, never wrong",
    ),
    "AUC": ("the same; 0.5 where nothing is told apart", "few telling images move it little"),
    "accuracy": ("the same, at one threshold", "few telling images hide in it"),
}
_MANIFOLD = {
    "precision": ("generated images off the real ones' ground", "lost modes; outliers fool it"),
    "recall": ("real images the generator does not reach", "bad images; outliers fool it"),
    "density": ("how deep among real images generated ones lie", "lost modes"),
    "coverage": ("real neighbourhoods without a generated image", "bad images far away"),
}


@dataclass(frozen=True, eq=False)
class GapReport:
    """How far generated images are from real ones, as every measure sees it; printed, a table.

    `checks` were looked at first, a line each; `rows` has one `GapRow` a measure, `format_share`
    how much of some the file format makes, where the sides differ in that. `memorised` are the
    distances to the nearest real images, `classifiers` the two comparisons by classifiers (of
    images, of features) whole. `repeated` says in a line each what both sides share, and what
    repeats among the images drawn; `notes` are warnings that a reader of the table must know.
    `shared` generated images are copies of real ones. `real`, `generated` are the distinct images,
    which were measured.
    """

    checks: tuple[Check, ...]
    rows: tuple[GapRow, ...]
    format_share: FormatShare | None
    memorised: Memorisation
    classifiers: tuple[ClassifierTV, ClassifierTV]
    repeated: tuple[str, ...]
    shared: int
    notes: tuple[str, ...]
    real: ImageSet
    generated: ImageSet
    extractor: str
    saw: str
    mirror: str
    confidence: float
    seed: int

    @property
    def sentences(self) -> Sentences:
        """How far, what it is made of, and what it changes in the decision, in words."""
        return sentences(self)

    def table(self) -> str:
        """The checks, the rows as text in at most 100 columns, and what they mean in sentences."""
        level = f"{100 * self.confidence:g} %"
        lines = [
            f"{self.generated.name} against {self.real.name}",
            *(textwrap.fill(str(check), _WIDTH, subsequent_indent="  ") for check in self.checks),
            f"features of {self.extractor} (trained on: {self.saw})",
            f"real against real: {self.mirror}; intervals at {level}",
            "",
            f"{'measure':<26}{'generated':<30}{'n':>12}  real against real",
        ]
        for row in self.rows:
            zero = "-" if row.mirrored is None else shown(row, row.mirrored)
            sizes = f"{row.found.n_real}+{row.found.n_generated}"
            lines.append(f"{row.measure:<26}{shown(row, row.found):<30}{sizes:>12}  {zero}")
        said = (textwrap.fill(text, _WIDTH) for text in (*self.notes, *self.sentences.all))
        return "\n".join([*lines, "", *said])

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        from adainf_core.gap.report_page import summary

        return summary(self)

    def as_plain(self) -> dict[str, Any]:
        """Sentences, checks and rows as values for JSON; None where a number is not finite."""

        def plain(found: GapEstimate | None) -> dict[str, float | None] | None:
            if found is None:
                return None
            ends = {name: getattr(found, name) for name in ("value", "low", "high")}
            values = {name: v if math.isfinite(v) else None for name, v in ends.items()}
            return values | {"n_real": found.n_real, "n_generated": found.n_generated}

        share = self.format_share
        return {
            "real": self.real.name,
            "generated": self.generated.name,
            "extractor": self.extractor,
            "real_against_real": self.mirror,
            "confidence": self.confidence,
            "seed": self.seed,
            "sentences": asdict(self.sentences),
            "checks": [
                {
                    "check": check.name,
                    "says": check.says,
                    "differs": check.differs,
                    "generated": plain(check.found),
                    "real_against_real": plain(check.control),
                }
                for check in self.checks
            ],
            "repeated": self.repeated,
            "notes": self.notes,
            "rows": [
                {
                    "measure": row.measure,
                    "features": row.features,
                    "generated": plain(row.found),
                    "real_against_real": plain(row.mirrored),
                }
                for row in self.rows
            ],
            "format": None
            if share is None
            else {
                "resaved": share.resaved,
                "quality": share.quality,
                "rows": [
                    {"measure": row.measure}
                    | {name: plain(getattr(row, name)) for name in ("as_is", "alone", "alike")}
                    for row in share.rows
                ],
            },
        }

    def row(self, measure: str) -> GapRow:
        """The row of that name; KeyError naming the known ones."""
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(f"{measure!r}: known are {', '.join(row.measure for row in self.rows)}")

    def write_html(self, path: str | Path) -> Path:
        """Write the report with its pictures as one HTML page that loads nothing; returns the path.

        The file appears whole or not at all. A full disk is an OSError that says so.
        """
        from adainf_core.files import atomic_file
        from adainf_core.gap.report_page import page

        target, text = as_path(path, "path"), page(self)
        with atomic_file(target) as file:
            file.write(text.encode())
        return target


def gap_report(
    real: ImageSet,
    generated: ImageSet,
    extractor: Extractor | None = None,
    *,
    held_out: ImageSet | None = None,
    n: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
    keep_copies: bool = False,
    files: Mapping[str, Files] | None = None,
    caveats: Sequence[str] = (),
) -> GapReport:
    """Measure the gap between `real`, the generator's training images, and `generated` ones.

    From either set at most `n` images are drawn at random (`seed`), and of copies among them,
    exact, mirrored or near (`data.copies.find_copies`), one is measured. What two sides share is on
    one side of every split that a classifier is trained and compared on. With `keep_copies` all are
    measured as they are: for independent draws of a distribution that repeats itself, as a finite
    world of sprites does; of any other images the bounds are then not bounds. `extractor` makes the
    features (default: `random_convolution()`, which has learnt nothing); the bound on images needs
    none.

    `held_out` real images, which the generator has not seen, serve twice: they take the place of
    generated ones in "real against real", and their distances to the training images say how near
    chance comes. Without them the first half of the drawn real images is compared with the second,
    and other training images are the reference.

    `caveats` are sentences on where the generated images come from, for the report's notes.

    ValueError on images of different sizes or fewer than 120 distinct ones (any 120 with
    `keep_copies`), before anything is measured.
    """
    as_confidence(confidence)
    n = as_count(n, "n", _LEAST)
    rng = np.random.default_rng(as_seed(seed))
    sets = {"real": real, "generated": generated}
    if held_out is not None:
        sets["held_out"] = held_out
    if extractor is not None and not isinstance(extractor, Extractor):
        raise ValueError(
            f"extractor = {in_words(extractor)} must be an Extractor: give named_extractor(name)"
        )
    for name, given in sets.items():
        as_image_set(given, name)
        if given.images.shape[1:] != real.images.shape[1:]:
            raise ValueError(
                f"{name} has images of {given.images.shape[2:]} and real of "
                f"{real.images.shape[2:]}: bring them to one size with ImageSet.resized"
            )
        if len(given) < _LEAST:
            raise ValueError(f"{name} has {len(given)} images: at least {_LEAST} are needed")
    files = files or {name: Files.of(sets[name]) for name in ("real", "generated")}
    chosen = extractor or random_convolution()
    with progress_bar(6, "stage", about="measuring the gap") as advance:
        taken, orders = {}, {}
        for name, some in sets.items():
            taken[name], orders[name] = drawn(some, n, rng)
        groups, shared = None, 0
        repeated = ["copies among the images are kept: they pass for independent draws"]
        if not keep_copies:
            taken, groups, repeated, shared = _distinct(sets, taken, orders)
        images = {name: some.images for name, some in taken.items()}
        advance(1)
        checks, grids = checked(
            taken["real"], taken["generated"], taken.get("held_out"), files, confidence
        )
        copies = Check("copies", "; ".join(repeated) or "none", shared > 0)
        advance(1)
        features = {name: chosen(some) for name, some in images.items()}
        advance(1)
        by_classifier, notes = _classified(images, features, groups, confidence, seed)
        advance(1)
        memorised = memorisation(
            features["real"], features["generated"], features.get("held_out"), confidence=confidence
        )
        if held_out is None:
            mirror = f"two halves of {real.name}"
            mirrored = np.array_split(features["real"], 2)
        else:
            mirror = f"{real.name} against {held_out.name}"
            mirrored = [features["real"], features["held_out"]]
        distances = _distances(
            features["real"], features["generated"], mirrored, chosen.name, confidence
        )
        advance(1)
        # what both sides share is on neither
        own = slice(None) if groups is None else ~np.isin(groups[0], groups[1])
        new = slice(None) if groups is None else ~np.isin(groups[1], groups[0])
        sides = {"real": own, "generated": new}
        apart = {name: images[name][places] for name, places in sides.items()}
        share = None
        if min(map(len, apart.values())) >= _LEAST:
            share = format_share(
                apart,
                {name: features[name][places] for name, places in sides.items()},
                grids,
                chosen,
                as_is=by_classifier[0].estimate if not shared else None,
                frechet=distances[0].measure,
                confidence=confidence,
                seed=seed,
            )
        advance(1)
    rows = [
        *distances,
        *_classifier_rows(by_classifier, chosen.name),
        GapRow(
            "nearer than chance",
            chosen.name,
            memorised.near,
            None,
            f"copies of training images: the share nearer than {100 * memorised.quantile:g} % of "
            f"the {memorised.reference} are",
            "copies the features do not recognise; blur makes it small too",
        ),
    ]
    return GapReport(
        (copies, *checks),
        tuple(rows),
        share,
        memorised,
        by_classifier,
        tuple(repeated),
        shared,
        (*notes, *caveats),
        taken["real"],
        taken["generated"],
        chosen.name,
        chosen.saw,
        mirror,
        confidence,
        seed,
    )


def _copies(
    sets: dict[str, ImageSet], taken: dict[str, ImageSet], orders: dict[str, IntArray]
) -> Copies:
    """The copies among the images drawn; those of whole sets are kept from one time to the next."""
    if any(len(taken[name]) < len(images) for name, images in sets.items()):
        return find_copies(*(images.images for images in taken.values()))
    found = known_copies(*sets.values())
    starts = np.cumsum([0, *map(len, sets.values())])
    places = np.concatenate(
        [start + orders[name] for start, name in zip(starts, sets, strict=False)]
    )
    _, first, group = np.unique(found.group[places], return_index=True, return_inverse=True)
    return Copies(first[group], found.kind[places], found.near_searched)


def _distinct(
    sets: dict[str, ImageSet], taken: dict[str, ImageSet], orders: dict[str, IntArray]
) -> tuple[dict[str, ImageSet], list[IntArray], list[str], int]:
    """One image of each group of copies a side, their groups over all sides, and what was found.

    It is the first in the set's order: the original, where copies that were saved anew follow it.
    What both sides share is said first; of the generated images so many are shared.
    """
    copies = _copies(sets, taken, orders)
    ends = np.cumsum([len(images) for images in taken.values()])
    of_sides = dict(zip(taken, np.split(copies.group, ends[:-1]), strict=True))
    kept = {}
    for name, side in of_sides.items():
        places = np.argsort(orders[name])
        kept[name] = np.sort(places[np.unique(side[places], return_index=True)[1]])
    groups = {name: of_sides[name][kept[name]] for name in taken}
    said, of_real = [], 0
    for name, others in (("generated", "real"), ("held_out", "real"), ("generated", "held_out")):
        if not {name, others} <= groups.keys():
            continue
        shared = int(np.isin(groups[name], groups[others]).sum())
        if (name, others) == ("generated", "real"):
            of_real = shared
        if shared == len(groups[name]) == len(groups[others]):
            said.append(f"{name} and {others} are the same images: no distance between them")
        elif shared:
            said.append(
                f"{shared:,} of {len(groups[name]):,} {name} images are copies of {others} ones"
            )
    if not of_real:
        said.insert(0, "no generated image is a copy of a real one")
    said += [
        f"{name}: {again:,} of {len(side):,} images repeat others, {len(side) - again:,} distinct"
        for name, side in of_sides.items()
        if (again := len(side) - len(np.unique(side)))
    ]
    if not copies.near_searched:
        smallest = min(taken["real"].images.shape[2:])
        said.append(f"near ones not searched: {why_not_near(len(copies), smallest)}")
    for name, places in kept.items():
        if len(places) < _LEAST:
            raise ValueError(
                f"{name} has {len(places):,} distinct images among {len(taken[name]):,}, the rest "
                f"are copies: at least {_LEAST} are needed"
            )
    distinct = {name: images.subset(kept[name]) for name, images in taken.items()}
    return distinct, list(groups.values()), said, of_real


def _classified(
    images: dict[str, np.ndarray],
    features: dict[str, Rows],
    groups: list[IntArray] | None,
    confidence: float,
    seed: int,
) -> tuple[tuple[ClassifierTV, ClassifierTV], list[str]]:
    size = min(len(images["real"]), len(images["generated"]))  # as many of either side
    images, features = (
        {name: rows if name == "held_out" else rows[:size] for name, rows in sides.items()}
        for sides in (images, features)
    )
    if groups is not None:
        groups = [*(side[:size] for side in groups[:2]), *groups[2:]]
        if len(np.unique(np.concatenate(groups))) == sum(map(len, groups)):
            groups = None  # nothing is shared
    options: dict[str, Any] = {"confidence": confidence, "seed": seed, "groups": groups}
    with warnings.catch_warnings(record=True) as alarms:
        warnings.simplefilter("always", MirrorWarning)
        of_images = image_tv(
            images["real"], images["generated"], real_again=images.get("held_out"), **options
        )
        of_features = classifier_tv(
            features["real"], features["generated"], real_again=features.get("held_out"), **options
        )
    return (of_images, of_features), [
        str(alarm.message) for alarm in alarms if issubclass(alarm.category, MirrorWarning)
    ]


def _distances(
    real: Rows, generated: Rows, mirrored: list[Rows], name: str, confidence: float
) -> list[GapRow]:
    pairs = [(real, generated), (mirrored[0], mirrored[1])]
    size = min(len(generated), *map(len, mirrored))  # the same for what depends on n
    equal = [(mirrored[0][:size], other[:size]) for other in (generated, mirrored[1])]
    with threadpool_limits(1):  # as in `classifier_tv`
        frechet = [frechet_estimate(*pair, confidence=confidence) for pair in pairs]
        kernel = [kernel_distance(*pair, confidence=confidence) for pair in pairs]
        manifold = [precision_recall(*pair, confidence=confidence) for pair in equal]
    fid = "FID, extrapolated" if name == "Inception-v3" else "Fréchet, extrapolated"
    rows = [
        GapRow(
            fid,
            name,
            frechet[0].extrapolated,
            frechet[1].extrapolated,
            "shifts of the features' means and covariances",
            "all that two moments do not hold; copies of training images",
        ),
        GapRow(
            "kernel distance",
            name,
            kernel[0],
            kernel[1],
            "differences of the first three moments, without bias",
            "higher moments; small shares of bad images; copies",
        ),
    ]
    for measure, (sees, misses) in _MANIFOLD.items():
        found, zero = (getattr(side, measure) for side in manifold)
        rows.append(GapRow(measure, name, found, zero, sees, misses))
    return rows


def _classifier_rows(found: tuple[ClassifierTV, ClassifierTV], name: str) -> list[GapRow]:
    rows = []
    for result, features in zip(found, ("images", name), strict=True):
        bounds = [
            GapEstimate(e.point, e.lower, 1.0, e.n_real, e.n_generated, confidence=e.confidence)
            for e in (result.estimate, result.mirrored)
        ]
        of = "images" if features == "images" else "features"
        where = f"{features}, by {result.classifier}"
        for measure, estimate, zero in (
            ("total variation", bounds[0], bounds[1]),
            ("AUC", result.auc, result.mirrored_auc),
            ("accuracy", result.accuracy, result.mirrored_accuracy),
        ):
            rows.append(GapRow(f"{measure}, {of}", where, estimate, zero, *_BOUNDS[measure]))
    return rows
