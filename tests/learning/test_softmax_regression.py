"""The solver against scikit-learn, against autograd, and where plain gradients crawl."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from adainf_core.learning import softmax_regression
from adainf_core.learning.softmax_regression import (
    MAX_STEPS,
    fit_softmax_regression,
    softmax_regression_path,
)


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Handwritten digits, standardised: float64 (1797, 64), three of the columns all zero."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels - pixels.mean(0)) / np.where(pixels.std(0) > 0, pixels.std(0), 1)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


X, Y = digits()


def objective(
    weight: torch.Tensor, bias: torch.Tensor, x: torch.Tensor, y: torch.Tensor, penalty: float
) -> torch.Tensor:
    """The definition, in torch's own words."""
    loss = torch.nn.functional.cross_entropy(x @ weight.T + bias, y)
    return loss + penalty / 2 * (weight**2).sum()


@pytest.mark.parametrize("penalty", [1e-1, 1e-3, 1e-5])
def test_agrees_with_scikit_learn(penalty):
    fit = fit_softmax_regression(X[::2], Y[::2], penalty, 10)
    peer = LogisticRegression(C=1 / (penalty * len(X[::2])), tol=1e-8, max_iter=20000)
    peer.fit(X[::2].numpy(), Y[::2].numpy())
    reached = float(
        objective(*map(torch.from_numpy, (peer.coef_, peer.intercept_)), X[::2], Y[::2], penalty)
    )
    assert fit.converged
    assert fit.objective == pytest.approx(reached, rel=1e-4)
    accuracy = fit.accuracy(X[1::2], Y[1::2])
    assert accuracy == pytest.approx(peer.score(X[1::2].numpy(), Y[1::2].numpy()), abs=0.003)
    assert accuracy > 0.85


def test_coefficients_are_the_optimum(monkeypatch):
    monkeypatch.setattr(softmax_regression, "TOLERANCE", 1e-7)
    fit = fit_softmax_regression(X, Y, 1e-2, 10)
    peer = LogisticRegression(C=1 / (1e-2 * len(X)), tol=1e-10, max_iter=20000)
    peer.fit(X.numpy(), Y.numpy())
    np.testing.assert_allclose(fit.weight, peer.coef_, atol=3e-5)
    # adding one number to every bias changes nothing
    np.testing.assert_allclose(
        fit.bias - fit.bias.mean(), peer.intercept_ - peer.intercept_.mean(), atol=1e-4
    )
    # the bias is free, so moving the features moves it and nothing else
    moved = fit_softmax_regression(X + 3, Y, 1e-2, 10)
    np.testing.assert_allclose(moved.weight, fit.weight, atol=1e-5)
    np.testing.assert_allclose(moved.bias + 3 * moved.weight.sum(1), fit.bias, atol=1e-5)


def test_autograd_finds_no_way_down():
    fit = fit_softmax_regression(X, Y, 1e-3, 10)
    weight, bias = (p.clone().requires_grad_() for p in (fit.weight, fit.bias))
    value = objective(weight, bias, X, Y, 1e-3)
    value.backward()
    assert fit.objective == pytest.approx(value.item(), rel=1e-12)
    assert weight.grad is not None and bias.grad is not None
    assert weight.grad.abs().max() < 1e-4 and bias.grad.abs().max() < 1e-4


def test_two_classes_split_the_weight_of_the_binary_model(monkeypatch):
    monkeypatch.setattr(softmax_regression, "TOLERANCE", 1e-7)
    # w and -w carry half the difference each, so the same fit costs half the penalty
    y, penalty = Y % 2, 1e-2
    fit = fit_softmax_regression(X, y, penalty, 2)
    peer = LogisticRegression(C=2 / (penalty * len(X)), tol=1e-8, max_iter=5000)
    peer.fit(X.numpy(), y.numpy())
    np.testing.assert_allclose(fit.weight[1] - fit.weight[0], peer.coef_[0], atol=1e-4)


def test_nearly_collinear_features_take_few_steps():
    # a condition number of 1e8, and every direction tells something
    rng = torch.Generator().manual_seed(0)
    directions = torch.randn(800, 40, generator=rng, dtype=torch.float64)
    y = (torch.randn(800, 5, generator=rng) + directions[:, ::8]).argmax(1)
    mixing = torch.linalg.qr(torch.randn(40, 40, generator=rng, dtype=torch.float64))[0]
    x = directions * torch.logspace(0, -4, 40, dtype=torch.float64) @ mixing
    fit = fit_softmax_regression(x, y, 1e-7, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to stop where we did
        peer = LogisticRegression(C=1 / (1e-7 * 800), tol=1e-12, max_iter=fit.steps)
        peer.fit(x.numpy(), y.numpy())
    there = objective(*map(torch.from_numpy, (peer.coef_, peer.intercept_)), x, y, 1e-7)
    assert fit.converged and fit.steps < 20
    assert fit.objective < float(there) - 0.1


def test_path_and_start_lead_to_the_same_place():
    penalties = (1e-1, 1e-2, 1e-3)
    path = list(softmax_regression_path(X, Y, penalties, 10))
    assert [fit.penalty for fit in path] == list(penalties)
    for fit in path:
        alone = fit_softmax_regression(X, Y, fit.penalty, 10)
        assert fit.objective == pytest.approx(alone.objective, rel=1e-4)
    again = fit_softmax_regression(X, Y, 1e-3, 10, start=path[-1])
    assert again.steps <= 1 and again.objective == pytest.approx(path[-1].objective, rel=1e-5)


def test_single_precision_is_enough():
    double, single = (fit_softmax_regression(x, Y, 1e-4, 10) for x in (X, X.float()))
    assert single.weight.dtype == torch.float32 and single.converged
    assert single.objective == pytest.approx(double.objective, rel=1e-4)


def test_copies_of_a_feature_share_its_weight():
    # exactly singular, with a penalty that single precision loses beside the largest eigenvalue
    copies = 30 * X.float().repeat(1, 4) + 100
    fit = fit_softmax_regression(copies, Y, 1e-6, 10)
    weights = fit.weight.view(10, 4, 64)
    assert fit.accuracy(copies, Y) == 1
    np.testing.assert_allclose(weights, weights.mean(1, keepdim=True).expand(-1, 4, -1), atol=1e-3)


def test_a_feature_that_never_varies_gets_no_weight():
    fit = fit_softmax_regression(X, Y, 1e-3, 10)
    constant = X.std(0) == 0
    assert constant.sum() == 3 and not fit.weight[:, constant].any()


def test_too_few_steps_are_admitted(monkeypatch):
    monkeypatch.setattr(softmax_regression, "MAX_STEPS", 2)
    fit = fit_softmax_regression(X, Y, 1e-3, 10)
    assert not fit.converged and fit.steps == 2 < MAX_STEPS


@pytest.mark.parametrize("penalty", [0.0, -1.0, float("nan")])
def test_penalty_has_to_be_positive(penalty):
    with pytest.raises(ValueError, match=f"penalty = {penalty:g} must be finite and above 0"):
        fit_softmax_regression(X, Y, penalty, 10)


def test_shapes_have_to_fit():
    with pytest.raises(ValueError, match=r"features \(1797, 64\) and labels \(5,\)"):
        fit_softmax_regression(X, Y[:5], 1e-3, 10)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"labels": Y + 1}, r"labels has 10, outside 0\.\.9: .* or raise classes=10"),
        ({"labels": Y - 1}, r"labels has -1, outside 0\.\.9"),
        ({"labels": Y.float()}, "labels is torch.float32"),
        ({"features": X.half()}, "features is torch.float16"),
        ({"features": X.clone().index_fill_(0, torch.tensor([3]), torch.nan)}, r"features\[3\]"),
        ({"features": X[:0], "labels": Y[:0]}, "n at least 1"),
        ({"classes": 1.5}, "classes = 1.5 must be an integer"),
    ],
)
def test_wrong_rows_are_named(wrong, says):
    with pytest.raises(ValueError, match=says):
        fit_softmax_regression(**{"features": X, "labels": Y, "penalty": 1, "classes": 10} | wrong)


def test_a_start_of_another_precision_or_size_is_named():
    start = fit_softmax_regression(X, Y, 1, 10)
    other = torch.float32 if X.dtype == torch.float64 else torch.float64
    for features, classes in ((X.to(other), 10), (X[:, 1:], 10), (X, 11)):
        with pytest.raises(ValueError, match="start is a fit of"):
            fit_softmax_regression(features, Y, 1, classes, start)


def test_accuracy_names_what_does_not_fit():
    rows, labels = torch.randn(40, 3), torch.arange(40) % 2
    model = fit_softmax_regression(rows, labels, 1.0, 2)
    with pytest.raises(ValueError, match="give a label for each row"):
        model.accuracy(rows, labels[1:])
    rows[2, 1] = torch.nan
    with pytest.raises(ValueError, match=r"features\[2\] is not finite"):
        model.accuracy(rows, labels)
