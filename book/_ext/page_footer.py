"""Sphinx extension: below every chapter what ran it, for how long, and the executed notebook.

The notebook lies beside the page's source in `_sources`, where the theme's button finds it too;
readable_notebook.py says what it holds.
"""

import html
from base64 import b64decode
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import linked_tests
from readable_notebook import Site, Work, merged, readable_notebook

#: The file that holds the notebooks of all pages, at the root of the site.
ARCHIVE = "notebooks.zip"
#: The picture of the book, in `_static`.
PREVIEW = "preview.png"
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


def work(entry: Any) -> Work:
    """How a page cites an entry of references.bib."""
    names = [" ".join(person.prelast_names + person.last_names) for person in
             entry.persons.get("author", [])]  # fmt: skip
    authors = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    given = entry.fields
    address = given.get("url", "")
    if "doi" in given:
        address = f"https://doi.org/{given['doi']}"
    elif given.get("archiveprefix", "").lower() == "arxiv":
        address = f"https://arxiv.org/abs/{given['eprint']}"
    return Work(authors or given.get("title", ""), given.get("year", ""), address)


@cache
def site(app: Any) -> Site:
    """What the notebooks take from the rest of the book, once all pages are read."""
    env, address = app.env, app.builder.get_target_uri
    names = {page: title.astext() for page, title in env.titles.items()}
    places = {page: address(page) for page in env.titles}
    for name, thing in env.get_domain("py").objects.items():
        places[f"py {name}"] = f"{address(thing.docname)}#{thing.node_id}"
    standard = env.get_domain("std")
    for (kind, name), (page, anchor) in standard.objects.items():
        places[f"{kind} {name}"] = f"{address(page)}#{anchor}"
    for label, (page, anchor, title) in standard.labels.items():
        places[label], names[label] = f"{address(page)}#{anchor}", title
    for file in set().union(*getattr(env, "adainf_tests", {}).values()):
        for name in linked_tests.lines_of_tests(file):
            places[f"test {file}::{name}"] = f"{address(linked_tests.page_of(file))}#{name}"
    for page, kinds in env.toc_fignumbers.items():
        for kind, numbers in kinds.items():
            for label, number in numbers.items():
                places[label] = f"{address(page)}#{label}"
                names[label] = f"{kind.capitalize()} {'.'.join(map(str, number))}"
    macros = (app.config.mathjax3_config or {}).get("tex", {}).get("macros", {})
    return Site(
        root=app.config.html_baseurl or "",
        places=places,
        names=names,
        works={
            key: work(entry) for key, entry in env.get_domain("cite").bibdata.data.entries.items()
        },
        macros={name: tex for name, tex in macros.items() if isinstance(tex, str)},
        source=Path(app.srcdir),
    )


def write_notebook(app: Any, pagename: str) -> None:
    """Write the executed page as a notebook into `_sources`."""
    import nbformat

    # myst-nb writes here what it read: on a cache hit the outputs are in the cache alone
    read = Path(app.outdir).parent / "jupyter_execute" / f"{pagename}.ipynb"
    executed = merged(nbformat.read(read, as_version=4), app.config.nb_execution_cache_path)
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(readable_notebook(executed, pagename, site(app)), target)


def add_footer(app: Any, pagename: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Give an executed page its footer and its notebook."""
    from myst_nb.sphinx_ import NbMetadataCollector

    ran = NbMetadataCollector.get_exec_data(app.env, pagename) if tree is not None else None
    if not ran or ran["runtime"] is None:
        return
    write_notebook(app, pagename)
    context["ipynb_source"] = f"{pagename}.ipynb"
    sources = context["pathto"]("_sources", 1)
    addresses = (f"{sources}/{name}" for name in (context["ipynb_source"], context["sourcename"]))
    context["body"] += footer(ran["runtime"], *addresses)


def write_archive(app: Any, error: Exception | None) -> None:
    """Put the notebooks of all pages into one file, with the same bytes in every build."""
    if error is not None or app.builder.format != "html":
        return
    sources = Path(app.outdir) / "_sources"
    with ZipFile(Path(app.outdir) / ARCHIVE, "w", ZIP_DEFLATED) as archive:
        for path in sorted(sources.rglob("*.ipynb")):
            name = f"notebooks/{path.relative_to(sources).as_posix()}"
            archive.writestr(ZipInfo(name), path.read_bytes(), ZIP_DEFLATED)


def write_preview(app: Any, error: Exception | None) -> None:
    """Keep the first page's first figure as the picture that links to the book are shown with."""
    import nbformat

    first = Path(app.outdir) / "_sources" / f"{app.config.root_doc}.ipynb"
    if error is not None or app.builder.format != "html" or not first.is_file():
        return
    notebook = nbformat.read(first, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [
        output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    if pictures:
        (Path(app.outdir) / "_static" / PREVIEW).write_bytes(b64decode(pictures[0]))


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx, ahead of the theme, which reads the context for its button."""
    app.connect("html-page-context", add_footer, priority=400)
    app.connect("build-finished", write_archive)
    app.connect("build-finished", write_preview)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
