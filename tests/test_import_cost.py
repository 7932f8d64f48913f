"""What a module costs to import: heavy packages wait until a function needs them."""

import subprocess
import sys

HEAVY = {"matplotlib", "scipy.stats", "sklearn", "torch", "torchvision"}


LIGHT = (
    "data.latent_sprites",
    "data.named_sets",
    "generators.dial",
    "generators.flawed_sprites",
    "statistics.intervals",
    "theory",
)


def test_these_modules_and_a_t_interval_load_nothing_heavy():
    code = f"""
import importlib, sys
for module in {LIGHT}:
    importlib.import_module(f"adainf_core.{{module}}")
    assert not (found := {HEAVY} & sys.modules.keys()), (module, found)
from adainf_core.statistics.intervals import t_interval
t_interval([1.0, 2.0])
assert "scipy.stats" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_training_and_probing_do_not_load_torchs_compiler(tmp_path):
    code = """
import sys
from itertools import cycle
import numpy as np
from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.learning.methods import METHODS
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.probing import linear_probe

pixels = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), np.uint8)
train, test = (ImageSet(pixels[half::2], np.arange(20) % 2, "noise") for half in (0, 1))
settings = {"width": 1, "base_width": 1, "batch_size": 4, "steps": 2, "warmup": 1}
kinds = cycle([("adamw", "small_cnn"), ("sgd", "resnet10"), ("lars", "resnet50")])
for (name, method), (optimizer, encoder) in zip(METHODS.items(), kinds):
    config = PretrainConfig(
        method=method(8, 4), encoder=encoder, optimizer=optimizer, device="cpu", **settings
    )
    run = pretrain(config, Inflation(train), checkpoint=f"{name}.pt")
linear_probe(run.encoder, train, test, penalties=(1.0,))
assert "torch" in sys.modules and "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
