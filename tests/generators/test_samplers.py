"""Every sampler against a Gaussian whose exact prediction is known, at any number of steps."""

from dataclasses import replace
from types import SimpleNamespace
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch import nn

from adainf_core.generators.ddim import DDIM
from adainf_core.generators.diffusion import DiffusionGenerator
from adainf_core.generators.diffusion_config import (
    FEWEST_LEVELS,
    MOST_LEVELS,
    DiffusionConfig,
    Sampler,
    training_schedule,
)
from adainf_core.generators.pipelines import plain

TINY = DiffusionConfig(widths=(16, 16), attention=(False, False), precision="fp32", device="cpu")
KINDS = get_args(get_type_hints(Sampler)["kind"])
MEAN, STD = -0.3, 0.2
PIXELS = 500 * 48
#: Standard errors of the mean and of the relative deviation of that many pixels, four times over.
MEAN_ERROR, STD_ERROR = 4 * STD / PIXELS**0.5, 4 / (2 * PIXELS) ** 0.5


class GaussianScore(nn.Module):
    """The exact prediction where clean pixels are independent N(mean, std²)."""

    def __init__(self, schedule, mean=MEAN, std=STD):
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.config = SimpleNamespace(sample_size=4, in_channels=3)
        self.levels = training_schedule(schedule).alphas_cumprod
        self.prediction, self.mean, self.std = schedule["prediction_type"], mean, std

    def forward(self, noisy, time, return_dict=False):
        square = self.levels[int(time)]
        alpha, sigma = square.sqrt(), (1 - square).sqrt()
        gain = alpha * self.std**2 / (alpha**2 * self.std**2 + sigma**2)
        clean = self.mean + gain * (noisy - alpha * self.mean)
        noise = (noisy - alpha * clean) / sigma
        made = {"epsilon": noise, "sample": clean, "v_prediction": alpha * noise - sigma * clean}
        return (made[self.prediction],)


def trained_under(**changes):
    """The training schedule of a configuration, in diffusers' words."""
    return plain(replace(TINY, **changes).scheduler().config)


def moments(schedule, **sampler):
    """Error of the mean and relative error of the deviation of 500 images of a Gaussian."""
    settings = {"batch_size": 500, "precision": "fp32"} | sampler
    generator = DiffusionGenerator(GaussianScore(schedule), schedule, "g", Sampler(**settings))
    pixels = generator.sample(500).images / 127.5 - 1
    return pixels.mean() - MEAN, pixels.std() / STD - 1


def euler(schedule, steps):
    """Errors as in `moments` of `steps` Euler steps in the ratio of noise to signal, exactly.

    dy/dr = r (y - mean) / (std² + r²) for y = state / alpha is the flow of a Gaussian; DDIM is
    Euler's method for it (Song et al. 2020, section 4.3).
    """
    squares = training_schedule(schedule).alphas_cumprod.double().numpy()
    share = np.floor(len(squares) * np.arange(steps, 0, -1) / steps + 1e-9).astype(int)
    ratios = np.append(np.sqrt(1 / squares[share - 1] - 1), 0.0)
    factors = 1 + np.diff(ratios) * ratios[:-1] / (STD**2 + ratios[:-1] ** 2)
    start = 1 / np.sqrt(squares[share[0] - 1])
    return -MEAN * factors.prod(), start * factors.prod() / STD - 1


@pytest.mark.parametrize(
    ("schedule", "prediction"),
    # the cosine schedule ends in pure noise, of which epsilon says nothing
    [("squaredcos_cap_v2", "v_prediction"), ("linear", "epsilon"), ("linear", "v_prediction")],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("levels", "steps"), [(1000, 100), (1000, 143), (200, 167)])
def test_exact_scores_give_the_distribution_back(kind, schedule, prediction, levels, steps):
    trained = trained_under(schedule=schedule, prediction=prediction, noise_levels=levels)
    mean, std = moments(trained, kind=kind, steps=steps)
    # the first-order solver's own error is of the size of a step, one in `steps` of a range of log
    # ratios of about seven, the second-order one's of its square; levels of whole numbers are felt
    # by either, as one part in them
    own = 7 / steps if kind == "ddim" else 50 / steps**2
    assert abs(mean) < MEAN_ERROR
    assert abs(std) < STD_ERROR + own + 1 / levels


def test_more_steps_than_half_the_levels_do_no_harm():
    """Where they do not divide the levels; by one schedule, of the solver with the longer step."""
    trained = trained_under(schedule="linear", prediction="epsilon", noise_levels=500)
    mean, std = moments(trained, kind="dpm-solver++", steps=300)
    assert abs(mean) < MEAN_ERROR and abs(std) < STD_ERROR + 50 / 300**2 + 1 / 500


@pytest.mark.parametrize("schedule", ["squaredcos_cap_v2", "linear"])
@pytest.mark.parametrize("steps", [7, 20, 29, 120, 200])
def test_ddim_is_eulers_method_whether_steps_divide_the_levels_or_not(schedule, steps):
    trained = trained_under(schedule=schedule, noise_levels=200)
    expected = euler(trained, steps)
    found = moments(trained, kind="ddim", steps=steps)
    assert found[0] == pytest.approx(expected[0], abs=MEAN_ERROR)
    assert found[1] == pytest.approx(expected[1], abs=STD_ERROR * (1 + expected[1]))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("steps", [1, 8, 20, 200])
def test_ddim_is_that_of_diffusers_to_the_bit_where_steps_divide_the_levels(prediction, steps):
    from diffusers import DDIMScheduler

    trained = trained_under(noise_levels=200) | {"prediction_type": prediction}
    theirs = DDIMScheduler.from_config(trained, timestep_spacing="trailing")
    theirs.set_timesteps(steps)
    ours = DDIM(training_schedule(trained).alphas_cumprod, prediction, steps)
    assert torch.equal(ours.timesteps, theirs.timesteps)
    random = torch.Generator().manual_seed(0)
    state, output = (torch.randn(4, 3, 4, 4, generator=random) for _ in range(2))
    for time in ours.timesteps:
        made = ours.step(output, time, state, return_dict=False)[0]
        assert torch.equal(made, theirs.step(output, time, state, return_dict=False)[0])
        state = made


def test_the_second_order_solver_needs_fewer_steps():
    errors = {kind: abs(moments(trained_under(), kind=kind, steps=10)[1]) for kind in KINDS}
    assert errors["dpm-solver++"] < errors["ddim"] / 2


@pytest.mark.parametrize("schedule", ["squaredcos_cap_v2", "linear"])
@pytest.mark.parametrize("levels", [FEWEST_LEVELS, 200, MOST_LEVELS])
def test_the_default_sampler_suits_every_number_of_levels_that_is_taken(schedule, levels):
    mean, std = moments(trained_under(schedule=schedule, noise_levels=levels))
    assert abs(mean) < MEAN_ERROR and abs(std) < 0.05


@pytest.mark.parametrize("levels", [2, 10, 49, 10_001, 10**11])
def test_levels_that_cannot_be_sampled_from_are_refused(levels):
    with pytest.raises(ValueError, match=rf"noise_levels = {levels} must be in 50\.\.10000"):
        replace(TINY, noise_levels=levels)


def test_models_of_few_levels_are_sampled_by_ddim_alone():
    trained = trained_under() | {"num_train_timesteps": 10}
    with pytest.raises(ValueError, match=r"has 10 noise levels.*choose kind=ddim steps=10"):
        moments(trained)
    with pytest.raises(ValueError, match="steps=20 of ddim, but the model has 10 noise levels"):
        moments(trained, kind="ddim")
    assert moments(trained, kind="ddim", steps=10)[1] == pytest.approx(
        euler(trained, 10)[1], abs=STD_ERROR
    )


@pytest.mark.parametrize("steps", [100, 300])
def test_times_that_fall_on_one_level_do_not_end_in_an_error(steps):
    trained = trained_under(schedule="linear", noise_levels=50)
    times = Sampler(steps=steps).scheduler(trained).timesteps
    assert times[0] == times[1]  # diffusers would begin at the second, and end beyond the last
    mean, std = moments(trained, steps=steps)
    assert abs(mean) < MEAN_ERROR and abs(std) < 0.05


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["sigmoid", "scaled_linear"])
def test_schedules_that_the_solvers_do_not_know_by_name_are_sampled(kind, name):
    trained = trained_under(prediction="epsilon") | {"beta_schedule": name}
    mean, std = moments(trained, kind=kind, steps=250)
    assert abs(mean) < MEAN_ERROR + 0.01  # the schedule's last level is not quite noise
    assert abs(std) < STD_ERROR + 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_how_another_sampler_was_set_does_not_matter(kind):
    # what diffusers keeps of a pipeline's own scheduler, and would hand on
    foreign = {
        "algorithm_type": "sde-dpmsolver++", "solver_order": 3, "use_karras_sigmas": True,
        "final_sigmas_type": "sigma_min", "steps_offset": 1, "set_alpha_to_one": False,
        "clip_sample_range": 0.1, "timestep_spacing": "linspace",
    }  # fmt: skip
    trained = trained_under()
    assert moments(trained | foreign, kind=kind) == moments(trained, kind=kind)
