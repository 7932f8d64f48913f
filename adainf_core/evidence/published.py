"""Related work: what others report of generated images in self-supervised learning.

Each number is typed once, with where it was read. They are single numbers, without intervals as far
as we know, of other networks, generators, training lengths and protocols: company, no comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

#: How a number is known: its source, in the words of the book's tables.
KNOWN = {
    "README": "the authors' own repository",
    "abstract": "the paper's abstract",
    "review": "quoted from the paper by others",
}
#: How exactly the source says a gain.
EXACTNESS = ("", "about", "up to")


@dataclass(frozen=True)
class RelatedResult:
    """One reported effect of generated images.

    `key` is the entry in the book's bibliography, `setting` the method, network and images, `use`
    what the generated images do there, `unit` what is counted. `without` and `with_generated` are
    the two values; where the source has their difference alone, it is `stated`, and `exactness`
    says "about" or "up to" if the source does. `known` is a key of `KNOWN`. Raises ValueError
    unless either both values or the stated difference is given.
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

    def __post_init__(self) -> None:
        pair = (self.without is not None) + (self.with_generated is not None)
        if (pair, self.stated is not None) not in ((2, False), (0, True)):
            raise ValueError(
                f"{self.key}, {self.setting}: give both values or the stated difference, and not "
                "both of these"
            )
        if self.known not in KNOWN:
            raise ValueError(f"known={self.known!r} is unknown; choose {', '.join(KNOWN)}")
        if self.exactness not in EXACTNESS or (self.exactness and self.stated is None):
            raise ValueError(
                f"exactness={self.exactness!r} belongs to a stated difference; choose "
                f"{', '.join(filter(None, EXACTNESS))} or leave it empty"
            )

    @property
    def gain(self) -> float:
        """What the generated images add, in `unit`."""
        if self.without is None or self.with_generated is None:
            assert self.stated is not None  # checked when it was made
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
