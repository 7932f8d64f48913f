"""The bound on total variation where real images repeat: how often it claims what is not there.

    python benchmarks/copies_bound.py [--sets 200] [--images 160] [--root DIR]

Real and generated images are drawn from one pool, so the truth is 0. The real side is then repeated
or joined by changed copies of itself; `distinct` is the control. Photographs are CIFAR-10's
training images at 32 pixels, told apart by `image_tv` on distinct images; what both sides share is
on one side of the split, as in `gap_report`; `ignored` is the same without looking for copies.
Gaussian rows (20 columns) are told apart by a logistic regression, equal rows being the copies.
Reported are the shares of sets with a bound above 0 (at confidence 95 %, so 5 % are allowed) with
Clopper and Pearson's interval, and the power: the mean bound where every generated image is a tenth
darker, divided by that of the control.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections.abc import Callable

import numpy as np
import torch
from common import report
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

from adainf_core.data.copies import find_copies
from adainf_core.data.named_sets import load_images
from adainf_core.gap.classifier_tv import MirrorWarning, classifier_tv
from adainf_core.gap.image_tv import image_tv
from adainf_core.theory.bound_search import clopper_pearson

Images = NDArray[np.uint8]
_KNOWN: dict[tuple[bytes, ...], float] = {}


def saved(image: Images) -> Images:
    held = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(held, "JPEG", quality=92)
    return np.asarray(Image.open(held)).transpose(2, 0, 1)


COPIED: dict[str, Callable[[Images], Images]] = {
    "distinct": lambda x: x,
    "twice": lambda x: x.repeat(2, axis=0),
    "three times": lambda x: x.repeat(3, axis=0),
    "ten times": lambda x: x.repeat(10, axis=0),
    "with mirror images": lambda x: np.concatenate([x, x[..., ::-1]]),
    "with JPEG copies": lambda x: np.concatenate([x, np.stack([saved(image) for image in x])]),
}


def of_images(real: Images, generated: Images, seed: int, look: bool = True) -> float:
    """The lower bound on images, among distinct ones where copies are looked for."""
    if not look:
        return image_tv(real, generated, seed=seed).lower
    group = find_copies(real, generated).group
    sides, groups = [], []
    for images, own in ((real, group[: len(real)]), (generated, group[len(real) :])):
        kept = np.sort(np.unique(own, return_index=True)[1])
        sides.append(images[kept])
        groups.append(own[kept])
    # arrangements that come down to the same images in the same groups have one bound
    groups = _numbered(groups)
    key = tuple(part.tobytes() for part in (*sides, *groups))
    if key not in _KNOWN:
        _KNOWN[key] = image_tv(*sides, seed=seed, groups=groups).lower
    return _KNOWN[key]


def _numbered(groups: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The same groups, numbered from 0."""
    _, numbers = np.unique(np.concatenate(groups), return_inverse=True)
    return list(np.split(numbers, [len(groups[0])]))


def of_rows(real: NDArray[np.float64], generated: NDArray[np.float64], seed: int) -> float:
    rows = np.unique(real, axis=0)
    groups = [np.arange(len(rows)), len(rows) + np.arange(len(generated))]
    model = LogisticRegression(max_iter=300)
    return classifier_tv(rows, generated, classifier=model, seed=seed, groups=groups).lower


def share(claimed: list[bool]) -> dict[str, float]:
    low, high = clopper_pearson(sum(claimed), len(claimed))
    return {"claimed": float(np.mean(claimed)), "low": low, "high": high, "sets": len(claimed)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--root", default=None)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", MirrorWarning)
    pool, n = load_images("cifar10", options.root).images, options.images
    found: dict[str, dict[str, float]] = {}
    strength: dict[str, list[float]] = {name: [] for name in COPIED}
    lows: dict[str, list[float]] = {}
    for seed in range(options.sets):
        _KNOWN.clear()
        rng = np.random.default_rng(seed)
        drawn = pool[rng.choice(len(pool), 2 * n, replace=False)]
        darker = (drawn[n:] * 0.9).astype(np.uint8)
        rows = rng.normal(size=(2 * n, 20))
        for name, copied in COPIED.items():
            real = copied(drawn[:n])
            lows.setdefault(f"photographs, {name}", []).append(of_images(real, drawn[n:], seed))
            if seed < options.sets // 10:
                strength[name].append(of_images(real, darker, seed))
            if name in ("distinct", "twice", "three times", "ten times"):
                repeated = copied(rows[:n])
                lows.setdefault(f"rows, {name}", []).append(of_rows(repeated, rows[n:], seed))
        if seed < options.sets // 10:
            blind = of_images(COPIED["twice"](drawn[:n]), drawn[n:], seed, look=False)
            lows.setdefault("photographs, twice, ignored", []).append(blind)
        if seed % 10 == 9:
            print(seed + 1, {name: sum(low > 0 for low in one) for name, one in lows.items()})
    found = {name: share([low > 0 for low in one]) for name, one in lows.items()}
    largest = {name: float(max(one)) for name, one in lows.items()}
    power = {name: float(np.mean(one)) for name, one in strength.items()}
    report(
        "copies_bound",
        {name: {"median": 100 * s["claimed"], "low": 100 * s["low"], "high": 100 * s["high"]}
         for name, s in found.items()},
        "sets in a hundred in which a distance is claimed that is none; 95 % interval",
        sets=options.sets,
        images=n,
        claimed=found,
        largest=largest,
        power={name: value / power["distinct"] for name, value in power.items()},
        bound_of_darker=power,
    )  # fmt: skip


if __name__ == "__main__":
    main()
