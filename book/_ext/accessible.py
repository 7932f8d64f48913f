"""Sphinx extension: mends what axe and the browser's console find in the HTML of Sphinx."""

from typing import Any

#: Says which theme holds where nothing has been chosen; without it the theme's script complains.
MODE = '<script>try { localStorage.mode ||= "auto"; } catch {}</script>'


def plain_lists(body: str) -> str:
    """Take from lists of citations the role of a list, which their entries do not bear out."""
    return body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')


def without_thebe(scripts: list[Any]) -> list[Any]:
    """Scripts but those of live code: no page offers it, and they name a constant twice."""
    return [
        script
        for script in scripts
        if "thebe" not in f"{script.filename} {script.attributes.get('body', '')}".lower()
    ]


def mend(app: Any, pagename: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Mend a page before it is written."""
    if "body" in context:
        context["body"] = plain_lists(context["body"])
    context["metatags"] = context.get("metatags", "") + MODE
    files = context.get("script_files", [])
    files[:] = without_thebe(files)  # in place: other extensions add to the same list


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
