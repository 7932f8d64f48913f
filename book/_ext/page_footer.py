"""Sphinx extension: below every chapter what ran it, for how long, and the executed notebook.

The notebook lies beside the page's source in `_sources`, where the theme's button finds it too.
"""

import html
import shutil
from functools import cache
from pathlib import Path
from typing import Any

SHOWN = ("python", "torch", "numpy", "scipy")


@cache
def setting() -> str:
    """Scale, versions and machine of this build, in words."""
    from adainf_core import __version__
    from adainf_core.evidence.runs.records import machine
    from adainf_core.evidence.runs.scales import current_scale

    versions, device = machine("cpu")
    named = [f"adainf_core {__version__}", *(f"{name} {versions[name]}" for name in SHOWN)]
    return f"at scale “{current_scale()}” with {', '.join(named)} on {device.partition(',')[0]}"


def footer(seconds: float, notebook: str, source: str) -> str:
    """HTML of the footer; `notebook` and `source` are addresses relative to the page."""
    links = [(notebook, "executed notebook"), (source, "source")]
    download = " and ".join(
        f'<a href="{html.escape(to)}" download>{words}</a>' for to, words in links
    )
    ran = f"This page’s cells ran in {seconds:.1f} s {html.escape(setting())}."
    opening = '<aside class="ran" aria-label="How this page was made">'
    return f"{opening}<p>{ran} Download: {download}.</p></aside>"


def add_footer(app: Any, pagename: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Give an executed page its footer and its notebook."""
    from myst_nb.sphinx_ import NbMetadataCollector

    ran = NbMetadataCollector.get_exec_data(app.env, pagename) if tree is not None else None
    if not ran or ran["runtime"] is None:
        return
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{pagename}.ipynb"
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(executed, target)
    context["ipynb_source"] = f"{pagename}.ipynb"
    sources = context["pathto"]("_sources", 1)
    addresses = (f"{sources}/{name}" for name in (context["ipynb_source"], context["sourcename"]))
    context["body"] += footer(ran["runtime"], *addresses)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx, ahead of the theme, which reads the context for its button."""
    app.connect("html-page-context", add_footer, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
