"""What a module costs to import: heavy packages wait until a function needs them."""

import subprocess
import sys

import pytest

HEAVY = {"matplotlib", "scipy.stats", "sklearn", "torch", "torchvision"}


@pytest.mark.parametrize(
    "module",
    [
        "data.latent_sprites",
        "data.named_sets",
        "generators.dial",
        "generators.flawed_sprites",
        "statistics.intervals",
        "theory",
    ],
)
def test_importing_loads_nothing_heavy(module):
    code = f"import sys, adainf_core.{module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(loaded.stdout.split())


def test_a_t_interval_does_not_load_scipys_statistics():
    code = (
        "import sys; from adainf_core.statistics.intervals import t_interval; "
        "t_interval([1.0, 2.0]); assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
