"""Corruptions: what makes a perfect generator wrong in a way that has a name.

Each takes real images and gives back unlabelled ones; apply them to held-out images, and `HeldOut`
of the result is a generator that errs in this one way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adainf_core.data.images import ImageSet, as_image_set
from adainf_core.generators.generator import stream
from adainf_core.generators.principal_axes import PrincipalAxes, as_pixels
from adainf_core.validation import as_count, as_labels

_CHUNK = 1000
_FITTED = 5000  # images that clusters' axes are fitted to


def blur(images: ImageSet, sigma: float) -> ImageSet:
    """Each image under a Gaussian blur of `sigma` pixels, edges repeated, rounded to even.

    As `scipy.ndimage.gaussian_filter` does it (mode "nearest", cut at four sigma). Raises
    ValueError where `sigma` is not above 0.
    """
    from scipy.ndimage import gaussian_filter1d

    if not 0 < sigma < np.inf:
        raise ValueError(f"sigma={sigma}: a blur needs a finite width above 0 pixels")
    # the blur is linear and separable: one matrix a side, what it makes of single pixels
    rows, columns = (
        gaussian_filter1d(np.eye(side), sigma, axis=0, mode="nearest")
        for side in images.images.shape[2:]
    )
    blurred = np.empty(images.images.shape, np.uint8)
    for start in range(0, len(images), _CHUNK):
        chunk = images.images[start : start + _CHUNK].astype(np.float64)
        blurred[start : start + _CHUNK] = as_pixels(rows @ (chunk @ columns.T))
    return ImageSet(blurred, None, f"{images.name}-blur-{sigma:g}")


def colour_swap(images: ImageSet) -> ImageSet:
    """Each image with red and blue exchanged: RGB read as BGR, a trap of the paper's own packing.

    Done twice it gives the images back.
    """
    # a copy: torch takes no reversed views
    return ImageSet(
        np.ascontiguousarray(images.images[:, ::-1]), None, f"{images.name}-colour-swap"
    )


def mode_drop(
    images: ImageSet, kept: float = 0.5, modes: np.ndarray | None = None, seed: int = 0
) -> ImageSet:
    """Only the images of some modes: the share `kept` of them, drawn by `seed`.

    `modes` int (n,) is the mode of each image, by default its label; for unlabelled images
    `clusters` makes some. Rounded to whole modes at least one is kept and at least one dropped. The
    result's distribution is P_d given the kept modes, at a total variation from P_d of the dropped
    modes' mass (that at most, where an image might have had another label). Raises ValueError for
    `kept` outside (0, 1), fewer than two modes, or neither modes nor labels.
    """
    if not 0 < kept < 1:
        raise ValueError(f"kept={kept}: a share of the modes lies between 0 and 1")
    if modes is None:
        modes = images.labels
    if modes is None:
        raise ValueError(
            f"{images.name} is unlabelled: give modes, for example modes=clusters(images)"
        )
    modes = as_labels(modes, len(images), "modes")
    known = np.unique(modes)
    if len(known) < 2:
        raise ValueError(f"{images.name} has mode {known[0]} alone: nothing can be dropped")
    keeping = min(max(round(kept * len(known)), 1), len(known) - 1)
    chosen = stream(seed, "kept modes").permutation(known)[:keeping]
    found = np.flatnonzero(np.isin(modes, chosen))
    return images.unlabelled().subset(found, f"{images.name}-mode-drop-{kept:g}")


def clusters(images: ImageSet, count: int = 10, seed: int = 0) -> NDArray[np.int64]:
    """Modes of unlabelled images, int64 (n,) in 0..count-1: k-means in principal components.

    In the first 20 components (fewer where there are not that many) of the pixels, so they follow
    colour and layout, not classes. Raises ValueError for more clusters than images.
    """
    from sklearn.cluster import KMeans

    as_image_set(images, "images")
    as_count(count, "count", 2, len(images) - 1, f", to cluster {len(images)} images")
    some = images
    if len(images) > _FITTED:
        chosen = stream(seed, "clustered").permutation(len(images))[:_FITTED]
        some = images.subset(np.sort(chosen))
    most = min(20, len(some) - 1, int(np.prod(images.images.shape[1:])))
    coordinates = PrincipalAxes.fit(some, most, seed).project(images.images)
    found = KMeans(count, n_init=1, random_state=seed).fit_predict(coordinates)
    return found.astype(np.int64)


def chimeras(images: ImageSet, seed: int = 0) -> ImageSet:
    """Each image's left half beside the right half of another one, of another class if labelled.

    Partners are uniform among all images of other classes (all other images where there are no
    labels) and drawn with replacement; the middle column of an odd width is the partner's. Raises
    ValueError where an image has no partner.
    """
    as_image_set(images, "images")
    # unlabelled, every image is a class of its own
    labels = np.arange(len(images)) if images.labels is None else images.labels
    counts = np.bincount(labels)
    if counts.max() == len(images):
        raise ValueError(f"{images.name} has one class alone: its chimeras need another")
    by_class = np.argsort(labels, kind="stable")
    first = np.cumsum(counts) - counts
    # a place among the images of the other classes, counted past one's own
    place = stream(seed, "partners").integers(0, len(images) - counts[labels])
    place += np.where(place >= first[labels], counts[labels], 0)
    half = images.images.shape[3] // 2
    joined = images.images.copy()
    joined[..., half:] = images.images[by_class[place]][..., half:]
    return ImageSet(joined, None, f"{images.name}-chimeras")
