"""Kept encoders: a run's trained network beside its record, for questions that come later.

A safetensors file with the whole configuration of its run in the head; the record has its digest.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.configuration import differences, from_plain, to_plain
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS, read_record, record_path
from adainf_core.files import atomic_file

if TYPE_CHECKING:
    from adainf_core.learning.encoders import Encoder

_CONFIG = "experiment"
_AGAIN = "delete it and its record, and run the study again"


def encoder_path(study: str, scale: str, arm: str, seed: int, root: Path = RESULTS) -> Path:
    """Where a run's encoder is kept: root/study/scale/arm-seed.safetensors."""
    return record_path(study, scale, arm, seed, root).with_suffix(".safetensors")


def write_encoder(encoder: Encoder, experiment: Any, path: Path) -> str:
    """Keep the weights of `encoder`, trained as `experiment` says, and say what a record does."""
    from safetensors.torch import save

    config = json.dumps(to_plain(experiment), sort_keys=True)
    content = save(_weights(encoder), metadata={_CONFIG: config})
    with atomic_file(path) as file:
        file.write(content)
    return _said(content)


def kept_encoder(study: Study, scale: str, arm: str, seed: int, root: Path = RESULTS) -> Encoder:
    """The encoder that the run of `arm` and `seed` ended with, in eval mode, on the CPU.

    Raises FileNotFoundError where none is kept, ValueError in one line where it is damaged, of
    another configuration than the study has now, or not the one of its record.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load

    from adainf_core.learning.encoders import encoder_of
    from adainf_core.tensor_files import naming_misfits

    path = encoder_path(study.name, scale, arm, seed, root)
    if not path.is_file():
        raise FileNotFoundError(f"no encoder is kept at {path}: run the study {study.name!r}")
    content, experiment = path.read_bytes(), study.experiment(scale, arm, seed)
    try:
        with safe_open(path, "pt") as file:
            config = json.loads((file.metadata() or {})[_CONFIG])
        weights = load(content)
        of = from_plain(type(experiment), config)
    except (SafetensorError, LookupError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: holds no kept encoder ({reason:.200}); {_AGAIN}") from None
    if of != experiment:
        there = differences(to_plain(of), to_plain(experiment))[:2]
        raise ValueError(
            f"{path}: is the encoder of another configuration than the study has now "
            f"({', '.join(there)}); {_AGAIN}"
        )
    check_kept(path, content)
    encoder = encoder_of(experiment.pretrain)
    with naming_misfits(path):
        encoder.load_state_dict(weights)
    return encoder.eval()


def check_kept(path: Path, content: bytes) -> None:
    """ValueError where the record beside the encoder at `path` does not speak of this `content`."""
    if not is_kept(path, content):
        raise ValueError(f"{path}: is another file than its record speaks of; {_AGAIN}")


def is_kept(path: Path, content: bytes) -> bool:
    """Whether there is a record beside `path`, and `content` is the encoder that it speaks of."""
    record = path.with_suffix(".json")
    return record.is_file() and read_record(record).protocols.get("encoder") == _said(content)


def weights_digest(encoder: Encoder) -> str:
    """SHA-256 of the weights of `encoder` as safetensors without a head, 64 hexadecimal digits."""
    from safetensors.torch import save

    return hashlib.sha256(save(_weights(encoder))).hexdigest()


def _weights(encoder: Encoder) -> dict[str, Any]:
    return {name: value.contiguous() for name, value in encoder.state_dict().items()}


def _said(content: bytes) -> str:
    return f"kept as safetensors, SHA-256 {hashlib.sha256(content).hexdigest()}"
