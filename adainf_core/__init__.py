"""Contrastive learning on real and generated images: inflation, theory, and the evidence.

Public names load on first use, so that importing the package costs nothing and the theory never
loads torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "total_variation": "theory.total_variation",
    "gaussian_total_variation": "theory.total_variation",
    "mixture": "theory.total_variation",
    "replication_to_beta": "theory.total_variation",
    "tv_lower_bound": "theory.tv_estimation",
    "GaussianMixture": "theory.gaussian_mixtures",
    "AugmentationGraph": "theory.augmentation_graph",
    "SimilarityGraph": "theory.similarity_graph",
    "ring_world": "theory.worlds",
    "transfer_bound": "theory.bounds",
    "ImageSet": "data.images",
    "load_images": "data.named_sets",
    "GeneratedImages": "data.generated",
    "PairedImages": "data.paired",
    "contact_sheet": "data.contact_sheet",
    "make_generator": "generators.dial",
    "DiffusionConfig": "generators.diffusion_config",
    "train_diffusion": "generators.diffusion_training",
    "DiffusionGenerator": "generators.diffusion",
    "sample_to_store": "generators.diffusion",
    "vary_to_store": "generators.variations",
    "SpriteWorld": "data.sprites",
    "Inflation": "data.inflation",
    "Varied": "data.varied",
    "ShareSampler": "learning.share_sampler",
    "gap_report": "gap.report",
    "named_extractor": "gap.extractors",
    "classifier_tv": "gap.classifier_tv",
    "image_tv": "gap.image_tv",
    "frechet_estimate": "gap.frechet",
    "kernel_distance": "gap.kernel_distance",
    "precision_recall": "gap.precision_recall",
    "memorisation": "gap.memorisation",
    "AugmentationPolicy": "learning.policies",
    "POLICIES": "learning.policies",
    "augment": "learning.augmentation",
    "two_views": "learning.augmentation",
    "view_noise": "learning.augmentation",
    "small_cnn": "learning.encoders",
    "SimCLR": "learning.methods.simclr",
    "nt_xent": "learning.methods.simclr",
    "barlow_twins": "learning.methods.barlow",
    "info_nce": "learning.methods.moco",
    "byol": "learning.methods.byol",
    "spectral_contrastive": "learning.methods.spectral",
    "ViewGraph": "learning.view_graph",
    "sample_view_graph": "learning.view_graph",
    "Landmarks": "learning.view_cells",
    "PixelPCA": "learning.view_cells",
    "PretrainConfig": "learning.pretrain_config",
    "pretrain": "learning.pretraining",
    "load_pretrained": "learning.pretraining",
    "recipe": "learning.recipes",
    "Recipe": "learning.recipes",
    "override": "configuration",
    "extract_features": "learning.features",
    "compare_runs": "advice.run_comparison",
    "linear_probe": "learning.probing",
    "knn_probe": "learning.probing",
    "few_label_error": "learning.few_labels",
    "own_images": "advice.own_images",
    "own_study": "advice.own_study",
    "compare": "advice.own_study",
    "t_interval": "statistics.intervals",
    "paired_difference": "statistics.intervals",
    "smallest_detectable": "statistics.intervals",
    "draw": "figures.style",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
