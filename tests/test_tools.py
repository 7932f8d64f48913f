"""The tools behind make: set-up, the strict build, the check of the built site."""

import collections
import json
import os
import subprocess
import sys
import types

import book_state
import build_book
import check_site
import kernels
import pytest
import run_chapters
import setup_env

# --- setup_env -----------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "requirements.lock").write_text("numpy==2.0\nuv==0.5\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return setup_env.Environment(tmp_path)


@pytest.fixture
def installed(environment, monkeypatch):
    """An environment whose commands succeed at once, and the commands it was told to run."""
    commands = []
    monkeypatch.setattr(setup_env.Environment, "_usable", lambda self: True)
    monkeypatch.setattr(setup_env.Environment, "_run", lambda self, c, purpose: commands.append(c))
    monkeypatch.setattr(setup_env, "NEEDED_GIB", 0)
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    environment.install()
    return environment, commands


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 14)])
def test_unsupported_python_is_refused(version):
    with pytest.raises(setup_env.SetupError, match=rf"Python 3\.{version[1]} .*PYTHON="):
        setup_env.check_python(version)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_supported_python_is_accepted(version):
    setup_env.check_python(version)


def test_missing_venv_module_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(setup_env.SetupError, match=r"venv module .*PYTHON="):
        setup_env.check_venv_module()


def test_too_little_disk_is_refused(tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(setup_env.shutil, "disk_usage", lambda path: usage(0, 0, 2 * 2**30))
    with pytest.raises(setup_env.SetupError, match=r"2\.0 GiB free .* need 9 GiB"):
        setup_env.check_disk(tmp_path)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("WARNING: Retrying ... NewConnectionError\nERROR: No matching distribution", "network"),
        ("error: Failed to fetch: `https://x/`\n  Caused by: error sending request", "network"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: torch has no wheel for this platform", "torch has no wheel for this platform"),
        ("", "run the same command again"),
    ],
)
def test_failed_install_is_one_line_with_its_log(environment, monkeypatch, printed, expected):
    def failing_run(command, stdout, **rest):
        stdout.write(printed)
        stdout.flush()
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(setup_env.Environment, "_usable", lambda self: True)
    monkeypatch.setattr(setup_env, "NEEDED_GIB", 0)
    monkeypatch.setattr(setup_env.subprocess, "run", failing_run)
    with pytest.raises(setup_env.SetupError) as failure:
        environment.install()
    message = str(failure.value)
    assert expected in message
    assert "\n" not in message
    assert str(environment.log) in message
    assert printed in environment.log.read_text()
    assert not environment.is_current()


def test_finished_install_is_not_repeated_until_something_changes(installed):
    environment, commands = installed
    assert [command[-1] for command in commands] == ["uv==0.5", "requirements.lock", "."]
    assert environment.is_current()
    (environment.root / "requirements.lock").write_text("numpy==2.1\nuv==0.5\n")
    assert not environment.is_current()


def test_interrupted_install_is_not_mistaken_for_a_good_one(installed, monkeypatch):
    environment, _ = installed

    def interrupted(self, command, purpose):
        raise KeyboardInterrupt

    monkeypatch.setattr(setup_env.Environment, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.install()
    assert not environment.is_current()


def test_only_an_interrupted_install_is_laid_down_again(installed):
    environment, commands = installed
    commands.clear()
    (environment.root / "requirements.lock").write_text("numpy==2.1\nuv==0.5\n")
    environment.install()
    assert "--reinstall" not in commands[1]
    commands.clear()
    environment.stamp.unlink()
    environment.install()
    assert "--reinstall" in commands[1]


def test_main_prints_one_line(monkeypatch, capsys):
    def refuse():
        raise setup_env.SetupError("no such luck; try again.")

    monkeypatch.setattr(setup_env, "check_python", refuse)
    assert setup_env.main() == 1
    assert capsys.readouterr().err == "setup: no such luck; try again.\n"


# --- check_site ----------------------------------------------------------------------------------

CLEAN = """<!doctype html><html><head>
<link rel="stylesheet" href="style.css"><link rel="canonical" href="https://example.org/">
<script src="local.js"></script></head><body>
<h1 id="top">Title</h1> <a href="#top">up</a> <a href="other%20page.html#there">on</a>
<a href="https://example.org/">another site</a> <a href="mailto:a@example.org">write</a>
<a href="#">nowhere in particular</a> <a href="folder/">folder</a>
<img src="picture.png" alt="a grey square">
<img src="data:image/png;base64,AAAA" alt="a dot">
<div class="fig" role="img" aria-label="a curve"><svg></svg></div>
</body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text(CLEAN)
    (tmp_path / "other page.html").write_text('<p id="there">x</p>')
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text('<a href="../index.html#top">back</a>')
    for name in ("local.js", "picture.png"):
        (tmp_path / name).touch()
    (tmp_path / "style.css").write_text("a { background: url(picture.png) }")
    return tmp_path


def test_clean_site_passes(site):
    assert check_site.check(site) == []


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ('<img src="picture.png">', "picture picture.png has no alt text"),
        ('<img src="picture.png" alt=" ">', "picture picture.png has no alt text"),
        ('<img src="picture.png" alt="picture.png">', "picture picture.png has no alt text"),
        ('<div class="fig wide" aria-label="x"></div>', 'class="fig"'),
        ('<div class="fig" role="img" aria-label=""></div>', 'class="fig"'),
        ('<script src="https://cdn.example/x.js"></script>', "loads https://cdn.example/x.js"),
        ('<script src="//cdn.example/x.js"></script>', "loads //cdn.example/x.js"),
        ('<link rel="stylesheet" href="http://cdn.example/x.css">', "loads http://cdn.example/"),
        ('<img alt="a" src="https://cdn.example/x.png">', "loads https://cdn.example/x.png"),
        ("<style>@import url('https://cdn.example/f.css')</style>", "loads https://cdn.example/"),
        ('<p style="background: url(//cdn.example/p.png)">', "loads //cdn.example/p.png"),
        ('<a href="missing.html">x</a>', "link missing.html leads to no file"),
        ('<script src="missing.js"></script>', "link missing.js leads to no file"),
        ('<a href="#nowhere">x</a>', "link #nowhere leads to no such place"),
        ('<a href="folder/index.html#top">x</a>', "link folder/index.html#top leads to no such"),
    ],
)
def test_each_fault_is_found(site, fragment, expected):
    (site / "index.html").write_text(CLEAN.replace("</body>", fragment + "</body>"))
    [fault] = check_site.check(site)
    assert fault.startswith("index.html: ")
    assert expected in fault


def test_outside_font_in_a_style_sheet_is_found(site):
    (site / "style.css").write_text("@font-face { src: url('https://cdn.example/f.woff2') }")
    assert check_site.check(site) == [
        "style.css: loads https://cdn.example/f.woff2 from outside the site"
    ]


def notebook_of(text="Words, `{code}` and $x$.", output="1"):
    shown = {"output_type": "execute_result", "data": {"text/markdown": [output]}}
    return {
        "cells": [
            {"cell_type": "markdown", "source": [text]},
            {"cell_type": "code", "source": "1", "outputs": [shown] if output else []},
        ]
    }


@pytest.mark.parametrize(
    ("notebook", "expected"),
    [
        (notebook_of(), []),
        (notebook_of(output=""), ["no cell of the notebook has an output"]),
        (notebook_of("A {term}`word`."), ["the notebook holds raw {term}`word`"]),
        (notebook_of("A.\n\n:::{tip}\nB\n:::"), ["the notebook holds raw :::{tip}"]),
        (notebook_of(output="{py:func}`x`"), ["the notebook holds raw {py:func}`x`"]),
    ],
)
def test_a_notebook_without_outputs_or_with_markup_is_found(site, notebook, expected):
    (site / "_sources").mkdir()
    (site / "_sources" / "a.ipynb").write_text(json.dumps(notebook))
    assert check_site.check(site) == [f"_sources/a.ipynb: {fault}" for fault in expected]


def test_empty_site_is_a_fault(tmp_path):
    assert len(check_site.check(tmp_path)) == 1


# --- run_chapters --------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Run a book of one chapter with the cell `code`; says what came of it, and what is cached."""
    import jupyter_cache
    import run_chapters

    def write(code):
        (tmp_path / "a.md").write_text(f"{HEADER}\n```{{code-cell}}\n{code}\n```\n")
        monkeypatch.setattr(run_chapters, "BOOK", tmp_path)
        cache = tmp_path / "cache"
        kept = jupyter_cache.get_cache(str(cache))
        return run_chapters.run("a", cache), kept.list_cache_records()

    return write


def test_chapter_is_run_once_and_then_read(book, tmp_path):
    code = f"with open(r'{tmp_path / 'log'}', 'a') as log: print('ran', file=log)\n6 * 7"
    for _ in range(2):
        ran, kept = book(code)
        assert not ran.error and not ran.stray and len(kept) == 1
        assert [
            cell.outputs[0]["data"]["text/plain"] for cell in ran.cells if cell.get("outputs")
        ] == ["42"]
    assert (tmp_path / "log").read_text() == "ran\n"


def test_chapter_that_raises_says_so_and_is_not_kept(book):
    ran, kept = book("1 / 0")
    assert "ZeroDivisionError" in ran.error and kept == []


def test_chapter_that_writes_to_stderr_is_told_of(book):
    ran, _ = book("import sys; print('whisper', file=sys.stderr)")
    assert "whisper" in ran.stray[0]


# --- build_book ----------------------------------------------------------------------------------


@pytest.fixture
def jupyter_book(tmp_path, monkeypatch):
    """Stand in for jupyter-book: write `pages` below the site, end with `code`.

    The chapters that run before it end with `chapters`.
    """
    calls = []

    def pretend(pages, code=0, chapters=0):
        def run(command, cwd, **rest):
            if command[1] == build_book.RUN_CHAPTERS:
                return subprocess.CompletedProcess(command, chapters)
            calls.append(command)
            for name, text in pages.items():
                path = tmp_path / "_build" / "html" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return subprocess.CompletedProcess(command, code)

        monkeypatch.setattr(build_book.subprocess, "run", run)
        return calls

    return pretend


def test_good_build_has_no_faults_and_is_strict(tmp_path, jupyter_book):
    calls = jupyter_book({"index.html": "<p>fine</p>"})
    assert build_book.build(tmp_path) == []
    assert {"--all", "-W", "-n", "--keep-going"} <= set(calls[0])


def test_failed_build_is_a_fault(tmp_path, jupyter_book):
    jupyter_book({"index.html": "<p>fine</p>"}, code=1)
    [fault] = build_book.build(tmp_path)
    assert "exit code 1" in fault


def test_failed_chapter_is_a_fault_and_ends_the_build(tmp_path, jupyter_book):
    calls = jupyter_book({"index.html": "<p>fine</p>"}, chapters=1)
    [fault] = build_book.build(tmp_path)
    assert "chapter failed" in fault and not calls


def test_site_of_an_earlier_build_does_not_count(tmp_path, jupyter_book):
    jupyter_book({"index.html": "<p>fine</p>"})
    build_book.build(tmp_path)
    jupyter_book({})
    [fault] = build_book.build(tmp_path)
    assert "index.html" in fault


def test_faulty_page_is_a_fault(tmp_path, jupyter_book):
    jupyter_book({"index.html": "<img src='x.png'>"})
    assert len(build_book.build(tmp_path)) == 2  # no alt text, no file


# --- run_chapters --------------------------------------------------------------------------------

KERNEL = (
    "from jupyter_client.manager import start_new_kernel\n"
    "manager, client = start_new_kernel(kernel_name='python3')\n"
    "client.execute_interactive('print(6 * 7)')\n"
    "client.stop_channels()\n"
    "manager.shutdown_kernel(now=True)\n"
)


def test_a_chapters_kernel_starts_without_a_word():
    environment = os.environ | {"JUPYTER_PATH": str(book_state.KERNELS)}
    done = subprocess.run(
        [sys.executable, "-c", KERNEL], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


@pytest.mark.parametrize("start", [lambda: run_chapters.run_all([]), lambda: setup_book()])
def test_every_kernel_of_the_book_is_the_one_described_here(monkeypatch, start):
    monkeypatch.setenv("JUPYTER_PATH", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    for _ in range(2):
        start()
        first, second = os.environ["JUPYTER_PATH"].split(os.pathsep)
        assert (first, second) == (str(book_state.KERNELS), "/elsewhere")
        assert os.environ["PYTHONPATH"] == str(book_state.ROOT)
    assert (book_state.KERNELS / "kernels" / "python3" / "kernel.json").is_file()


def setup_book():
    """What Sphinx does, which runs a chapter that has changed since it was last run."""
    book_state.setup(types.SimpleNamespace(connect=lambda *_: None))


FORKED = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")
HEADER = (
    "---\nkernelspec:\n  display_name: x\n  language: python\n  name: python3\n"
    "jupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\n---\n"
)


@pytest.fixture
def run_book(tmp_path, monkeypatch):
    """Runs a book of the chapters given as name=code; says how they ended."""
    monkeypatch.setattr(run_chapters, "BOOK", tmp_path)
    monkeypatch.setattr(book_state, "BUILD", tmp_path / "build")
    monkeypatch.setattr(kernels, "PRELOADED", ("decimal",))

    def run(tell=lambda name, ran: None, **chapters):
        for name, code in chapters.items():
            text = f"{HEADER}\n```{{code-cell}}\n{code}\n```\n"
            (tmp_path / f"{name}.md").write_text(text)
        return run_chapters.run_all(list(chapters), tell)

    return run


def test_a_chapter_whose_kernel_dies_has_failed_and_the_others_go_on(run_book):
    told = []
    runs = run_book(
        lambda name, ran: told.append(name),
        a="6 * 7",
        dies="import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        b="6 * 7",
    )
    assert sorted(told) == ["a", "b", "dies"] and list(runs) == ["a", "dies", "b"]
    assert not runs["a"].error and not runs["b"].error
    assert "died" in runs["dies"].error.lower()


@FORKED
def test_kernels_are_fresh_forks_of_one_process(run_book):
    code = """import os, sys
known, sys.modules["mine"] = "mine" in sys.modules, sys
print(os.getppid(), os.getpid() == os.getpgid(0), known, "decimal" in sys.modules, __name__)
print(os.getcwd(), any(path.endswith("tools") for path in sys.path))"""
    runs = run_book(a=code, b=f"{code}\n# not a")
    said = [
        output["text"].splitlines()
        for ran in runs.values()
        for cell in ran.cells
        for output in cell.get("outputs", [])
    ]
    assert len(said) == 2 and said[0] == said[1]
    server, *rest = said[0][0].split()
    assert rest == ["True", "False", "True", "__main__"]
    assert said[0][1] == f"{run_chapters.BOOK} False"
    assert not alive(int(server)), "it ends with the chapters"


@FORKED
def test_what_ends_the_run_ends_the_chapters(run_book, tmp_path):
    class Stopped(Exception):
        pass

    def stop(name, ran):
        raise Stopped

    pid = tmp_path / "pid"
    slow = f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(pid)!r}).is_file(): time.sleep(0.05)"
    with pytest.raises(Stopped):
        run_book(stop, slow=slow, quick=wait)
    assert not alive(int(pid.read_text()))


def alive(pid):
    """Whether there is a process `pid`."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
