"""Recipes: a whole pre-training run, its data included, and the official ones as presets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from adainf_core.data.generated import GeneratedImages
from adainf_core.data.inflation import Inflation
from adainf_core.data.named_sets import named_or_own
from adainf_core.learning.methods import BYOL, BarlowTwins, MethodConfig, MoCo, SimCLR, Spectral
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretraining import PretrainConfig

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


@dataclass(frozen=True)
class _Official:
    """A method's official hyper-parameters; `learning_rate` is for the whole batch of 512."""

    method: MethodConfig
    optimizer: str
    learning_rate: float
    online_rate: float
    weight_decay: float
    policies: tuple[str, str]  # the method's own, and AdaInf's


# The paper's code, scripts/pretrain/cifar (rates times batch x GPUs / 256); for the spectral loss,
# which the paper does not train, the CIFAR-10 configuration of its authors. Which policy Table 1
# used for MoCo without AdaInf is not said: its own file's default stands here.
_OFFICIAL = {
    "simclr": _Official(
        SimCLR(2048, 256, 0.2), "lars", 0.4, 0.1, 1e-4, ("symmetric", "symmetric_adainf")
    ),
    "moco": _Official(
        MoCo(2048, 256, 0.2, 32768, (0.99, 0.999)), "sgd", 0.3, 0.3, 1e-4,
        ("symmetric_weak", "symmetric_adainf"),
    ),
    "byol": _Official(
        BYOL(4096, 256, (0.99, 1.0)), "lars", 1.0, 0.1, 1e-5, ("asymmetric", "asymmetric_adainf")
    ),
    "barlow": _Official(
        BarlowTwins(2048, 2048, 0.0051, 0.1), "lars", 0.3, 0.1, 1e-4,
        ("asymmetric", "asymmetric_adainf"),
    ),
    "spectral": _Official(
        Spectral(1000, 1000, 1.0), "sgd", 0.06, 0.06, 5e-4, ("symmetric", "symmetric_adainf")
    ),
}  # fmt: skip

#: The official online probe's learning rates by method, for `pretrain.online_learning_rate`.
OFFICIAL_ONLINE_RATES = {name: official.online_rate for name, official in _OFFICIAL.items()}

# what scripts/pretrain/custom changes for Tiny ImageNet; it trains on 224-pixel crops
_TINY: dict[str, dict[str, Any]] = {
    "simclr": {"method": SimCLR(4096, 512, 0.2), "learning_rate": 0.3},
    "moco": {"learning_rate": 0.15},
    "byol": {"learning_rate": 0.5, "weight_decay": 1e-6},
    "barlow": {"learning_rate": 0.15},
}
_TINY_BATCH = {"moco": 256, "byol": 256, "barlow": 256}  # one GPU instead of two

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
    if method not in _OFFICIAL:
        raise ValueError(f"method={method!r} is unknown; choose {', '.join(_OFFICIAL)}")
    if preset not in PRESETS:
        raise ValueError(f"preset={preset!r} is unknown; choose {', '.join(PRESETS)}")
    if (generated is None) != (preset == "none"):
        need = "wants no generated images" if preset == "none" else "needs generated images"
        raise ValueError(f"preset={preset!r} {need}, but generated={generated!r}")
    official, batch_size = _OFFICIAL[method], 512
    if dataset == "tinyimagenet":
        official = replace(official, **_TINY.get(method, {}))
        batch_size = _TINY_BATCH.get(method, 512)
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
            batch_size=batch_size,
            optimizer=official.optimizer,
            learning_rate=official.learning_rate,
            weight_decay=official.weight_decay,
            warmup=1000,
            precision="bf16",
        ),
    )
