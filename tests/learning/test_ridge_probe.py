"""The ridge probe: known factors are told in full, and scikit-learn says the same of the rest."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from torch import nn

from adainf_core.learning.ridge_probe import RIDGE_PENALTIES, ridge_probe, ridge_regression


def _data(rng, n=80, d=6, noise=0.0, targets=2):
    factors = rng.standard_normal((n, targets))
    mixing = np.random.default_rng(9).standard_normal((targets, d))
    return factors @ mixing + 3 + noise * rng.standard_normal((n, d)), factors


def test_features_that_are_linear_in_the_factors_tell_them_exactly():
    rng = np.random.default_rng(0)
    found = ridge_regression(*_data(rng), *_data(rng))
    assert found.r2 == pytest.approx(1, abs=1e-9)
    assert found.details["penalty"] == RIDGE_PENALTIES[-1] and found.details["penalty_at_edge"]
    x, y = _data(rng, targets=1)
    assert ridge_regression(x, y[:, 0], *_data(rng, targets=1)).r2 == pytest.approx(1, abs=1e-9)


def test_features_that_know_nothing_tell_nothing():
    rng = np.random.default_rng(1)
    x, x_test = rng.standard_normal((2, 300, 20))
    y, y_test = rng.standard_normal((2, 300, 2))
    found = ridge_regression(x, y, x_test, y_test)
    assert abs(found.r2) < 0.03 and found.details["penalty"] >= 1
    assert abs(found.details["held_out_r2"]) < 0.03


def test_fit_choice_and_score_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    (x, y), (x_test, y_test) = (_data(rng, noise=1.0) for _ in range(2))
    # far more features than rows can do without: the choice matters
    x, x_test = (np.hstack([part, rng.standard_normal((80, 40))]) for part in (x, x_test))
    found = ridge_regression(x, y, x_test, y_test)
    mean, std = x.mean(0), x.std(0)
    x, x_test, n = (x - mean) / std, (x_test - mean) / std, len(x)
    errors = {}
    for penalty in RIDGE_PENALTIES:
        held_out = 0.0
        for row in range(n):
            kept = np.arange(n) != row
            model = Ridge(n * penalty).fit(x[kept], y[kept])
            held_out += ((model.predict(x[row : row + 1]) - y[row]) ** 2).sum()
        errors[penalty] = held_out
    best = min(errors, key=errors.get)
    assert found.details["penalty"] == best and 1e-8 < best < 1e2
    predicted = Ridge(n * best).fit(x, y).predict(x_test)
    expected = r2_score(y_test, predicted, multioutput="variance_weighted")
    assert found.r2 == pytest.approx(expected, abs=1e-9) and 0.2 < expected < 0.95
    assert found.details["held_out_r2"] == pytest.approx(
        1 - errors[best] / ((y - y.mean(0)) ** 2).sum()
    )


def test_one_penalty_is_the_fit_of_scikit_learn_and_constant_features_are_left_alone():
    rng = np.random.default_rng(3)
    (x, y), (x_test, y_test) = (_data(rng, noise=1.0) for _ in range(2))
    constant = np.full((80, 1), 5.0)
    wide = ridge_regression(
        np.hstack([x, constant]), y, np.hstack([x_test, constant + 1]), y_test, [0.1]
    )
    assert wide.r2 == pytest.approx(ridge_regression(x, y, x_test, y_test, [0.1]).r2, abs=1e-12)


def test_an_encoder_is_probed_on_its_features(tmp_path):
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16, 8))
    rng = np.random.default_rng(4)
    images, tested = rng.integers(0, 256, (2, 60, 3, 4, 4), dtype=np.uint8)
    with torch.no_grad():
        x, x_test = (encoder(torch.from_numpy(p).float() / 255).numpy() for p in (images, tested))
    y, y_test = (part.mean((1, 2, 3)) for part in (images, tested))
    found = ridge_probe(encoder, images, y, tested, y_test, cache=tmp_path)
    assert found.r2 == pytest.approx(ridge_regression(x, y, x_test, y_test).r2, abs=1e-5)
    assert len(list(tmp_path.glob("*.npy"))) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({0: np.ones((2, 3)), 1: np.arange(2.0)}, "n at least 3"),
        ({0: np.full((9, 3), np.nan)}, "features has values that are not finite"),
        ({1: np.ones(9)}, "targets do not vary"),
        ({3: np.ones(9)}, "test_targets do not vary"),
        ({2: np.ones((9, 4))}, "need as many columns"),
        ({4: []}, "give a list of numbers"),
        ({4: [0.0]}, "penalties = 0 must"),
    ],
)
def test_what_cannot_be_fitted_is_named(change, says):
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    given = [change.get(place, value) for place, value in enumerate([x, y, x, y, [1.0]])]
    with pytest.raises(ValueError, match=says):
        ridge_regression(*given)
