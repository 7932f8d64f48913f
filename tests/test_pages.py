"""Tools that look at the built pages: the browser's finding, the merged PDF."""

import io

import browser
import make_pdf
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, TextStringObject


def pdf(pages: int, link: str = "") -> bytes:
    """Blank pages; the first has a link to `link`."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    if link:
        writer.add_annotation(0, Link(rect=(0, 0, 50, 50), url=link))
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def test_links_between_pages_lead_within_the_pdf(tmp_path):
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    printed = [("A", pdf(2, f"{second.as_uri()}#place")), ("B", pdf(1, "https://example.org"))]
    merged = io.BytesIO()
    make_pdf.merge(printed, [first, second]).write(merged)
    reader = PdfReader(merged)
    assert len(reader.pages) == 3
    assert [(item.title, reader.get_destination_page_number(item)) for item in reader.outline] == [
        ("A", 0),
        ("B", 2),
    ]
    inside, outside = (reader.pages[n].annotations[0].get_object()["/A"] for n in (0, 2))
    assert inside["/S"] == "/GoTo" and inside["/D"][0].get_object() == reader.pages[2]
    assert outside["/URI"] == "https://example.org"


def test_a_link_without_an_action_stays_as_it_is():
    link = DictionaryObject({NameObject("/Contents"): TextStringObject("x")})
    make_pdf.point_inside(link, {}, PdfWriter())
    assert list(link) == ["/Contents"]


def test_a_missing_browser_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setenv("CHROME", "/nowhere/chrome")
    with pytest.raises(browser.BrowserError, match=r"/nowhere/chrome.*install"):
        browser.find_browser()


def test_a_book_that_is_not_built_is_named(tmp_path):
    with pytest.raises(browser.BrowserError, match=r"index.html.*make book"):
        browser.built_pages(tmp_path)
