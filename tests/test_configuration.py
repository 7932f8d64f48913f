"""Configurations: there and back, dotted overrides, and errors that name the key."""

from dataclasses import dataclass, field, make_dataclass, replace

import pytest

from adainf_core.configuration import differences, from_plain, override, to_plain
from adainf_core.learning.methods import BYOL, BarlowTwins, MoCo, SimCLR, Spectral
from adainf_core.learning.policies import POLICIES
from adainf_core.learning.pretrain_config import PretrainConfig

METHODS = (SimCLR(), MoCo(queue=7), BYOL(momentum=(0.5, 0.6)), BarlowTwins(), Spectral(mu=None))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_plain_and_back_is_the_same(method):
    config = PretrainConfig(method=method, policy=POLICIES["asymmetric"], online_learning_rate=0.1)
    assert from_plain(PretrainConfig, to_plain(config)) == config


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_without_defaults_only_what_differs_is_left_and_comes_back(method):
    config = PretrainConfig(method=method, policy=POLICIES["asymmetric"], steps=7, warmup=3)
    plain = to_plain(config, defaults=False)
    assert from_plain(PretrainConfig, plain) == config
    # a default part is left out whole; of another one nobody would know which without its name
    assert ("method" in plain) == (method != SimCLR())
    assert plain.get("method", {"name": "simclr"})["name"] == method.name
    assert not plain.keys() - {"method", "policy", "steps", "warmup"}
    if method == BYOL(momentum=(0.5, 0.6)):
        assert plain["method"] == {"name": "byol", "momentum": [0.5, 0.6]}


def test_a_field_at_its_default_is_no_difference():
    def plain(*more):
        kind = make_dataclass("Kind", [("a", int), ("b", tuple, field(default=())), *more])
        return to_plain(kind(1), defaults=False)

    new = ("c", dict, field(default_factory=dict)), ("d", SimCLR, field(default_factory=SimCLR))
    assert plain() == plain(*new) == {"a": 1}
    nested = make_dataclass("Nested", [("parts", tuple)])((SimCLR(), SimCLR(out=3)))
    assert to_plain(nested, defaults=False) == {
        "parts": [{"name": "simclr"}, {"name": "simclr", "out": 3}]
    }


def test_absent_fields_keep_their_defaults():
    assert from_plain(PretrainConfig, {"steps": 7, "warmup": 3}) == PretrainConfig(
        steps=7, warmup=3
    )


def test_whole_numbers_become_floats_where_floats_belong():
    plain = to_plain(PretrainConfig()) | {"learning_rate": 1}
    assert isinstance(from_plain(PretrainConfig, plain).learning_rate, float)


def test_overrides_reach_into_parts():
    config = override(
        PretrainConfig(),
        ["steps=10", "warmup=1", "policy.hue=0.05", "method.temperature=0.5", "device=cpu"],
    )
    assert config == replace(
        PretrainConfig(steps=10, warmup=1, device="cpu"),
        policy=replace(POLICIES["symmetric"], hue=0.05),
        method=SimCLR(temperature=0.5),
    )


def test_naming_another_method_starts_from_its_defaults():
    config = override(PretrainConfig(method=SimCLR(hidden=99)), ["method.name=moco"])
    assert config.method == MoCo()
    assert override(config, ["method.queue=5"]).method == MoCo(queue=5)


def test_parts_can_be_named():
    config = override(PretrainConfig(), ["method=byol", "policy=asymmetric_adainf"])
    assert config.method == BYOL() and config.policy == POLICIES["asymmetric_adainf"]
    config = override(config, ["policy=symmetric_weak", "policy.hue=0", "method=moco"])
    assert config.policy == replace(POLICIES["symmetric_weak"], hue=0.0)
    assert override(config, ["method=moco", "method.queue=9"]).method == MoCo(queue=9)


def test_none_and_lists_are_read():
    config = override(
        PretrainConfig(device="cpu"), ["device=null", "pixel_mean=[0.1,0.2,0.3]", "compile=true"]
    )
    assert config.device is None and config.pixel_mean == (0.1, 0.2, 0.3) and config.compile


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("stepz=1", "unknown key 'stepz'"),
        ("policy.huge=1", r"unknown key 'policy.huge'"),
        ("steps.more=1", "'steps' has no fields"),
        ("steps=many", "steps='many': need int"),
        ("steps=1.5", r"steps=1.5: need int"),
        ("compile=1", "compile=1: need bool"),
        ("steps=true", "steps=True: need int"),
        ("method.name=supcon", r"method.name='supcon': choose simclr, moco"),
        ("method.queue=5", r"unknown key 'method.queue'"),
        ("policy.crop_scale=[0.1]", r"policy.crop_scale=\[0.1\]"),
        ("steps", "is not an assignment"),
        ("policy=strong", "unknown policy 'strong'; known: symmetric,"),
        ("method=dino", "method.name='dino': choose simclr"),
        ("steps=0", "steps = 0 must be in 1"),
    ],
)
def test_wrong_overrides_are_named(assignment, says):
    with pytest.raises(ValueError, match=says):
        override(PretrainConfig(), [assignment])


def test_differences_name_the_key_and_both_values():
    one = to_plain(PretrainConfig())
    other = to_plain(override(PretrainConfig(), ["method.hidden=3", "steps=60"]))
    assert differences(one, other) == [
        "method.hidden=256 against 3",
        "steps=1000 against 60",
    ]
    assert differences(one, one) == []


@dataclass(frozen=True)
class Named:
    name: str = "named"


@dataclass(frozen=True)
class Nameless:
    steps: int = 1


@dataclass(frozen=True)
class Either:
    part: Named | Nameless = Named()


def test_a_variant_without_a_name_is_an_error_that_names_it():
    with pytest.raises(ValueError, match=r"^part may be a Nameless, .* no field `name`"):
        from_plain(Either, to_plain(Either()))


def test_fields_of_what_is_not_there_are_named():
    with pytest.raises(ValueError, match=r"unknown key 'policy.hue': policy=None has no fields"):
        override(PretrainConfig(), ["policy=null", "policy.hue=0"])
    with pytest.raises(ValueError, match=r"method.name=\['simclr'\]: choose simclr"):
        from_plain(PretrainConfig, {"method": {"name": ["simclr"]}})
    with pytest.raises(ValueError, match="unknown key '3'"):
        from_plain(PretrainConfig, {3: 1, "x": 2})
