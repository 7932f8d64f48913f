"""Where a generated set may come from, and what that means for what is trained on it.

Nothing here is proved by a file's name: a caveat says "if this is the released ... set", then what
is known of that set, and leaves the reader to say whether it is the one.
"""

from __future__ import annotations

import re

import numpy as np

from adainf_core.data.folder_files import SUFFIXES, few
from adainf_core.data.folders import title
from adainf_core.data.sources import ImageSource

_MOST_CLASSES = 1000

# name pattern, the released set it may be, what is known of that set. Sources: README_gen.md,
# generated_data.py and main_pretrain.py of PKU-ML/adainf; edm/README.md of wzekai99/DM-Improves-AT
_RELEASED = (
    (
        r"edm",
        "the CIFAR-10 EDM set used by AdaInf, which names DM-Improves-AT as its provider",
        "that project's set of 1M was sampled class by class, and cut from 5M images to the top "
        "100,000 of each class by a supervised WRN-28-10; labels have shaped such images, and "
        "training on them is not unsupervised even without the labels",
    ),
    (
        r"5k.*stf|stf.*5k",
        "the STF set released with AdaInf for 5,000 images of CIFAR-10",
        "its generator was trained on those 5,000 images only (FID 18.27 as AdaInf quotes it)",
    ),
    (
        r"cifar.?100.*stf|stf.*cifar.?100",
        "the CIFAR-100 STF set released with AdaInf",
        "its generator was trained by AdaInf's authors (FID 3.14 as they quote it)",
    ),
    (
        r"stf",
        "the CIFAR-10 STF set released with AdaInf",
        "it was sampled from the checkpoint of STF's authors (FID 1.94 as AdaInf quotes it, 1.90 "
        "as they do)",
    ),
    (
        r"^fake$|cifake",
        "CIFAKE's generated images",
        "each was made from a text prompt that names its class, by a model (Stable Diffusion 1.4) "
        "that has learnt from captions: training on them is not unsupervised even without labels",
    ),
)
#: What an archive calls texts that images were made from; files beside images that hold them.
_PROMPTS = re.compile(r"prompts?|captions?|texts?|metadata", re.IGNORECASE)
_TEXTS = (".txt", ".json", ".jsonl", ".csv", ".parquet")


def caveats(source: ImageSource) -> tuple[str, ...]:
    """Sentences on the released sets that `source` may be, by its name, keys and labels.

    They go by its file's name, its keys and its labels; what was passed over or assumed as it was
    read stands behind them. A set that is like no released one and has no labels has none.
    """
    found = []
    name = title(source.path).lower()
    keys = set(source.keys)
    for pattern, which, known in _RELEASED:
        if re.search(pattern, name):
            found.append(f"If this is {which}: {known}.")
            break
    else:
        if {"image", "label"} <= keys and _balanced(source.labels):
            _, which, known = _RELEASED[0]
            found.append(f"Its keys and its labels, as many of each class, fit {which}: {known}.")
    if {"image", "label"} <= keys:
        found.append(
            "If it was packed with the script released with AdaInf (its keys are image and label): "
            "that reads files with OpenCV and converts nothing, so the channels would be in the "
            "order blue, green, red, as a comparison with the real images would show."
        )
    if source.labels is not None and not keys:
        found.append(
            f"Its {source.labels.max() + 1} sub-folders were read as one set and their names left "
            "behind; if they are classes, a set sampled class by class is not unsupervised."
        )
    elif source.labels is not None:
        found.append(f"Labels were left behind: {_described(source.labels)}.")
    elif source.labelled:
        found.append("Labels were left behind: all of them were -1, which means none.")
    if prompts := _prompts(source):
        found.append(
            f"Prompts seem to have come with the images ({few(prompts, 2)}): if they name what is "
            "to be seen, a set made from them is not unsupervised, even without them."
        )
    found += [f"{note[0].upper()}{note[1:]}." for note in source.notes]
    return tuple(found)


def _prompts(source: ImageSource) -> list[str]:
    """Arrays, or files beside the images, that are called like texts to make images from."""
    if source.keys:
        return sorted(key for key in source.keys if _PROMPTS.fullmatch(key))
    if not source.path.is_dir():
        return []
    texts = [file for file in source.path.iterdir() if file.suffix.lower() in _TEXTS]
    named = sorted(file.name for file in texts if _PROMPTS.match(file.stem))
    stems = {file.stem for file in source.path.iterdir() if file.suffix.lower() in SUFFIXES}
    captions = sorted(f.name for f in texts if f.suffix.lower() == ".txt" and f.stem in stems)
    return named + captions


def _balanced(labels: np.ndarray | None) -> bool:
    """Whether each of ten classes has as many labels, as in the set of DM-Improves-AT."""
    if labels is None or labels.min() < 0 or labels.max() != 9:
        return False
    counts = np.bincount(labels)
    return bool((counts == counts[0]).all())


def _described(labels: np.ndarray) -> str:
    values, counts = np.unique(labels, return_counts=True)
    number = f"{len(values)} value{'s' * (len(values) > 1)} from {values[0]} to {values[-1]}"
    if 1 < len(values) <= _MOST_CLASSES and values[0] >= 0:
        each = f"{counts.min():,} to {counts.max():,}" if np.ptp(counts) else f"{counts[0]:,}"
        return (
            f"{number}, {each} images of each, as true classes would look; a set sampled class by "
            "class is not unsupervised, even without them"
        )
    return number
