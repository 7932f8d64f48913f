"""Devices: the one that is named, or there."""

from pathlib import Path

import pytest
import torch

from adainf_core import devices
from adainf_core.devices import check_memory, chosen_device


def test_a_device_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device(None) == chosen_device("cpu") == torch.device("cpu")
    for name in ("cuda", "cuda:1"):
        with pytest.raises(ValueError, match=f"device='{name}', but no GPU is visible"):
            chosen_device(name)


def test_a_gpu_without_a_number_is_the_process_s_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert chosen_device(None) == chosen_device("cuda") == torch.device("cuda:3")
    assert chosen_device("cuda:1") == torch.device("cuda:1")
    assert chosen_device("cpu") == torch.device("cpu")


def test_what_memory_cannot_hold_at_all_is_told_at_once(monkeypatch):
    check_memory(1, "a byte")
    with pytest.raises(ValueError, match=r"it would take 1,000,000,000\.0 GB of memory or more"):
        check_memory(1e18, "it")
    monkeypatch.setattr(devices, "_memory", lambda device: 16e9)
    check_memory(16e9, "all of it")
    with pytest.raises(ValueError, match=r"40 rows would take 17\.0 GB .* there are 16\.0 GB"):
        check_memory(17e9, "40 rows")


def test_the_memory_of_a_machine_is_what_it_says():
    said = Path("/proc/meminfo")
    if not said.is_file():
        pytest.skip("no /proc/meminfo here")
    total = int(said.read_text().split()[1]) * 1024
    assert 0 < devices._memory(None) <= 1.001 * total
