"""Check a built site: described pictures, no outside resources, no dead links, good notebooks.

    python tools/check_site.py _build/html

Everything a page loads must lie in the site, so that it reads the same without a network. Links to
other sites are fine: they are followed by choice. A notebook to download has run, and what Jupyter
cannot read, MyST's roles and directives, is not left in it.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

sys.path.append(str(Path(__file__).resolve().parents[1] / "book" / "_ext"))

from readable_notebook import raw_markup

# Tag -> the attributes by which a page makes the browser load something.
LOADING = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "input": ("src",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "video": ("src", "poster"),
}
# <link> relations that only inform; every other one may load its target.
INFORMING = {"author", "canonical", "help", "index", "license", "next", "prev", "search"}
OUTSIDE = re.compile(r"^(?:https?:)?//", re.IGNORECASE)
OUTSIDE_IN_CSS = re.compile(
    r"(?:@import\s+|url\()\s*[\"']?\s*((?:https?:)?//[^\s\"')]+)", re.IGNORECASE
)


@dataclass
class Page(HTMLParser):
    """What one HTML file contains that matters here."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._in_style = False
        self.feed(self.path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect anchors, links and loads; note pictures without a description."""
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.anchors.update(given[name] for name in ("id", "name") if given.get(name))
        self._collect_targets(tag, given)
        self._check_description(tag, given)
        self._check_css(given.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave a <style> block."""
        self._in_style = False

    def handle_data(self, data: str) -> None:
        """Read the style sheets written into the page."""
        if self._in_style:
            self._check_css(data)

    def _collect_targets(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("a", "area") and given.get("href"):
            self.links.append(given["href"])
        if tag == "link" and given.get("href"):
            informing = INFORMING.issuperset(given.get("rel", "").lower().split())
            (self.links if informing else self.loads).append(given["href"])
        for name in LOADING.get(tag, ()):
            parts = given.get(name, "").split(",") if name == "srcset" else [given.get(name, "")]
            self.loads += [part.split()[0] for part in parts if part.strip()]

    def _check_description(self, tag: str, given: dict[str, str]) -> None:
        if tag == "img":
            source, alt = given.get("src", ""), given.get("alt", "").strip()
            # Sphinx fills a missing alt text with the picture's file name: that describes nothing.
            if not alt or (source and alt.endswith(Path(urlsplit(source).path).name)):
                self.faults.append(f"picture {source[:80] or '(inline)'} has no alt text")
        if "fig" in given.get("class", "").split() and not (
            given.get("role") == "img" and given.get("aria-label", "").strip()
        ):
            self.faults.append(f'<{tag} class="fig"> needs role="img" and a non-empty aria-label')

    def _check_css(self, css: str) -> None:
        self.faults += [f"loads {url} from outside the site" for url in OUTSIDE_IN_CSS.findall(css)]


def check(site: Path) -> list[str]:
    """Return one line for every fault in the pages and style sheets below `site`."""
    site = site.resolve()
    pages = {path: Page(path) for path in sorted(site.rglob("*.html")) if is_page(path, site)}
    faults = [] if pages else [f"{site} holds no HTML page"]
    for path, page in pages.items():
        found = list(page.faults)
        for target in page.loads:
            if OUTSIDE.match(target):
                found.append(f"loads {target} from outside the site")
            else:
                found += broken(target, path, pages)
        for target in page.links:
            found += broken(target, path, pages)
        faults += [f"{path.relative_to(site)}: {fault}" for fault in dict.fromkeys(found)]
    for path in sorted(site.rglob("*.css")):
        css = path.read_text(encoding="utf-8", errors="replace")
        faults += [
            f"{path.relative_to(site)}: loads {url} from outside the site"
            for url in OUTSIDE_IN_CSS.findall(css)
        ]
    for path in sorted(site.rglob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        faults += [f"{path.relative_to(site)}: {fault}" for fault in notebook_faults(notebook)]
    return faults


def notebook_faults(notebook: dict[str, Any]) -> list[str]:
    """Say what is wrong with a notebook to download, read from its JSON."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    faults = [] if outputs else ["no cell of the notebook has an output"]
    written = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    written += [output.get("data", {}).get("text/markdown", "") for output in outputs]
    texts = (text if isinstance(text, str) else "".join(text) for text in written)
    faults += [f"the notebook holds raw {each}" for text in texts for each in raw_markup(text)]
    return list(dict.fromkeys(faults))


def is_page(path: Path, site: Path) -> bool:
    """Whether a reader can come to this file: the theme leaves unfilled templates in _static."""
    return path.relative_to(site).parts[0] != "_static"


def broken(target: str, source: Path, pages: dict[Path, Page]) -> list[str]:
    """Say why a link from the page `source` leads nowhere; an empty list if it leads somewhere."""
    url = urlsplit(target)
    if url.scheme or url.netloc:  # another site, mailto:, data:, javascript:
        return []
    path = (source.parent / unquote(url.path)).resolve() if url.path else source
    if path.is_dir():
        path /= "index.html"
    if not path.is_file():
        return [f"link {target} leads to no file"]
    anchor = unquote(url.fragment)
    if anchor and path in pages and anchor not in pages[path].anchors:
        return [f"link {target} leads to no such place on the page"]
    return []


def main(arguments: list[str]) -> int:
    """Check the site named on the command line."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python tools/check_site.py FOLDER_OF_THE_BUILT_SITE", file=sys.stderr)
        return 2
    faults = check(Path(arguments[0]))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
