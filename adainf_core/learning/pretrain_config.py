"""What decides a pre-training run, except its data, as plain values; loads no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from adainf_core.learning.methods import METHODS, MethodConfig, SimCLR
from adainf_core.learning.policies import POLICIES, AugmentationPolicy, as_policy
from adainf_core.learning.roles import ROLES, Role
from adainf_core.validation import as_choice, as_count, as_number, as_positive, as_seed, in_words

#: The encoders and optimisers by name; `encoders` and `optimizers` build them.
ENCODERS = ("small_cnn", "resnet10", "resnet18", "resnet34", "resnet50")
OPTIMIZERS = ("adamw", "sgd", "lars", "muon")
#: The widest encoder that may be asked for; what fits is told when it is built.
WIDEST = 2**16
_LARGEST_BATCH = 2**20


@dataclass(frozen=True)
class PretrainConfig:
    """Everything that decides a run except its data.

    The defaults are those of a short run in fp32; `recipes.recipe` has the published settings, and
    a laptop's, by the names that `adainf pretrain` takes.

    `policy` augments the images; it is None for data that comes as views (a `feeding.ViewSource`).
    `method` is one of the configurations in `methods`; `generated_role` one of those in `roles`,
    for data with variations of its images, None where generated images are images; `encoder`,
    `width` (of a small_cnn), `base_width`, `stem_padding` and `stem_stride` (of a ResNet) go to
    `build_encoder`, `pixel_mean` and `pixel_std` to its normalisation. The run has as many equal
    stretches as there are `view_scales`; in each, views are averaged down to that share of their
    height and width: with (0.5, 0.75, 1.0) the first are small, and a step is cheap. `steps` global
    batches of `batch_size` images (two views each, and those of its role) under `optimizer`, of
    `OPTIMIZERS`, with linear warm-up of `learning_rate` over `warmup` steps and a cosine to zero;
    AdamW does without `momentum`. `precision` is "fp32" or "bf16" (autocast); `compile` hands the
    model to torch.compile, and on accelerators the augmentation. With `online_learning_rate` a
    linear classifier learns along, on detached features of the real labelled images in the batch:
    the official code's probe, an extra to compare with. `device` is "cpu", "cuda" or None for
    whichever is there. A `seed` lies in 0..2^32 - 1: of a larger one torch's generator on
    processors would read 32 bits, and draw the networks of a smaller one. Raises ValueError for a
    value out of range.
    """

    policy: AugmentationPolicy | None = field(default_factory=lambda: POLICIES["symmetric"])
    method: MethodConfig = field(default_factory=SimCLR)
    generated_role: Role | None = None
    encoder: str = "small_cnn"
    width: int = 16
    base_width: int = 64
    stem_padding: int = 1
    stem_stride: int = 1
    pixel_mean: tuple[float, ...] = (0.5,)
    pixel_std: tuple[float, ...] = (0.25,)
    view_scales: tuple[float, ...] = (1.0,)
    steps: int = 1000
    batch_size: int = 256
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    momentum: float = 0.9
    warmup: int = 50
    precision: str = "fp32"
    compile: bool = False
    online_learning_rate: float | None = None
    seed: int = 0
    device: str | None = None

    def __post_init__(self) -> None:
        if self.policy is not None:
            as_policy(self.policy)
        if not isinstance(self.method, MethodConfig):
            raise ValueError(
                f"method={in_words(self.method)} is no method: give one of METHODS "
                f"({', '.join(METHODS)}), as METHODS['simclr']()"
            )
        role = self.generated_role
        if role is not None:
            if not isinstance(role, Role):
                raise ValueError(
                    f"generated_role={in_words(role)} is no role: give one of ROLES "
                    f"({', '.join(ROLES)}), as ROLES['positive'](), or None"
                )
            if self.method.name not in role.methods:
                raise ValueError(
                    f"generated_role={role.name!r} is not defined for method={self.method.name!r}: "
                    f"it is for {', '.join(role.methods)}"
                )
        for name, least, most in (
            ("steps", 1, 10**9),
            ("warmup", 0, 10**9),
            ("width", 1, WIDEST),
            ("base_width", 1, WIDEST),
            ("batch_size", 2, _LARGEST_BATCH),
        ):
            as_count(getattr(self, name), name, least, most)
        as_seed(self.seed)
        as_positive(self.learning_rate, "learning_rate")
        if self.online_learning_rate is not None:
            as_positive(self.online_learning_rate, "online_learning_rate")
        for name, known in (
            ("encoder", ENCODERS),
            ("optimizer", OPTIMIZERS),
            ("precision", ("fp32", "bf16")),
            ("device", ("cpu", "cuda", None)),
        ):
            as_choice(getattr(self, name), name, known)
        if not 0 <= as_number(self.weight_decay, "weight_decay") < math.inf:
            raise ValueError(f"weight_decay={self.weight_decay} is outside [0, inf)")
        if not 0 <= as_number(self.momentum, "momentum") < 1:
            raise ValueError(f"momentum={self.momentum} is outside [0, 1)")
        if not 0 <= self.warmup <= self.steps:
            raise ValueError(
                f"warmup={self.warmup} is outside 0..steps={self.steps}: set warmup, too, as in "
                f"pretrain.warmup={max(0, self.steps // 100)}"
            )
        as_count(self.stem_padding, "stem_padding", 1, 2)
        as_count(self.stem_stride, "stem_stride", 1, 2)
        for name in ("pixel_mean", "pixel_std"):
            values = getattr(self, name)
            if (
                not isinstance(values, tuple)
                or len(values) not in (1, 3)
                or not all(math.isfinite(as_number(value, name)) for value in values)
            ):
                raise ValueError(
                    f"{name}={in_words(values)}: give one finite value or three, as a tuple"
                )
        if (
            not isinstance(self.view_scales, tuple)
            or not self.view_scales
            or not all(0 < as_number(scale, "view_scales") <= 1 for scale in self.view_scales)
        ):
            raise ValueError(
                f"view_scales={in_words(self.view_scales)}: give shares above 0 and up to 1, as "
                "(0.5, 0.75, 1.0)"
            )
        if min(self.pixel_std) <= 0:
            raise ValueError(f"pixel_std={self.pixel_std} has to be positive")


def view_scale(step: int, config: PretrainConfig) -> float:
    """The share of their side that views have at `step`."""
    return config.view_scales[step * len(config.view_scales) // config.steps]


def warmup_cosine(step: int, config: PretrainConfig) -> float:
    """The factor on the learning rate at `step`: linear warm-up, then half a cosine to zero."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))
