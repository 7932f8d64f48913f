"""The command line: `adainf data | pretrain | probe | study`.

Settings are dotted assignments such as `pretrain.steps=1000`; an error is one line.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adainf_core.data.images import ImageSet
    from adainf_core.data.inflation import Inflation
    from adainf_core.learning.estimating import Estimate
    from adainf_core.learning.probing import ProbeResult
    from adainf_core.learning.recipes import Recipe


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `adainf`; returns the exit status, errors in one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, RuntimeError, OSError, FloatingPointError, ImportError) as error:
        print(f"adainf: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="adainf", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_data(commands.add_parser("data", help="image sets and generated sets"))
    _add_pretrain(commands.add_parser("pretrain", help="train an encoder, or go on training it"))
    _add_probe(commands.add_parser("probe", help="accuracy of a trained encoder's features"))
    _add_study(commands.add_parser("study", help="named grids of experiments"))
    return parser


def _command(actions: Any, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    command = actions.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", default=None, help="folder of the data sets (else ADAINF_DATA)")


_DATASET = "a name (adainf data list), or an npz archive or a folder of images"


# ---- data


def _add_data(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    _command(actions, "list", _list_data, "the image sets that have a name")
    show = _command(actions, "show", _show_data, "what is in a set, or in a store of generated one")
    show.add_argument("name", help="a name, a store of generated images, an npz or a folder")
    show.add_argument("--split", default="train")
    _add_root(show)
    keep = _command(actions, "import", _import_data, "check generated images and keep a store")
    keep.add_argument("source", type=Path, help="an npz archive or a folder of image files")
    keep.add_argument("--store", type=Path, default=None, help="folder to make")
    keep.add_argument("--real", default=None, help="training images to compare with")
    keep.add_argument("--size", type=int, default=None, help="side in pixels (folders)")
    keep.add_argument(
        "--channel-order", default="auto", help="bgr reverses, as_is keeps; default: auto, checked"
    )
    _add_root(keep)


def _list_data(options: argparse.Namespace) -> None:
    from adainf_core.data.named_sets import LOADERS, SPLITS

    for name in sorted(LOADERS):
        print(f"{name:16} {', '.join(SPLITS.get(name, ('train', 'test')))}")


def _show_data(options: argparse.Namespace) -> None:
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.named_sets import named_or_own

    if (Path(options.name) / "meta.json").is_file():
        store = GeneratedImages.open(options.name)
        _describe(store)
        for check, found in store.checks.items():
            print(f"{check:12} {found}")
    else:
        _describe(named_or_own(options.name, options.split, root=options.root))


def _import_data(options: argparse.Namespace) -> None:
    from adainf_core.data.generated import GeneratedImages
    from adainf_core.data.named_sets import named_or_own

    real = None if options.real is None else named_or_own(options.real, "train", root=options.root)
    rest = {"real": real, "store": options.store, "channel_order": options.channel_order}
    if options.source.is_dir():
        found = GeneratedImages.from_folder(options.source, options.size, **rest)
    elif options.size is not None:
        raise ValueError(f"--size {options.size} resizes folders of files, not {options.source}")
    else:
        found = GeneratedImages.from_npz(options.source, **rest)
    _describe(found)
    print(f"store        {found.path}")


def _describe(images: ImageSet) -> None:
    n, _, height, width = images.images.shape
    classes = "unlabelled" if images.classes is None else f"{images.classes} classes"
    # a few thousand tell the colours; a set may be larger than memory
    some = images.images[:: max(1, n // 4000)] / 255
    print(f"{images.name}: {n:,} images of {height}x{width}, {classes}")
    for moment, values in (("mean", some.mean((0, 2, 3))), ("std", some.std((0, 2, 3)))):
        print(f"{'RGB ' + moment:12} {', '.join(f'{value:.4f}' for value in values)}")


# ---- pretrain


def _add_pretrain(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train an encoder by an official recipe, changed by dotted settings. With --checkpoint the "
        "same command goes on where it stopped; under torchrun it runs on several devices."
    )
    parser.set_defaults(run=_pretrain)
    parser.add_argument("--dataset", default="cifar10", help=_DATASET)
    parser.add_argument("--method", default="simclr", help="simclr, moco, byol, barlow, spectral")
    parser.add_argument("--preset", default="none", help="none, vanilla, adainf")
    parser.add_argument("--generated", default=None, help="store made by: adainf data import")
    parser.add_argument(
        "--checkpoint", type=Path, default=None, help="file to write and go on from"
    )
    parser.add_argument("--max-seconds", type=float, default=float("inf"))
    parser.add_argument("--tensorboard", type=Path, default=None, help="folder for the loss curve")
    parser.add_argument("--dry-run", action="store_true", help="show the run and its cost, stop")
    parser.add_argument("settings", nargs="*", help="such as pretrain.steps=1000 sampling=iid")
    _add_root(parser)


def _pretrain(options: argparse.Namespace) -> None:
    from adainf_core.configuration import override
    from adainf_core.learning import distributed
    from adainf_core.learning.estimating import estimate
    from adainf_core.learning.pretraining import pretrain
    from adainf_core.learning.recipes import recipe

    preset = recipe(options.dataset, options.method, options.preset, options.generated)
    chosen = override(preset, options.settings)
    with distributed.process_group(chosen.pretrain.device):
        first = distributed.rank() == 0
        with distributed.first_rank_first():
            data = chosen.data(options.root)
        if options.dry_run:
            cost = estimate(chosen.pretrain, data)  # takes all ranks
            if first:
                _show_run(chosen, data, cost)
            return
        if first:
            print(data.describe())
        trained = pretrain(
            chosen.pretrain,
            data,
            checkpoint=options.checkpoint,
            max_seconds=options.max_seconds,
            tensorboard=options.tensorboard,
            progress=True,
        )
        if first and trained.finished:
            print(f"loss {trained.history[-1]['loss']:.4f} after {trained.steps} steps")
        elif first:
            rest = "; the same command goes on" if trained.checkpoint else ", nothing kept"
            print(f"stopped after {trained.steps} of {chosen.pretrain.steps} steps{rest}")


def _show_run(chosen: Recipe, data: Inflation, cost: Estimate) -> None:
    from adainf_core.configuration import to_plain

    for key, value in _flat(to_plain(chosen)):
        print(f"{key} = {value}")
    config = chosen.pretrain
    passes = data.exposures(config.steps, config.batch_size)
    print(f"\nmixture      {data.describe()}")
    print(f"exposures    {passes.real:.1f} a real image, {passes.generated:.1f} a generated one")
    print(f"time         {_duration(cost.seconds)} at {cost.seconds_per_step:.3g} s a step")
    parts = ("weights", "activations", "images")
    print(
        f"memory       {cost.memory / 2**30:.2f} GiB: "
        + ", ".join(f"{name} {getattr(cost, name) / 2**20:.0f} MiB" for name in parts)
    )


def _flat(plain: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in plain.items():
        key = prefix + name
        rows += _flat(value, f"{key}.") if isinstance(value, dict) else [(key, value)]
    return rows


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.1f} {unit}"
    return f"about {seconds:.0f} seconds"


# ---- probe

_PROTOCOLS = ("linear", "linear-augmented", "knn", "knn-weighted", "online")


def _add_probe(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_probe)
    parser.add_argument("checkpoint", type=Path, help="file written by: adainf pretrain")
    parser.add_argument("--dataset", default="cifar10", help=_DATASET)
    parser.add_argument("--test", default=None, help="images to test on, where --dataset is a path")
    parser.add_argument(
        "--protocol", action="append", choices=_PROTOCOLS, help="may repeat; default: linear, knn"
    )
    parser.add_argument("--cache", type=Path, default=None, help="folder that keeps features")
    _add_root(parser)


def _probe(options: argparse.Namespace) -> None:
    import torch

    from adainf_core.data.named_sets import named_or_own
    from adainf_core.learning.pretraining import load_pretrained

    if options.test is None and Path(options.dataset).exists():
        raise ValueError(f"--dataset {options.dataset} is a path: name the --test images too")
    trained = load_pretrained(options.checkpoint)
    if not trained.finished:
        print(f"the run has stopped after {trained.steps} steps", file=sys.stderr)
    if torch.cuda.is_available():
        trained.encoder.to("cuda")
    named = options.test is None
    train, test = (
        named_or_own(dataset, split, trained.image_size, options.root)
        for dataset, split in (
            (options.dataset, "train"),
            (options.dataset if named else options.test, "test"),
        )
    )
    for protocol in options.protocol or ["linear", "knn"]:
        result = _probed(protocol, trained, train, test, options.cache)
        error = 100 * result.standard_error
        print(f"{protocol:16} {100 * result.accuracy:.2f} % (± {error:.2f}, {result.protocol})")


def _probed(
    protocol: str, trained: Any, train: ImageSet, test: ImageSet, cache: Path | None
) -> ProbeResult:
    from adainf_core.learning import probing

    if protocol == "online":
        if trained.online_classifier is None:
            raise ValueError(
                "--protocol online: the run carried no online probe; train it with "
                "pretrain.online_learning_rate=0.1"
            )
        device = next(trained.encoder.parameters()).device
        classifier = trained.online_classifier.to(device)
        return probing.online_probe(trained.encoder, classifier, test, trained_on=trained.mixture)
    if protocol.startswith("linear"):
        augmentation = probing.PROBE_AUGMENTATION if protocol == "linear-augmented" else None
        return probing.linear_probe(
            trained.encoder, train, test, augmentation=augmentation, cache=cache
        )
    k, temperature = (10, None) if protocol == "knn" else (200, 0.1)
    return probing.knn_probe(
        trained.encoder, train, test, k=k, temperature=temperature, cache=cache
    )


# ---- study


def _add_study(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True)
    _command(actions, "list", _list_studies, "studies, their scales and sizes")
    run = _command(actions, "run", _run_study, "run what has no record yet")
    pictures = _command(actions, "pictures", _keep_pictures, "keep sample images beside records")
    for action in (run, pictures):
        action.add_argument("name")
        action.add_argument("--scale", default=None, help="default: ADAINF_SCALE, else quick")
        action.add_argument("--results", type=Path, default=None, help="default: results/")
    run.add_argument("--seeds", type=int, default=None, help="default: the study's own")
    run.add_argument("--budget", type=float, default=float("inf"), help="seconds")
    run.add_argument("--processes", type=int, default=1)


def _list_studies(options: argparse.Namespace) -> None:
    from adainf_core.evidence.studies import STUDIES

    for study in STUDIES.values():
        for scale in study.layouts:
            print(f"{study.name:24} {scale:8} {len(study.arms)} arms x {study.seeds(scale)} seeds")


def _named_study(options: argparse.Namespace) -> tuple[Any, str, Path]:
    from adainf_core.evidence.records import RESULTS
    from adainf_core.evidence.scales import current_scale
    from adainf_core.evidence.studies import STUDIES

    if options.name not in STUDIES:
        raise ValueError(f"unknown study {options.name!r}; known: {', '.join(STUDIES)}")
    return STUDIES[options.name], options.scale or current_scale(), options.results or RESULTS


def _run_study(options: argparse.Namespace) -> None:
    from adainf_core.evidence.running import run_study

    study, scale, results = _named_study(options)
    records = run_study(
        study,
        scale,
        seeds=options.seeds,
        store=results,
        processes=options.processes,
        budget=options.budget,
        progress=True,
    )
    print(f"{len(records)} records in {results / study.name / scale}")


def _keep_pictures(options: argparse.Namespace) -> None:
    from adainf_core.evidence.records import write_pictures
    from adainf_core.evidence.studies import study_pictures

    study, scale, results = _named_study(options)
    print(write_pictures(study.name, scale, study_pictures(study, scale), results))


if __name__ == "__main__":
    sys.exit(main())
