"""Recipes: a whole pre-training run, its data included, by a name that command and script share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adainf_core.data.generated import GeneratedImages
from adainf_core.data.inflation import Inflation, paper_replication
from adainf_core.data.named_sets import named_or_own
from adainf_core.data.paired import PairedImages
from adainf_core.data.varied import Varied
from adainf_core.learning.methods import METHODS
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.validation import as_choice, in_words

if TYPE_CHECKING:
    from adainf_core.learning.pretraining import Pretrained

#: The arms of the comparison by name: how much a real image counts beside generated ones (None:
#: there are none), and whether AdaInf's weaker augmentation is taken.
PRESETS: dict[str, tuple[float | Literal["paper"] | None, bool]] = {
    "none": (None, False),
    "weak": (None, True),
    "vanilla": (1.0, False),
    "vanilla_weak": (1.0, True),
    "reweighted": ("paper", False),
    "adainf": ("paper", True),
}
#: The sizes of a run by name, those of the studies' scales; `recipe` has the table.
SCALES = ("paper", "desktop", "laptop")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run: the data by name, their mixture, and the training.

    `dataset` is a name that `load_images` knows, with its `split`, or the path of an npz archive or
    a folder of images; it is resized to `size` pixels where given. `generated` is the folder of a
    `GeneratedImages` store or None; `replication`, `beta`, `sampling` and `stratified` go to
    `Inflation`. `pairs` is the folder of a store of variations of the set's images
    (`PairedImages`), for a `pretrain.generated_role`. `replication` "paper" is AdaInf's N at the
    sizes that the two sets turn out to have (`paper_replication`).
    """

    dataset: str = "cifar10"
    split: str = "train"
    size: int | None = None
    generated: str | None = None
    pairs: str | None = None
    replication: float | Literal["paper"] | None = None
    beta: float | None = None
    sampling: Literal["iid", "epoch"] = "epoch"
    stratified: bool = False
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)

    def __post_init__(self) -> None:
        as_choice(self.sampling, "sampling", ("iid", "epoch"))
        if isinstance(self.replication, str) and self.replication != "paper":
            raise ValueError(f"replication={self.replication!r}: give a number, 'paper' or None")
        if not isinstance(self.pretrain, PretrainConfig):
            raise ValueError(f"pretrain={in_words(self.pretrain)} must be a PretrainConfig")
        role = self.pretrain.generated_role
        if self.pairs is not None and (role is None or not role.varies):
            named = None if role is None else role.name
            raise ValueError(
                f"pairs={self.pairs!r} are variations, and generated_role={named!r} uses none: set "
                "pretrain.generated_role=positive, replace_view or multi"
            )
        if self.pairs is None and role is not None and role.varies:
            raise ValueError(
                f"generated_role={role.name!r} needs pairs: a store of variations, made by adainf "
                "generate vary, pair or import --pairs"
            )

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
        copies = self.replication
        if generated is not None:
            generated.check_against(real)
        if copies == "paper":
            assert generated is not None  # refused above
            copies = float(paper_replication(len(real), len(generated)))
        return Inflation(
            real,
            generated,
            replication=copies,
            beta=self.beta,
            sampling=self.sampling,
            stratified=self.stratified,
        )

    def source(self, data: Inflation) -> Inflation | Varied:
        """What batches are drawn from: `data`, with its variations where there are `pairs`.

        Raises ValueError for pairs of other images, or in another order.
        """
        return data if self.pairs is None else Varied(data, PairedImages.open(self.pairs))

    def describe(self, data: Inflation) -> str:
        """What the run trains on, a line each; `data` is its own, from `data`.

        The mixture, how its N stands to AdaInf's at these sizes, and how often each image is seen.
        """
        config = self.pretrain
        passes = data.exposures(config.steps, config.batch_size)
        lines = [("mixture", data.describe()), ("exposures", f"{passes.real:.1f} a real image")]
        if data.generated is not None:
            lines[1] = (lines[1][0], f"{lines[1][1]}, {passes.generated:.1f} a generated one")
            lines.insert(1, ("share", _beside_adainf(data)))
        if self.pairs is not None:
            lines.append(("pairs", PairedImages.open(self.pairs).describe()))
        return "\n".join(f"{word:12} {text}" for word, text in lines)

    def run(
        self,
        root: str | Path | None = None,
        *,
        checkpoint: str | Path | None = None,
        max_seconds: float = math.inf,
        tensorboard: str | Path | None = None,
        progress: bool = False,
        tell: Callable[[str], object] | None = None,
    ) -> Pretrained:
        """Carry it out, as `adainf pretrain` does: `pretrain` on `data(root)`.

        `tell` is given `describe`'s text before the first step; the other arguments are those of
        `pretraining.pretrain`. Under `torchrun` the processes share the run.
        """
        from adainf_core.learning import distributed
        from adainf_core.learning.pretraining import pretrain

        with distributed.process_group(self.pretrain.device):
            with distributed.first_rank_first():
                data = self.data(root)
            if tell is not None and distributed.rank() == 0:
                tell(self.describe(data))
            return pretrain(
                self.pretrain,
                self.source(data),
                checkpoint=checkpoint,
                max_seconds=max_seconds,
                tensorboard=tensorboard,
                progress=progress,
                made_of=self._made_of(root),
            )

    def _made_of(self, root: str | Path | None) -> dict[str, str | None]:
        """The names by which a probe finds the run's data, wherever it is asked for."""
        path = Path(self.dataset)
        return {
            "dataset": str(path.absolute()) if path.exists() else self.dataset,
            "split": self.split,
            "root": None if root is None else str(Path(root).absolute()),
        }


def _beside_adainf(data: Inflation) -> str:
    """How the weight of a mixture with generated images stands to AdaInf's at its sizes."""
    assert data.generated is not None
    copies = paper_replication(len(data.real), len(data.generated))
    beta = Inflation(data.real, data.generated, replication=copies).beta
    nearest = f"beta = {beta:.4f} is nearest to the paper's 1/3"
    if data.beta == beta:
        return f"N = {copies} is AdaInf's at these sizes: {nearest}"
    given = f"beta = {data.beta:.4f}" if data.replication is None else f"N = {data.replication:g}"
    return f"{given} is not AdaInf's at these sizes: that is N = {copies}, whose {nearest}"


#: The official online probe's learning rates by method, for `pretrain.online_learning_rate`.
OFFICIAL_ONLINE_RATES = {
    name: method.official().online_learning_rate for name, method in METHODS.items()
}

#: What scale "desktop" has otherwise than the laptop's, beside steps (study "recipe-search").
DESKTOP: dict[str, Any] = {
    "view_scales": (0.5, 0.75, 1.0),
    "optimizer": "muon",
    "learning_rate": 0.03,
    "weight_decay": 0.0,
    "momentum": 0.95,
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
    scale: str = "paper",
) -> Recipe:
    """The run of `method` on `dataset` that `adainf pretrain` starts from, by the same names.

    `preset` is an arm of the comparison (`PRESETS`): on real images alone "none" and "weak"; with
    `generated`, the folder of a store, "vanilla" and "vanilla_weak" (N = 1), "reweighted" and
    "adainf" (AdaInf's N at these sizes: `paper_replication`, 10 at the paper's). "weak",
    "vanilla_weak" and "adainf" take AdaInf's weaker augmentation. `scale` says how large it is:

    ========= ======================= =================== =====================
    scale     "paper", for a GPU      "desktop", for less "laptop", for minutes
                                      than a core's hour
    ========= ======================= =================== =====================
    encoder   resnet18, stem_padding  small_cnn, width 16 small_cnn, width 16
              2
    head      the method's published  the method's        the method's defaults
                                      defaults
    views     whole                   a third of them at  whole
                                      half size, a third
                                      at 3/4
    optimizer the method's published  muon, 0.03, no      adamw, 0.002,
                                      decay, momentum     decay 0.01
                                      0.95
    batch     512 (or as published)   256                 256
    steps     100,000                 20,000              1,000
    warm-up   1,000                   1,000               50
    ========= ======================= =================== =====================

    The desktop's is for images of 32 pixels; studies "recipe-search" and "recipe-race" judge it.
    All draw shuffled epochs and compute in bf16 (the official code in fp16); `PretrainConfig` and
    `Inflation` on their own have defaults of their own: fp32, and independent draws. Data sets
    other than CIFAR-10, CIFAR-100 and Tiny ImageNet have no published numbers and take CIFAR-10's,
    with pixels normalised by 0.5 and 0.25. Two small departures from the official code: warm-up
    starts at the first step's share of the rate, not at 3e-5, and both views of a batch share its
    statistics. The official online probe is an extra: set `pretrain.online_learning_rate` (see
    `OFFICIAL_ONLINE_RATES`). Raises ValueError for an unknown method, preset or scale, or generated
    images missing or unwanted.
    """
    if not isinstance(dataset, str):
        raise ValueError(f"dataset={in_words(dataset)} must be a name, a string")
    as_choice(method, "method", METHODS)
    as_choice(preset, "preset", PRESETS)
    as_choice(scale, "scale", SCALES)
    replication, weak = PRESETS[preset]
    if (generated is None) != (replication is None):
        need = "wants no generated images" if replication is None else "needs generated images"
        raise ValueError(f"preset={preset!r} {need}, but generated={in_words(generated)}")
    official = METHODS[method].official().on(dataset)
    mean, std = _PIXELS.get(dataset, ((0.5,), (0.25,)))
    config = PretrainConfig(
        policy=POLICIES[official.policies[weak]],
        method=METHODS[method](),
        pixel_mean=mean,
        pixel_std=std,
        precision="bf16",
    )
    if scale == "paper":
        config = replace(
            config,
            method=official.method,
            encoder="resnet18",
            stem_padding=2,
            steps=100_000,
            batch_size=official.batch_size,
            optimizer=official.optimizer,
            learning_rate=official.learning_rate,
            weight_decay=official.weight_decay,
            warmup=1000,
        )
    elif scale == "desktop":
        config = replace(config, steps=20_000, warmup=1000, **DESKTOP)
    return Recipe(dataset=dataset, generated=generated, replication=replication, pretrain=config)
