"""Diffusers pipelines as files: which names mean which, and which of them can be sampled here.

A folder that is written here carries `DIGESTS`, a hash of every other file in it, and is held
against them whenever it is read.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from adainf_core.generators.diffusion_config import training_schedule

#: The file that holds the SHA-256 of every other one in a model's folder.
DIGESTS = "sha256.json"
#: What stands for the digest of a model whose folder carries none.
UNVERIFIED = "none came with the model"
#: Trained here and shipped with the package; `DiffusionGenerator.load` knows them by name.
SHIPPED = Path(__file__).with_name("shipped")


def shipped_generators() -> dict[str, Path]:
    """The models that come with the package, by name."""
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob("*/model_index.json"))}


def model_place(name: str | Path) -> str | Path:
    """Where the model lies: the folder of a shipped one for its name, else what was given.

    Raises ValueError for a shipped model's name where a model lies in a folder of that name too; a
    `Path` is always the folder.
    """
    if isinstance(name, Path):
        return name
    shipped = shipped_generators().get(name)
    if shipped is not None and is_model(name):
        raise ValueError(
            f"{name} is a model that comes with the package, and a folder here: say ./{name} for "
            f"the folder, {shipped} for the model"
        )
    return shipped or name


def is_model(path: str | Path) -> bool:
    """Whether a folder holds a diffusers pipeline."""
    return (Path(path) / "model_index.json").is_file()


def write_digests(folder: Path) -> str:
    """Put the hashes of all files in `folder` into its `DIGESTS`; the digest of them all."""
    text = _digests(folder)
    (folder / DIGESTS).write_bytes(text)
    return hashlib.sha256(text).hexdigest()


def checked_digest(folder: Path) -> str:
    """The digest of a model's files, 64 hexadecimal digits, or `UNVERIFIED` where it carries none.

    Raises ValueError naming the files that are not as they were written.
    """
    try:
        noted = (folder / DIGESTS).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return UNVERIFIED
    found = _digests(folder)
    if noted == found:
        return hashlib.sha256(found).hexdigest()
    try:
        then, now = json.loads(noted), json.loads(found)
        differing = sorted(name for name in then | now if then.get(name) != now.get(name))
    except (ValueError, AttributeError, TypeError):
        differing = []
    raise ValueError(
        f"{folder} is damaged or was changed ({', '.join(differing) or DIGESTS} is not what was "
        f"written): restore it, or delete {folder / DIGESTS} to load it unchecked"
    )


def _digests(folder: Path) -> bytes:
    """The hash of each file in `folder` by its path there, but for hidden ones, as JSON."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts != (DIGESTS,) and not any(p[0] == "." for p in name.parts):
            with path.open("rb") as file:
                found[name.as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()


def unknown_keys(pipeline: Any) -> str:
    """The first key that diffusers would pass over, as "scheduler.beta_strat"; "" if none.

    A key that is misspelt is one; a default then takes the place of the value.
    """
    for name, part in (("unet", pipeline.unet), ("scheduler", pipeline.scheduler)):
        _, unknown, _ = part.extract_init_dict(plain(part.config))
        if unknown:
            return f"{name}.{sorted(unknown)[0]}"
    return ""


def plain(config: Any) -> dict[str, Any]:
    """A configuration of diffusers without the keys that it notes for itself.

    One of those lists fields that keep their defaults whatever they are set to later, another is
    the folder that a model was read from.
    """
    return {key: value for key, value in config.items() if key[0] != "_"}


def unfit(unet: Any, schedule: dict[str, Any]) -> str:
    """Why a pipeline cannot be sampled here; "" if it can."""
    from diffusers import UNet2DModel

    config = unet.config
    if not isinstance(unet, UNet2DModel):
        return f"has a {type(unet).__name__}, which wants more than noise and a time"
    for key in ("in_channels", "out_channels"):
        if config[key] != 3:
            return f"has {key} = {config[key]}, where images have 3"
    if not config.get("sample_size"):
        return "does not say the sample_size of its images"
    if config.get("class_embed_type") is not None or config.get("num_class_embeds") is not None:
        return "is conditional on classes"
    if not schedule.get("beta_schedule"):
        return "has a schedule without beta_schedule"
    if schedule.get("prediction_type") not in ("epsilon", "v_prediction", "sample"):
        return f"has prediction_type = {schedule.get('prediction_type')!r}"
    if schedule.get("use_flow_sigmas"):
        return "has a schedule of flow matching"
    return _unfit_schedule(schedule) or _unfit_size(unet)


def _unfit_schedule(schedule: dict[str, Any]) -> str:
    try:
        squares = training_schedule(schedule).alphas_cumprod
    except NotImplementedError as error:
        return f"has a schedule that cannot be made ({error})"
    if len(squares) != schedule["num_train_timesteps"]:
        return f"has {len(squares)} betas for {schedule['num_train_timesteps']} noise levels"
    if not bool((squares[:-1] > 0).all() and (squares < 1).all()):  # nan is neither
        return "has a schedule whose signal is used up, or not touched, before its last level"
    return ""


def _unfit_size(unet: Any) -> str:
    """Why the network does not turn images of its own size into such; shapes alone are computed."""
    import torch

    size = unet.config["sample_size"]
    try:
        height, width = size if isinstance(size, list | tuple) else (size, size)
        with torch.device("meta"):
            image, time = torch.empty(1, 3, height, width), torch.zeros((), dtype=torch.int64)
        weights = {name: p.to("meta") for name, p in unet.state_dict().items()}
        given = (image, time), {"return_dict": False}
        made = torch.func.functional_call(unet, weights, *given)[0]
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f"cannot take images of its own sample_size, {size} ({reason})"
    if made.shape != image.shape:
        return f"makes images of {tuple(made.shape[1:])} from {tuple(image.shape[1:])}"
    return ""
