"""Wrong arguments: whatever is put in the place of any argument, our own one line names it."""

import re
import traceback
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import adainf_core as ai
from adainf_core.advice.own_study import SCALE, OwnExperiment
from adainf_core.configuration import changed, from_plain, override
from adainf_core.data.blank import blank
from adainf_core.evidence.runs.grid import Arm, Layout, Study
from adainf_core.gap.chosen_rank import favoured_rank_bound
from adainf_core.gap.extractors import (
    inception,
    named_extractor,
    pixels,
    random_convolution,
    resnet20,
    ssl_encoder,
)
from adainf_core.gap.frechet import frechet_distance
from adainf_core.gap.neighbours import nearest
from adainf_core.generators.classical import Bootstrap, GaussianCopula
from adainf_core.generators.corruptions import chimeras, clusters
from adainf_core.generators.gaussian_mixture import GaussianMixtureGenerator
from adainf_core.generators.principal_axes import PrincipalAxes
from adainf_core.learning.augmentation import NOISE, two_views, view_noise
from adainf_core.learning.encoders import build_encoder, small_cnn
from adainf_core.learning.features import extract_features
from adainf_core.learning.few_labels import few_label_error
from adainf_core.learning.hypersphere import alignment, most_uniform, uniformity
from adainf_core.learning.labeler import train_labeler
from adainf_core.learning.methods import MoCo, SimCLR
from adainf_core.learning.methods.vicreg import vicreg
from adainf_core.learning.operations import Erase
from adainf_core.learning.predictions import Trained, no_predictions
from adainf_core.learning.recipes import Recipe
from adainf_core.learning.softmax_regression import fit_softmax_regression
from adainf_core.learning.view_cells import sample_view_labels
from adainf_core.learning.view_graph import source_weights
from adainf_core.learning.view_statistics import augmentation_confusion, labeling_error

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 3, 12, 12), np.uint8)
LABELS = np.arange(24) % 2
SET = ai.ImageSet(IMAGES, LABELS, "noise")
OTHER = ai.ImageSet(RNG.integers(0, 256, (24, 3, 12, 12), np.uint8), LABELS, "other noise")
ROWS, VIEWS = RNG.normal(size=(70, 3)), torch.from_numpy(RNG.normal(size=(6, 4)))
ENCODER = nn.Sequential(nn.Flatten(), nn.Linear(432, 4))
POLICY = ai.POLICIES["symmetric"]
CONFIG = ai.PretrainConfig(steps=1, batch_size=4, width=1, warmup=0, device="cpu")
WORLD = ai.SpriteWorld()
CELLS = RNG.integers(0, 5, (6, 4))
KERNEL, EVEN = np.full((3, 4), 0.25), np.full(3, 1 / 3)
FRESH = torch.Generator().manual_seed(0)
OWN_SETS = {"real": IMAGES, "made": OTHER.images[:12], "others": OTHER.images[12:]}
OWN = {"real": "real.npz", "generated": "made.npz", "labelled": "real.npz", "test": "others.npz"}
STUDY = Study(
    "own-images",
    "Which?",
    {"none": Arm("none")},
    {SCALE: Layout(OwnExperiment(**OWN, digest="", replication=None, pretrain=CONFIG), (2, 2))},
)


def _told(encoder, seed):
    """Predictions of a run of so many, by nearest neighbours."""
    config = {"seed": seed, "steps": 1}
    run = Trained(config, {"mixture": encoder[0]}, encoder, 1, 12)
    empty = no_predictions(run, SET, OTHER)
    return empty.with_result("knn, k = 3", ai.knn_probe(nn.Flatten(), SET, OTHER, k=3))


#: Every function with arguments that it takes; each of them is then replaced in turn.
CALLS = {
    "total_variation": (ai.total_variation, {"p": EVEN, "q": EVEN}),
    "gaussian_total_variation": (
        ai.gaussian_total_variation,
        {"mean_p": 0.0, "mean_q": 1.0, "std": 1.0},
    ),
    "mixture": (ai.mixture, {"p_real": EVEN, "p_generated": EVEN, "beta": 0.5}),
    "tv_lower_bound": (
        ai.tv_lower_bound,
        {"real_scores": ROWS[:, 0], "generated_scores": ROWS[:, 1], "confidence": 0.9,
         "method": "ks"},
    ),
    "GaussianMixture": (
        ai.GaussianMixture,
        {"weights": [1.0], "means": [[0.0]], "covariances": [[[1.0]]]},
    ),
    "AugmentationGraph": (ai.AugmentationGraph, {"kernel": KERNEL, "weights": EVEN}),
    "SimilarityGraph": (ai.SimilarityGraph, {"adjacency": np.ones((3, 3))}),
    "transfer_bound": (
        ai.transfer_bound,
        {"graph_kernel": 0.4 * np.kron(np.eye(2), np.ones((2, 2))) + 0.05,
         "p_real": np.full(4, 1 / 4), "p_generated": np.full(4, 1 / 4), "beta": 0.5,
         "natural_labels": [0, 0, 1, 1], "view_labels": [0, 0, 1, 1], "k": 1},
    ),
    "ImageSet": (ai.ImageSet, {"images": IMAGES, "labels": LABELS, "name": "noise"}),
    "load_images": (
        ai.load_images,
        {"name": "digits", "root": None, "split": "train", "download": False},
    ),
    "GeneratedImages": (ai.GeneratedImages.open, {"path": "nowhere"}),
    "GeneratedImages.from_npz": (
        ai.GeneratedImages.from_npz,
        {"path": "real.npz", "store": "made", "channel_order": "auto"},
    ),
    "PairedImages": (
        ai.PairedImages,
        {"images": IMAGES[:, None], "name": "noise", "real_hash": None},
    ),
    "PairedImages.open": (ai.PairedImages.open, {"path": "nowhere"}),
    "PairedImages.imported": (
        ai.PairedImages.imported,
        {"path": "real.npz", "k": 1, "real": SET, "store": "made"},
    ),
    "contact_sheet": (
        ai.contact_sheet,
        {"images": SET, "count": 4, "columns": 2, "scale": 1, "seed": 0},
    ),
    "make_generator": (
        ai.make_generator,
        {"setting": "held_out", "real": SET, "held_out": OTHER, "seed": 0},
    ),
    "DiffusionConfig": (
        ai.DiffusionConfig,
        {"widths": (16,), "attention": (False,), "blocks": 1, "noise_levels": 100, "batch_size": 2,
         "learning_rate": 0.1, "warmup": 1, "seed": 0, "prediction": "epsilon",
         "schedule": "linear", "precision": "fp32", "device": "cpu"},
    ),
    "SpriteWorld": (
        ai.SpriteWorld,
        {"size": 16, "hues": 6, "places": 3, "scales": 2, "tilts": 3, "backgrounds": 6,
         "unseen_backgrounds": 2},
    ),
    "Inflation": (
        ai.Inflation,
        {"real": SET, "generated": OTHER, "replication": 2, "beta": None, "sampling": "iid"},
    ),
    "Inflation.batch": (
        ai.Inflation(SET, OTHER).batch_indices,
        {"step": 0, "batch_size": 4, "seed": 0},
    ),
    "Varied": (
        ai.Varied,
        {"inflation": ai.Inflation(SET), "pairs": ai.PairedImages(IMAGES[:, None], "noise")},
    ),
    "ShareSampler": (
        ai.ShareSampler,
        {"n_real": 3, "n_generated": 4, "beta": 0.5, "batch_size": 2, "batches": 3, "seed": 0,
         "first": 0},
    ),
    "gap_report": (
        ai.gap_report,
        {"real": SET, "generated": OTHER, "extractor": None, "held_out": OTHER, "n": 120,
         "confidence": 0.9, "seed": 0},
    ),
    "classifier_tv": (
        ai.classifier_tv,
        {"real": ROWS[:9], "generated": ROWS[9:14], "confidence": 0.9, "method": "ks", "seed": 0,
         "classifier": None, "real_again": None, "training_share": 0.5},
    ),
    "image_tv": (
        ai.image_tv,
        {"real": IMAGES[:2], "generated": IMAGES[:2], "real_again": None, "confidence": 0.9,
         "seed": 0},
    ),
    "frechet_estimate": (
        ai.frechet_estimate,
        {"real": ROWS, "generated": ROWS + 1, "confidence": 0.9, "seed": 0},
    ),
    "kernel_distance": (
        ai.kernel_distance,
        {"real": ROWS, "generated": ROWS + 1, "confidence": 0.9},
    ),
    "precision_recall": (
        ai.precision_recall,
        {"real": ROWS, "generated": ROWS + 1, "k": 2, "confidence": 0.9},
    ),
    "memorisation": (
        ai.memorisation,
        {"real": ROWS, "generated": ROWS + 1, "held_out": ROWS - 1, "quantile": 0.1,
         "confidence": 0.9},
    ),
    "AugmentationPolicy": (
        ai.AugmentationPolicy,
        {"crop_scale": (0.1, 1.0), "crop_ratio": (0.5, 2.0), "jitter_p": 0.5, "hue": 0.1,
         "brightness": 0.1, "blur_sigma": (0.1, 1.0), "solarize_p": (0.0, 0.1), "extra": ()},
    ),
    "augment": (
        ai.augment,
        {"images": torch.from_numpy(IMAGES), "policy": POLICY, "generator": FRESH, "view": 0},
    ),
    "nt_xent": (
        ai.nt_xent,
        {"z1": VIEWS, "z2": VIEWS + 1, "temperature": 0.2, "image_ids": torch.arange(6)},
    ),
    "barlow_twins": (
        ai.barlow_twins,
        {"z1": VIEWS, "z2": VIEWS + 1, "redundancy": 0.1, "scale": 0.1},
    ),
    "info_nce": (
        ai.info_nce,
        {"q": VIEWS, "k": VIEWS + 1, "queue": VIEWS, "temperature": 0.2},
    ),
    "byol": (ai.byol, {"prediction": VIEWS, "target": VIEWS}),
    "spectral_contrastive": (ai.spectral_contrastive, {"z1": VIEWS, "z2": VIEWS + 1, "mu": 1.0}),
    "ViewGraph": (ai.ViewGraph, {"cells": CELLS, "cell_count": 5}),
    "ViewGraph.spectral_gap": (
        ai.ViewGraph(CELLS, 5).spectral_gap,
        {"k": 1, "weights": np.full(6, 1 / 6)},
    ),
    "sample_view_graph": (
        ai.sample_view_graph,
        {"images": IMAGES, "policy": POLICY, "encoder": ENCODER,
         "landmarks": ai.Landmarks(VIEWS.numpy()), "views": 2, "seed": 0},
    ),
    "Landmarks": (ai.Landmarks, {"points": VIEWS.numpy()}),
    "Landmarks.from_views": (
        ai.Landmarks.from_views,
        {"images": IMAGES, "policies": [POLICY], "encoder": ENCODER, "count": 3, "seed": 0},
    ),
    "PixelPCA": (ai.PixelPCA.fit, {"images": IMAGES, "dimension": 2}),
    "PretrainConfig": (
        ai.PretrainConfig,
        {"policy": POLICY, "method": SimCLR(), "encoder": "small_cnn", "width": 1,
         "stem_padding": 1, "pixel_mean": (0.5,), "pixel_std": (0.5,), "steps": 2,
         "batch_size": 2, "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.1,
         "momentum": 0.5, "warmup": 1, "precision": "fp32", "online_learning_rate": None,
         "seed": 0, "device": "cpu"},
    ),
    "pretrain": (
        ai.pretrain,
        {"config": CONFIG, "data": ai.Inflation(SET, OTHER), "checkpoint": None,
         "checkpoint_seconds": 9.0, "max_seconds": 0.0},
    ),
    "SimCLR": (ai.SimCLR, {"hidden": 2, "out": 2, "temperature": 0.1}),
    "replication_to_beta": (
        ai.replication_to_beta,
        {"n_real": 3, "n_generated": 4, "replication": 2.0},
    ),
    "ring_world": (
        ai.ring_world,
        {"strength": 1, "points": 24, "boundary_share": 0.1},
    ),
    "t_interval": (ai.t_interval, {"values": [1.0, 2.0], "confidence": 0.9}),
    "paired_difference": (
        ai.paired_difference,
        {"treated": {0: 1.0, 1: 2.0}, "reference": {0: 1.0, 1: 1.5}, "confidence": 0.9},
    ),
    "smallest_detectable": (
        ai.smallest_detectable,
        {"sd": 1.0, "n": 3, "confidence": 0.9, "power": 0.8},
    ),
    "own_images": (ai.own_images, OWN | {"root": None, "real_labels": True}),
    "own_study": (
        ai.own_study,
        OWN | {"pretrain": CONFIG, "replication": 2, "policies": (POLICY, POLICY), "seeds": 2,
               "probe": "knn", "root": None},
    ),
    "compare": (ai.compare, {"study": STUDY, "store": None, "processes": 1, "budget": 0.0}),
    "draw": (
        ai.draw,
        {"paint": lambda ax: None, "alt": "Nothing.", "height": 1.0, "width": 1.0},
    ),
    "load_pretrained": (ai.load_pretrained, {"path": "nowhere.pt"}),
    "recipe": (
        ai.recipe,
        {"dataset": "cifar10", "method": "simclr", "preset": "none", "generated": None,
         "scale": "laptop"},
    ),
    "linear_probe": (
        ai.linear_probe,
        {"encoder": ENCODER, "train": SET, "test": OTHER, "seed": 0, "augmentation": None,
         "views": 1, "penalties": (0.1,), "cache": None, "groups": None},
    ),
    "knn_probe": (
        ai.knn_probe,
        {"encoder": ENCODER, "train": SET, "test": OTHER, "k": 3, "temperature": 0.1,
         "cache": None},
    ),
    "compare_runs": (
        ai.compare_runs,
        {"sides": {side: [_told(f"{side}{seed}", seed) for seed in (0, 1)] for side in "ab"},
         "train": SET, "test": OTHER, "protocol": "knn", "k": 3, "over": "both",
         "confidence": 0.9, "cache": None},
    ),
    # names below the package itself
    "SpriteWorld.sample": (
        WORLD.sample,
        {"distribution": WORLD.real_distribution(), "count": 3, "rng": RNG},
    ),
    "SpriteWorld.generated_distribution": (
        WORLD.generated_distribution,
        {"flaw": "blur", "tau": 0.1},
    ),
    "blank": (blank, {"count": 3}),
    "GaussianMixtureGenerator": (
        GaussianMixtureGenerator.fit,
        {"real": SET, "components": 1, "principal": 2, "seed": 0},
    ),
    "GaussianCopula": (GaussianCopula.fit, {"real": SET, "principal": 2, "seed": 0}),
    "Bootstrap": (Bootstrap.fit, {"real": SET, "noise": 0.1, "seed": 0}),
    "PrincipalAxes": (PrincipalAxes.fit, {"real": SET, "principal": 2, "seed": 0}),
    "clusters": (clusters, {"images": SET, "count": 2, "seed": 0}),
    "chimeras": (chimeras, {"images": SET, "seed": 0}),
    "favoured_rank_bound": (
        favoured_rank_bound,
        {"real_scores": ROWS[:, 0], "generated_scores": ROWS[:, 1], "share": 0.5,
         "confidence": 0.9},
    ),
    "frechet_distance": (frechet_distance, {"real": ROWS, "generated": ROWS + 1}),
    "nearest": (
        partial(nearest, ROWS.astype(np.float32), ROWS.astype(np.float32)),
        {"k": 1},
    ),
    "pixels": (pixels, {"side": 8}),
    "random_convolution": (random_convolution, {"width": 2, "seed": 0}),
    "resnet20": (resnet20, {"path": "nowhere"}),
    "ssl_encoder": (ssl_encoder, {"checkpoint": "nowhere"}),
    "inception": (inception, {"path": "nowhere"}),
    "named_extractor": (named_extractor, {"name": "pixels"}),
    "Extractor": (pixels().__call__, {"images": IMAGES}),
    "vicreg": (
        vicreg,
        {"z1": VIEWS, "z2": VIEWS + 1, "invariance": 1.0, "variance": 1.0, "covariance": 1.0},
    ),
    "fit_softmax_regression": (
        fit_softmax_regression,
        {"features": VIEWS, "labels": torch.arange(6) % 2, "penalty": 0.1, "classes": 2},
    ),
    "extract_features": (
        extract_features,
        {"encoder": ENCODER, "images": IMAGES, "batch_size": 9, "augmentation": None, "seed": 0,
         "cache": None},
    ),
    "two_views": (
        two_views,
        {"first": torch.from_numpy(IMAGES), "second": torch.from_numpy(IMAGES), "policy": POLICY,
         "noise": torch.full((48, NOISE), 0.5)},
    ),
    "view_noise": (view_noise, {"n": 3, "generator": FRESH}),
    "train_labeler": (
        train_labeler,
        {"images": SET, "policies": [POLICY], "config": CONFIG},
    ),
    "sample_view_labels": (
        sample_view_labels,
        {"images": IMAGES, "policy": POLICY, "labeler": ENCODER, "views": 2, "seed": 0},
    ),
    "source_weights": (source_weights, {"n_real": 3, "n_generated": 4, "beta": 0.5}),
    "labeling_error": (
        labeling_error,
        {"view_labels": CELLS, "source_labels": CELLS[:, 0], "weights": np.full(6, 1 / 6)},
    ),
    "augmentation_confusion": (augmentation_confusion, {"features": RNG.normal(size=(3, 2, 4))}),
    "few_label_error": (
        few_label_error,
        {"features": ROWS, "labels": np.arange(70) % 2, "per_class": 2, "draws": 1, "rng": RNG,
         "groups": None},
    ),
    "alignment": (alignment, {"first": ROWS, "second": ROWS}),
    "uniformity": (uniformity, {"embeddings": ROWS, "t": 2.0}),
    "most_uniform": (most_uniform, {"d": 3, "t": 2.0}),
    "small_cnn": (small_cnn, {"width": 1}),
    "build_encoder": (build_encoder, {"name": "small_cnn", "width": 1, "stem_padding": 1}),
    "Erase": (Erase, {"p": 0.5, "scale": (0.1, 0.2), "ratio": (0.5, 2.0), "value": 0.0}),
    "MoCo": (
        MoCo,
        {"hidden": 2, "out": 2, "temperature": 0.1, "queue": 4, "momentum": (0.9, 1.0)},
    ),
    "Recipe": (
        Recipe,
        {"dataset": "digits", "split": "train", "size": None, "generated": None,
         "replication": None, "beta": None, "sampling": "iid", "pretrain": CONFIG},
    ),
    "from_plain": (partial(from_plain, ai.PretrainConfig), {"plain": {"steps": 3}}),
    "override": (partial(override, CONFIG), {"assignments": ["steps=3"]}),
    "changed": (partial(changed, CONFIG), {"changes": {"steps": 3}}),
}  # fmt: skip

WRONG = {
    "nothing": None,
    "a word": "nonsense",
    "a path": Path("nowhere") / "at all",
    "an object": object(),
    "a function": len,
    "no number": float("nan"),
    "below zero": -1,
    "a fraction": 1.5,
    "a complex number": 1j,
    "bytes": b"1",
    "nothing in a list": [],
    "a ragged list": [[1.0], [2.0, 3.0]],
    "a dictionary": {"steps": "many"},
    "a flag in a tuple": (True, None),
    "an array of no numbers": np.full((6, 4), np.nan),
    "an array of words": np.array(["a", "b"]),
    "too many axes": np.zeros((1, 2, 1, 2, 1, 2)),
    "half precision": np.full((3, 3), 0.5, np.float16),
    "a tensor": torch.zeros(2, 3, requires_grad=True),
    "an array without axes": np.array(1.5),
}
# what an argument is called where it is checked
ALSO = {"transfer_bound": ["kernel"]}
# a flag takes whatever is true or false, paint any function, and a budget of 1.5 seconds is one
FREE = {"name": ("ImageSet",), "download": ("load_images",), "paint": ("draw",),
        "budget": ("compare",)}  # fmt: skip


@pytest.mark.parametrize("function", CALLS)
def test_a_wrong_argument_is_named_in_one_line_of_ours(function, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, right = CALLS[function]
    for name, some in OWN_SETS.items():
        np.savez(name, images=some, labels=np.arange(len(some)) % 2)
    # a kernel of another size does not fit the weights: either may be named
    names = re.compile(
        r"\b(" + "|".join([*map(re.escape, right), *ALSO.get(function, ())]) + r")\b"
    )
    bad = []
    for argument in right:
        if function in FREE.get(argument, ()):
            continue
        for kind, value in WRONG.items():
            try:
                call(**{**right, argument: value})
            except (ValueError, FileNotFoundError) as error:
                where = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
                ours = where.is_relative_to(Path(ai.__file__).parent)
                if not ours or "\n" in str(error) or not _named(str(error), names, value):
                    bad.append(f"{argument}={kind}: {type(error).__name__} {error} ({where.name})")
            except Exception as error:
                bad.append(f"{argument}={kind}: {type(error).__name__} {error}")
    assert not bad, "\n".join(bad)


def _named(message, names, value):
    """Whether an error says which argument is wrong, or repeats the name or path it was given."""
    said = value if isinstance(value, dict) else [str(value)] * isinstance(value, str | Path)
    return names.search(message) or any(str(part) in message for part in said)


def test_every_public_name_is_tried():
    # what takes minutes to train, and what is data
    apart = {
        "POLICIES",
        "train_diffusion",
        "DiffusionGenerator",
        "sample_to_store",
        "vary_to_store",
    }
    assert set(ai._PUBLIC) - apart <= {name.partition(".")[0] for name in CALLS}
