"""Devices: the one that is named, or there."""

import pytest
import torch

from adainf_core.devices import chosen_device


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
