"""Multinomial logistic regression with a ridge penalty, solved where its features live.

The objective is convex, so the optimum is one and any solver may find it; what costs is that the
features of a network are nearly collinear, which lets plain gradient methods crawl. At the uniform
prediction the Hessian is known in advance: it is the features' second moment over the number of
classes, plus the penalty. L-BFGS in coordinates where that matrix is the identity needs tens of
steps instead of hundreds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from adainf_core.eager_optimizers import eager
from adainf_core.validation import as_count, as_positive, in_words

#: A fit has converged when its gradient, in the solver's coordinates, is shorter than this share
#: of the objective, which then is within about 1e-4 of itself above its minimum. (A share, because
#: where classes separate the curvature vanishes along with the objective.)
TOLERANCE = 0.005
MAX_STEPS = 500
_CHUNK = 8192  # rows in double precision at once


@dataclass(frozen=True)
class SoftmaxRegression:
    """A fitted model: log-odds `features @ weight.T + bias`, up to a constant in each row.

    `weight` is (classes, d) and `bias` (classes,), in the dtype and on the device of the features;
    `objective` is the value reached at ridge `penalty`, in nats; `steps` is how many L-BFGS steps
    that took and `converged` whether they ended within `TOLERANCE`.
    """

    penalty: float

    weight: torch.Tensor
    bias: torch.Tensor
    objective: float
    steps: int
    converged: bool

    def log_probabilities(self, features: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (n, classes) of features (n, d)."""
        return _log_softmax(self.weight, self.bias, features).T

    def accuracy(self, features: torch.Tensor, labels: torch.Tensor) -> float:
        """Share of rows whose most probable class is their label; ValueError on rows not finite."""
        if labels.shape != features.shape[:1]:
            raise ValueError(
                f"labels have shape {tuple(labels.shape)} and features {tuple(features.shape)}: "
                "give a label for each row"
            )
        _refuse_broken(features)
        return float((self.log_probabilities(features).argmax(1) == labels).double().mean())


def fit_softmax_regression(
    features: torch.Tensor,
    labels: torch.Tensor,
    penalty: float,
    classes: int,
    start: SoftmaxRegression | None = None,
) -> SoftmaxRegression:
    """Minimise mean cross-entropy + penalty / 2 * |weight|^2; the bias goes free.

    `features` is float32 or float64 (n, d), `labels` int64 (n,) in 0..classes-1 on one device. In
    scikit-learn's terms C = 1 / (penalty * n), for three classes or more. From a `start`
    near the optimum it takes fewer steps to the same place. Raises ValueError for a penalty <= 0,
    without which the optimum may not exist, for shapes and types that do not fit, for labels out of
    range and for features that are not finite.
    """
    return next(softmax_regression_path(features, labels, (penalty,), classes, start))


def softmax_regression_path(
    features: torch.Tensor,
    labels: torch.Tensor,
    penalties: Sequence[float],
    classes: int,
    start: SoftmaxRegression | None = None,
) -> Iterator[SoftmaxRegression]:
    """`fit_softmax_regression` at each of `penalties`, each fit starting from the one before.

    Cheapest from strong to weak: the second moment of the features is computed once, and
    neighbouring optima are close.
    """
    _check_rows(features, labels, as_count(classes, "classes", 1), start)
    try:
        penalties = [as_positive(penalty, "penalty") for penalty in penalties]
    except TypeError:
        raise ValueError(f"penalties={in_words(penalties)}: give a list of numbers") from None
    features, (n, d) = features.detach(), features.shape
    moment = features.new_zeros(d + 1, d + 1, dtype=torch.float64)
    for part in features.split(_CHUNK):
        # single precision would leave the small eigenvalues of either sign
        part = F.pad(part.double(), (0, 1), value=1.0)
        moment += part.T @ part / n
    parameters = features.new_zeros(classes, d + 1) if start is None else _joined(start)
    for penalty in penalties:
        curvature = moment / classes
        curvature.diagonal()[:d] += penalty
        inverse_root = torch.linalg.inv(torch.linalg.cholesky(curvature)).to(features.dtype)
        fit = _minimise(features, labels, penalty, parameters, inverse_root)
        parameters = _joined(fit)
        yield fit


def _check_rows(
    features: torch.Tensor, labels: torch.Tensor, classes: int, start: SoftmaxRegression | None
) -> None:
    for name, tensor, dtypes in (
        ("features", features, (torch.float32, torch.float64)),
        ("labels", labels, (torch.int64,)),
    ):
        if not isinstance(tensor, torch.Tensor) or tensor.dtype not in dtypes:
            kinds = " or ".join(map(str, dtypes))
            raise ValueError(f"{name} is {in_words(tensor)}: give a tensor of {kinds}")
    if features.ndim != 2 or not len(features) or labels.shape != features.shape[:1]:
        raise ValueError(
            f"features {tuple(features.shape)} and labels {tuple(labels.shape)} do not fit: "
            "need (n, d) and (n,), n at least 1"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"labels has {low if low < 0 else high}, outside 0..{classes - 1}: number the classes "
            f"from 0, or raise classes={classes}"
        )
    _refuse_broken(features)
    if start is not None:
        parameters, wanted = _joined(start), (classes, features.shape[1] + 1)
        if parameters.shape != wanted or parameters.dtype != features.dtype:
            raise ValueError(
                f"start is a fit of {parameters.dtype} {tuple(parameters.shape)}: these features "
                f"and classes need {features.dtype} {wanted}"
            )


def _minimise(
    features: torch.Tensor,
    labels: torch.Tensor,
    penalty: float,
    start: torch.Tensor,
    inverse_root: torch.Tensor,
) -> SoftmaxRegression:
    """L-BFGS on V, where [weight, bias] = start + V @ inverse_root."""
    moved = torch.zeros_like(start)
    optimizer = eager(torch.optim.LBFGS)(
        [moved],
        max_iter=MAX_STEPS,
        max_eval=2 * MAX_STEPS,
        tolerance_change=torch.finfo(start.dtype).eps / 100,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def parameters() -> tuple[torch.Tensor, torch.Tensor]:
        both = start + moved @ inverse_root
        return both[:, :-1], both[:, -1]

    def objective() -> tuple[torch.Tensor, torch.Tensor]:
        weight, bias = parameters()
        log_p = _log_softmax(weight, bias, features)
        loss = -log_p.gather(0, labels[None]).mean(dtype=torch.float64)
        residual = log_p.exp_().scatter_add_(0, labels[None], log_p.new_full((1, len(labels)), -1))
        residual /= len(labels)
        gradient = torch.cat([residual @ features + penalty * weight, residual.sum(1)[:, None]], 1)
        loss += penalty / 2 * weight.double().square().sum()
        return loss, gradient @ inverse_root.T

    def closure() -> torch.Tensor:
        loss, moved.grad = objective()
        return loss

    value, gradient = objective()
    steps, converged = 0, False
    while not converged and steps < MAX_STEPS:
        optimizer.param_groups[0].update(
            # the optimiser looks at single entries
            tolerance_grad=TOLERANCE * float(value) / start.numel() ** 0.5,
            max_iter=MAX_STEPS - steps,
        )
        optimizer.step(closure)
        before = float(value)
        value, gradient = objective()
        steps = optimizer.state[moved]["n_iter"]
        converged = float(gradient.norm()) <= TOLERANCE * float(value)
        if float(value) >= (1 - torch.finfo(start.dtype).eps) * before:
            break  # as far as the arithmetic goes
    return SoftmaxRegression(penalty, *parameters(), float(value), steps, converged)


def _joined(fit: SoftmaxRegression) -> torch.Tensor:
    return torch.cat([fit.weight, fit.bias[:, None]], 1)


def _log_softmax(weight: torch.Tensor, bias: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Classes first: with ten classes this layout is several times the faster."""
    return F.log_softmax(torch.addmm(bias[:, None], weight, features.T), 0)


def _refuse_broken(features: torch.Tensor) -> None:
    broken = (~features.isfinite().all(1)).nonzero()
    if len(broken):
        raise ValueError(f"features[{int(broken[0])}] is not finite: drop the row")
