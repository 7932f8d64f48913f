"""Role worlds: where the exact theory sets pairs above further images, does training?

A generator that is shown a sprite and recolours it makes, taken as images, no new distribution at
all: P_g is P_d, and the graph that of real images at any weight. Taken as pairs the same variations
join what augmentation leaves apart, and the spectral gap grows. In a world of sprites all of this
is exact (`theory.positive_pairs`), and a network can be trained on the same views, so that what
theory says, also of variations that now and then are of another shape, can be found wrong.

The pilot that set the strengths ran on seed 100, which no record uses: under the harder crops a
network learns the colour of real images instead of the shape, under the others it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import ClassVar

from adainf_core.data.latent_positives import LatentVariation, positive_sprites
from adainf_core.data.latent_sprites import PicturedWorld
from adainf_core.evidence.judging.claims import Contrast, Ranking, Term
from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times
from adainf_core.evidence.studies import latent_worlds
from adainf_core.evidence.studies.latent_experiment import LatentExperiment
from adainf_core.validation import as_share

NAME = "role-worlds"


@dataclass(frozen=True)
class RoleWorldExperiment(LatentExperiment):
    """One world as in `LatentExperiment`, with variations of its images as the other of a pair.

    Each of the two views is with probability `share` one of a `variation` of the image, in the
    image's place and independently of the other.
    """

    variation: LatentVariation = field(default_factory=LatentVariation)
    share: float = 0.0

    kind: ClassVar[str] = "role world"

    def __post_init__(self) -> None:
        as_share(self.share, "share")

    @cached_property
    def pictured(self) -> PicturedWorld:
        """The world with its images, its kernel that of an image and its variations."""
        varied = positive_sprites(self.augmentation, self.variation, self.flaw, self.tau)
        world = replace(varied.world, kernel=varied.kernel(self.share))
        return replace(super().pictured, world=world)


_VARIATIONS = {
    "hue": ("another colour", LatentVariation(hue=1.0)),
    "hue_shape_10": ("another colour, 10 % wrong", LatentVariation(hue=1.0, shape=0.1)),
    "hue_shape_30": ("another colour, 30 % wrong", LatentVariation(hue=1.0, shape=0.3)),
    "place": ("another place", LatentVariation(place=1.0)),
    "shape_30": ("30 % wrong, nothing else", LatentVariation(shape=0.3)),
}
_STRENGTHS = {"": 1.0, "_hard": 1.5}
ARMS = {
    f"{name}{suffix}": Arm(
        f"{words}, crops x {strength:g}",
        {f"augmentation.{crop}": Times(strength) for crop in latent_worlds.CROPS} | changes,
    )
    for suffix, strength in _STRENGTHS.items()
    for name, words, changes in (
        ("real", "no variations", {}),
        *(
            (name, words, {"variation": variation, "share": 0.5})
            for name, (words, variation) in _VARIATIONS.items()
        ),
    )
}


def _errs_less(key: str, statement: str, better: str, worse: str, short: str) -> Contrast:
    terms = (Term(worse, 1.0, "trained"), Term(better, -1.0, "trained"))
    return Contrast(f"pairs_{key}", statement, NAME, terms, asked_by="control", short=short)


CLAIMS = (
    Ranking(
        "pairs_exact", "Over kinds of variations, the trained error rises with the exact one", NAME,
        measure="exact", truth="trained", ranked=tuple(ARMS), primary=True, asked_by="control",
        short="exact error of pairs",
    ),
    _errs_less(
        "colour", "Under hard crops, pairs with a recoloured sprite lower the error", "hue_hard",
        "real_hard", "recoloured pairs",
    ),
    _errs_less(
        "colour_10", "They do so where 10 % of them have a shape drawn anew", "hue_shape_10_hard",
        "real_hard", "recoloured pairs, 10 % wrong",
    ),
    _errs_less(
        "colour_30", "They do so where 30 % of them have a shape drawn anew", "hue_shape_30_hard",
        "real_hard", "recoloured pairs, 30 % wrong",
    ),
    _errs_less(
        "shape", "Pairs that differ in nothing but a wrong shape raise the error", "real",
        "shape_30", "no pairs > wrong pairs",
    ),
)  # fmt: skip


def _layout(scale: str, seeds: int) -> Layout:
    base = latent_worlds.STUDY.layouts[scale].base
    same = {each.name: getattr(base, each.name) for each in fields(base)}
    return Layout(RoleWorldExperiment(**same), seeds=(seeds, seeds), first_seed=20)


STUDY = Study(
    NAME,
    "Do pairs help where the exact theory says so?",
    ARMS,
    {"quick": _layout("quick", 1), "laptop": _layout("laptop", 8)},
    CLAIMS,
    strict=True,
)
