"""Every option of every command: a value that cannot be is one line, at once."""

import argparse
import re

import numpy as np
import pytest
from naming import named
from PIL import Image

from adainf_core.cli import _parser, main

# what an option may be, and values that it may not
WORDS = ("", "nan", "-1", "no-such-word")
NUMBERS = ("", "nan", "inf", "-inf", "-1", "1e30", "one")
BAD = {
    "count": (*NUMBERS, "0", "1.5", str(10**30)),
    "seed": (*NUMBERS, "1.5", str(10**30)),
    "seconds": ("", "nan", "-1", "-inf", "one", "-1m", "nanh", "m", "1d"),
    "positive": ("", "nan", "inf", "-1", "0", "one"),
    "share": (*NUMBERS, "0", "1"),
    "share or all": NUMBERS,
    "word": WORDS,
    "cluster": ("", "local", "local:0", "local:x", "tcp://", "tcp://0.0.0.0:8786", "http://a:1"),
    "set": ("", "no/such/place"),
    "file to write": ("", "FOLDER", "FILE/below", "/proc/adainf/none"),
    "new folder": ("", "FOLDER", "FILE", "FILE/below", "/proc/adainf/none"),
    "folder to write": ("", "FILE", "FILE/below", "/proc/adainf/none"),
    "folder to read": ("", "FILE", "no/such/place"),
    "place of sets": ("", "FILE"),
    "text": ("",),
}
ROOT = {"--root": "place of sets"}
RUN = {"--scale": "word", "--results": "folder to write"}
READ = {"--scale": "word", "--results": "folder to read"}
# the words that a command needs, and the kind of each of its options
COMMANDS = {
    "data list": ([], {}),
    "data show": (["digits"], {"--split": "word", "--size": "count", **ROOT}),
    "generate train": (
        ["digits", "--out", "MADE"],
        {"--out": "new folder", "--steps": "count", "--size": "count",
         "--checkpoint": "file to write", "--max-seconds": "seconds", **ROOT},
    ),
    "generate sample": (
        ["memorised", "--store", "MADE", "--real", "digits"],
        {"--store": "folder to write", "--count": "count", "--seed": "seed", "--real": "set",
         "--size": "count", "--max-seconds": "seconds", "--on": "cluster", **ROOT},
    ),
    "generate vary": (
        ["cifar10-16", "MADE.npz", "--store", "MADE"],
        {"--k": "count", "--store": "folder to write", "--size": "count", "--way": "word",
         "--strength": "share or all", "--weight": "share or all", "--seed": "seed",
         "--max-seconds": "seconds", **ROOT},
    ),
    "generate pair": (
        ["MADE.npz", "digits", "--store", "MADE"],
        {"--k": "count", "--store": "folder to write", "--size": "count", "--extractor": "word",
         **ROOT},
    ),
    "generate import": (
        ["MADE.npz"],
        {"--store": "new folder", "--real": "set", "--pairs": "count", "--size": "count",
         "--channel-order": "word", "--limit": "share or all", "--duplicate-limit": "share or all",
         "--memorised-limit": "share or all", **ROOT},
    ),
    "generate show": (
        ["digits"],
        {"--out": "file to write", "--count": "count", "--columns": "count", "--scale": "count",
         "--seed": "seed", "--split": "word", **ROOT},
    ),
    "gap": (
        ["digits", "MADE.npz"],
        {"--held-out": "set", "--split": "word", "--held-out-split": "word", "--extractor": "word",
         "--size": "count", "--n": "count", "--confidence": "share", "--seed": "seed",
         "--html": "file to write", "--json": "file to write", **ROOT},
    ),
    "pretrain": (
        ["--dataset", "digits"],
        {"--dataset": "set", "--method": "word", "--preset": "word", "--generated": "set",
         "--pairs": "set", "--scale": "word", "--checkpoint": "file to write",
         "--max-seconds": "seconds",
         "--tensorboard": "folder to write", **ROOT},
    ),
    "probe": (
        ["run.pt"],
        {"--dataset": "set", "--test": "set", "--protocol": "word", "--k": "count",
         "--cache": "folder to write", "--predictions": "file to write", "--block": "word",
         "--noise": "share", **ROOT},
    ),
    "compare": (
        ["weak-0.pt", "adainf-0.pt"],
        {"--against": "text", "--dataset": "set", "--test": "set", "--protocol": "word",
         "--k": "count", "--confidence": "share", "--cache": "folder to write",
         "--json": "file to write", "--csv": "file to write", "--figure": "file to write", **ROOT},
    ),
    "study list": ([], {}),
    "study show": (["failure-mode"], {"--scale": "word"}),
    "study run": (
        ["failure-mode", "--scale", "laptop"],
        {**RUN, "--budget": "seconds", "--seeds": "count", "--processes": "count",
         "--on": "cluster"},
    ),
    "study status": (["failure-mode"], {**READ, "--budget": "seconds", "--processes": "count"}),
    "study verify": (["failure-mode"], {**READ, "--sample": "count"}),
    "study pictures": (["failure-mode-sprites", "--scale", "quick"], RUN),
    "study pack": (["MADE"], {"--results": "folder to read"}),
    "study collect": (["FOLDER"], {"--results": "folder to write"}),
    "claims show": ([], READ),
    "claims register": ([], {"--looks": "count", "--results": "folder to write"}),
    "plan": (
        ["digits", "MADE.npz"],
        {"--labels": "set", "--test": "set", "--method": "word", "--batch-size": "count",
         "--steps": "count", "--replication": "count", "--noise": "positive",
         "--gap-images": "count", "--seeds": "count", "--probe": "word", "--processes": "count",
         "--budget": "seconds", "--scale": "word", "--amounts": "positive", **ROOT},
    ),
    "plan --run": (["digits", "MADE.npz"], {"--records": "folder to write"}),
    "plan --without-labels": (
        ["digits", "MADE.npz"], {"--html": "file to write", "--json": "file to write"}
    ),
}  # fmt: skip
POSITIONS = {
    "data show": (["name"], ["set"]),
    "generate train": (["dataset"], ["set"]),
    "gap": (["real", "generated"], ["text", "text"]),
    "study pack": (["folder"], ["folder to write"]),
    "study collect": (["folder"], ["folder to read"]),
}
CASES = [(command, option) for command, (_, options) in COMMANDS.items() for option in options]


def leaves(parser=None, name=""):
    """Each command that runs something, with the options of it that take a value."""
    parser = parser or _parser()
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for word, child in (item for action in inner for item in action.choices.items()):
        yield from leaves(child, f"{name} {word}".strip())
    if not inner:
        yield name, [a for a in parser._actions if a.nargs != 0]


def test_the_table_has_every_option_of_every_command():
    found = {name: {a.option_strings[-1] for a in actions if a.option_strings}
             for name, actions in leaves()}  # fmt: skip
    table = {name: set(options) for name, (_, options) in COMMANDS.items()}
    table["plan"] |= table.pop("plan --run") | table.pop("plan --without-labels")
    assert table == found


def test_no_option_is_a_bare_number():
    """What int and float take (nan, -1, 10**30) is for the shared types to refuse."""
    bare = [(name, a.option_strings) for name, actions in leaves() for a in actions
            if a.type in (int, float)]  # fmt: skip
    assert not bare


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    rng = np.random.default_rng(0)
    np.savez(folder / "made.npz", images=rng.integers(0, 256, (130, 3, 8, 8), np.uint8))
    Image.new("RGB", (8, 8)).save(folder / "picture.png")
    (folder / "folder").mkdir()
    (folder / "folder" / "kept").write_text("")
    return {
        "MADE.npz": f"{folder}/made.npz",
        "MADE": f"{folder}/made",
        "FILE": f"{folder}/picture.png",
        "FOLDER": f"{folder}/folder",
    }


@pytest.fixture
def idle(monkeypatch, tmp_path):
    """Whatever takes long is an error of the test: nothing may have begun."""
    monkeypatch.chdir(tmp_path)
    # nor is anything said of what lasts, on a slow machine either
    monkeypatch.setattr("adainf_core.cli.probed_sets._PATIENCE", (3600.0,) * 5)

    def begun(*_, **__):
        raise AssertionError("work has begun before the value was looked at")

    for place in (
        # first, for importing them takes hold of what is replaced below
        "adainf_core.advice.own_recipes.run_study",
        "adainf_core.generators.variations.vary_to_store",
        "adainf_core.generators.diffusion.DiffusionGenerator.load",
        "adainf_core.gap.pairing.neighbours_to_store",
        "adainf_core.data.paired.PairedImages.imported",
        "adainf_core.learning.pretraining.pretrain",
        "adainf_core.learning.pretraining.load_pretrained",
        "adainf_core.generators.diffusion_training.train_diffusion",
        "adainf_core.data.growing_store.grown_store",
        "adainf_core.data.generated.GeneratedImages.from_npz",
        "adainf_core.gap.report.gap_report",
        "adainf_core.gap.image_tv.image_tv",
        "adainf_core.evidence.runs.running.run_study",
        "adainf_core.advice.own_study.run_study",
        "adainf_core.evidence.runs.replay.verify",
        "adainf_core.evidence.registration.register",
        "adainf_core.evidence.runs.records.write_pictures",
    ):
        monkeypatch.setattr(place, begun)


def placed(word, places):
    for name, path in places.items():
        word = re.sub(rf"^{re.escape(name)}(?=/|$)", path, word)
    return word


def refused(arguments, capsys):
    """The one line of stderr that a command ends in."""
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("adainf: ")
    return line


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(("command", "option"), CASES)
def test_a_value_that_cannot_be_is_one_line(command, option, places, capsys):
    needed, options = COMMANDS[command]
    words = [*command.split(), *(placed(word, places) for word in needed)]
    if option == "--generated":
        words += ["--preset", "vanilla"]
    if option == "--test" and command == "probe":
        words += ["--dataset", places["MADE.npz"]]
    if option == "--held-out-split":
        words += ["--held-out", "digits"]
    # by whichever name: --held-out, held_out=, or what it is of (an unknown split of digits)
    names = option, option[2:], option[2:].replace("-", "_"), "split"
    for value in BAD[options[option]]:
        with named(value):
            given = placed(value, places)
            line = refused([*words, f"{option}={given}"], capsys)
            assert given in line and any(name in line for name in names)


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data", "show", ""], "an argument '' is empty"),
        (["gap", "digits", ""], "an argument '' is empty"),
        (["probe", ""], "an argument '' is empty"),
        (["probe", "x.pt", "--protocol", "linear", "--k", "5"], "--k 5: only knn"),
        (["compare", "a-0.pt", "b-0.pt", "--protocol", "linear", "--k", "5"], "--k 5: only knn"),
        (["study", "collect", "no/such/place"], "folder: no/such/place is not there"),
        (["study", "collect", "FILE"], "picture.png is a file: name a folder"),
        (["study", "pack", "FILE"], "picture.png is a file: name a folder"),
        (["data", "show", "FOLDER", "--split", "val"], "--split val: "),
        (["data", "show", "MADE.npz", "--split", "test"], "--split test: "),
        (["gap", "MADE.npz", "MADE.npz", "--split", "test"], "--split test: "),
        (["gap", "digits", "MADE.npz", "--held-out", "MADE.npz", "--held-out-split", "x"],
         "--held-out-split x: "),
        (["pretrain", "--dataset", "MADE.npz", "split=val"], "split val: "),
        (["pretrain", "--dataset", "digits", "pretrain.steps=0"], "steps = 0 must be in 1.."),
        (["plan", "digits", "MADE.npz", "--run", "--seeds", "1"], "--seeds 1: --run compares"),
        (["plan", "digits", "MADE.npz", "--budget", "xm"], "'x' is no number"),
        (["data", "show", "digits", "--size", "50000"], "would take 10,815 GB, and there are"),
        (["generate", "show", "digits", "--scale", "65535"], "and there are"),
        (["generate", "vary", "cifar10-16", "no/such/place", "--store", "s"], "REAL: unknown"),
        (["generate", "vary", "cifar10-16", "digits", "--store", "s", "--strength", "2"],
         "--strength: 2 has to lie in 0..1"),
        (["generate", "vary", "cifar10-16", "digits", "--store", "s", "--weight", "0.5"],
         "--weight 0.5 is of --way mix, not sdedit: leave it out, or choose --way mix"),
        (["generate", "vary", "cifar10-16", "digits", "--store", "s", "--way", "mix",
          "--strength", "0.5"], "--strength 0.5 is of --way sdedit, not mix"),
        (["generate", "vary", "cifar10-16", "digits", "--store", "s", "kind=dpm-solver++"],
         "kind=dpm-solver++: images are varied by DDIM"),
        (["generate", "vary", "cifar10-16", "digits", "--store", "s", "steps=0"], "steps = 0"),
        (["generate", "pair", "MADE.npz", "digits", "--store", "s", "--extractor",
          "efficientnet_lite0"], "--extractor efficientnet_lite0: pairs are made without labels"),
        (["generate", "import", "MADE.npz", "--pairs", "2"], "--pairs 2: name the images that"),
        (["generate", "import", "FOLDER", "--pairs", "2", "--real", "digits", "--skip-broken"],
         "--pairs 2 takes every file, in order: leave out --skip-broken"),
        (["generate", "train", "digits", "--out", "m", "--checkpoint", "m"],
         "--checkpoint m is the place of --out, too"),
        (["study", "run", "x", "--seeds", "10001"], "--seeds: 10001 has to be in 1..10000"),
        (["plan", "digits", "MADE.npz", "--seeds", "10001"], "10001 has to be in 1..10000"),
        (["study", "status", "--scale", "huge"], "invalid choice: 'huge'"),
        (["nothing"], "invalid choice: 'nothing'"),
        (["data", "show", "digits", "--sise", "3"], "unrecognized arguments: --sise"),
        (["generate", "train", "digits"], "the following arguments are required: --out"),
    ],
)  # fmt: skip
def test_other_words_are_one_line_too(words, says, places, capsys):
    assert says in refused([placed(word, places) for word in words], capsys)


@pytest.mark.usefixtures("idle")
def test_values_that_can_be_pass():
    """No value is refused that has a meaning: the same table, the other way round."""
    parse = _parser().parse_args
    assert parse(["pretrain", "--max-seconds", "inf"]).max_seconds == float("inf")
    assert parse(["study", "run", "x", "--budget", "0", "--seeds", "1"]).budget == 0
    times = {"90": 90, "90s": 90, "45m": 2700, "1.5h": 5400}
    assert {t: parse(["plan", "a", "b", "--budget", t]).budget for t in times} == times
    assert parse(["gap", "a", "b", "--seed", str(2**64 - 1)]).seed == 2**64 - 1
    assert parse(["gap", "a", "b", "--confidence", "0.5", "--size", "1"]).confidence == 0.5


@pytest.mark.parametrize(
    "words", [["data", "show"], ["generate", "import"], ["generate", "train", "--out", "m"]]
)
def test_no_file_is_resized_to_what_memory_cannot_hold(words, tmp_path, monkeypatch, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("adainf_core.cli.image_sets.machine_memory", lambda: 1e9)
    monkeypatch.setattr("adainf_core.data.sources.square", lambda *_: pytest.fail("resized"))
    assert "GB" in refused([*words, ".", "--size", "20000"], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_broken_first_file_is_left_out_at_any_size(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"no image")
    for name, grey in (("b", 50), ("c", 200)):
        image = Image.new("RGB", (8, 8), (grey, 0, 0))
        image.putpixel((0, 0), (0, 255, 255))
        image.save(tmp_path / "images" / f"{name}.png")
    words = ["generate", "import", "images", "--skip-broken", "--size", "8"]
    assert main([*words, "--store", "store"]) == 0


def test_verifying_no_record_is_no_success(tmp_path, capsys):
    words = ["study", "verify", "failure-mode", "--results", str(tmp_path)]
    assert "nothing was verified" in refused(words, capsys)
