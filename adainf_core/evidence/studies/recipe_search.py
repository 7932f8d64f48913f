"""Recipe search: what a core's four minutes of SimCLR on CIFAR-10 give, candidate by candidate.

All 50,000 photographs at 32 pixels, the official strong policy, bf16, one seed. Each arm differs
from today's small recipe in what its name says, and takes as many steps of 256 images as four
minutes of one core allow (`benchmarks/recipes.py` has what a step of each costs). Nothing is
claimed here, but in "recipe-race", on other seeds. The arms that begin with "few" ask,
before any run of study "desktop", which rate suits its 5,000 photographs under either policy: that
of the best linear probe, or 0.03 where it is within half a point of it.
"""

from __future__ import annotations

from typing import Any

from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.studies.training import TrainingExperiment
from adainf_core.learning.methods import SimCLR
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.recipes import DESKTOP

NAME = "recipe-search"
BASE = TrainingExperiment(
    "cifar10", size=32, n_real=50_000, n_test=10_000,
    pretrain=PretrainConfig(
        policy=POLICIES["symmetric"], steps=1200, warmup=60, precision="bf16", device="cpu"
    ),
)  # fmt: skip


def training(**changes: Any) -> dict[str, Any]:
    """Changes of the training by dotted field."""
    return {f"pretrain.{name}": value for name, value in changes.items()}


GROWING = training(**DESKTOP)
MUON = GROWING | training(view_scales=(1.0,))
_SGD = training(optimizer="sgd", weight_decay=1e-4)
_LARS = training(optimizer="lars", weight_decay=1e-4)
_RESNET = training(encoder="resnet10", base_width=32, stem_stride=2, steps=950, warmup=47)
_WIDE = training(width=24, steps=670, warmup=33)
_FEW = GROWING | {"n_real": 5000, "n_labelled": 50_000} | training(steps=2100, warmup=105)
ARMS = {
    **{
        f"few_{name}_{rate:g}": Arm(
            f"5,000 images, {name}, Muon at {rate:g}",
            _FEW | training(learning_rate=rate, policy=policy),
        )
        for name, policy in (
            ("strong", POLICIES["symmetric"]),
            ("weak", POLICIES["symmetric_adainf"]),
        )
        for rate in (0.01, 0.03, 0.1)
    },
    "growing": Arm("Muon, views of 16, 24, 32", GROWING | training(steps=1700, warmup=85)),
    "muon": Arm("Muon at 0.03", MUON),
    "muon_0.01": Arm("Muon at 0.01", MUON | training(learning_rate=0.01)),
    "muon_0.1": Arm("Muon at 0.1", MUON | training(learning_rate=0.1)),
    "muon_decay": Arm("Muon, decay 0.05", MUON | training(weight_decay=0.05)),
    "muon_128": Arm("Muon, batches of 128", MUON | training(batch_size=128, steps=2300)),
    "muon_512": Arm("Muon, batches of 512", MUON | training(batch_size=512, steps=530, warmup=26)),
    "muon_warm": Arm("Muon, temperature 0.5", MUON | {"pretrain.method": SimCLR(temperature=0.5)}),
    "muon_wide": Arm("Muon, width 24", MUON | _WIDE),
    "muon_resnet10": Arm(
        "Muon, ResNet-10 of width 32, stride 2", MUON | _RESNET | training(steps=900, warmup=45)
    ),
    "adamw": Arm("AdamW at 0.002"),
    "adamw_0.001": Arm("AdamW at 0.001", training(learning_rate=1e-3)),
    "adamw_0.005": Arm("AdamW at 0.005", training(learning_rate=5e-3)),
    "sgd_0.1": Arm("SGD at 0.1", _SGD | training(learning_rate=0.1)),
    "sgd_0.3": Arm("SGD at 0.3", _SGD | training(learning_rate=0.3)),
    "lars_0.4": Arm("LARS at 0.4", _LARS | training(learning_rate=0.4)),
    "lars_1.6": Arm("LARS at 1.6", _LARS | training(learning_rate=1.6)),
    "adamw_growing": Arm(
        "AdamW at 0.002, views of 16, 24, 32",
        training(view_scales=(0.5, 0.75, 1.0), steps=1750, warmup=87),
    ),
    "resnet10": Arm("AdamW, ResNet-10 of width 32, stride 2", _RESNET),
}

STUDY = Study(
    NAME,
    "Which recipe learns most in four minutes of one core?",
    ARMS,
    {"desktop": Layout(BASE, seeds=(1, 1), first_seed=10)},
)
