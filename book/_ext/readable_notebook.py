"""An executed chapter as a notebook to read and to run anywhere, without MyST.

Jupyter shows Markdown, but neither roles nor directives, and heeds no tag of a cell. So here:

* `{glue:text}` becomes the number that the cells glued, other roles the words the page shows,
  linked where the link leads somewhere from any folder;
* a directive becomes a bold title and its text, a solution folds away;
* the code that the page hides is folded, a figure is the picture that needs no trust in the file;
* a first cell says in one line what is missing where the notebook cannot run.
"""

import ast
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any

import book_state
from myst_source import Directive, directives
from pieces import ANSWER, PIECES
from reading_time import in_words

GLUE = "application/papermill.record/"
PROOFS = "prf:"
DROPPED = {"bibliography", "contents", "index", "nb-exec-table", "only", "tableofcontents"}
CODE_ROLES = {"code", "command", "default", "file", "kbd", "name", "program"}
INLINE = re.compile(
    r"(?:\{(?P<role>[\w:+.-]+)\})?(?P<ticks>`+)(?P<text>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<maths>\$\$.+?\$\$|(?<!\\)\$(?:[^$\n]|\n(?!\s*\n))+?\$)"
    r"|(?<!!)\[(?P<words>[^\[\]]*)\]\((?P<to>[^()\s]+)\)",
    re.DOTALL,
)
TITLED = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
CITED = re.compile(r"(?:\{([^}]*)\})?([^,{}]+)(?:\{([^}]*)\})?")

SET_UP = """\
# Checks that this notebook can run here.
from importlib.util import find_spec
from pathlib import Path

missing = [name for name in ("adainf_core", "myst_nb") if find_spec(name) is None]
if not missing and not (Path(find_spec("adainf_core").origin).parents[1] / "results").is_dir():
    missing = ["the committed results"]
if missing:
    raise ModuleNotFoundError(
        f"{' and '.join(missing)} not found: run pip install -e '.[book]' in a checkout of the "
        "project and start this notebook's kernel again"
    )
"""


@dataclass(frozen=True)
class Work:
    """A work that can be cited: "Wang et al.", its year, and an address or nothing."""

    authors: str
    year: str
    address: str = ""


@dataclass(frozen=True)
class Site:
    """What the rest of the book knows and a page's source does not; by default nothing.

    `root` is the public address of the site, empty where it has none: relative links would lead
    nowhere from a downloaded file. `places` are pages with anchors below it, by the name of what is
    there ("term encoder", "py adainf_core.fit", "test tests/x.py::test_y", a label), `names` are
    what the pages call a label ("Theorem 2") or a page (its title).
    """

    root: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    works: Mapping[str, Work] = field(default_factory=dict)
    macros: Mapping[str, str] = field(default_factory=dict)
    source: Path | None = None  # folder of the pages, for what they include


def merged(notebook: Any, cache: str | Path) -> Any:
    """`notebook` with the outputs that the notebook cache in the folder `cache` has for its cells.

    Raises KeyError where the cache does not know it.
    """
    from jupyter_cache import get_cache

    return get_cache(str(cache)).merge_match_into_notebook(notebook)[1]


def read_page(path: Path, stated: bool = False) -> Any:
    """The page at `path` as a notebook that has not run, `stated` as the cache knows it."""
    from myst_nb.core.config import NbParserConfig
    from myst_nb.core.read import create_nb_reader
    from myst_parser.config.main import MdParserConfig

    text = path.read_text(encoding="utf-8")
    if stated:
        text = book_state.stated(text, path.stem)
    reader = create_nb_reader(str(path), MdParserConfig(), NbParserConfig(), text)
    if reader is None:
        raise ValueError(f"{path} has no header that makes it a notebook")
    return reader.read(text)


def raw_markup(text: str) -> list[str]:
    """The roles and directives that the Markdown `text` holds, as they stand in it."""
    lines, found = text.splitlines(), []
    for each in directives(text):
        if each.name:
            found.append(lines[each.first].strip())
        lines[each.first : each.end] = [""] * (each.end - each.first)
    roles = [match[0] for match in INLINE.finditer("\n".join(lines)) if match["role"]]
    return found + roles


def readable_notebook(notebook: Any, page: str = "", site: Site | None = None) -> Any:
    """A copy of the executed `notebook`, readable and runnable without the book around it.

    `page` is the name of the page, "reference/cli", from which its relative links start.
    """
    site = site or Site()
    result = deepcopy(notebook)
    convert = _Page(page, site, glued(result))
    cells = []
    for cell in result.cells:
        if cell.cell_type == "markdown":
            cell.source = convert.markdown(cell.source)
        elif cell.cell_type == "code":
            _clean(cell, convert)
            _fold(cell, solution=convert.in_solution)
        if cell.source.strip():
            cells.append(cell)
    first = next((n for n, cell in enumerate(cells) if cell.cell_type == "code"), None)
    if first is not None:
        from nbformat.v4 import new_code_cell  # takes a second to import, which others need not

        set_up = {"metadata": {"jupyter": {"source_hidden": True}}}
        cells.insert(first, new_code_cell(SET_UP.strip(), **set_up))
    for number, cell in enumerate(cells, start=1):
        cell.id = f"cell-{number}"  # the same in every build
    result.cells = cells
    for key in ("jupytext", "source_map"):
        result.metadata.pop(key, None)
    return result


def glued(notebook: Any) -> dict[str, str]:
    """The texts that the cells of `notebook` glued, by name."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            data = output.get("data", {})
            text = data.get(f"{GLUE}text/plain", data.get("text/plain"))
            if name is not None and text is not None:
                found[name] = text
    return found


def _clean(cell: Any, convert: "_Page") -> None:
    """Keep of a cell's outputs what Jupyter shows, in a form it shows without trust."""
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        for mime in [mime for mime in data if mime.startswith(GLUE)]:
            del data[mime]
        if output.output_type == "stream" and output.name == "stderr":
            continue
        if "data" in output and not data:
            continue
        if "image/png" in data and "text/html" in data:
            del data[
                "text/html"
            ]  # drawn in HTML, which Jupyter strips from a file it does not know
            output.metadata["image/png"] = {"alt": data.get("text/plain", "")}
        if "text/markdown" in data:
            data.pop("text/html", None)  # the same, in the site's own style
            data["text/markdown"] = convert.markdown(data["text/markdown"])
        kept.append(output)
    cell.outputs = kept


def _fold(cell: Any, *, solution: bool) -> None:
    tags = set(cell.metadata.get("tags", []))
    folded = cell.metadata.get("jupyter", {})
    if solution or tags & {"hide-input", "hide-cell", "remove-input", "remove-cell"}:
        folded["source_hidden"] = True
    if solution or tags & {"hide-output", "hide-cell", "remove-output", "remove-cell"}:
        folded["outputs_hidden"] = True
    if folded:
        cell.metadata["jupyter"] = folded


class _Page:
    """Turns the MyST of one page into Markdown, cell by cell and in order."""

    def __init__(self, page: str, site: Site, values: Mapping[str, str]) -> None:
        self.page, self.site, self.values = page, site, values
        self.in_solution = False
        self._macro = re.compile(
            r"\\(" + "|".join(map(re.escape, site.macros)) + r")(?![A-Za-z])"
            if site.macros
            else "(?!)"
        )

    def markdown(self, text: str) -> str:
        """The Markdown of a whole cell; what belongs to a solution folds away."""
        fold = "<details><summary>Words</summary>\n\n{}\n\n</details>".format
        return "\n\n".join(
            fold(part) if is_solution else part for is_solution, part in self._parts(text)
        )

    def _parts(self, text: str) -> list[tuple[bool, str]]:
        """The text in runs, each with whether it belongs to a solution."""
        runs: list[tuple[bool, list[str]]] = []

        def add(part: str) -> None:
            if not part.strip():
                return
            if not runs or runs[-1][0] != self.in_solution:
                runs.append((self.in_solution, []))
            runs[-1][1].append(part.strip("\n"))

        lines, place = text.splitlines(), 0
        for each in directives(text):
            add(self.inline("\n".join(lines[place : each.first])))
            place = each.end
            if each.name == "solution-start":
                add("**Solution**, folded:")
                self.in_solution = True
            elif each.name == "solution-end":
                self.in_solution = False
            else:
                add(self._directive(each))
        add(self.inline("\n".join(lines[place:])))
        return [(is_solution, "\n\n".join(run)) for is_solution, run in runs]

    def body(self, text: str) -> str:
        """The Markdown of what stands in a directive."""
        return "\n\n".join(part for _, part in self._parts(text))

    def _directive(self, each: Directive) -> str:
        shown = self._unindented(each)
        return "\n".join(each.indent + line if line else line for line in shown.split("\n"))

    def _unindented(self, each: Directive) -> str:
        name, argument = each.name, self.inline(each.argument)
        if name in DROPPED:
            return ""
        if not name or name in ("code", "code-block", "sourcecode", "code-cell", "eval-rst"):
            language = {"eval-rst": "rst"}.get(name, each.argument)
            return f"```{language}\n{each.body}\n```"
        if name == "grid":
            return self.body(each.body)
        if name == "literalinclude":
            return f"```{each.options.get('language', '')}\n{self._included(each)}\n```"
        if name == "math":
            return f"$$ {self._maths(each.body)} $$"
        if name in ("figure", "image"):
            picture = f"![{each.options.get('alt', '')}]({each.argument})"
            return f"{picture}\n\n{self.body(each.body)}".strip()
        label = each.options.get("label", each.options.get("name", ""))
        if name.startswith(PROOFS):
            return self._proof(name.removeprefix(PROOFS), argument, label, each.body)
        if name == "play":
            return self._played(each.argument)
        if name == "predict":
            return self._predicted(each.body)
        if name == "exercise":
            title = self.site.names.get(label, "Exercise")
            title += f" ({argument})" if argument else ""
            return f"**{title}**\n\n{self.body(each.body)}"
        title = argument or name.rpartition(":")[2].replace("-", " ").capitalize()
        return _quoted(f"**{title}**\n\n{self.body(each.body)}".strip())

    def _played(self, name: str) -> str:
        """What a piece to play with is, and where it can be moved."""
        piece = PIECES[name]
        where = self._linked("the built page", f"{self.page}.html")
        return f"**{piece.title}** {piece.ask} The dials to do so are on {where} of this chapter."

    def _predicted(self, body: str) -> str:
        """The options, and the answer folded."""
        options, _, answer = body.partition("\n\n")
        folded = f"<details><summary>{ANSWER}</summary>\n\n{self.body(answer)}\n\n</details>"
        return f"{self.body(options)}\n\n{folded}"

    def _proof(self, kind: str, argument: str, label: str, body: str) -> str:
        if kind == "proof":
            return f"*Proof.* {self.body(body)} ∎"
        title = self.site.names.get(label, kind.capitalize())
        title += f" ({argument})" if argument else ""
        return f"**{title}.** {self.body(body)}"

    def _included(self, each: Directive) -> str:
        """The lines that a `literalinclude` shows."""
        if self.site.source is None:
            return f"# {each.argument}"
        path = self.site.source / dirname(self.page) / each.argument
        text = path.read_text(encoding="utf-8")
        if "pyobject" not in each.options:
            return text.rstrip()
        wanted = each.options["pyobject"].split(".")[-1]
        for node in ast.walk(ast.parse(text)):
            if getattr(node, "name", None) == wanted:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])  # type: ignore[attr-defined]
                return "\n".join(text.splitlines()[first - 1 : node.end_lineno])  # type: ignore[attr-defined]
        raise ValueError(f"{path} defines no {wanted}")

    def inline(self, text: str) -> str:
        """Text without directives: roles and links turned, targets and comments left out."""
        text = re.sub(r"^(?:\([\w:.-]+\)=|%.*|\+\+\+.*)\n?", "", text, flags=re.MULTILINE)
        text = re.sub(r"!\[[^\]]*\]\(_static/[^)]*\) ?", "", text)  # decoration of a page
        return INLINE.sub(self._turn, text)

    def _turn(self, match: re.Match[str]) -> str:
        if match["maths"]:
            return self._maths(match["maths"])
        if match["to"]:
            return self._link(match["words"], match["to"])
        return self.role(match["role"], match["text"]) if match["role"] else match[0]

    def _maths(self, text: str) -> str:
        """A formula in one line: Jupyter reads none that goes on in a quotation's next line."""
        plain = self._macro.sub(lambda match: f"{{{self.site.macros[match[1]]}}}", text)
        return " ".join(plain.split())

    def _link(self, words: str, to: str) -> str:
        words = self.inline(words)
        if re.match(r"[a-z]+:", to):
            return f"[{words}]({to})"
        path, _, anchor = to.partition("#")
        if path.endswith(".md"):
            page = normpath(join(dirname(self.page), path.removesuffix(".md")))
            place = f"{page}.html" + (f"#{anchor}" if anchor else "")
            return self._linked(words or self.site.names.get(page, page), place)
        label = path or anchor
        return self._linked(words or self.site.names.get(label, label), self._place(label))

    def _place(self, key: str) -> str:
        return self.site.places.get(key, "")

    def _linked(self, words: str, place: str) -> str:
        return (
            f"[{words}]({self.site.root.rstrip('/')}/{place})"
            if self.site.root and place
            else words
        )

    def role(self, role: str, text: str) -> str:
        """What the page shows for {role}`text`."""
        text = " ".join(text.split())
        domain, _, kind = role.partition(":")
        if domain == "glue":
            return self._glued(text)
        if domain == "cite":
            return self._cited(kind, text)
        if role == "test":
            return self._linked(f"`{text.rpartition('::')[2]}`", self._place(f"test {text}"))
        titled = TITLED.fullmatch(text)
        words, target = titled.groups() if titled else (text, text)
        if domain == "py":
            return self._python(kind, words, target, explicit=titled is not None)
        if role == "minutes":
            return in_words(text)
        if role == "math":
            return self._maths(f"${text}$")
        if role in ("term", "doc", "ref", "numref", "eq", "prf:ref", "download", "any"):
            key = f"term {target}" if role == "term" else target.lstrip("/")
            shown = words if titled or role == "term" else self.site.names.get(key, words)
            return self._linked(shown, self._place(key))
        return f"`{text}`" if role in CODE_ROLES else words

    def _glued(self, text: str) -> str:
        key, _, form = text.partition(":")
        if text in self.values:
            key, form = text, ""
        if key not in self.values:
            raise ValueError(f"page {self.page}: no cell glued {key!r}; run the chapter again")
        value = self.values[key]
        if form:
            return format(float(value), form)
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        return str(ast.literal_eval(value)) if quoted else value

    def _cited(self, kind: str, text: str) -> str:
        shown = []
        for before, key, after in CITED.findall(text):
            work = self.site.works.get(key.strip(), Work(key.strip(), ""))
            rest = ", ".join(filter(None, [work.year, after]))
            form = "{} ({})" if kind.startswith("t") else "{}, {}"
            words = form.format(work.authors, rest) if rest else work.authors
            words = f"{before} {words}" if before else words
            shown.append(f"[{words}]({work.address})" if work.address else words)
        joined = "; ".join(shown) if kind.startswith("p") else ", ".join(shown)
        return f"({joined})" if kind.startswith("p") else joined

    def _python(self, kind: str, words: str, target: str, *, explicit: bool) -> str:
        place = self._place(f"py {target.lstrip('~.!')}")
        if explicit:
            return self._linked(words, place)
        name = words.lstrip("~.!")
        name = name.rpartition(".")[2] if words.startswith("~") else name
        called = "()" if kind in ("func", "meth") else ""
        return self._linked(f"`{name}{called}`", place)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
