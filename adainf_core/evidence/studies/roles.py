"""Roles: what else generated images are good for than as more images.

Against gentle augmentation alone, which every use of a generator has to beat, and against a third
augmentation of the real image, which costs as much as a third view of a variation does. Two
generators vary images: the mixture, fitted to the run's own real images, and the shipped diffusion
model, which has seen all photographs of the set, so that what it gains may be theirs.

"weak_longer" takes half as many steps again, as many views as three a step. "generated first" draws
generated images alone until the middle of training, then real ones alone; "half" draws as many of
either all along, under the same schedule of the learning rate.
"""

from __future__ import annotations

from dataclasses import replace

from adainf_core.evidence.judging.claims import Contrast
from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Arm, Study, Times
from adainf_core.evidence.studies.paper_model import (
    ADAINF,
    LAYOUTS,
    MIXTURE,
    WEAK,
    WEAKER,
    inflated,
)
from adainf_core.generators.filtering import Filter
from adainf_core.generators.variation_settings import DiffusionVariations, MixtureVariations
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.roles import Multi, Positive, ReplaceView, Role, ThirdView

NAME = "roles"
SEEDS, FIRST_SEED = 8, 100
_MIXTURE, _DIFFUSION = MixtureVariations(), DiffusionVariations()


def _role(role: Role, label: str, variations: object = _MIXTURE, arm: Arm = WEAK) -> Arm:
    changes = {"pretrain.generated_role": role}
    return arm.changing(changes | ({"variations": variations} if role.varies else {}), label, False)


ARMS = {
    "weak": WEAK,
    "weak_longer": WEAK.changing({"pretrain.steps": Times(1.5)}, "weak only, half longer", False),
    "third": _role(ThirdView(), "third augmentation, weak"),
    "positive": _role(Positive(), "positives, weak"),
    "positive_strong": _role(Positive(), "positives, strong", arm=Arm("")),
    "third_strong": _role(ThirdView(), "third augmentation, strong", arm=Arm("")),
    "positive_diffusion": _role(Positive(), "diffusion's positives, weak", _DIFFUSION),
    "replaced": _role(ReplaceView(0.5, "random"), "a view replaced, weak"),
    "multi": _role(Multi(2), "two positives, weak"),
    "adainf": ADAINF.changing({}, headline=False),
    "both": _role(Positive(), "AdaInf and positives", arm=ADAINF),
    "own_negatives": ADAINF.changing(
        {"pretrain.method": SimCLR(own_negatives=True)}, "AdaInf, negatives of one side", False
    ),
    "filtered": ADAINF.changing({"filtered": Filter(0.5, "distance")}, "AdaInf, filtered", False),
    "unambiguous": ADAINF.changing(
        {"filtered": Filter(0.5, "ambiguity")}, "AdaInf, ambiguous ones left out", False
    ),
    "half": inflated("half real, weak", MIXTURE, beta=0.5).changing(WEAKER),
    "generated_first": inflated(
        "generated first, weak", MIXTURE, schedule=((0.5, 0.0), (1.0, 1.0))
    ).changing(WEAKER),
}


def _beats(key: str, statement: str, better: str, worse: str, short: str) -> Contrast:
    return control(f"roles_{key}", statement, NAME, better, worse, short=short)


CLAIMS = (
    _beats(
        "positive", "The mixture's variations as positives beat a third augmentation", "positive",
        "third", "positives > third view",
    ),
    _beats(
        "diffusion", "A diffusion model's variations as positives beat a third augmentation",
        "positive_diffusion", "third", "diffusion's > third view",
    ),
    _beats(
        "strong", "Under strong augmentation the mixture's positives beat a third augmentation",
        "positive_strong", "third_strong", "positives > third, strong",
    ),
    _beats(
        "cost", "Positives beat training half longer without a generator", "positive",
        "weak_longer", "positives > longer",
    ),
    _beats(
        "both", "With positives AdaInf's images pay", "both", "positive", "both > positives",
    ),
    _beats(
        "negatives", "Negatives of one side alone improve AdaInf", "own_negatives", "adainf",
        "own negatives > AdaInf",
    ),
    _beats(
        "filtered", "Leaving out what is least like the real images improves AdaInf", "filtered",
        "adainf", "filtered > AdaInf",
    ),
    _beats(
        "first", "Generated images first beat as many all along", "generated_first", "half",
        "generated first > half",
    ),
)  # fmt: skip

STUDY = Study(
    NAME,
    "What else are generated images good for than as more images?",
    ARMS,
    {"laptop": replace(LAYOUTS["laptop"], seeds=(SEEDS, SEEDS), first_seed=FIRST_SEED)},
    CLAIMS,
    strict=True,
)
