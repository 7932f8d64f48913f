"""Pictures for the graph study: views of different classes that share a cell."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch

from adainf_core.evidence.studies.graph_experiment import (
    GraphExperiment,
    _dealt,
    _encoder,
    _landmarks,
    _of_encoder,
)
from adainf_core.learning.augmentation import augment

_BATCH = 1000


def shared_cells(
    experiment: GraphExperiment, strength: str, cells: int = 4, classes: int = 6, draw: int = 4000
) -> dict[str, np.ndarray]:
    """Views of different classes that share a cell, and the photographs they are of.

    One view of each of the first `draw` held-out photographs; of the cells with views of at least
    `classes` classes, `cells` are drawn at random, and from each the first view of that many of its
    classes: nothing is picked by eye. Uint8 (classes, 3, h, w) by name, "views i" and
    "photographs i". ValueError where too few cells are so mixed.
    """
    _, held_out, _ = _dealt(experiment)
    photographs = held_out.subset(np.arange(min(draw, len(held_out))))
    labels = cast(np.ndarray, photographs.labels)
    encoder = _encoder(_of_encoder(experiment))
    landmarks = _landmarks(_of_encoder(experiment), experiment.cells)
    generator = torch.Generator().manual_seed(experiment.seed)
    policy = experiment.policy(strength)
    views, found = [], []
    with torch.inference_mode():
        for batch in torch.from_numpy(photographs.images).split(_BATCH):
            seen = augment(batch, policy, generator)
            views.append((255 * seen).round().byte().numpy())
            found.append(landmarks.nearest(encoder(seen).numpy()))
    pixels, cell_of = np.concatenate(views), np.concatenate(found)
    pictures: dict[str, np.ndarray] = {}
    for cell in np.random.default_rng(experiment.seed).permutation(experiment.cells):
        members = np.flatnonzero(cell_of == cell)
        _, first = np.unique(labels[members], return_index=True)
        chosen = members[np.sort(first)[:classes]]
        if len(chosen) == classes and len(pictures) < 2 * cells:
            number = len(pictures) // 2 + 1
            pictures[f"views {number}"] = pixels[chosen]
            pictures[f"photographs {number}"] = photographs.images[chosen]
    if len(pictures) < 2 * cells:
        raise ValueError(
            f"only {len(pictures) // 2} of {experiment.cells} cells hold views of {classes} "
            f"classes: draw more than {draw} photographs or ask for fewer classes"
        )
    return pictures
