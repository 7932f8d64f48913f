"""What decides a diffusion model and the images drawn from it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from adainf_core.validation import as_choice, as_count, as_positive, as_seed, in_words

#: Largest seed of images drawn from a model: their streams are keyed by 64 bits.
LAST_SEED = 2**64 - 1
#: With fewer noise levels dpm-solver++ makes a Gaussian's deviation 5 % too small or worse (30
#: levels of the cosine schedule: 6 %; 20: 13 %; 10: 35 %), however many steps it takes.
FEWEST_LEVELS = 50
#: With more, the single precision of the schedule's products is felt.
MOST_LEVELS = 10_000
_MOST_WIDTHS = 12
#: What a training schedule is, among all that diffusers' schedulers keep in their configurations.
_SCHEDULE = (
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas",
    "rescale_betas_zero_snr", "prediction_type",
)  # fmt: skip


@dataclass(frozen=True)
class Sampler:
    """How noise becomes an image: `steps` evaluations of the network along a probability flow.

    `kind` is "dpm-solver++" (second order, Lu et al. 2022; for models of 50 noise levels or more)
    or "ddim" (first order, deterministic, Song et al. 2020; at most as many steps as the model has
    levels, spread evenly whether they divide those or not). `batch_size` images go through the
    network together; `precision` is "fp32" or "bf16" (autocast).
    """

    kind: Literal["dpm-solver++", "ddim"] = "dpm-solver++"
    steps: int = 20
    batch_size: int = 250
    precision: Literal["fp32", "bf16"] = "bf16"

    def __post_init__(self) -> None:
        as_choice(self.kind, "kind", ("dpm-solver++", "ddim"))
        as_choice(self.precision, "precision", ("fp32", "bf16"))
        as_count(self.steps, "steps", 1, MOST_LEVELS)
        as_count(self.batch_size, "batch_size", 1)

    def scheduler(self, schedule: dict[str, Any]) -> Any:
        """What does this to a model trained under `schedule`: `timesteps`, and a `step` for each.

        Of diffusers' configuration only what the model was trained under counts, not how another
        sampler was set. Raises ValueError where the model's levels are too few for this sampler.
        """
        from diffusers import DPMSolverMultistepScheduler

        from adainf_core.generators.ddim import DDIM

        levels = schedule["num_train_timesteps"]
        if self.kind == "ddim":
            if self.steps > levels:
                raise ValueError(
                    f"steps={self.steps} of ddim, but the model has {levels} noise levels: give "
                    f"steps={levels} or fewer"
                )
            squares = training_schedule(schedule).alphas_cumprod
            return DDIM(squares, schedule["prediction_type"], self.steps)
        if levels < FEWEST_LEVELS:
            raise ValueError(
                f"the model has {levels} noise levels, and dpm-solver++ needs {FEWEST_LEVELS}: "
                f"choose kind=ddim steps={levels}"
            )
        kept = {key: schedule[key] for key in _SCHEDULE if key in schedule}
        # this scheduler knows fewer schedules by name than the one that models are trained under
        kept["trained_betas"] = training_schedule(
            schedule | {"rescale_betas_zero_snr": False}
        ).betas.tolist()
        # predictions of the image are kept within the range of pixels: dynamic thresholding with
        # a maximum of 1 is plain clipping. Steps evenly spread in log signal-to-noise ratio: with
        # ten of them a Gaussian's deviation comes out 2 % too small instead of 13 % (linear
        # schedule: 3 % instead of 35 %)
        scheduler: Any = DPMSolverMultistepScheduler(
            **kept, thresholding=True, sample_max_value=1.0, use_lu_lambdas=True
        )
        scheduler.set_timesteps(self.steps)
        scheduler.set_begin_index(0)  # it would take the second where two times are the same level
        return scheduler


def training_schedule(schedule: dict[str, Any]) -> Any:
    """The diffusers scheduler that a model is trained under, from the configuration of any."""
    from diffusers import DDPMScheduler

    # by keyword: only those does diffusers keep when a configuration is handed on
    return DDPMScheduler(**{key: schedule[key] for key in _SCHEDULE if key in schedule})


@dataclass(frozen=True)
class DiffusionConfig:
    """What decides a diffusion model, apart from the images and the number of steps.

    The network is diffusers' UNet2DModel: `widths` are the channels of its levels, each of half the
    resolution of the one before (multiples of 16), `attention` says which levels attend, `blocks`
    residual blocks make a level. `schedule` is diffusers' (squaredcos_cap_v2 is the cosine of
    Nichol & Dhariwal 2021, linear that of Ho et al. 2020, steeper the fewer its levels, so that it
    ends in noise at any number); `noise_levels` are 50 to 10,000; `prediction` is the network's
    target, epsilon (Ho et al.) or v_prediction (Salimans & Ho 2022).

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
        for name in ("widths", "attention"):
            if not isinstance(getattr(self, name), tuple):
                raise ValueError(f"{name}={in_words(getattr(self, name))} must be a tuple")
        if not self.widths or any(as_count(width, "widths", 16) % 16 for width in self.widths):
            raise ValueError(f"widths={self.widths}: give multiples of 16, one a level")
        as_count(len(self.widths), "the number of widths", 1, _MOST_WIDTHS)
        if len(self.attention) != len(self.widths):
            raise ValueError(f"attention={self.attention}: give one value for each of widths")
        for name, known in (
            ("prediction", ("v_prediction", "epsilon")),
            ("schedule", ("squaredcos_cap_v2", "linear")),
            ("precision", ("bf16", "fp32")),
            ("device", ("cpu", "cuda", None)),
        ):
            as_choice(getattr(self, name), name, known)
        for name, least in (("blocks", 1), ("batch_size", 1), ("warmup", 0)):
            as_count(getattr(self, name), name, least)
        as_count(
            self.noise_levels, "noise_levels", FEWEST_LEVELS, MOST_LEVELS,
            ": fewer are too coarse to sample from, more beyond single precision",
        )  # fmt: skip
        as_seed(self.seed)
        as_positive(self.learning_rate, "learning_rate")

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

    def training_bytes(self, image_size: int) -> int:
        """Memory that training takes at the very least, for images of `image_size` a side.

        Convolutions in 32 bits, five times over (weights, gradient, two averages of Adam, that of
        the generator), and what the way down keeps of a batch for the way back.
        """
        # two of 3 x 3 a block on the way down, two on the way up, one of them twice as wide
        weights = sum(9 * 5 * self.blocks * width**2 for width in self.widths)
        kept = sum(
            2 * self.blocks * width * (image_size >> level) ** 2
            for level, width in enumerate(self.widths)
        )
        return 4 * 5 * weights + 2 * self.batch_size * kept

    def scheduler(self) -> Any:
        """The schedule of noise that the network is trained under."""
        return training_schedule(
            {
                "num_train_timesteps": self.noise_levels,
                # Ho et al.'s for 1000 levels; as much noise in all for any number
                "beta_start": 1e-4 * (1000 / self.noise_levels),
                "beta_end": 0.02 * (1000 / self.noise_levels),
                "beta_schedule": self.schedule,
                "prediction_type": self.prediction,
            }
        )
