"""DDIM without noise: the first-order solver of a diffusion model's probability flow."""

from __future__ import annotations

import torch


class DDIM:
    """`steps` steps of DDIM (Song et al. 2020, equation 12 with σ = 0) over evenly spaced levels.

    `squares` are the shares of signal in each of the model's noise levels, ᾱ, float32 (levels,),
    and `prediction` what its network predicts: epsilon, v_prediction or sample. The last level is
    the first of `timesteps`; after the last step nothing is left of the noise. Predicted images are
    clipped to [-1, 1].

    diffusers' own goes back by levels // steps wherever the times of its steps lie: 600 steps over
    1000 levels end in noise. Where steps divide the levels, this is the same to the bit.
    """

    def __init__(self, squares: torch.Tensor, prediction: str, steps: int) -> None:
        levels = len(squares)
        times = [levels * step // steps - 1 for step in range(steps, 0, -1)]
        self.timesteps = torch.tensor(times)
        self._squares = {time: squares[time] for time in times}
        self._next = dict(zip(times, [*times[1:], -1], strict=True))
        self._squares[-1] = torch.ones(())
        self._prediction = prediction

    def step(
        self, output: torch.Tensor, time: torch.Tensor, state: torch.Tensor, return_dict: bool
    ) -> tuple[torch.Tensor]:
        """The state one step on from `state` at `time`, where the network says `output`."""
        signal = self._squares[int(time)]
        after = self._squares[self._next[int(time)]]
        noise = 1 - signal
        if self._prediction == "epsilon":
            clean, direction = (state - noise**0.5 * output) / signal**0.5, output
        elif self._prediction == "sample":
            clean, direction = output, (state - signal**0.5 * output) / noise**0.5
        else:
            clean = signal**0.5 * state - noise**0.5 * output
            direction = signal**0.5 * output + noise**0.5 * state
        return (after**0.5 * clean.clamp(-1, 1) + (1 - after) ** 0.5 * direction,)
