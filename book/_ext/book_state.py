"""Sphinx extension of the book: library importable, notebook cache honest, MathJax local.

* Chapters and the API reference import `adainf_core` from this checkout, installed or not, and
  kernels start without a word.
* Jupyter Book's cache knows a chapter by its code cells and its kernel's description alone, so an
  edited library or a new result would leave old figures standing. Here the description carries a
  hash of all that the chapter's cells reach (`state`): when that changes, the chapter runs again,
  and no other; a change taken back finds its old outputs.
* The pages load MathJax from the site, so that formulas show without a network.
* Docstrings may write |p − q| as plain text: reStructuredText would take it for a substitution.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import asdict
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
BUILD = ROOT / "_build"
#: Where the chapters' kernel is described. It logs errors alone: over the machine's own loopback it
#: would warn at every start that nothing is encrypted.
KERNELS = ROOT / "tools" / "jupyter"
CELL = "```{code-cell}"
KERNEL = "kernelspec:\n"
#: Definitions through which every study is read, by the last part of their place.
_FINDINGS = "adainf_core.findings."
_ALL_STUDIES = ("ledger.ledger", "catalogue.all_claims", "every_run.draw_every_run")


def stated(text: str, name: str, root: Path = ROOT) -> str:
    """The page `name` with its state in the description of its kernel, for the cache to see."""
    if CELL not in text:
        return text
    return text.replace(KERNEL, f"{KERNEL}  state: {state(name, text, root)}\n", 1)


@cache
def state(name: str, text: str, root: Path = ROOT) -> str:
    """Hash of all that the outputs of a page with this `text` depend on besides its own cells.

    That is the scale, the versions of all packages, the definitions of the library that its cells
    reach, and the records, pictures and benchmarks that they read; 16 hexadecimal digits.
    """
    from adainf_core.evidence.runs.fingerprints import reached_by_script
    from adainf_core.evidence.runs.scales import current_scale
    from adainf_core.evidence.studies import levels
    from adainf_core.evidence.studies.catalogue import studies

    code = cells(text)
    nodes = list(ast.walk(ast.parse(code)))
    imported = {node.name for node in nodes if isinstance(node, ast.alias)}
    found, strings = reached_by_script(code)
    # records are read by name, by a cell or by what it takes from the findings
    words = frozenset[str]().union(
        *(held for place, held in strings.items() if not place or place.startswith(_FINDINGS))
    )
    # all code that looks a study up reaches the catalogue; only what the cells ask for counts
    everything = "studies" in imported or any(place.endswith(_ALL_STUDIES) for place in found)
    modules = {study.name: module_of(study.name) for study in studies().values()}
    read = [
        study
        for study, module in modules.items()
        if everything
        or study in words
        or {f"{module}.{own}" for own in ("STUDY", "STUDIES", "NAME")} & set(found)
    ]
    if read and levels.NAME not in read:  # they stand beneath every accuracy
        read.append(levels.NAME)
    found, _ = reached_by_script(code, [modules[study] for study in read])
    parts = [current_scale(), _file(root / "requirements.lock"), *found, *found.values()]
    parts += [said for study in read for said in records_of(study, root)]
    if any(place.endswith("registration.standing") for place in found):
        parts.append(_file(root / "results" / "registrations.json"))
    for path in sorted((root / "benchmarks" / "results").glob("*.json")):
        parts += [_file(path)] if path.name in code or path.stem in words else []
    if any(place.endswith("pipelines.SHIPPED") for place in found):
        shipped = root / "adainf_core" / "generators" / "shipped"
        parts += [_file(path) for path in sorted(shipped.rglob("*")) if path.is_file()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def cells(text: str) -> str:
    """The code of a page's cells, one after the other, commands of IPython left out."""
    from myst_nb.core.config import NbParserConfig
    from myst_nb.core.read import create_nb_reader
    from myst_parser.config.main import MdParserConfig

    reader = create_nb_reader("page.md", MdParserConfig(), NbParserConfig(), text)
    if reader is None:
        raise ValueError("a page with code cells needs a header that makes it a notebook")
    code = [cell.source for cell in reader.read(text).cells if cell.cell_type == "code"]
    return re.sub(r"(?m)^[%!].*$", "", "\n".join(code))


def module_of(study: str) -> str:
    """The module that defines a study."""
    from adainf_core.evidence.studies import catalogue

    for place, defined in catalogue.homes().items():
        if any(one.name == study for one in defined):
            return place
    raise ValueError(f"no module of the catalogue defines {study!r}")


@cache
def records_of(name: str, root: Path) -> tuple[str, ...]:
    """Hashes of a study's records at every scale, of its pictures, and what speaks for the code."""
    from adainf_core.evidence.runs.running import study_records
    from adainf_core.evidence.studies.catalogue import named_study
    from adainf_core.findings.captions import standing_of_code

    study, results = named_study(name), root / "results"
    parts = [_file(path) for path in sorted((results / name).glob("*/*.npz"))]
    for scale in study.layouts:
        found = study_records(study, scale, results)
        text = json.dumps([asdict(record) for record in found], sort_keys=True)
        parts += [hashlib.sha256(text.encode()).hexdigest()]
        parts += [standing_of_code(study, found, results)] if found else []
    return tuple(parts)


def _file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"


def notebook_cache() -> Path:
    """Folder of the executed chapters."""
    return BUILD / ".jupyter_cache"


def outdated(app: Any, env: Any, added: set, changed: set, removed: set) -> list[str]:
    """Pages whose state has changed since they were read."""
    env.adainf_states = getattr(env, "adainf_states", {})
    return [
        page
        for page in env.found_docs
        if page in env.adainf_states and env.adainf_states[page] != _state_of(app, page)
    ]


def mark(app: Any, page: str, content: list[str]) -> None:
    """Give a page its state as it is read, and note it."""
    content[0] = stated(content[0], page)


def note(app: Any, env: Any) -> None:
    """Keep the states of the pages as they have been read."""
    env.adainf_states = {page: _state_of(app, page) for page in env.found_docs}


def _state_of(app: Any, page: str) -> str:
    text = Path(app.env.doc2path(page)).read_text(encoding="utf-8")
    return state(page, text) if CELL in text else ""


def copy_mathjax(folder: Path) -> None:
    """Put the one MathJax file the pages need (TeX in, SVG out, fonts inside) into `folder`."""
    wanted = "mathjax/tex-svg-full.js"
    for file in files("sphinx-mathjax-offline") or []:
        if file.as_posix().endswith(wanted):
            target = folder / wanted
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
            return
    raise FileNotFoundError(f"sphinx-mathjax-offline has no {wanted}; install requirements.lock")


def configure(app: Any, config: Any) -> None:
    """Point Jupyter Book at the cache and at the local MathJax."""
    from adainf_core.evidence.runs.scales import current_scale

    try:
        current_scale()
    except ValueError as error:
        # Not an ordinary exception: Jupyter Book would bury its one line under a traceback.
        raise SystemExit(f"book: {error}") from None
    config.nb_execution_cache_path = str(notebook_cache())
    copy_mathjax(BUILD / "static")
    # Appended here, after Jupyter Book listed book/_static for scripts to load on every page.
    config.html_static_path.append(str(BUILD / "static"))
    config.mathjax_path = "mathjax/tex-svg-full.js"


def keep_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape the vertical bars of a docstring, except between backticks."""
    for number, line in enumerate(lines):
        parts = re.split(r"(`+[^`]*`+)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[number] = "".join(parts)


def find_checkout() -> None:
    """Let kernels that this process starts find the library and their description here first."""
    for variable, place in (("PYTHONPATH", ROOT), ("JUPYTER_PATH", KERNELS)):
        there = os.environ.get(variable, "").split(os.pathsep)
        others = [each for each in there if each not in ("", str(place))]
        os.environ[variable] = os.pathsep.join([str(place), *others])


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    sys.path.insert(0, str(ROOT))
    find_checkout()
    app.connect("config-inited", configure)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", mark)
    app.connect("env-updated", note)
    app.connect("autodoc-process-docstring", keep_bars)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
