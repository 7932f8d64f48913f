"""Sphinx extension: the role {test}`tests/theory/test_bounds.py::test_identity`.

A small mark links a sentence to the test that checks it, on a page with the test's source; the
build fails where there is no such test. A parametrised test is named without its parameters.
"""

import ast
import html
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes

ROOT = Path(__file__).resolve().parents[2]


@cache
def lines_of_tests(file: str) -> dict[str, int]:
    """First line, decorators left out, of each function and each method of the tests in `file`."""
    path = ROOT / file
    if not (file.startswith("tests/") and path.is_file()):
        raise ValueError(f"{file} is no file of tests")
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name: node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, functions) and node.name.startswith("test_")
    }


def page_of(file: str) -> str:
    """Name of the page that shows `file`."""
    return f"_{file.removesuffix('.py')}"


def locate(target: str) -> tuple[str, str]:
    """File and function that `target` names; ValueError where there are none."""
    file, _, name = target.partition("::")
    if name not in lines_of_tests(file):
        raise ValueError(f"{file} has no test {name!r}")
    return file, name


def test_role(
    role: str, rawtext: str, text: str, line: int, inliner: Any, *rest: Any
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Turn the role into a link, which `resolve` gives its address once the page is known."""
    try:
        file, name = locate(text)
    except ValueError as error:
        message = inliner.reporter.error(f"test: {error}", line=line)
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    env = inliner.document.settings.env
    env.adainf_tests = getattr(env, "adainf_tests", {})
    env.adainf_tests.setdefault(env.docname, set()).add(file)
    mark = nodes.inline("", "tested", classes=["tested"])
    link = nodes.reference("", "", mark, internal=True, test=(file, name), reftitle=name)
    return [link], []


def without_brackets(app: Any, tree: nodes.document) -> None:
    """Take the brackets away from around a mark that stands alone in them."""
    for link in tree.findall(lambda node: isinstance(node, nodes.reference) and "test" in node):
        place = link.parent.index(link)
        if not 0 < place < len(link.parent) - 1:
            continue
        before, after = link.parent[place - 1], link.parent[place + 1]
        if not (isinstance(before, nodes.Text) and isinstance(after, nodes.Text)):
            continue
        if before.astext().endswith("(") and after.astext().startswith(")"):
            link.parent[place - 1] = nodes.Text(before.astext()[:-1])
            link.parent[place + 1] = nodes.Text(after.astext()[1:])


def resolve(app: Any, tree: nodes.document, docname: str) -> None:
    """Give every link to a test its address; only HTML has the pages they lead to."""
    for link in tree.findall(lambda node: isinstance(node, nodes.reference) and "test" in node):
        file, name = link["test"]
        if app.builder.format == "html":
            link["refuri"] = f"{app.builder.get_relative_uri(docname, page_of(file))}#{name}"
        else:
            link.replace_self(link.children)


def forget(app: Any, env: Any, docname: str) -> None:
    """Forget the links of a page that is read again."""
    getattr(env, "adainf_tests", {}).pop(docname, None)


def merge(app: Any, env: Any, docnames: list[str], other: Any) -> None:
    """Take over what a parallel reader found."""
    env.adainf_tests = getattr(env, "adainf_tests", {}) | getattr(other, "adainf_tests", {})


def with_anchors(highlighted: str, places: dict[str, int]) -> str:
    """Highlighted source with an anchor at the line of each test."""
    lines = highlighted.split("\n")
    for name, number in places.items():
        opening, pre, rest = lines[number - 1].rpartition("<pre>")
        lines[number - 1] = f'{opening}{pre}<span id="{html.escape(name)}"></span>{rest}'
    return "\n".join(lines)


def pages(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for every file of tests that some chapter links to."""
    for file in sorted(set().union(*getattr(app.env, "adainf_tests", {}).values())):
        source = (ROOT / file).read_text(encoding="utf-8")
        shown = app.builder.highlighter.highlight_block(source, "python", linenos=False)
        body = f"<h1>{file}</h1>\n{with_anchors(shown, lines_of_tests(file))}"
        yield page_of(file), {"title": file, "body": body}, "page.html"


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_role("test", test_role)
    app.connect("doctree-read", without_brackets)
    app.connect("doctree-resolved", resolve)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("html-collect-pages", pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
