"""Offline probes: how much of the labels a frozen encoder's features give away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from adainf_core.data.images import ImageSet
from adainf_core.learning.encoders import Encoder

#: Ridge penalties per training image that the linear probe chooses from.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True)
class ProbeResult:
    """A probe's test accuracy in [0, 1], the protocol that gave it, and its sample sizes."""

    accuracy: float
    protocol: str
    n_train: int
    n_test: int


@torch.inference_mode()
def extract_features(encoder: Encoder, images: np.ndarray, batch_size: int = 1000) -> np.ndarray:
    """Features float32 (n, feature_dim) of uint8 images (n, 3, h, w), unaugmented."""
    encoder.eval()
    device = next(encoder.parameters()).device
    batches = []
    for start in range(0, len(images), batch_size):
        batch = torch.from_numpy(images[start : start + batch_size]).to(device).float() / 255
        batches.append(encoder(batch.contiguous(memory_format=torch.channels_last)).cpu())
    return torch.cat(batches).float().numpy()


def linear_probe(encoder: Encoder, train: ImageSet, test: ImageSet, seed: int = 0) -> ProbeResult:
    """Multinomial logistic regression on frozen, standardised features of the real training set.

    The ridge penalty is chosen among `PENALTIES` on a stratified fifth of `train` and the model
    refitted on all of it; `test` is looked at once. Raises ValueError for unlabelled sets.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    features, labels, test_features, test_labels = _labelled_features(encoder, train, test)
    fit, held, y_fit, y_held = train_test_split(
        features, labels, test_size=0.2, stratify=labels, random_state=seed
    )

    def accuracy(
        penalty: float, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
    ) -> float:
        model = LogisticRegression(C=1 / (penalty * len(x)), max_iter=300, tol=1e-3)
        return float(model.fit(x, y).score(x_test, y_test))

    best = max(PENALTIES, key=lambda penalty: accuracy(penalty, fit, y_fit, held, y_held))
    return ProbeResult(
        accuracy(best, features, labels, test_features, test_labels),
        f"offline linear probe: logistic regression on frozen features of the {len(train)} real "
        "training images, penalty chosen on a held-out fifth of them",
        len(train),
        len(test),
    )


def knn_probe(encoder: Encoder, train: ImageSet, test: ImageSet, k: int = 10) -> ProbeResult:
    """Majority vote of the `k` training images nearest in cosine distance.

    Features are standardised first; there is no parameter to fit.
    """
    from sklearn.neighbors import KNeighborsClassifier

    if not 1 <= k <= len(train):
        raise ValueError(f"k={k} is outside 1..{len(train)}, the size of the training set")
    features, labels, test_features, test_labels = _labelled_features(encoder, train, test)
    model = KNeighborsClassifier(k, metric="cosine", algorithm="brute")
    accuracy = float(model.fit(features, labels).score(test_features, test_labels))
    return ProbeResult(
        accuracy, f"{k}-nearest-neighbour vote, cosine distance", len(train), len(test)
    )


def _labelled_features(encoder: Encoder, train: ImageSet, test: ImageSet) -> tuple:
    """Features of both sets, standardised by the training set's moments, with their labels."""
    for images in (train, test):
        if images.labels is None:
            raise ValueError(f"{images.name} has no labels: a probe needs them on both sides")
    x = extract_features(encoder, train.images)
    mean, std = x.mean(0), x.std(0) + 1e-6
    x_test = extract_features(encoder, test.images)
    return (x - mean) / std, train.labels, (x_test - mean) / std, test.labels
