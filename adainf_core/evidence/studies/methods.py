"""Methods: the four main arms under MoCo v2, BYOL and Barlow Twins."""

from __future__ import annotations

from adainf_core.evidence.published import control, paper
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.studies.paper_model import LAYOUTS, MAIN, main_claims
from adainf_core.learning.methods import BYOL, BarlowTwins, MoCo

NAME = "methods"
ARMS = {
    f"{arm}{suffix}": standard.changing(
        {
            **({} if method is None else {"pretrain.method": method}),
            "pretrain.policy": policies[standard.changes.get("pretrain.policy") == "weak"],
        },
        f"{label}: {standard.label}",
        headline=method is None,
    )
    for suffix, label, method, policies in (
        ("", "SimCLR", None, ("strong", "weak")),
        # a queue of the usual length would hold two copies of each of 2,000 images
        ("_moco", "MoCo v2", MoCo(queue=512), ("strong", "weak")),
        ("_byol", "BYOL", BYOL(), ("asymmetric", "asymmetric_weak")),
        ("_barlow", "Barlow Twins", BarlowTwins(), ("asymmetric", "asymmetric_weak")),
    )
    for arm, standard in MAIN.items()
}

CLAIMS = (
    *main_claims(NAME, "moco", "MoCo v2", paper),
    # here the paper's own table has vanilla inflation ahead
    *main_claims(NAME, "byol", "BYOL", control),
    *main_claims(NAME, "barlow", "Barlow Twins", control),
)

STUDY = Study(NAME, "Is it SimCLR's alone?", ARMS, {"laptop": LAYOUTS["laptop"]}, CLAIMS)
