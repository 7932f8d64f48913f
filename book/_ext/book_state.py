"""Sphinx extension of the book: library importable, notebook cache honest, MathJax local.

* Chapters and the API reference import `adainf_core` from this checkout, installed or not.
* Jupyter Book's cache knows a chapter by its code cells alone, so an edited library or a new result
  would leave old figures standing. Here the cache folder is named after a hash of everything the
  cells depend on: when one byte of it changes, every chapter runs again, and a change taken back
  finds its old cache.
* The pages load MathJax from the site, so that formulas show without a network.
* Docstrings may write |p − q| as plain text: reStructuredText would take it for a substitution.
"""

import hashlib
import os
import re
import shutil
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
# The library, the committed results, and the versions of everything underneath.
DEPENDENCIES = ("adainf_core", "results", "benchmarks/results", "requirements.lock")


def state(root: Path = ROOT) -> str:
    """Hash of what the chapters' outputs depend on besides their own cells."""
    from adainf_core.evidence.runs.scales import current_scale

    digest = hashlib.sha256(str(current_scale()).encode())
    for top in DEPENDENCIES:
        # `rglob` below a file yields nothing, so a file stands for itself.
        for path in sorted([root / top, *(root / top).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).digest()
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()[:16]


def notebook_cache() -> Path:
    """Folder of the executed chapters in this state."""
    return BUILD / ".jupyter_cache" / state()


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
    """Point Jupyter Book at the keyed cache and at the local MathJax."""
    try:
        cache = notebook_cache()
    except ValueError as error:
        # Not an ordinary exception: Jupyter Book would bury its one line under a traceback.
        raise SystemExit(f"book: {error}") from None
    # Sphinx reads every page anew when this setting differs from the last build's.
    config.nb_execution_cache_path = str(cache)
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


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    sys.path.insert(0, str(ROOT))
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), inherited]))
    app.connect("config-inited", configure)
    app.connect("autodoc-process-docstring", keep_bars)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
