"""The key of the notebook cache moves with everything the chapters' outputs depend on."""

import book_state
import pytest


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.delenv("ADAINF_SCALE", raising=False)
    for name in ("adainf_core/theory/bounds.py", "results/study/run.json", "requirements.lock"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["adainf_core/theory/bounds.py", "results/study/run.json", "requirements.lock"]
)
def test_key_changes_with_one_byte_and_comes_back(tree, name):
    before = book_state.state(tree)
    (tree / name).write_text("2")
    assert book_state.state(tree) != before
    (tree / name).write_text("1")
    assert book_state.state(tree) == before


def test_key_changes_with_a_new_name(tree):
    before = book_state.state(tree)
    (tree / "results/study/run.json").rename(tree / "results/study/other.json")
    assert book_state.state(tree) != before


def test_key_changes_with_the_scale(tree, monkeypatch):
    before = book_state.state(tree)
    monkeypatch.setenv("ADAINF_SCALE", "laptop")
    assert book_state.state(tree) != before
    monkeypatch.setenv("ADAINF_SCALE", "quick")
    assert book_state.state(tree) == before


def test_key_ignores_compiled_files(tree):
    before = book_state.state(tree)
    (tree / "adainf_core/__pycache__").mkdir()
    (tree / "adainf_core/__pycache__/bounds.pyc").write_text("compiled")
    assert book_state.state(tree) == before


def test_unknown_scale_ends_the_build_in_one_line(monkeypatch):
    monkeypatch.setenv("ADAINF_SCALE", "huge")
    with pytest.raises(SystemExit) as ending:
        book_state.configure(app=None, config=None)
    message = str(ending.value)
    assert "\n" not in message
    assert all(word in message for word in ("huge", "quick", "laptop", "gpu", "paper"))


def test_mathjax_comes_from_its_package_as_one_file(tmp_path):
    book_state.copy_mathjax(tmp_path)
    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.relative_to(tmp_path).as_posix() == "mathjax/tex-svg-full.js"
    assert 1e6 < file.stat().st_size < 3e6


def test_bars_in_docstrings_stay_bars():
    lines = ["The sum of |p − q| over `a|b` and ``c|d``."]
    book_state.keep_bars(None, "function", "name", None, None, lines)
    assert lines == [r"The sum of \|p − q\| over `a|b` and ``c|d``."]
