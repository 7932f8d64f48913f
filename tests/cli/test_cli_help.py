"""What the command says of itself: its version, its options' defaults, and how far it is."""

import re
import subprocess
import sys

import numpy as np
import pytest
from photo_tiles import tiles
from test_cli_options import leaves

from adainf_core import __version__, progress
from adainf_core.cli import _parser, main
from adainf_core.data.named_sets import load_images


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"adainf {__version__}\n"


@pytest.mark.parametrize("module", ["adainf_core", "adainf_core.cli"])
def test_the_package_is_the_command(module):
    command = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == f"adainf {__version__}\n"


def command_parser(words: str):
    parser = _parser()
    for word in words.split():
        (inner,) = (a for a in parser._actions if a.nargs == "A...")
        parser = inner.choices[word]
    return parser


def test_every_option_of_every_command_says_its_default():
    """In the text as it is printed: what argparse has, or where the value comes from."""
    for command, actions in leaves():
        for action in actions:
            if not action.option_strings or action.required:
                continue
            formatter = command_parser(command)._get_formatter()
            formatter.add_argument(action)
            text = " ".join(formatter.format_help().split())
            told = re.search(r"default:? (.+)", text)
            assert told, (command, text)
            if isinstance(action.default, str | int):
                assert told[1].startswith(str(action.default)), (command, text)


# ---- how far it is


@pytest.fixture
def hurried(monkeypatch):
    """A line of progress at every step, as of work that takes minutes."""
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0)


@pytest.mark.usefixtures("hurried")
def test_reading_and_searching_tell_how_far_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("adainf_core.data.npz_members._CHUNK_BYTES", 20 * 3 * 32 * 32)
    monkeypatch.setenv("ADAINF_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "tiles.npz", images=tiles()[:60])
    path = str(tmp_path / "tiles.npz")
    for words in (["generate", "import", path], ["data", "show", path]):
        assert main(words) == 0
        lines = capsys.readouterr().err.splitlines()
        assert [line.partition(",")[0] for line in lines if "reading" in line] == [
            f"reading {path}: {done} of 60 images" for done in (20, 40, 60)
        ]
        assert lines[-1] == "searching near copies among 60 images: 3 of 3 steps"
    assert main(["data", "show", path]) == 0
    assert "searching near" not in capsys.readouterr().err  # known from before


@pytest.mark.usefixtures("hurried")
def test_a_status_tells_how_many_studies_it_has_looked_at(tmp_path, capsys):
    words = ["study", "status", "failure-mode", "ablation", "--results", str(tmp_path)]
    assert main([*words, "--scale", "laptop"]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "comparing records with the code: 2 of 2 layouts"
    assert len(said.out.splitlines()) == 3


def test_the_library_alone_is_silent(tmp_path, monkeypatch, capfd, hurried):
    from adainf_core.data.images import ImageSet

    np.savez(tmp_path / "digits.npz", images=load_images("digits").images[:30])
    ImageSet.from_npz(tmp_path / "digits.npz")
    assert capfd.readouterr() == ("", "")
