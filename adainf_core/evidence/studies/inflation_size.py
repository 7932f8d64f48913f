"""Inflation size: from two generated images for a real one to twenty."""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Published, beats, gains_more
from adainf_core.evidence.studies.paper_model import (
    INFLATION,
    MIXTURE,
    NONE,
    PERFECT,
    WEAK,
    inflated,
    paper_study,
)

NAME = "inflation-size"
ARMS = {
    "none": NONE,
    "weak": WEAK,
    **{
        f"{prefix}{policy}_{times:g}": inflated(
            f"{label}{times:g} x, {policy}", generator, times=times
        ).changing({"pretrain.policy": policy})
        for times in (2.0, 5.0, 10.0, INFLATION)
        for prefix, label, generator in (
            ("mixture_", "mixture ", MIXTURE),
            ("perfect_", "held-out ", PERFECT),
        )
        for policy in ("strong", "weak")
    },
}

CLAIMS = (
    beats(
        "more_harm",
        "Under vanilla inflation, ten times the mixture's images, and so a smaller β, hurt", NAME,
        "mixture_strong_2", "mixture_strong_20", asked_by="control",
        short="mixture, strong:\n2 x > 20 x",
    ),
    beats(
        "more_help",
        "Under vanilla inflation, ten times a perfect generator's images, and a smaller β, help",
        NAME, "perfect_strong_20", "perfect_strong_2", asked_by="control",
        short="perfect, strong:\n20 x > 2 x",
    ),
    gains_more(
        "size_weak", "More of a perfect generator's images gain more under weak augmentation", NAME,
        ("perfect_weak_20", "perfect_weak_2"), ("perfect_strong_20", "perfect_strong_2"),
        (Published("section 4: inflation and augmentation are complementary"),),
        short="perfect: 20 x gains\nmore if weak",
    ),
)  # fmt: skip

STUDY = paper_study(
    NAME, "How does accuracy move with the number of generated images?", ARMS, CLAIMS
)
