"""Print the built book into one PDF, links and outline included: what `make pdf` runs.

The pages come from _build/html, so the PDF shows what the site shows, solutions unfolded; of a
slider it shows the first frame.
"""

import io
import sys
from pathlib import Path
from typing import Any

from browser import ROOT, SITE, BrowserError, browser, built_pages, open_page

TARGET = ROOT / "_build" / "book.pdf"
UNFOLD = "document.querySelectorAll('details').forEach(d => d.open = !!d.closest('.solution'))"


def print_pages(paths: list[Path]) -> list[tuple[str, bytes]]:
    """Title and PDF of each page, A4 in the light theme."""
    with browser() as chromium:
        context = chromium.new_context(color_scheme="light")
        printed = []
        for path in paths:
            page = open_page(context, path)
            page.evaluate(UNFOLD)
            title = page.title().partition(" — ")[0]
            pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom"), "16mm"))
            printed.append((title, pdf))
            page.close()
        return printed


def merge(printed: list[tuple[str, bytes]], paths: list[Path]) -> Any:
    """One PDF with an outline entry a page; links between pages lead within it."""
    from pypdf import PdfReader, PdfWriter

    writer, starts = PdfWriter(), {}
    for (title, pdf), path in zip(printed, paths, strict=True):
        starts[path.as_uri()] = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(pdf)), import_outline=False)
        writer.add_outline_item(title=title, page_number=starts[path.as_uri()])
    for page in writer.pages:
        for annotation in page.annotations or []:
            point_inside(annotation.get_object(), starts, writer)
    return writer


def point_inside(link: Any, starts: dict[str, int], writer: Any) -> None:
    """Turn a link to another page's file into one to where that page starts."""
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject

    action = link.get("/A")
    if action is None or action.get("/S") != "/URI":
        return
    start = starts.get(str(action["/URI"]).partition("#")[0])
    if start is not None:
        there = ArrayObject([writer.pages[start].indirect_reference, NameObject("/Fit")])
        link[NameObject("/A")] = DictionaryObject(
            {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): there}
        )


def main() -> int:
    """Print, merge, and say where the PDF lies."""
    try:
        paths = built_pages(SITE)
        writer = merge(print_pages(paths), paths)
    except BrowserError as error:
        print(f"pdf: {error}", file=sys.stderr)
        return 1
    partial = TARGET.with_suffix(".part")
    with partial.open("wb") as file:
        writer.write(file)
    partial.replace(TARGET)
    print(f"{TARGET}: {len(writer.pages)} pages, {TARGET.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
