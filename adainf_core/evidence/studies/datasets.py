"""Data sets: the four main arms on Tiny ImageNet, CIFAR-100 and STL-10."""

from __future__ import annotations

from adainf_core.evidence.published import control, paper
from adainf_core.evidence.runs.grid import Study, Times
from adainf_core.evidence.studies.paper_model import INFLATION, LAYOUTS, MAIN, main_claims

NAME = "datasets"
ARMS = {
    f"{arm}_{dataset}": standard.changing(
        {
            "world": dataset,
            "n_real": Times(real),
            **(
                {"n_generated": Times(times, of="n_real")}
                if "generator" in standard.changes
                else {}
            ),
            **({} if n_test is None else {"n_test": n_test}),
        },
        f"{dataset}: {standard.label}",
        headline=False,
    )
    # Tiny ImageNet has 200 classes, and in the paper ten generated images for a real one
    for dataset, real, times, n_test in (
        ("tinyimagenet32", 5.0, 10.0, None),
        ("cifar100", 2.0, INFLATION, None),
        ("stl10", 1.0, INFLATION, 8000),
    )
    for arm, standard in MAIN.items()
}

CLAIMS = (
    *main_claims(NAME, "tinyimagenet32", "Tiny ImageNet", paper),
    *main_claims(NAME, "cifar100", "CIFAR-100", control),
)

STUDY = Study(NAME, "Is it CIFAR-10's alone?", ARMS, {"laptop": LAYOUTS["laptop"]}, CLAIMS)
