"""What torch.compile makes of views and of a run; of the graphs no code is made.

In a file of their own: one process of the tests loads the compiler for all of them.
"""

from dataclasses import replace

import pytest
import torch

from adainf_core.learning.augmentation import two_views, view_noise
from adainf_core.learning.operations import Erase
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretraining import pretrain


def test_all_operations_compile_to_one_graph():
    """`fullgraph` refuses what would break the graph, a look at a value above all."""
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (120, 3, 24, 24), generator=random, dtype=torch.uint8)
    policy = replace(POLICIES["symmetric"], solarize_p=(0.0, 0.5), extra=(Erase(value=0.25),))
    given = images, images, policy, view_noise(2 * len(images), random, policy.extra)
    torch.compiler.reset()
    compiled = torch.compile(two_views, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*given), two_views(*given), atol=1e-5, rtol=0)


def test_compiled_run_stays_close(config, data, monkeypatch):
    compiled, sound = [], torch.compile

    def cheaply(module, **options):
        # this backend proves that the model compiles, not that it is fast
        compiled.append(module)
        return sound(module, backend="aot_eager", **options)

    monkeypatch.setattr(torch, "compile", cheaply)
    brief = replace(config, steps=3, warmup=1)
    plain, fast = (pretrain(replace(brief, compile=asked), data) for asked in (False, True))
    assert len(compiled) == 1
    assert fast.history[-1]["loss"] == pytest.approx(plain.history[-1]["loss"], rel=1e-3)
