"""The command line: lists, and says in one line what is wrong."""

import numpy as np
import pytest

from adainf_core.cli import main
from adainf_core.evidence.records import read_pictures


def test_list_names_every_study_and_scale(capsys):
    assert main(["study", "list"]) == 0
    out = capsys.readouterr().out
    assert "failure-mode " in out and "failure-mode-sprites" in out and "laptop" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["study", "run", "nothing"], "unknown study 'nothing'"),
        (["study", "run", "failure-mode", "--scale", "paper"], "not laid out at scale 'paper'"),
    ],
)
def test_errors_are_one_line(arguments, says, capsys, tmp_path):
    assert main([*arguments, "--results", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_unknown_scale_in_the_environment_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ADAINF_SCALE", "huge")
    assert main(["study", "run", "failure-mode", "--results", str(tmp_path)]) == 2
    assert "ADAINF_SCALE='huge'" in capsys.readouterr().err


def test_pictures_are_kept_as_they_are_made(capsys, tmp_path):
    arguments = ["study", "pictures", "failure-mode-sprites", "--scale", "quick"]
    assert main([*arguments, "--results", str(tmp_path)]) == 0
    pictures = read_pictures("failure-mode-sprites", "quick", tmp_path)
    assert list(pictures) == ["real", "flawed", "perfect"]
    assert all(p.shape == (12, 3, 16, 16) and p.dtype == np.uint8 for p in pictures.values())
    assert not np.array_equal(pictures["flawed"], pictures["perfect"])
