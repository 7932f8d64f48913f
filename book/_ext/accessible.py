"""Sphinx extension: mends what axe and the console find in the HTML that Sphinx writes."""

from typing import Any

#: The theme takes a reader without a choice of theme for one with a choice that there is not.
MODE = 'document.documentElement.dataset.mode ||= "auto"'


def plain_lists(body: str) -> str:
    """Take from lists of citations the role of a list, which their entries do not bear out."""
    return body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')


def without_thebe(files: list[Any]) -> list[Any]:
    """Scripts but for those of Thebe: Jupyter Book adds them twice, an error, to be used never."""
    return [file for file in files if "thebe" not in f"{file.filename} {file.attributes}".lower()]


def mend(app: Any, pagename: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Mend a page before it is written."""
    if "body" in context:
        context["body"] = plain_lists(context["body"])
    context["script_files"][:] = without_thebe(context["script_files"])


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_js_file(None, body=MODE)
    app.connect("html-page-context", mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
