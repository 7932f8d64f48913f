"""Features: what a frozen encoder makes of images, kept on disk if asked."""

from __future__ import annotations

import hashlib
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn

from adainf_core.files import atomic_file
from adainf_core.learning.augmentation import augment
from adainf_core.learning.policies import AugmentationPolicy, as_policy
from adainf_core.validation import as_count, as_images, as_path, as_seed, in_words

_CHUNK = 4096  # images read at once for their hash


def extract_features(
    encoder: nn.Module,
    images: np.ndarray,
    batch_size: int = 1000,
    *,
    augmentation: AugmentationPolicy | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
) -> np.ndarray:
    """Features float32 (n, d) of uint8 images (n, 3, h, w), which may be memory-mapped.

    Runs on the encoder's device in eval mode and leaves every module in the mode it had. With
    `augmentation` each image is seen through one view drawn from `seed`. With `cache`, a folder,
    features found there are returned memory-mapped and new ones are kept; the file's name hashes
    the encoder (its printed architecture, parameters and buffers), the images and the view, but no
    source code. Raises ValueError for an encoder that returns no (n, d) or takes no float32 images,
    features that are not finite, or a damaged cache file.
    """
    images, encoder = as_images(images), as_module(encoder, "encoder")
    batch_size, seed = as_count(batch_size, "batch_size", 1), as_seed(seed)
    if augmentation is not None:
        as_policy(augmentation, "augmentation")
    view = "" if augmentation is None else f"{augmentation} {seed}"
    path = (
        None
        if cache is None
        else as_path(cache, "cache") / f"{_fingerprint(encoder, images, view)}.npy"
    )
    if path is not None and path.exists():
        return _read_features(path, len(images))
    modes = {module: module.training for module in encoder.modules()}
    encoder.eval()
    try:
        features = _run(encoder, images, batch_size, augmentation, seed)
    finally:
        for module, mode in modes.items():
            module.training = mode
    broken = np.flatnonzero(~np.isfinite(features).all(1))
    if len(broken):
        raise ValueError(
            f"the encoder gives features that are not finite for {len(broken)} of {len(images)} "
            f"images, first for image {broken[0]}: its training has diverged"
        )
    if path is not None:
        with atomic_file(path) as file:
            np.save(file, features)
    return features


def as_module(module: nn.Module, name: str) -> nn.Module:
    """`module` as it is; ValueError for what is no network."""
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"{name} = {in_words(module)} must be a torch.nn.Module, such as the `encoder` of "
            "what pretrain returns"
        )
    return module


def encoder_device(encoder: nn.Module) -> torch.device:
    """Where `encoder` computes."""
    return next(chain(encoder.parameters(), encoder.buffers()), torch.empty(0)).device


@torch.inference_mode()
def _run(
    encoder: nn.Module,
    images: np.ndarray,
    batch_size: int,
    augmentation: AugmentationPolicy | None,
    seed: int,
) -> np.ndarray:
    device = encoder_device(encoder)
    generator = torch.Generator().manual_seed(seed)
    features = np.empty((0, 0), np.float32)
    for start in range(0, len(images), batch_size):
        batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
        seen = (
            batch.float() / 255 if augmentation is None else augment(batch, augmentation, generator)
        )
        seen = seen.contiguous(memory_format=torch.channels_last)
        try:
            found = encoder(seen)
        except RuntimeError as error:
            precisions = {p.dtype for p in encoder.parameters()} - {torch.float32}
            if not precisions:
                raise
            raise ValueError(
                f"the encoder holds {', '.join(map(str, precisions))} and fails on float32 images "
                f"({' '.join(str(error).split())[:80]}): give encoder.float()"
            ) from None
        if not isinstance(found, torch.Tensor) or found.ndim != 2:
            raise ValueError(f"the encoder returns {in_words(found)}, need (images, features)")
        if start == 0:
            features = np.empty((len(images), found.shape[1]), np.float32)
        features[start : start + len(found)] = found.float().cpu().numpy()
    return features


def _fingerprint(encoder: nn.Module, images: np.ndarray, view: str) -> str:
    digest = hashlib.sha256(f"{type(encoder)} {encoder} {images.shape} {view}".encode())
    for name, tensor in chain(encoder.named_parameters(), encoder.named_buffers()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    for start in range(0, len(images), _CHUNK):
        digest.update(np.ascontiguousarray(images[start : start + _CHUNK]).data)
    return digest.hexdigest()[:32]


def _read_features(path: Path, n: int) -> np.ndarray:
    try:
        features = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path}: damaged ({error}); delete it") from None
    if features.dtype != np.float32 or features.ndim != 2 or len(features) != n:
        raise ValueError(
            f"{path}: holds {features.dtype} {features.shape}, need float32 ({n}, d); delete it"
        )
    return features
