"""Names promised to users import from the package itself."""

import pytest

import adainf_core


@pytest.mark.parametrize("name", adainf_core.__all__)
def test_name_is_importable_and_documented(name):
    value = getattr(adainf_core, name)
    assert name == "POLICIES" or value.__doc__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'wishes'"):
        adainf_core.wishes  # noqa: B018
    assert "pretrain" in dir(adainf_core)
