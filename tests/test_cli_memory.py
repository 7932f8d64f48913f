"""Want of memory is one line that says what to make smaller."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from adainf_core import cli
from adainf_core.cli.memory import _SMALLER, memory_shortage


@pytest.mark.parametrize("command", sorted(_SMALLER))
@pytest.mark.parametrize("take", [lambda: torch.empty(2**50), lambda: np.empty(2**50)])
def test_what_to_make_smaller_is_an_option_of_the_command(command, take):
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        take()
    line = memory_shortage(caught.value, command)
    assert re.match(r"not enough memory \(\S+ [GP]iB asked for at once\): \w+", line)
    source = Path(cli.__file__).with_name(f"{command}.py").read_text()
    assert all(f'"{option}"' in source for option in re.findall(r"--[\w-]+", line))


def test_every_command_that_works_on_images_has_a_remedy():
    assert {*_SMALLER} == {*cli._COMMANDS} - {"claims"}


def test_other_errors_are_not_taken_for_want_of_memory():
    full = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has 139 GiB"
    assert "(20.00 GiB asked" in memory_shortage(torch.OutOfMemoryError(full), "gap")
    assert memory_shortage(MemoryError(), "gap") == "not enough memory: lower --n or --size"
    assert memory_shortage(ValueError("out of memory"), "gap") is None
    assert memory_shortage(RuntimeError("shape mismatch"), "gap") is None
