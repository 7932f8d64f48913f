"""Scarce data: the main arms with a quarter of the real images."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Published, gains_more
from adainf_core.evidence.published import PUBLISHED, TABLE_1, control, paper
from adainf_core.evidence.runs.grid import Times
from adainf_core.evidence.studies.paper_model import MAIN, PERFECT_ADAINF, paper_study

NAME = "data-scarce"
ARMS = {
    **MAIN,
    **{
        f"{arm}_quarter": standard.changing(
            {"n_real": Times(0.25)}, f"{standard.label}, a quarter", headline=False
        )
        for arm, standard in (MAIN | {"perfect_adainf": PERFECT_ADAINF}).items()
    },
    "perfect_adainf": PERFECT_ADAINF,
}

# what adaptive inflation adds there, less what it adds with all images
_TENTH = PUBLISHED["Table 3b, a tenth of the images, 100 generated for 1", "Q"]
_ALL = PUBLISHED[TABLE_1]
_SCARCE_MORE = round(
    _TENTH["adainf_quarter"] - _TENTH["none_quarter"] - _ALL["adainf"] + _ALL["none"], 2
)
CLAIMS = (
    paper(
        "scarce_cure", "With a quarter of the images, adaptive inflation beats none", NAME,
        "adainf_quarter", "none_quarter", short="AdaInf > none, a quarter",
    ),
    gains_more(
        "scarce_more",
        "Adaptive inflation gains more over none with a quarter of the images than with all", NAME,
        ("adainf_quarter", "none_quarter"), ("adainf", "none"),
        (Published("Table 3b, with a tenth, against Table 1", _SCARCE_MORE, "D"),),
        short="gains more than with all",
    ),
    control(
        "scarce_beyond_weak",
        "With a quarter of the images, adaptive inflation beats weak augmentation alone", NAME,
        "adainf_quarter", "weak_quarter", short="AdaInf > weak, a quarter",
    ),
)  # fmt: skip

STUDY = paper_study(NAME, "Does it matter more where real images are few?", ARMS, CLAIMS)
