"""Views per second of SimCLR's augmentation, one processor thread: this kernel and its peers.

    python benchmarks/augmentation.py        # peers: pip install -r benchmarks/requirements.txt

Every contestant makes 32 x 32 views by the official symmetric policy (crop from 0.08, bicubic;
jitter 0.8, 0.8, 0.8, 0.2 with probability 0.8; grey 0.2; blur 0.5 with sigma up to 2; flip 0.5),
with parameters of their own for each image, and hands over float32 in [0, 1], not normalised. Where
the peers leave a choice, it is the faster one: a blur kernel of 5 pixels (this kernel has 17, four
sigma either side), the better of tensors and PIL images for torchvision, and of kornia's two ways
to crop; kornia is also given its images as floats to begin with.
"""

from __future__ import annotations

import argparse
import shutil
import warnings
from collections.abc import Callable

import torch
from common import paired, report
from torchvision.transforms import v2

from adainf_core.learning.augmentation import two_views, view_noise
from adainf_core.learning.policies import POLICIES

CROP, JITTER, SIGMA, KERNEL = (0.08, 1.0), (0.8, 0.8, 0.8, 0.2), (0.1, 2.0), 5
Work = Callable[[], int]


def ours(size: int, n: int, compiled: bool = False) -> Work:
    """Both views of `n` images of `size` x `size`, bytes in, floats out."""
    images, generator = _images(n, size), torch.Generator().manual_seed(0)
    policy = POLICIES["symmetric"].for_image_size(size)
    make = torch.compile(two_views, fullgraph=True) if compiled else two_views
    return lambda: len(make(images, images, policy, view_noise(2 * n, generator)))


def torchvision(as_pil: bool) -> Work:
    """torchvision's v2 transforms, image by image: a batch would share one set of parameters."""
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(
                32, scale=CROP, interpolation=v2.InterpolationMode.BICUBIC, antialias=True
            ),
            v2.RandomApply([v2.ColorJitter(*JITTER)], p=0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(KERNEL, SIGMA)], p=0.5),
            v2.RandomHorizontalFlip(),
            *([v2.PILToTensor()] if as_pil else []),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    images = list(_pil(64) if as_pil else _images(64))
    return lambda: len(torch.stack([transform(image) for image in images]))


def lightly() -> Work:
    """lightly's SimCLRTransform, image by image; it makes two views of each."""
    from lightly.transforms import SimCLRTransform

    transform = SimCLRTransform(
        input_size=32, cj_strength=1.0, cj_prob=0.8, min_scale=CROP[0], random_gray_scale=0.2,
        gaussian_blur=0.5, sigmas=SIGMA, hf_prob=0.5, normalize=None,
    )  # fmt: skip
    images = _pil(32)
    return lambda: sum(len(transform(image)) for image in images)


def kornia(cropping_mode: str) -> Work:
    """kornia on a batch of 512, parameters drawn per image (its jitter order is the batch's)."""
    import kornia.augmentation as K

    transform = K.AugmentationSequential(
        K.RandomResizedCrop(
            (32, 32), scale=CROP, resample="BICUBIC", cropping_mode=cropping_mode, p=1.0
        ),
        K.ColorJitter(*JITTER, p=0.8),
        K.RandomGrayscale(p=0.2),
        K.RandomGaussianBlur((KERNEL, KERNEL), SIGMA, p=0.5),
        K.RandomHorizontalFlip(p=0.5),
        same_on_batch=False,
    )
    images = _images(512) / 255
    return lambda: len(transform(images))


def _images(n: int, size: int = 32) -> torch.Tensor:
    """Bytes without structure: no transform's time depends on what an image shows."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator)


def _pil(n: int) -> list:
    return [v2.functional.to_pil_image(image) for image in _images(n)]


def main() -> None:
    """Measure every contestant that is installed and write results/augmentation.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn (default 1)")
    parser.add_argument("--rounds", type=int, default=9, help="turns each (default 9)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    warnings.filterwarnings("ignore", module="kornia|lightly")
    contestants: dict[str, Work] = {
        "adainf_core, 32 px, batch 512": ours(32, 512),
        "adainf_core, 16 px, batch 256": ours(16, 256),
        "torchvision v2, tensors": torchvision(as_pil=False),
        "torchvision v2, PIL images": torchvision(as_pil=True),
    }
    if shutil.which("g++") or shutil.which("clang++"):
        contestants["adainf_core, 32 px, batch 512, compiled"] = ours(32, 512, compiled=True)
    optional: dict[str, Callable[[], Work]] = {
        "lightly SimCLRTransform": lightly,
        "kornia, slices": lambda: kornia("slice"),
        "kornia, resampling": lambda: kornia("resample"),
    }
    missing = []
    for name, make in optional.items():
        try:
            contestants[name] = make()
        except ImportError as error:
            missing.append(name)
            print(f"{name}: missing ({error}); pip install -r benchmarks/requirements.txt")
    figures = paired(contestants, options.seconds, options.rounds)
    ratios = {}
    for peer in ("torchvision", "lightly", "kornia"):
        rates = [rate["median"] for name, rate in figures.items() if name.startswith(peer)]
        if rates:
            ratios[peer] = round(figures["adainf_core, 32 px, batch 512"]["median"] / max(rates), 2)
    report(
        "augmentation", figures, "views/s", ("lightly", "kornia", "pillow"), "cpu",
        times_the_best_of_each_peer=ratios, missing=missing, threads=torch.get_num_threads(),
    )  # fmt: skip
    print("times the best of each peer:", ratios)


if __name__ == "__main__":
    main()
