"""Quality: generators from one Gaussian to held-out photographs, under vanilla inflation."""

from __future__ import annotations

from adainf_core.evidence.published import control
from adainf_core.evidence.studies.paper_model import MIXTURE, NONE, PERFECT, inflated, paper_study
from adainf_core.generators import dial

NAME = "quality"
ARMS = {
    "none": NONE,
    **{
        name: inflated(label, setting)
        for name, label, setting in (
            ("pca_gaussian", "Gaussian", dial.PCAGaussian()),
            ("gaussian_mixture", "Gaussian mixture", MIXTURE),
            ("diluted_50", "held-out, half Gaussian", dial.DilutedSetting(0.5)),
            ("diluted_30", "held-out, 30 % Gaussian", dial.DilutedSetting(0.3)),
            ("diluted_10", "held-out, 10 % Gaussian", dial.DilutedSetting(0.1)),
            ("blur", "held-out, blurred", dial.Blur(1.0)),
            ("memorised", "copies of the real images", dial.Memorised()),
            ("held_out", "held-out", PERFECT),
        )
    },
}

CLAIMS = (
    control(
        "better_is_better", "Under vanilla inflation, 10 % Gaussian beats 50 % Gaussian", NAME,
        "diluted_10", "diluted_50", short="10 % > 50 % Gaussian",
    ),
    control(
        "copies_help", "Inflating with copies of the real images helps", NAME, "memorised", "none",
        short="copies > none",
    ),
    control(
        "blur_harms", "No inflation beats held-out images that are blurred", NAME, "none", "blur",
        short="none > blurred",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME, "How good does a generator have to be before inflation pays?", ARMS, CLAIMS
)
