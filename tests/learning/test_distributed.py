"""Two processes against one: the same loss, gradients, statistics, weights and stops."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import children
import pytest
import torch
from torch import nn

from adainf_core.cli import main
from adainf_core.learning import distributed
from adainf_core.learning.checkpoints import read_checkpoint
from adainf_core.learning.distributed import CPUSyncBatchNorm, synchronize_batch_norm


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What two gloo ranks found."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (folder / "port").write_text(str(free.getsockname()[1]))
    processes = [children.context.Process(target=children.join, args=(r, folder)) for r in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
        assert process.exitcode == 0
    found = [torch.load(folder / f"rank-{r}.pt", weights_only=True) for r in (0, 1)]
    return folder, found


@pytest.mark.parametrize("method", children.METHODS, ids=lambda m: m.name)
def test_two_ranks_give_the_loss_and_gradients_of_one_process(method, ranks):
    alone = children.one_step(method)
    for found in ranks[1]:
        for name, expected in alone.items():
            torch.testing.assert_close(
                found["steps"][method.name][name], expected, atol=1e-5, rtol=1e-4, msg=name
            )


@pytest.mark.parametrize(
    "number", range(len(children.ROLES)), ids=[f"{m.name}-{r}" for m, r in children.ROLES]
)
def test_two_ranks_give_the_loss_and_gradients_of_one_process_in_every_role(number, ranks):
    alone = children.one_step(*children.ROLES[number])
    for found in ranks[1]:
        for name, expected in alone.items():
            torch.testing.assert_close(
                found["roles"][number][name], expected, atol=1e-5, rtol=1e-4, msg=name
            )


def test_two_ranks_train_to_the_weights_of_one_process(ranks, tmp_path):
    folder, (first, second) = ranks
    assert torch.equal(first["weights"], second["weights"])
    alone = children.train(tmp_path)
    # batch norm of plain colours multiplies rounding; another stream differs a thousandfold
    assert (first["weights"] - alone).abs().max() < 5e-4
    assert (children.train(tmp_path / "other", seed=1) - alone).abs().max() > 0.1
    # the online classifier too, though its images are spread unevenly
    ours, theirs = (read_checkpoint(p / "run.pt").classifier for p in (folder, tmp_path))
    torch.testing.assert_close(ours["bias"], theirs["bias"], atol=1e-5, rtol=1e-4)
    # the checkpoint of two ranks continues in one process, and the other way round
    one, two = (read_checkpoint(path / "run.pt") for path in (tmp_path, folder))
    assert one.config == two.config and one.data == two.data and one.step == two.step
    assert one.model.keys() == two.model.keys()


def test_ranks_stop_together(ranks):
    first, second = (found["stopped"] for found in ranks[1])
    assert first == second < 12


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4, 4)])
def test_synchronised_norm_alone_is_batch_norm(shape):
    module = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(3)
    torch.manual_seed(0)
    nn.init.normal_(module.weight)
    synced = synchronize_batch_norm(nn.Sequential(module), torch.device("cpu"))
    assert isinstance(synced[0], CPUSyncBatchNorm)
    x = torch.randn(shape)
    torch.testing.assert_close(synced(x), module(x))
    torch.testing.assert_close(synced[0].running_var, module.running_var)
    torch.testing.assert_close(synced.eval()(x), module.eval()(x))


def test_without_a_group_nothing_is_wrapped_or_gathered():
    model, x = nn.Linear(2, 2), torch.ones(4, 2)
    assert distributed.wrap(model, torch.device("cpu")) is model
    assert distributed.gather(x) is x
    assert distributed.rank_rows(5) == slice(0, 5)
    with distributed.process_group():
        assert distributed.world_size() == 1


def test_a_batch_that_does_not_divide_is_named(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    with pytest.raises(ValueError, match="batch_size=5 does not divide among 2"):
        distributed.rank_rows(5)


@pytest.mark.slow
def test_the_command_line_runs_unchanged_under_torchrun(tmp_path):
    path = tmp_path / "run.pt"
    command = [
        *("-m", "adainf_core", "pretrain", "--dataset", "digits", "--checkpoint", str(path)),
        *("pretrain.encoder=small_cnn", "pretrain.width=4", "pretrain.method.hidden=16"),
        *("pretrain.steps=4", "pretrain.warmup=1", "pretrain.batch_size=32", "pretrain.device=cpu"),
        "pretrain.precision=fp32",
    ]
    root = Path(__file__).parents[2]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *torchrun, *command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("after 4 steps") == 1  # one process speaks
    two = read_checkpoint(path)
    path.unlink()
    assert main(command[2:]) == 0
    one = read_checkpoint(path)
    # the same batches and views: the same losses up to rounding
    for a, b in zip(one.history, two.history, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
