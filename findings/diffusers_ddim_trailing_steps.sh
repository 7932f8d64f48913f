#!/usr/bin/env bash
# DDIM with trailing time steps goes back by another distance than the time steps lie apart.
#
# Seen with diffusers 0.42.1: time steps lie 1000 / steps apart, a step goes back 1000 // steps. Samples
# of a known Gaussian of deviation 0.50, with its exact noise predictor, have 0.49 with 100 steps and
# 0.50 with 1000, but 0.55 with 143 and 0.66 with 600, which do not divide 1000. Nothing is said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet diffusers==0.42.1 torch==2.15.0 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import diffusers
import torch
from diffusers import DDIMScheduler

print("diffusers", diffusers.__version__)


def deviation(steps):
    """Of samples for data from a Gaussian of mean 0 and deviation 0.5."""
    scheduler = DDIMScheduler(timestep_spacing="trailing", clip_sample=False)
    scheduler.set_timesteps(steps)
    x = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    for time in scheduler.timesteps:
        kept = scheduler.alphas_cumprod[time]
        variance = kept * 0.25 + 1 - kept
        noise = (1 - kept).sqrt() * x / variance  # the mean of the noise, given x
        x = scheduler.step(noise, time, x).prev_sample
    return float(x.std())


found = {steps: deviation(steps) for steps in (100, 143, 600, 1000)}
print("deviation of the samples, 0.5 is right:", {s: round(d, 3) for s, d in found.items()})
assert abs(found[100] - 0.5) < 0.02 and abs(found[1000] - 0.5) < 0.02, "this has changed"
assert found[143] > 0.53 and found[600] > 0.62, "this has changed"
PY
