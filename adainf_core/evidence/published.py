"""Published numbers: the paper's own, and what others report of generated images.

Each number is typed once, with where it was read. They are single numbers, without intervals as far
as we know, of other networks, generators, training lengths and protocols: company, no comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

from adainf_core.evidence.judging.claims import Contrast, Published, beats

TABLE_1 = ("Table 1, CIFAR-10", "R")
#: The paper's headline. Known: AdaInf with SimCLR, on CIFAR-10 without external data, linear
#: accuracy. Not known: network, steps, batch size, generator, and what SimCLR gives there without
#: inflation, so that no difference can be taken. It is not the ResNet-18 of Table 1 (93.42).
HEADLINE = ("abstract, CIFAR-10, another and unknown setting than Table 1's", "A")
#: Published accuracies in %, with the tag of `Published`. CIFAR-10 and SimCLR with ResNet-18, a
#: million generated images and 100,000 steps, as far as is known, but for `HEADLINE`; which
#: generator stands behind Table 1, and which method behind Table 3b, is not.
PUBLISHED: dict[tuple[str, str], dict[str, float]] = {
    HEADLINE: {"adainf": 94.70},
    TABLE_1: {"none": 91.56, "vanilla": 91.38, "adainf": 93.42},
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


def published_difference(better: str, worse: str) -> tuple[Published, ...]:
    """The difference between two arms wherever the paper is known to give both."""
    return tuple(
        Published(source, round(table[better] - table[worse], 2), tag)
        for (source, tag), table in PUBLISHED.items()
        if better in table and worse in table
    )


def paper(
    key: str, statement: str, study: str, better: str, worse: str, *more: Published, short: str = ""
) -> Contrast:
    """A comparison that the paper claims."""
    found = (*published_difference(better, worse), *more)
    return beats(key, statement, study, better, worse, found, short=short)


def control(
    key: str, statement: str, study: str, better: str, worse: str, *, short: str = ""
) -> Contrast:
    """A comparison that the paper does not claim; its tables may still hold the numbers."""
    found = published_difference(better, worse)
    return beats(key, statement, study, better, worse, found, "control", short=short)


# ---- related work

#: How a number is known: its source, in the words of the book's tables.
KNOWN = {
    "README": "the authors' own repository",
    "abstract": "the paper's abstract",
    "review": "quoted from the paper by others",
}


@dataclass(frozen=True)
class RelatedResult:
    """One reported effect of generated images.

    `key` is the entry in the book's bibliography, `setting` the method, network and images, `use`
    what the generated images do there, `unit` what is counted. `without` and `with_generated` are
    the two values; where the source has their difference alone, it is `stated`, and `exactness`
    says "about" or "up to" if the source does. `known` is a key of `KNOWN`.
    """

    key: str
    setting: str
    use: str
    unit: str
    known: str
    without: float | None = None
    with_generated: float | None = None
    stated: float | None = None
    exactness: str = ""

    @property
    def gain(self) -> float:
        """What the generated images add, in `unit`."""
        if self.without is None or self.with_generated is None:
            assert self.stated is not None
            return self.stated
        return round(self.with_generated - self.without, 2)


_TOP1 = "points of linear accuracy"
_POSITIVES = "further positives, interpolated"


def _clsp(setting: str, without: float, with_generated: float) -> RelatedResult:
    return RelatedResult(
        "zeng2024clsp", setting, _POSITIVES, _TOP1, "README", without, with_generated,
    )  # fmt: skip


def _wu(images: str, gain: float) -> RelatedResult:
    return RelatedResult(
        "wu2023synthetic", images, "hard samples and positives, by a generator trained jointly",
        _TOP1, "abstract", stated=gain, exactness="about",
    )  # fmt: skip


#: Every reported effect, the nearest relatives first.
RELATED: tuple[RelatedResult, ...] = (
    _clsp("SimCLR, ResNet-18, CIFAR-10", 91.45, 94.45),
    _clsp("MoCo, ResNet-18, CIFAR-10", 92.29, 94.62),
    _clsp("SimCLR, ResNet-50, CIFAR-10", 93.03, 95.57),
    _clsp("MoCo, ResNet-50, CIFAR-10", 94.62, 96.04),
    _clsp("SimCLR, ResNet-18, CIFAR-100", 68.10, 72.41),
    _wu("CIFAR-10", 2.6),
    _wu("CIFAR-100", 3.5),
    _wu("ImageNet-100", 4.0),
    RelatedResult(
        "bafghi2025mixdiff", "SimCLR, ImageNet-1K", "takes the place of one view",
        "points of accuracy", "abstract", stated=4.56,
    ),
    RelatedResult(
        "li2024genview", "MoCo v2, ImageNet", "one of the views, the pairs weighed by quality",
        _TOP1, "abstract", stated=2.5,
    ),
    RelatedResult(
        "ayromlou2024generative", "several methods and downstream sets",
        "augmentation conditioned on the image", "points of top-1 accuracy", "abstract",
        stated=10.0, exactness="up to",
    ),
)  # fmt: skip
