"""What is claimed of training: by the paper, what it should have asked, and traps in its code.

`LEDGER` adds the claims that stand beside other kinds of studies.
"""

from __future__ import annotations

from collections.abc import Callable

from adainf_core.evidence.judging.claims import (
    BestLevel,
    Claim,
    Contrast,
    Published,
    Term,
    beats,
    gains_more,
)
from adainf_core.evidence.studies import cifar_graph, generator_gap, latent_claims

_TABLE_1 = ("Table 1, CIFAR-10", "R")
#: Published accuracies in %, with the tag of `Published`. CIFAR-10 and SimCLR with ResNet-18, a
#: million generated images and 100,000 steps, as far as is known; which generator stands behind
#: Table 1, and which method behind Table 3b, is not.
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {
    _TABLE_1: {"none": 91.56, "vanilla": 91.38, "adainf": 93.42},
    ("Figure 1(b), DDPM", "Q"): {"none": 91.33, "vanilla": 90.27},
    # "+0.02" over 91.33 is what is quoted of vanilla inflation there
    ("Table 3a, STF", "D"): {
        "none": 91.33, "vanilla": 91.35, "vanilla_weak": 93.21, "adainf": 93.57
    },
    ("Table 3b, a tenth of the images, 100 generated for 1", "Q"): {
        "none_quarter": 74.83, "adainf_quarter": 79.15
    },
    ("Table 1, MoCo v2", "R"): {"none_moco": 92.75, "vanilla_moco": 92.51, "adainf_moco": 94.19},
    ("Table 1, BYOL", "R"): {"none_byol": 92.46, "vanilla_byol": 92.90, "adainf_byol": 92.87},
    ("Table 1, Barlow Twins", "R"): {
        "none_barlow": 91.24, "vanilla_barlow": 92.09, "adainf_barlow": 93.64
    },
    ("Table 1, CIFAR-100", "Q"): {"none_cifar100": 66.81, "adainf_cifar100": 69.60},
    ("Table 1, Tiny ImageNet", "Q"): {
        "none_tinyimagenet32": 47.21, "vanilla_tinyimagenet32": 41.03,
        "adainf_tinyimagenet32": 48.36,
    },
}  # fmt: skip


def _published(better: str, worse: str) -> tuple[Published, ...]:
    """The difference between two arms wherever the paper is known to give both."""
    return tuple(
        Published(source, round(table[better] - table[worse], 2), tag)
        for (source, tag), table in PUBLISHED.items()
        if better in table and worse in table
    )


def _paper(
    key: str, statement: str, study: str, better: str, worse: str, *more: Published
) -> Contrast:
    return beats(key, statement, study, better, worse, (*_published(better, worse), *more))


def _control(key: str, statement: str, study: str, better: str, worse: str) -> Contrast:
    """A comparison that the paper does not claim; its tables may still hold the numbers."""
    return beats(key, statement, study, better, worse, _published(better, worse), "control")


_F, _A, _M, _C = "failure-mode", "ablation", "mixing-ratio", "crop-strength"
_J, _I, _Q, _D, _T = "jitter-strength", "inflation-size", "quality", "data-scarce", "code-traps"

FAILURE_MODE_CLAIMS = (
    _paper("harm", "No inflation beats vanilla inflation", _F, "none", "vanilla"),
    _paper("cure", "Adaptive inflation beats no inflation", _F, "adainf", "none"),
    _paper("rescue", "Adaptive inflation beats vanilla inflation", _F, "adainf", "vanilla"),
    _paper(
        "weak_harms", "Without inflation, strong augmentation beats weak", _F, "none", "weak",
        Published("Figure 3(a), crop only"),
    ),
    _control(
        "beyond_weak", "Adaptive inflation beats weak augmentation on real images alone", _F,
        "adainf", "weak",
    ),
    _control(
        "perfect_helps", "A perfect generator's images help under strong augmentation", _F,
        "perfect_vanilla", "none",
    ),
    _control(
        "perfect_beyond_weak",
        "With a perfect generator, adaptive inflation beats weak augmentation alone", _F,
        "perfect_adainf", "weak",
    ),
    _control(
        "quality_matters", "Under vanilla inflation a perfect generator beats the mixture", _F,
        "perfect_vanilla", "vanilla",
    ),
    _control(
        "real_needed", "Vanilla inflation beats the generated images alone", _F, "vanilla",
        "generated_only",
    ),
)  # fmt: skip

ABLATION_CLAIMS = (
    _paper(
        "weight_helps", "Reweighting alone improves on vanilla inflation", _A, "reweighted",
        "vanilla", Published("Table 3a, against which row is unclear", 0.54),
    ),
    _paper(
        "weak_helps", "Vanilla inflation improves with weak augmentation", _A, "vanilla_weak",
        "vanilla",
    ),
    _paper(
        "weak_helps_more", "Weak augmentation does more than reweighting", _A, "vanilla_weak",
        "reweighted",
    ),
    _paper("weight_adds", "Reweighting adds to weak augmentation", _A, "adainf", "vanilla_weak"),
    gains_more(
        "complementary", "Weak augmentation gains more with inflation than without", _A,
        ("vanilla_weak", "vanilla"), ("weak", "none"),
        (Published("section 4, in words"),),
    ),
    gains_more(
        "complementary_perfect",
        "Weak augmentation gains more with a perfect generator's images than without", _A,
        ("perfect_weak", "perfect_vanilla"), ("weak", "none"), asked_by="control",
    ),
    _control(
        "perfect_unweighted", "A perfect generator is better not weighed down: N = 1 beats N = 10",
        _A, "perfect_vanilla", "perfect_reweighted",
    ),
    _control(
        "perfect_weak_pays", "Under weak augmentation a perfect generator's images help", _A,
        "perfect_weak", "weak",
    ),
    _control(
        "mixture_weak_pays", "Under weak augmentation the mixture's images help", _A,
        "vanilla_weak", "weak",
    ),
)  # fmt: skip

_COPIES = (1, 2, 5, 10, 20, 50)
MIXING_RATIO_CLAIMS = (
    BestLevel(
        "best_n", "The best replication is about N = 10, not the largest", _M,
        tuple((float(n), f"n_{n}") for n in _COPIES), (5.0, 20.0),
        published=(Published("Figure 2: best about N = 10"),),
    ),
    _paper(
        "too_many_copies", "N = 50 is worse than N = 10", _M, "n_10", "n_50",
        Published("Figure 2: beyond 10 it gets worse"),
    ),
    _control(
        "diversity", "At the same β, ten times the generated images help (mixture)", _M, "n_10",
        "tenth",
    ),
    _control(
        "diversity_perfect", "At the same β, ten times the generated images help (perfect)", _M,
        "perfect_n_10", "perfect_tenth",
    ),
)  # fmt: skip

_CROPS = (0.03, 0.08, 0.2, 0.4, 0.6)
CROP_CLAIMS = (
    BestLevel(
        "best_crop", "Without inflation the best smallest crop is the default, 0.08", _C,
        tuple((low, f"none_crop_{low:g}") for low in _CROPS), (0.08, 0.08),
        published=(Published("Figure 3(a): 0.08"),),
    ),
    BestLevel(
        "best_crop_inflated", "Under inflation the best smallest crop is 0.2 or larger", _C,
        tuple((low, f"vanilla_crop_{low:g}") for low in _CROPS), (0.2, 0.6),
        published=(Published("Figure 3: 0.3 with 1M STF images"),),
    ),
    gains_more(
        "crop_shift", "Crops from 0.4 instead of 0.08 gain more under inflation than without", _C,
        ("vanilla_crop_0.4", "vanilla_crop_0.08"), ("none_crop_0.4", "none_crop_0.08"),
        (Published("Figure 3, trend"),),
    ),
    gains_more(
        "crop_shift_perfect",
        "Crops from 0.4 instead of 0.08 gain more with a perfect generator than without", _C,
        ("perfect_crop_0.4", "perfect_crop_0.08"), ("none_crop_0.4", "none_crop_0.08"),
        asked_by="control",
    ),
)  # fmt: skip

JITTER_CLAIMS = (
    gains_more(
        "jitter_shift", "Half the jitter gains more under inflation than without", _J,
        ("vanilla_jitter_0.5", "vanilla_jitter_1"), ("none_jitter_0.5", "none_jitter_1"),
        (Published("Figure 3, trend; its values for jitter are not known"),),
    ),
    gains_more(
        "jitter_shift_perfect",
        "Half the jitter gains more with a perfect generator than without", _J,
        ("perfect_jitter_0.5", "perfect_jitter_1"), ("none_jitter_0.5", "none_jitter_1"),
        asked_by="control",
    ),
)  # fmt: skip

SIZE_CLAIMS = (
    beats(
        "more_harm",
        "Under vanilla inflation, ten times the mixture's images, and so a smaller β, hurt", _I,
        "mixture_strong_2", "mixture_strong_20", asked_by="control",
    ),
    beats(
        "more_help",
        "Under vanilla inflation, ten times a perfect generator's images, and a smaller β, help",
        _I, "perfect_strong_20", "perfect_strong_2", asked_by="control",
    ),
    gains_more(
        "size_weak", "More of a perfect generator's images gain more under weak augmentation", _I,
        ("perfect_weak_20", "perfect_weak_2"), ("perfect_strong_20", "perfect_strong_2"),
        (Published("section 4: inflation and augmentation are complementary"),),
    ),
)  # fmt: skip

QUALITY_CLAIMS = (
    _control(
        "better_is_better", "Under vanilla inflation, 10 % Gaussian beats 50 % Gaussian", _Q,
        "diluted_10", "diluted_50",
    ),
    _control(
        "copies_help", "Inflating with copies of the real images helps", _Q, "memorised", "none"
    ),
    _control(
        "blur_harms", "No inflation beats held-out images that are blurred", _Q, "none", "blur"
    ),
)  # fmt: skip

DIFFUSION_CLAIMS = (
    _control(
        "diffusion_helps", "Under strong augmentation a diffusion model's images help",
        "diffusion", "diffusion", "none",
    ),
    _control(
        "diffusion_weak_pays", "Under weak augmentation a diffusion model's images help",
        "diffusion", "diffusion_weak", "weak",
    ),
    _control(
        "diffusion_beats_mixture", "A diffusion model's images beat as many of the mixture's",
        "diffusion", "diffusion", "mixture",
    ),
)  # fmt: skip


def _elsewhere(
    study: str, suffix: str, name: str, harm: Callable[..., Contrast]
) -> tuple[Contrast, ...]:
    """The three main questions about other methods or images, whose arms end in `suffix`."""
    none, weak, vanilla, adainf = (
        f"{arm}_{suffix}" for arm in ("none", "weak", "vanilla", "adainf")
    )
    return (
        harm(
            f"harm_{suffix}", f"{name}: no inflation beats vanilla inflation", study, none, vanilla
        ),
        _paper(
            f"cure_{suffix}", f"{name}: adaptive inflation beats no inflation", study, adainf, none
        ),
        _control(
            f"beyond_weak_{suffix}", f"{name}: adaptive inflation beats weak augmentation alone",
            study, adainf, weak,
        ),
    )  # fmt: skip


METHOD_CLAIMS = (
    *_elsewhere("methods", "moco", "MoCo v2", _paper),
    # here the paper's own table has vanilla inflation ahead
    *_elsewhere("methods", "byol", "BYOL", _control),
    *_elsewhere("methods", "barlow", "Barlow Twins", _control),
)
DATASET_CLAIMS = (
    *_elsewhere("datasets", "tinyimagenet32", "Tiny ImageNet", _paper),
    *_elsewhere("datasets", "cifar100", "CIFAR-100", _control),
)

# what adaptive inflation adds there, less what it adds with all images
_TENTH, _ALL = (
    PUBLISHED[table]
    for table in (("Table 3b, a tenth of the images, 100 generated for 1", "Q"), _TABLE_1)
)
_SCARCE_MORE = round(
    _TENTH["adainf_quarter"] - _TENTH["none_quarter"] - _ALL["adainf"] + _ALL["none"], 2
)
SCARCE_CLAIMS = (
    _paper(
        "scarce_cure", "With a quarter of the images, adaptive inflation beats none", _D,
        "adainf_quarter", "none_quarter",
    ),
    gains_more(
        "scarce_more",
        "Adaptive inflation gains more over none with a quarter of the images than with all", _D,
        ("adainf_quarter", "none_quarter"), ("adainf", "none"),
        (Published("Table 3b, with a tenth, against Table 1", _SCARCE_MORE, "D"),),
    ),
    _control(
        "scarce_beyond_weak",
        "With a quarter of the images, adaptive inflation beats weak augmentation alone", _D,
        "adainf_quarter", "weak_quarter",
    ),
)  # fmt: skip

LENGTH_CLAIMS = (
    gains_more(
        "harm_fades", "What vanilla inflation costs shrinks with training", "training-length",
        ("none_quarter", "vanilla_quarter"), ("none_fourfold", "vanilla_fourfold"),
        (Published("Figure 6, as a reviewer saw it: vanilla helps or ties", None, "H"),),
        asked_by="control",
    ),
    gains_more(
        "help_grows", "What a perfect generator's images give grows with training",
        "training-length", ("perfect_vanilla_fourfold", "none_fourfold"),
        ("perfect_vanilla", "none"), asked_by="control",
    ),
    _control(
        "long_beyond_weak", "After four times the steps AdaInf beats weak augmentation alone",
        "training-length", "adainf_fourfold", "weak_fourfold",
    ),
)  # fmt: skip

TRAP_CLAIMS = (
    beats(
        "swap_mixture", "Swapping red and blue in the mixture's images costs accuracy", _T,
        "vanilla", "vanilla_swapped", asked_by="trap",
    ),
    beats(
        "swap_perfect", "Swapping red and blue in a perfect generator's images costs accuracy", _T,
        "perfect_vanilla", "perfect_swapped", asked_by="trap",
    ),
    Contrast(
        "online_exaggerates", "The online probe makes vanilla inflation look worse than it is", _T,
        (
            Term("none_online", 1.0, "online"), Term("vanilla_online", -1.0, "online"),
            Term("none_online", -1.0), Term("vanilla_online", 1.0),
        ),
        asked_by="trap",
    ),
    beats(
        "copies_repel", "At N = 50, leaving an image's copies out of its negatives helps", _T,
        "n_50_masked", "n_50", asked_by="trap",
    ),
)  # fmt: skip

#: Every claim, in the order of the book's ledger: those about training, then the others.
LEDGER: tuple[Claim, ...] = (
    *FAILURE_MODE_CLAIMS,
    *ABLATION_CLAIMS,
    *MIXING_RATIO_CLAIMS,
    *CROP_CLAIMS,
    *JITTER_CLAIMS,
    *SIZE_CLAIMS,
    *QUALITY_CLAIMS,
    *DIFFUSION_CLAIMS,
    *METHOD_CLAIMS,
    *DATASET_CLAIMS,
    *SCARCE_CLAIMS,
    *LENGTH_CLAIMS,
    *TRAP_CLAIMS,
    *latent_claims.CLAIMS,
    *cifar_graph.CLAIMS,
    *generator_gap.CLAIMS,
)


def family(study: str) -> tuple[Claim, ...]:
    """The claims that are decided together: those of the ledger about one study."""
    return tuple(claim for claim in LEDGER if claim.study == study)
