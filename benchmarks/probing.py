"""The linear probe's solver beside scikit-learn's, and the neighbours' vote beside its vote.

    ADAINF_DATA=... python benchmarks/probing.py [--n 10000] [--threads 1] [--device cpu]

Features are those of an untrained small CNN on CIFAR-10 at 16 x 16, standardised as in
`linear_probe`; labels are its 10 classes, or 100: each class cut into tenths by brightness. Every
contestant fits the same path of penalties from strong to weak and stops by its own default
tolerance; scikit-learn once with `warm_start` and once afresh. Speed alone would reward stopping
early, so the file also holds the objective (lower is better: the problem is convex) and the test
accuracy each of them reached at each penalty. One thread, each contestant once, in turn.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from common import report
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from adainf_core.data.images import ImageSet
from adainf_core.data.named_sets import load_images
from adainf_core.learning.encoders import small_cnn
from adainf_core.learning.probing import PENALTIES, extract_features, knn_probe
from adainf_core.learning.softmax_regression import softmax_regression_path

PATH = tuple(penalty for penalty in PENALTIES if 1e-5 <= penalty <= 1e-1)
Model = tuple[torch.Tensor, torch.Tensor]  # weight, bias


def ours(x: torch.Tensor, y: torch.Tensor, classes: int) -> Iterator[Model]:
    for fit in softmax_regression_path(x, y, PATH, classes):
        yield fit.weight.cpu(), fit.bias.cpu()


def scikit_learn(x: torch.Tensor, y: torch.Tensor, warm: bool) -> Iterator[Model]:
    features, labels = x.cpu().numpy(), y.cpu().numpy()
    model = LogisticRegression(max_iter=1000, warm_start=warm)
    for penalty in PATH:
        model.set_params(C=1 / (penalty * len(x))).fit(features, labels)
        # a copy: a warm start goes on in the same memory
        yield torch.tensor(model.coef_), torch.tensor(model.intercept_)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000, help="training images")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="where our solver and vote run")
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 64], help="features: 8 each")
    parser.add_argument("--classes", type=int, nargs="+", default=[10, 100])
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore", ConvergenceWarning)
    train, test = (
        load_images("cifar10", split=split, download=False).downsampled(16)
        for split in ("train", "test")
    )
    train = train.subset(np.random.default_rng(0).permutation(len(train))[: arguments.n])
    figures: dict[str, dict[str, float]] = {}
    reached: dict[str, dict[str, list[float]]] = {}

    def clock(name: str, work: Callable[[], None]) -> None:
        start = time.perf_counter()
        work()
        if arguments.device == "cuda":
            torch.cuda.synchronize()
        milliseconds = 1e3 * (time.perf_counter() - start)
        figures[name] = dict.fromkeys(("median", "low", "high"), milliseconds)
        print(f"{name}: {milliseconds:.0f} ms", flush=True)

    with threadpool_limits(arguments.threads):
        for width in arguments.widths:
            torch.manual_seed(0)
            encoder = small_cnn(width).to(arguments.device)
            x, x_test = (torch.tensor(extract_features(encoder, s.images)) for s in (train, test))
            mean, std = x.mean(0), x.std(0)
            x, x_test = (x - mean) / std, (x_test - mean) / std
            on_device = x.to(arguments.device)
            for classes in arguments.classes:
                y, y_test = _labels(train, test, classes)
                where = y.to(arguments.device)
                next(ours(on_device[:1000], where[:1000], classes))  # what is loaded once
                for name, models in {
                    "ours": ours(on_device, where, classes),
                    "scikit-learn, warm starts": scikit_learn(x, y, True),
                    "scikit-learn": scikit_learn(x, y, False),
                }.items():
                    name = f"{name}: {8 * width} features, {classes} classes"
                    fits: list[Model] = []
                    clock(name, lambda fits=fits, models=models: fits.extend(models))
                    reached[name] = _reached(fits, x, y, x_test, y_test)
        with TemporaryDirectory() as folder:
            raw = [extract_features(encoder, s.images, cache=folder) for s in (train, test)]
            found = []
            clock(
                f"ours: 10 neighbours, {8 * width} features kept",
                lambda: found.append(knn_probe(encoder, train, test, cache=folder).accuracy),
            )
        peer = KNeighborsClassifier(10, metric="cosine", algorithm="brute").fit(
            raw[0], train.labels
        )
        clock(
            f"scikit-learn: 10 neighbours, {8 * width} features given",
            lambda: found.append(float(peer.score(raw[1], test.labels))),
        )
    report(
        "probing",
        figures,
        "milliseconds (lower is better)",
        peers=("scikit-learn",),
        device=arguments.device,
        n=arguments.n,
        penalties=PATH,
        reached=reached,
        knn_accuracy=dict(zip(("ours", "scikit-learn"), found, strict=True)),
    )


def _labels(train: ImageSet, test: ImageSet, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    labels = [torch.tensor(s.labels) for s in (train, test)]
    if classes == 10:
        return labels[0], labels[1]
    brightness = [s.images.mean((1, 2, 3)) for s in (train, test)]
    cuts = np.quantile(brightness[0], np.arange(1, 10) / 10)
    tenths = [torch.from_numpy(np.searchsorted(cuts, values)) for values in brightness]
    return 10 * labels[0] + tenths[0], 10 * labels[1] + tenths[1]


def _reached(
    fits: list[Model], x: torch.Tensor, y: torch.Tensor, x_test: torch.Tensor, y_test: torch.Tensor
) -> dict[str, list[float]]:
    """Objective and test accuracy at each penalty, recomputed here for all alike."""
    objectives, accuracies = [], []
    for penalty, (weight, bias) in zip(PATH, fits, strict=True):
        weight, bias = weight.to(x), bias.to(x)
        loss = F.cross_entropy((x @ weight.T + bias).double(), y)
        objectives.append(float(loss + penalty / 2 * weight.double().square().sum()))
        accuracies.append(float(((x_test @ weight.T + bias).argmax(1) == y_test).double().mean()))
    return {"objective": objectives, "test_accuracy": accuracies}


if __name__ == "__main__":
    main()
