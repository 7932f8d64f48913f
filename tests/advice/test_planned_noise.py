"""The noise that a comparison is planned with: what it finds is found as often as it says."""

from types import SimpleNamespace

import numpy as np
import pytest

from adainf_core.advice.planning import (
    ARMS,
    QUESTIONS,
    RECORDED_IMAGES,
    RECORDED_STEPS,
    found_difference,
    noise_on,
)
from adainf_core.evidence.judging.verdicts import judge
from adainf_core.evidence.studies.catalogue import named_study

RECORDED = 0.806
# shares of runs that tell an image right: all images alike, or half of them hard
WORLDS = {"as apart as can be": (0.5, 0.5), "easy and hard images": (0.8, 0.2)}


def found(test_images, apart, world, trials=400, seeds=5):
    """How often the rule shows that the first arm is `apart` points ahead, by brute force.

    Runs are of their seeds, by as much as leaves `RECORDED` on the recorded test images, and each
    tells every test image right or wrong by a draw of its own.
    """
    rng, shares = np.random.default_rng(0), np.array(WORLDS[world])
    on_one = 2 * (shares * (1 - shares)).mean()  # variance of a difference on one image
    seed = (RECORDED**2 - 1e4 * on_one / RECORDED_IMAGES) ** 0.5 / 2**0.5
    first = QUESTIONS[0].arms[0]
    times = 0
    for _ in range(trials):
        records = []
        for arm in ARMS:
            for number in range(seeds):
                ahead = (apart if arm == first else 0.0) + rng.normal(0, seed)
                right = rng.binomial(test_images // 2, (shares + ahead / 100).clip(0, 1)).sum()
                accuracy = {"linear": 100 * right / (test_images // 2 * 2)}
                records.append(SimpleNamespace(arm=arm, seed=number, metrics=accuracy))
        times += judge(QUESTIONS, records)[0].difference.low > 0
    return times / trials


@pytest.mark.parametrize("test_images", [200, 1000, 10_000])
def test_what_is_found_is_found_as_often_as_said(test_images):
    apart = found_difference(noise_on(test_images, RECORDED), seeds=5)
    error = (0.16 / 400) ** 0.5
    assert abs(found(test_images, apart, "as apart as can be") - 0.8) < 4 * error
    # where runs err on the same images the noise is less than was taken, and more is found
    assert found(test_images, apart, "easy and hard images") > 0.8 - 4 * error


def test_the_recorded_noise_alone_promises_too_much_on_few_images():
    apart = found_difference(RECORDED, seeds=5)
    assert found(200, apart, "easy and hard images") < 0.3


def test_the_parts_add_up_and_vanish_as_they_should():
    assert noise_on(RECORDED_IMAGES, RECORDED) == noise_on(10**6, RECORDED) == RECORDED
    few, many = noise_on(100, RECORDED), noise_on(400, RECORDED)
    assert few > many > RECORDED
    # by hand: half a squared hundredth an image, less what the recorded ones have of it already
    assert few**2 - RECORDED**2 == pytest.approx(5000 / 100 - 5000 / RECORDED_IMAGES)
    with pytest.raises(ValueError, match="test_images = 0 must be at least 1"):
        noise_on(0, RECORDED)


def test_what_the_recorded_noise_is_of_is_what_the_records_say():
    run = named_study("failure-mode").layout("laptop").base
    assert run.n_test == RECORDED_IMAGES
    lengths = named_study("training-length")
    steps = {lengths.experiment("laptop", *key).pretrain.steps for key in lengths.plan("laptop")}
    assert min(steps) == RECORDED_STEPS
