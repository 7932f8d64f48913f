#!/usr/bin/env bash
# A scheduler's arguments given by position are in its configuration and lost from copies of it.
#
# Seen with diffusers 0.42.1: DDPMScheduler(200) has 200 time steps and says so; a scheduler made from
# its configuration, as samplers are, has 1000. The same happens to a plain dict copied from a default
# configuration in which a value was changed. By keyword, 200 stay 200.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet diffusers==0.42.1 torch==2.15.0 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import diffusers
from diffusers import DDIMScheduler, DDPMScheduler

print("diffusers", diffusers.__version__)


def levels(scheduler):
    return scheduler.config.num_train_timesteps


by_position, by_keyword = DDPMScheduler(200), DDPMScheduler(num_train_timesteps=200)
changed = dict(DDPMScheduler().config)
changed["num_train_timesteps"] = 200
seen = {
    "by position": (levels(by_position), levels(DDIMScheduler.from_config(by_position.config))),
    "by keyword": (levels(by_keyword), levels(DDIMScheduler.from_config(by_keyword.config))),
    "changed in a copy": (200, levels(DDIMScheduler.from_config(changed))),
}
for how, (first, second) in seen.items():
    print(f"{how}: {first} levels, and {second} in a sampler made from that configuration")
expected = {
    "by position": (200, 1000),
    "by keyword": (200, 200),
    "changed in a copy": (200, 1000),
}
assert seen == expected, "this has changed"
PY
