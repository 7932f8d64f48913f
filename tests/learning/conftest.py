"""Small data and a small configuration, shared by the tests of the loop."""

import children
import pytest

from adainf_core.data.inflation import Inflation
from adainf_core.learning.pretrain_config import PretrainConfig


@pytest.fixture(scope="session")
def data() -> Inflation:
    return children.small_data()


@pytest.fixture(scope="session")
def config() -> PretrainConfig:
    return children.small_config()
