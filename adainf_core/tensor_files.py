"""Tensors on disk: one file, whole or not there, read without running what it holds."""

from __future__ import annotations

import errno
import io
import math
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch

from adainf_core.files import atomic_file


def write_tensors(content: dict[str, Any], path: Path) -> None:
    """Put `content` (tensors, numbers, strings, lists, dicts) at `path`, whole or not at all.

    An older file is replaced only when the new one is whole. Raises OSError in one line where it
    cannot be written (a full disk); the older stays.
    """
    # through memory: torch's zip writer would turn a full disk into an error of its own
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_file(path) as file:
        file.write(buffer.getbuffer())


def read_tensors(path: Path, kind: str = "checkpoint") -> Any:
    """What `write_tensors` put at `path`, on the CPU.

    Raises FileNotFoundError, or ValueError in one line where the file is damaged or no `kind`.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, no {kind}")
    if not path.is_file():
        raise FileNotFoundError(f"no {kind} at {path}")
    with path.open("rb") as file:
        return tensors_in(file, path, kind)


def tensors_in(file: BinaryIO, path: Path, kind: str = "checkpoint") -> Any:
    """The same of an open `file`, which is or is to be at `path`."""
    try:
        with zipfile.ZipFile(file) as archive:
            if not any(name.endswith("/data.pkl") for name in archive.namelist()):
                raise zipfile.BadZipFile("it holds no tensors")
            damaged = archive.testzip()  # torch does not look at checksums
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} fails its checksum")
        file.seek(0)
        return torch.load(file, map_location="cpu", weights_only=True)
    except (
        RuntimeError,
        EOFError,
        ValueError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{path} is damaged or no {kind} ({first}): delete it to start afresh"
        ) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a member that begins before the file
            raise
        raise ValueError(
            f"{path} is damaged or no {kind} (it is cut short): delete it to start afresh"
        ) from None


@contextmanager
def naming_misfits(path: Path) -> Iterator[None]:
    """Context manager: what of the checkpoint at `path` fits no run becomes a ValueError naming it.

    The file is whole, but of a network or a configuration that this version does not have.
    """
    try:
        yield
    except torch.OutOfMemoryError:  # says nothing about the file
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        why = " ".join(str(e).split()) or type(e).__name__
        raise ValueError(
            f"{path} does not fit ({type(e).__name__}: {why:.200}): delete it to start afresh"
        ) from None


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Give `optimizer` its earlier `state`; ValueError for one that it cannot go on with.

    torch looks at the number of parameters alone.
    """
    ours = optimizer.state_dict()["param_groups"]
    for group, found in zip(ours, state["param_groups"], strict=True):
        if found["params"] != group["params"]:
            raise ValueError("the optimizer's parameters are numbered otherwise")
        for key, value in group.items():
            kinds = {type(value), type(found.get(key, value))}
            if len(kinds) > 1 and kinds != {int, float}:
                raise ValueError(f"the optimizer's {key} is {found[key]!r}")
    keys = [set(group) for group in ours]
    optimizer.load_state_dict(state)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for number, group in enumerate(optimizer.param_groups):
        if lacking := keys[number] - set(group):
            raise ValueError(f"the optimizer lacks {min(lacking)}")
    if not state["state"]:
        return
    names = {frozenset(optimizer.state[p]) for p in parameters}
    if len(names) > 1 or len(optimizer.state) != len(parameters):
        raise ValueError("the optimizer lacks the state of a parameter")
    for p in parameters:
        for name, value in optimizer.state[p].items():
            if not isinstance(value, torch.Tensor) or value.shape not in (p.shape, ()):
                raise ValueError(f"the optimizer's {name} of a parameter is no tensor of its shape")
    counts = {
        value.item()
        for p in parameters
        for value in optimizer.state[p].values()
        if not value.ndim and p.ndim
    }
    if len(counts) > 1 or not all(map(math.isfinite, counts)):
        raise ValueError(f"the optimizer's parameters are at steps {sorted(counts)}")


def is_step(value: Any) -> bool:
    """Whether that is a number of steps."""
    return type(value) is int and value >= 0


def is_history(value: Any) -> bool:
    """Whether that is a loss curve: a list of {"step", "loss"}."""
    return isinstance(value, list) and all(
        isinstance(entry, dict)
        and entry.keys() == {"step", "loss"}
        and is_step(entry["step"])
        and isinstance(entry["loss"], float)
        for entry in value
    )


def is_pending(value: Any) -> bool:
    """Whether that is the (sum, number) of losses that are in no loss curve yet."""
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], float)
        and is_step(value[1])
    )
