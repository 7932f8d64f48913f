"""Models to sample, and samples drawn in the slots of a cluster: names there, images back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cluster import Slots, UnfitWorkerError

if TYPE_CHECKING:
    import numpy as np

    from adainf_core.data.growing_store import Draw
    from adainf_core.generators.diffusion import DiffusionGenerator
    from adainf_core.generators.diffusion_config import Sampler

_AHEAD = 4  # blocks a slot that wait for an earlier one, at most


def loaded_model(name: str, sampler: Sampler) -> DiffusionGenerator:
    """The model of that name, under this sampler."""
    from adainf_core.generators.diffusion import DiffusionGenerator, UnverifiedModelWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnverifiedModelWarning)  # the store's origin says it
        return replace(DiffusionGenerator.load(name), sampler=sampler)


@contextmanager
def drawn_on(
    cluster: Any, function: str, what: tuple[Any, ...], count: int, block: int
) -> Iterator[Draw]:
    """A `draw` for `grown_store`: asked for blocks in order, it has those that follow drawn, too.

    `function`, of this module, draws images `start` to `stop` of `what` on a worker.
    """
    with Slots(cluster, f"{__name__}:{function}", _name) as slots:
        ready: dict[int, np.ndarray] = {}
        upcoming: int | None = None

        def draw(start: int, stop: int) -> np.ndarray:
            nonlocal upcoming
            upcoming = start if upcoming is None else upcoming
            while start not in ready:
                last = min(count, start + _AHEAD * slots.size * block)
                while slots.busy < slots.size and upcoming < last:
                    after = min(upcoming + block, count)
                    slots.start((*what, upcoming, after))
                    upcoming = after
                job, images, error = slots.next_ended()
                if error is not None:
                    raise error
                ready[job[-2]] = images
            return ready.pop(start)

        yield draw


def _name(job: tuple[Any, ...]) -> str:
    return f"images {job[-2]} to {job[-1]}"


def named_there(name: str) -> str:
    """A name, or the absolute path of the file or folder that it is of, for another process."""
    return str(Path(name).resolve()) if Path(name).exists() else name


# ---- on the worker


def model_images(
    name: str, settings: list[str], digest: str, seed: int, start: int, stop: int
) -> np.ndarray:
    """Images of a diffusion model, whose weights have to be those of `digest`."""
    _take_one_thread()
    return _model(name, tuple(settings), digest).draw(start, stop, seed)


def fitted_images(
    name: str,
    settings: list[str],
    real: str,
    size: int | None,
    root: str | None,
    digest: str,
    seed: int,
    start: int,
    stop: int,
) -> np.ndarray:
    """Images of a generator of the dial, fitted to real images, which have to be of `digest`."""
    _take_one_thread()
    return _fitted(name, tuple(settings), real, size, root, digest, seed).draw(start, stop, seed)


@lru_cache(maxsize=1)
def _model(name: str, settings: tuple[str, ...], digest: str) -> Any:
    from adainf_core.configuration import override
    from adainf_core.generators.diffusion import DiffusionGenerator
    from adainf_core.generators.diffusion_config import Sampler

    try:
        found = DiffusionGenerator.load(name)
    except ValueError as error:
        raise UnfitWorkerError(str(error)) from None
    if found.digest() != digest:
        raise UnfitWorkerError(f"{name} has other weights here")
    return replace(found, sampler=override(Sampler(), list(settings)))


@lru_cache(maxsize=1)
def _fitted(
    name: str,
    settings: tuple[str, ...],
    real: str,
    size: int | None,
    root: str | None,
    digest: str,
    seed: int,
) -> Any:
    from adainf_core.cli.image_sets import sized_set
    from adainf_core.configuration import override
    from adainf_core.generators.dial import GENERATORS, make_generator

    try:
        images = sized_set(real, size, root)
    except (ValueError, FileNotFoundError) as error:
        raise UnfitWorkerError(str(error)) from None
    if images._digest() != digest:
        raise UnfitWorkerError(f"{real} has other images here")
    return make_generator(override(GENERATORS[name], list(settings)), images, seed=seed)


def _take_one_thread() -> None:
    import torch

    torch.set_num_threads(1)
