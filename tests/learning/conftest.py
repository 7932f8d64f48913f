"""Small data and a small configuration, shared by the tests of the loop."""

import children
import pytest
import torch

from adainf_core.data.inflation import Inflation
from adainf_core.learning.pretraining import PretrainConfig


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    # small tensors: more threads only wait for each other
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data() -> Inflation:
    return children.small_data()


@pytest.fixture(scope="session")
def config() -> PretrainConfig:
    return children.small_config()
