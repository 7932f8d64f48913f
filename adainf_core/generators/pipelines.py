"""Diffusers pipelines as files: which names mean which, and which of them can be sampled here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    for key in ("beta_schedule", "prediction_type"):
        if not schedule.get(key):
            return f"has a schedule without {key}"
    return ""
