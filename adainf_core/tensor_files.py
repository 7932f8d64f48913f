"""Tensors on disk: one file, whole or not there, read without running what it holds."""

from __future__ import annotations

import errno
import io
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    if not path.is_file():
        raise FileNotFoundError(f"no {kind} at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # torch does not look at checksums
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} fails its checksum")
        return torch.load(path, map_location="cpu", weights_only=True)
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
    """Context manager: what does not fit as the content of `path` is put in place names `path`.

    Whole files can hold what no run of this version wrote; torch takes it up to a point, and then
    raises nearly anything.
    """
    try:
        yield
    except torch.OutOfMemoryError:  # says nothing about the file
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(
            f"{path} does not hold what a run of this version keeps ({reason}): delete it to start "
            "afresh"
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
            if type(found.get(key, value)) is not type(value):
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
            if not value.ndim and not bool(value.isfinite()):
                raise ValueError(f"the optimizer's {name} of a parameter is {value.item()}")


def misfit_losses(history: Any, pending: Any) -> str:
    """What is wrong with a loss curve ({"step", "loss"} each) and the (sum, number) to come in it.

    "" if nothing is.
    """
    for entry in history if isinstance(history, list) else [history]:
        if not isinstance(entry, dict) or entry.keys() != {"step", "loss"}:
            return f"history holds {entry!r:.60}"
        if type(entry["step"]) is not int or type(entry["loss"]) is not float:
            return f"history holds {entry!r:.60}"
    if not isinstance(pending, list | tuple) or [type(part) for part in pending] != [float, int]:
        return f"pending is {pending!r:.60}"
    return ""
