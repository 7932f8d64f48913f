"""What a claim is called beside a mark in a figure."""

_ASKED = {"harm": "none > vanilla", "cure": "AdaInf > none", "beyond_weak": "AdaInf > weak"}
_WHERE = {
    "moco": "MoCo v2", "byol": "BYOL", "barlow": "Barlow Twins", "tinyimagenet32": "Tiny ImageNet",
    "cifar100": "CIFAR-100",
}  # fmt: skip

#: Short name of a claim, by its key.
SHORT: dict[str, str] = {
    "harm": "none > vanilla",
    "cure": "AdaInf > none",
    "rescue": "AdaInf > vanilla",
    "weak_harms": "none > weak only",
    "beyond_weak": "AdaInf > weak only",
    "perfect_helps": "vanilla perfect > none",
    "perfect_beyond_weak": "AdaInf perfect > weak",
    "quality_matters": "vanilla: perfect > mixture",
    "real_needed": "vanilla > generated only",
    "weight_helps": "weight, if strong",
    "weak_helps": "weak, if vanilla",
    "weak_helps_more": "weak > weight",
    "weight_adds": "weight, if weak",
    "complementary": "weak gains more\nwith inflation",
    "complementary_perfect": "the same, perfect",
    "perfect_unweighted": "perfect: N = 1 > 10",
    "perfect_weak_pays": "weak: perfect > none",
    "mixture_weak_pays": "weak: mixture > none",
    "too_many_copies": "N = 10 > N = 50",
    "diversity": "all > a tenth, mixture",
    "diversity_perfect": "all > a tenth, perfect",
    "crop_shift": "gentle crops, mixture",
    "crop_shift_perfect": "gentle crops, perfect",
    "jitter_shift": "half the jitter, mixture",
    "jitter_shift_perfect": "half the jitter, perfect",
    "more_harm": "mixture, strong:\n2 x > 20 x",
    "more_help": "perfect, strong:\n20 x > 2 x",
    "size_weak": "perfect: 20 x gains\nmore if weak",
    "better_is_better": "10 % > 50 % Gaussian",
    "copies_help": "copies > none",
    "blur_harms": "none > blurred",
    "diffusion_helps": "strong: diffusion > none",
    "diffusion_weak_pays": "weak: diffusion > none",
    "diffusion_beats_mixture": "diffusion > mixture",
    "scarce_cure": "AdaInf > none, a quarter",
    "scarce_more": "gains more than with all",
    "scarce_beyond_weak": "AdaInf > weak, a quarter",
} | {
    f"{asked}_{where}": f"{question}, {name}"
    for asked, question in _ASKED.items()
    for where, name in _WHERE.items()
}
