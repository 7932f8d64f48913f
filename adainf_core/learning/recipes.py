"""Recipes: a whole pre-training run, its data included, and the official ones as presets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from adainf_core.data.generated import GeneratedImages
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import named_or_own
from adainf_core.learning.methods import METHODS
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.validation import as_choice, in_words

PRESETS = ("none", "vanilla", "adainf")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run: the data by name, their mixture, and the training.

    `dataset` is a name that `load_images` knows, with its `split`, or the path of an npz archive or
    a folder of images; it is resized to `size` pixels where given. `generated` is the folder of a
    `GeneratedImages` store or None; `replication`, `beta`, `sampling` and `stratified` go to
    `Inflation`.
    """

    dataset: str = "cifar10"
    split: str = "train"
    size: int | None = None
    generated: str | None = None
    replication: float | None = None
    beta: float | None = None
    sampling: Literal["iid", "epoch"] = "epoch"
    stratified: bool = False
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)

    def __post_init__(self) -> None:
        as_choice(self.sampling, "sampling", ("iid", "epoch"))
        if not isinstance(self.pretrain, PretrainConfig):
            raise ValueError(f"pretrain={in_words(self.pretrain)} must be a PretrainConfig")

    def data(self, root: str | Path | None = None, download: bool = True) -> Inflation:
        """The inflated training set; `root` is the folder of the data sets.

        Raises ValueError for weights without generated images, and for generated images whose
        colours fit the real ones in reversed order.
        """
        if self.generated is None and self.replication is not None:
            raise ValueError(
                f"replication={self.replication} weighs real images against generated ones, but "
                "generated is None: name a store of generated images"
            )
        real = named_or_own(self.dataset, self.split, self.size, root, download)
        generated = None if self.generated is None else GeneratedImages.open(self.generated)
        if generated is not None:
            generated.check_against(real)
        return Inflation(
            real,
            generated,
            replication=self.replication,
            beta=self.beta,
            sampling=self.sampling,
            stratified=self.stratified,
        )


#: The official online probe's learning rates by method, for `pretrain.online_learning_rate`.
OFFICIAL_ONLINE_RATES = {
    name: method.official().online_learning_rate for name, method in METHODS.items()
}

_PIXELS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}


def recipe(
    dataset: str = "cifar10",
    method: str = "simclr",
    preset: str = "none",
    generated: str | None = None,
) -> Recipe:
    """The official run of `method` on `dataset`: "none", "vanilla" or "adainf".

    100,000 steps of 512 images in shuffled epochs, ResNet-18 with the official stem, bf16 for the
    official fp16. "vanilla" and "adainf" need `generated`, the folder of a store; they count each
    real image once and ten times, and "adainf" also augments more weakly. Data sets other than
    CIFAR-10, CIFAR-100 and Tiny ImageNet have no official numbers and take CIFAR-10's, with pixels
    normalised by 0.5 and 0.25. Two small departures from the official code: warm-up starts at the
    first step's share of the rate, not at 3e-5, and both views of a batch share its statistics. The
    official online probe is an extra: set `pretrain.online_learning_rate` (see
    `OFFICIAL_ONLINE_RATES`). Raises ValueError for an unknown method or preset, or generated images
    missing or unwanted.
    """
    if not isinstance(dataset, str):
        raise ValueError(f"dataset={in_words(dataset)} must be a name, a string")
    as_choice(method, "method", METHODS)
    as_choice(preset, "preset", PRESETS)
    if (generated is None) != (preset == "none"):
        need = "wants no generated images" if preset == "none" else "needs generated images"
        raise ValueError(f"preset={preset!r} {need}, but generated={in_words(generated)}")
    official = METHODS[method].official().on(dataset)
    mean, std = _PIXELS.get(dataset, ((0.5,), (0.25,)))
    return Recipe(
        dataset=dataset,
        generated=generated,
        replication={"none": None, "vanilla": 1.0, "adainf": 10.0}[preset],
        pretrain=PretrainConfig(
            policy=POLICIES[official.policies[preset == "adainf"]],
            method=official.method,
            encoder="resnet18",
            stem_padding=2,
            pixel_mean=mean,
            pixel_std=std,
            steps=100_000,
            batch_size=official.batch_size,
            optimizer=official.optimizer,
            learning_rate=official.learning_rate,
            weight_decay=official.weight_decay,
            warmup=1000,
            precision="bf16",
        ),
    )
