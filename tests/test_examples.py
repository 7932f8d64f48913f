"""The examples run as they stand, teach something, and stay as short as they say."""

import importlib.util
import io
import runpy
import shlex
import sys
import tokenize
from pathlib import Path

import pytest
import torch

from adainf_core.cli import main
from adainf_core.learning.checkpoints import read_checkpoint

pytestmark = pytest.mark.usefixtures("few_penalties")

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str) -> dict:
    """What the example's names stand for at its end."""
    return runpy.run_path(str(EXAMPLES / name))


def code_lines(text: str) -> int:
    """How many lines hold code, rather than nothing, a comment or the docstring."""
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    blank |= {tokenize.ENDMARKER}
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    if tokens[0].type == tokenize.STRING:
        del tokens[0]
    spans = [(t.start[0], t.end[0]) for t in tokens if t.type not in blank]
    return len({line for first, last in spans for line in range(first, last + 1)})


def test_code_lines_are_counted_and_others_are_not():
    assert code_lines('"""Of\n\nthree."""\n\n# one\nx = (\n    1,  # two\n)\n\ny = """\n"""\n') == 5


def test_forty_lines_are_forty_and_raise_the_accuracy(capsys):
    assert code_lines((EXAMPLES / "pretrain_in_forty_lines.py").read_text()) <= 40
    names = run("pretrain_in_forty_lines.py")
    trained, untrained = names["trained"].accuracy, names["untrained"].accuracy
    assert trained > untrained + 0.01 and untrained > 3 / 10
    assert f"linear accuracy {100 * trained:.1f} %" in capsys.readouterr().out
    assert not {"pretrain", "Run"} & names.keys()  # the loop is there to be read


def test_a_plain_loop_raises_the_accuracy(capsys, tmp_path):
    text = (EXAMPLES / "in_a_plain_loop.py").read_text()
    assert "range(250)" in text  # of which a third does
    (tmp_path / "short.py").write_text(text.replace("range(250)", "range(80)"))
    names = runpy.run_path(str(tmp_path / "short.py"))
    assert names["trained"].accuracy > names["untrained"].accuracy + 0.005
    assert "kNN accuracy" in capsys.readouterr().out


def test_ten_lines_are_a_command_to_the_bit(tmp_path, monkeypatch, capsys):
    text = (EXAMPLES / "a_command_in_ten_lines.py").read_text()
    assert code_lines(text) <= 10
    text = text.replace("pretrain.steps=200", "pretrain.steps=3").replace(
        "steps=3", "steps=3 pretrain.warmup=1 pretrain.batch_size=64", 1
    )
    text = text.replace('"pretrain.steps=3"]', '"pretrain.steps=3", "pretrain.warmup=1", '
                        '"pretrain.batch_size=64"]')  # fmt: skip
    (tmp_path / "script").mkdir()
    monkeypatch.chdir(tmp_path / "script")
    Path("short.py").write_text(text)
    docstring = runpy.run_path("short.py")["__doc__"]
    (tmp_path / "command").mkdir()
    Path("fakes.npz").rename(tmp_path / "command" / "fakes.npz")
    monkeypatch.chdir(tmp_path / "command")
    said = capsys.readouterr().out
    lines = [line.strip() for line in docstring.replace("\\\n", " ").splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("adainf ")]
    assert [words[0] for words in commands] == ["generate", "pretrain"]
    assert all(main(words) == 0 for words in commands)
    assert said in capsys.readouterr().out and "N = 1 is AdaInf's" in said
    one, other = (read_checkpoint(tmp_path / name / "run.pt") for name in ("script", "command"))
    assert one.step == 3 and one.config == other.config and one.data == other.data
    assert one.history == other.history and one.model.keys() == other.model.keys()
    assert all(torch.equal(value, other.model[name]) for name, value in one.model.items())


@pytest.mark.skipif(importlib.util.find_spec("lightly") is None, reason="pip install lightly")
@pytest.mark.filterwarnings("default")  # those of other people's packages
def test_with_lightly_raises_the_accuracy():
    names = run("with_lightly.py")
    assert names["trained"].accuracy > names["untrained"].accuracy + 0.01


def test_without_lightly_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightly.loss", None)
    with pytest.raises(SystemExit, match=r"lightly.*: pip install lightly$"):
        run("with_lightly.py")
