"""The commands that `adainf plan` prints: import, training and probe of every arm and seed."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adainf_core.cli.common import flat

if TYPE_CHECKING:
    from adainf_core.advice.own_images import OwnImages
    from adainf_core.advice.planning import Plan
    from adainf_core.learning.pretrain_config import PretrainConfig


class OfSeed(str):
    """A word in which the shell puts a seed for $seed."""


def refused_import(options: argparse.Namespace, plan: Plan) -> str | None:
    """Why `adainf generate import` would not take the generated images; None where it does."""
    from adainf_core.data.generated import ImportLimits

    limit = ImportLimits().memorised
    if _is_store(options.generated) or plan.shared <= limit * plan.n_generated:
        return None
    return (
        f"{plan.shared:,} of {plan.n_generated:,} generated images are copies of real ones, and "
        f"adainf generate import refuses more than {100 * limit:g} % (--memorised-limit): there "
        "is nothing to train on that the real images do not hold"
    )


def arm_commands(
    options: argparse.Namespace,
    own: OwnImages,
    plan: Plan,
    trained: Mapping[str, PretrainConfig] | None = None,
) -> tuple[list[str] | None, dict[str, list[list[str]]]]:
    """The command that imports the generated images, None of a store, and those of each arm.

    These are of one seed, which a shell knows as $seed: see `OfSeed`. Runs are of the official
    recipe in the plan's steps, or of `trained`, by arm, where given.
    """
    from adainf_core.advice.planning import ARMS
    from adainf_core.data.generated import default_store
    from adainf_core.learning.recipes import recipe

    root = [] if options.root is None else ["--root", options.root]
    store, size, imported = options.generated, own.real.image_size, None
    if not _is_store(store):
        path = Path(store)
        store = str(default_store(path))
        resized = ["--size", str(size)] if path.is_dir() else []
        words = ["adainf", "generate", "import", str(path), "--real", options.real]
        imported = [*words, *resized, *root]
    labelled, test = options.labels or options.real, options.test
    if test is None and own.test_kept:
        test = "TEST"
    probed = [] if test is None else ["--test", test]
    found: dict[str, list[list[str]]] = {}
    for arm in ARMS:  # presets of these names
        file = OfSeed(f"{arm}-$seed.pt")
        generated = [] if arm in ("none", "weak") else ["--generated", store]
        changes = [f"replication={plan.replication}"] if arm == "adainf" else []
        settings = [
            f"pretrain.steps={plan.steps}",
            f"pretrain.batch_size={plan.batch_size}",
            f"pretrain.warmup={plan.steps // 100}",  # the paper's share
        ]
        if trained is not None:
            official = recipe(options.real, options.method, arm, *generated[1:]).pretrain
            settings = settings_between(official, trained[arm])
        found[arm] = [[
            "adainf", "pretrain", "--dataset", options.real, "--method", options.method,
            "--preset", arm, *generated, "--checkpoint", file, *root, f"size={size}",
            *changes, *settings, OfSeed("pretrain.seed=$seed"), *options.settings,
        ]]  # fmt: skip
        if own.labelled is not None:
            found[arm].append([
                "adainf", "probe", file, "--dataset", labelled, *probed, *root,
                "--protocol", "linear", "--protocol", "knn",
            ])  # fmt: skip
    return imported, found


def settings_between(one: PretrainConfig, other: PretrainConfig) -> list[str]:
    """The dotted settings that make `one` the `other`, policy and seed aside."""
    from adainf_core.configuration import to_plain

    before, after = (dict(flat(to_plain(config), "pretrain.")) for config in (one, other))
    return [
        f"{key}={_text(value)}"
        for key, value in after.items()
        if not key.startswith(("pretrain.policy", "pretrain.seed"))
        and before.get(key, ...) != value
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def typed(words: list[str]) -> str:
    """A command as it is typed: what is a reader's own stays as it is, $seed in it, too."""
    return " ".join(word if isinstance(word, OfSeed) else shlex.quote(word) for word in words)


def _is_store(path: str) -> bool:
    return (Path(path) / "meta.json").is_file()
