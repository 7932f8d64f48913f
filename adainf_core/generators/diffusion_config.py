"""What decides a diffusion model and the images drawn from it, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from adainf_core.validation import as_count, as_seed

#: Largest seed of images drawn from a model: their streams are keyed by 64 bits.
LAST_SEED = 2**64 - 1


@dataclass(frozen=True)
class Sampler:
    """How noise becomes an image: `steps` evaluations of the network along a probability flow.

    `kind` is "dpm-solver++" (second order, Lu et al. 2022) or "ddim" (first order, deterministic,
    Song et al. 2020). `batch_size` images go through the network together; `precision` is "fp32" or
    "bf16" (autocast).
    """

    kind: Literal["dpm-solver++", "ddim"] = "dpm-solver++"
    steps: int = 20
    batch_size: int = 250
    precision: Literal["fp32", "bf16"] = "bf16"

    def __post_init__(self) -> None:
        if self.kind not in ("dpm-solver++", "ddim"):
            raise ValueError(f"kind={self.kind!r} is unknown; choose dpm-solver++, ddim")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision={self.precision!r} is unknown; choose fp32, bf16")
        for name in ("steps", "batch_size"):
            as_count(getattr(self, name), name, 1)

    def scheduler(self, config: dict[str, Any]) -> Any:
        """The diffusers scheduler that does this to a model trained under `config`."""
        from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

        # predictions of the image are kept within the range of pixels: dynamic thresholding with
        # a maximum of 1 is plain clipping
        if self.kind == "ddim":
            return DDIMScheduler.from_config(
                config, clip_sample=True, clip_sample_range=1.0, timestep_spacing="trailing"
            )
        # steps evenly spread in log signal-to-noise ratio: with ten of them a Gaussian's deviation
        # comes out 2 % too small instead of 13 % (linear schedule: 3 % instead of 35 %)
        return DPMSolverMultistepScheduler.from_config(
            config, thresholding=True, sample_max_value=1.0, use_lu_lambdas=True
        )


@dataclass(frozen=True)
class DiffusionConfig:
    """What decides a diffusion model, apart from the images and the number of steps.

    The network is diffusers' UNet2DModel: `widths` are the channels of its levels, each of half the
    resolution of the one before (multiples of 16), `attention` says which levels attend, `blocks`
    residual blocks make a level. `schedule` and `noise_levels` are diffusers' (squaredcos_cap_v2 is
    the cosine of Nichol & Dhariwal 2021, linear that of Ho et al. 2020); `prediction` is the
    network's target, epsilon (Ho et al.) or v_prediction (Salimans & Ho 2022).

    Adam at a constant `learning_rate` after `warmup` steps, gradients clipped at norm 1; the
    generator is an exponential moving average of the weights whose memory grows with the step, so
    that a run needs no end planned beforehand. `precision` is "fp32" or "bf16" (autocast).
    `device` None takes an accelerator where there is one; `compile` is worth its minute there.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    attention: tuple[bool, ...] = (False, True, True)
    blocks: int = 1
    prediction: Literal["v_prediction", "epsilon"] = "v_prediction"
    schedule: Literal["squaredcos_cap_v2", "linear"] = "squaredcos_cap_v2"
    noise_levels: int = 1000
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup: int = 200
    precision: Literal["bf16", "fp32"] = "bf16"
    compile: bool = False
    seed: int = 0
    device: Literal["cpu", "cuda"] | None = None

    def __post_init__(self) -> None:
        if not self.widths or any(width < 16 or width % 16 for width in self.widths):
            raise ValueError(f"widths={self.widths}: give multiples of 16, one a level")
        if len(self.attention) != len(self.widths):
            raise ValueError(f"attention={self.attention}: give one value for each of widths")
        for name, known in (
            ("prediction", ("v_prediction", "epsilon")),
            ("schedule", ("squaredcos_cap_v2", "linear")),
            ("precision", ("bf16", "fp32")),
            ("device", ("cpu", "cuda", None)),
        ):
            if getattr(self, name) not in known:
                choices = ", ".join(map(str, known))
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown; choose {choices}")
        for name, least in (
            ("blocks", 1), ("noise_levels", 2), ("batch_size", 1), ("warmup", 0),
        ):  # fmt: skip
            as_count(getattr(self, name), name, least)
        as_seed(self.seed)
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate={self.learning_rate} has to be positive and finite")

    def unet(self, image_size: int) -> Any:
        """A freshly drawn network for images of `image_size` pixels a side."""
        import torch
        from diffusers import UNet2DModel

        halvings = 2 ** (len(self.widths) - 1)
        if image_size % halvings:
            raise ValueError(
                f"images of {image_size} pixels cannot be halved {len(self.widths) - 1} times: "
                f"give fewer widths or images of a multiple of {halvings} pixels"
            )
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            return UNet2DModel(
                sample_size=image_size,
                block_out_channels=self.widths,
                layers_per_block=self.blocks,
                down_block_types=tuple(
                    "AttnDownBlock2D" if attends else "DownBlock2D" for attends in self.attention
                ),
                up_block_types=tuple(
                    "AttnUpBlock2D" if attends else "UpBlock2D"
                    for attends in reversed(self.attention)
                ),
                attention_head_dim=16,
                norm_num_groups=16,
            )

    def scheduler(self) -> Any:
        """The schedule of noise that the network is trained under."""
        from diffusers import DDPMScheduler

        return DDPMScheduler(
            self.noise_levels, beta_schedule=self.schedule, prediction_type=self.prediction
        )
