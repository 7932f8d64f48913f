"""Copies: 50,000 against 10,000 images of 32 pixels, planted ones, and those known in CIFAR.

    python benchmarks/copies.py [--cifar cifar10] [--known duplicates_cifar10.csv] [--root DIR]

One thread. First all of the set's images are searched, training and test images together: processor
time and memory. Then a thousand training images are planted among the others, changed in each of
six ways: the share found (recall), and the share of what joins a planted image that is its
original or joined to it anyway (precision). `--known` names the list of test images that repeat
training images, judged by eye by Barz and Denzler (2020; columns TestID, TrainID, Distance,
Judgment): 0 and 1 are the same picture, 2 a similar one. Recorded is how many of them are found,
and how many others.
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import time
from collections.abc import Callable

import numpy as np
import torch
from common import report
from numpy.typing import NDArray
from PIL import Image

from adainf_core.data.copies import COARSE_LEVEL, DETAIL_LEVEL, PIXEL_LEVEL, find_copies
from adainf_core.data.named_sets import load_images

SECONDS, GIGABYTES, PLANTED = 60, 1.0, 1000
Image_ = NDArray[np.uint8]


def saved(image: Image_) -> Image_:
    held = io.BytesIO()
    Image.fromarray(image).save(held, "JPEG", quality=92)
    return np.asarray(Image.open(held))


def resized(image: Image_) -> Image_:
    smaller = Image.fromarray(image).resize((24, 24), Image.Resampling.BICUBIC)
    return np.asarray(smaller.resize((32, 32), Image.Resampling.BICUBIC))


KINDS: dict[str, Callable[[Image_], Image_]] = {
    "exact": lambda x: x,
    "mirrored": lambda x: x[:, ::-1],
    "saved as JPEG, quality 92": saved,
    "moved by a pixel": lambda x: np.pad(x, ((1, 0), (1, 0), (0, 0)), "edge")[:-1, :-1],
    "brightened by a tenth": lambda x: (x * 1.1 + 8).clip(0, 255).astype(np.uint8),
    "reduced to 24 pixels and enlarged": resized,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar", default="cifar10", choices=("cifar10", "cifar100"))
    parser.add_argument("--known", default=None)
    parser.add_argument("--root", default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train = load_images(options.cifar, options.root, "train").images
    test = load_images(options.cifar, options.root, "test").images
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = find_copies(train, test)
    seconds = time.process_time() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    again = np.flatnonzero(np.isin(found.group[len(train) :], found.group[: len(train)]))
    rows = {
        "within and across": found.counts,
        "test images that repeat training images": len(again),
    }
    if options.known:
        rows["known"] = known(options.known, again)
    chosen = np.random.default_rng(0).choice(len(train), PLANTED, replace=False)
    planted = {name: plant(change, train, found.group, chosen) for name, change in KINDS.items()}
    for name, figures in planted.items():
        print(f"{name:<36}{figures}")
    print(rows)
    report(
        f"copies_{options.cifar}",
        {"processor seconds": dict.fromkeys(("median", "low", "high"), seconds)},
        f"{len(train):,} and {len(test):,} images of 32 pixels, one thread",
        memory_gigabytes=memory,
        targets={"seconds": SECONDS, "gigabytes": GIGABYTES},
        levels={"coarse": COARSE_LEVEL, "detail": DETAIL_LEVEL, "pixels": PIXEL_LEVEL},
        counts=rows,
        planted=planted,
    )


def known(path: str, again: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Of each judgement how many there are, and found; and how many found are on no list."""
    with open(path, encoding="utf-8") as file:
        listed = {int(row["TestID"]): row["Judgment"] for row in csv.DictReader(file)}
    kinds = {"0": "same pixels", "1": "same picture", "2": "similar"}
    figures = {
        name: {
            "listed": sum(judged == key for judged in listed.values()),
            "found": sum(listed.get(int(image)) == key for image in again),
        }
        for key, name in kinds.items()
    }
    figures["on no list"] = {"found": sum(int(image) not in listed for image in again)}
    return figures


def plant(
    change: Callable[[Image_], Image_],
    images: NDArray[np.uint8],
    own: NDArray[np.int64],
    chosen: NDArray[np.int64],
) -> dict[str, float]:
    """Recall and precision over planted copies; `own` are the groups without them."""
    pictures = images[chosen].transpose(0, 2, 3, 1)
    copies = np.stack([change(picture) for picture in pictures]).transpose(0, 3, 1, 2)
    group = find_copies(images, np.ascontiguousarray(copies)).group
    groups = own[: len(images)]
    hit = group[len(images) :] == group[chosen]
    # images that a planted one is joined with: right where its original's group held them before
    joined = right = 0
    members = {
        g: np.flatnonzero(group[: len(images)] == g) for g in np.unique(group[len(images) :])
    }
    for place, original in enumerate(chosen):
        with_it = members[group[len(images) + place]]
        joined += len(with_it)
        right += int((groups[with_it] == groups[original]).sum())
    return {"recall": float(hit.mean()), "precision": right / max(joined, 1)}


if __name__ == "__main__":
    main()
