"""torch's optimisers without torch's compiler, which they load at their first step otherwise."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TypeVar

import torch

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)


@cache
def eager(optimizer: type[Kind]) -> type[Kind]:
    """A class of `optimizer`, of torch, that does the same to the bit, and is not to be compiled.

    Torch keeps some methods of its optimisers from `torch.compile` by wrappers that import
    `torch._dynamo`, compiled or not: one to two seconds of every process that trains or probes.
    """
    methods = ("add_param_group", "load_state_dict", "state_dict", "zero_grad", "step")
    plain = {name: inspect.unwrap(getattr(optimizer, name)) for name in methods}
    plain["step"] = torch.no_grad()(plain["step"])  # which its wrapper did
    return type(optimizer.__name__, (optimizer,), plain)
