"""More sets: the four main arms on photographs of other kinds, off the floor.

With 200 classes of Tiny ImageNet and this book's small network every arm is near what colours tell;
with its first twenty there is something to lose. Imagenette has ten classes of ImageNet that are
easily told apart, as many images as a CIFAR-10 run.
"""

from __future__ import annotations

from dataclasses import replace

from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Study, Times
from adainf_core.evidence.studies.paper_model import INFLATION, LAYOUTS, MAIN, main_claims

NAME = "more-sets"
SEEDS, FIRST_SEED = 8, 120
#: Set by name: real images as a multiple of the layout's, generated ones for each, test images.
_SETS = {"tinyimagenet32_20": (5.0, 10.0, 1000), "imagenette32": (1.0, INFLATION, 3925)}
ARMS = {
    f"{arm}_{world}": standard.changing(
        {"world": world, "n_real": Times(real), "n_test": n_test}
        | (
            {"n_generated": Times(generated, of="n_real")}
            if "generator" in standard.changes
            else {}
        ),
        f"{world}: {standard.label}",
        headline=False,
    )
    for world, (real, generated, n_test) in _SETS.items()
    for arm, standard in MAIN.items()
}

#: Controls all: the paper has neither set.
CLAIMS = tuple(
    replace(claim, asked_by="control")
    for world, name in (
        ("tinyimagenet32_20", "Tiny ImageNet-20"),
        ("imagenette32", "Imagenette"),
    )
    for claim in main_claims(NAME, world, name, control)
)

STUDY = Study(
    NAME,
    "Is it so on other photographs?",
    ARMS,
    {"laptop": replace(LAYOUTS["laptop"], seeds=(SEEDS, SEEDS), first_seed=FIRST_SEED)},
    CLAIMS,
    strict=True,
)
