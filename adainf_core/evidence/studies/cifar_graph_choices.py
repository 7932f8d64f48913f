"""The choices behind the graph of CIFAR-10, one at a time, beside the arms of `cifar_graph`."""

from __future__ import annotations

from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.evidence.studies.cifar_graph import JUDGED, mixed
from adainf_core.evidence.studies.graph_experiment import GraphExperiment

ARMS = {
    "cells_32": Arm("32 cells", {"cells": 32}),
    "cells_512": Arm("512 cells", {"cells": 512}),
    "views_16": Arm("16 views", {"views_alone": 16}),
    "images_250": Arm("250 images", {"n_real": 250}),
    "images_4000": Arm("4,000 images", {"n_real": 4000, "views_alone": 16}),
    "pixels": Arm("pixel space", {"space": "pixels"}),
    "pixels_vanilla": mixed("pixel space, mixture", "gaussian_mixture", space="pixels"),
    "pixels_perfect": mixed("pixel space, held-out", "perfect", space="pixels"),
}

STUDY = Study(
    "cifar-graph-choices",
    "Do the choices behind the graph of CIFAR-10 decide what it shows?",
    ARMS,
    {"laptop": Layout(GraphExperiment(dimensions=(1, JUDGED)), seeds=(2, 2))},
)
