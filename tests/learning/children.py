"""Small data and runs, and what tests do in processes of their own: ranks of a process group.

The fork server has imported torch and run nothing: children start in milliseconds, with no thread
pool to inherit.
"""

import os
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adainf_core.data.images import ImageSet
from adainf_core.data.inflation import Inflation
from adainf_core.learning import distributed, methods
from adainf_core.learning.encoders import small_cnn
from adainf_core.learning.methods import MethodConfig, MoCo, SimCLR
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.learning.pretraining import pretrain
from adainf_core.learning.roles import Multi, Positive, Role, ThirdView, views_of

context = get_context("forkserver")
context.set_forkserver_preload(["numpy", "torch", "torch._dynamo"])


def coloured(n: int, seed: int) -> ImageSet:
    """One colour an image, so that its views are easy to match; labelled by brightness of red."""
    colours = np.random.default_rng(seed).integers(0, 256, (n, 3, 1, 1), dtype=np.uint8)
    labels = (colours[:, 0, 0, 0] > 127).astype(np.int64)
    return ImageSet(np.repeat(colours, 16, 2).repeat(16, 3), labels, "colours")


def small_data() -> Inflation:
    return Inflation(coloured(64, 0), coloured(128, 1), replication=4)


def small_config() -> PretrainConfig:
    gentle = AugmentationPolicy(crop_scale=(0.8, 1.0), jitter_p=0, grey_p=0, blur_p=0)
    method = replace(PretrainConfig().method, hidden=16, out=8)
    return PretrainConfig(
        policy=gentle, method=method, steps=12, batch_size=32, width=4, warmup=2, device="cpu"
    )


_SPECIAL = {"simclr": SimCLR(16, 8, mask_copies=True), "moco": MoCo(16, 8, queue=40)}
METHODS: tuple[MethodConfig, ...] = tuple(
    _SPECIAL.get(name, kind(16, 8)) for name, kind in methods.METHODS.items()
)


#: Each role under each method that it is defined for, and negatives of one side alone.
ROLES: tuple[tuple[MethodConfig, Role | None], ...] = (
    (SimCLR(16, 8, own_negatives=True), None),
    *(
        (method, kind())
        for kind in (Positive, ThirdView, Multi)
        for method in METHODS
        if method.name in kind.methods
    ),
)


def one_step(method: MethodConfig, role: Role | None = None) -> dict[str, torch.Tensor]:
    """Loss, gradients, statistics and queue after a forward and backward pass of one batch."""
    config = small_config()
    torch.manual_seed(0)
    module = method.build(small_cnn(4)).train()
    module.role = role
    model = distributed.wrap(module, torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    views = torch.rand((views_of(role), config.batch_size, 3, 16, 16), generator=generator)
    ids = torch.randint(0, 20, (config.batch_size,), generator=generator)  # with copies
    rows = distributed.rank_rows(config.batch_size)
    loss, _ = model(views[:, rows].flatten(0, 1), ids[rows], ids[rows] % 2 == 0)
    loss.backward()
    gradients = {
        f"gradient of {n}": p.grad for n, p in module.named_parameters() if p.requires_grad
    }
    return {"loss": loss.detach(), **gradients, **module.state_dict()}


def train(folder: Path, **changes: Any) -> torch.Tensor:
    """The weights after three steps with an online probe; rank 0 leaves a checkpoint."""
    # not Adam, which makes whole steps out of the rounding of gradients that should vanish
    config = replace(small_config(), optimizer="sgd", online_learning_rate=0.1, steps=3)
    config = replace(config, **changes)
    trained = pretrain(config, small_data(), checkpoint=folder / "run.pt")
    return torch.cat([v.flatten().double() for v in trained.encoder.state_dict().values()])


def stop_together(folder: Path) -> int:
    """Steps done by a rank of a run whose budget is over for rank 1 only."""
    seconds = 0.0 if distributed.rank() == 1 else 1e9
    return pretrain(small_config(), small_data(), max_seconds=seconds).steps


def join(rank: int, folder: Path) -> None:
    """One of two ranks: does everything above and leaves what came out in `folder`."""
    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": (folder / "port").read_text()}
    with distributed.process_group():
        found = {
            "steps": {method.name: one_step(method) for method in METHODS},
            "roles": [one_step(*case) for case in ROLES],
            "weights": train(folder),
            "stopped": stop_together(folder),
        }
    torch.save(found, folder / f"rank-{rank}.pt")
