"""A Chromium of the machine's own, driven through Playwright; nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class BrowserError(Exception):
    """No browser or no built book; its text is the one line the user sees."""


def find_browser() -> str:
    """Path of the browser: the variable CHROME, or the first of the usual names."""
    named = os.environ.get("CHROME")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None or not Path(found).is_file():
        what = f"CHROME={named} is no file" if named else "no Chromium or Chrome found"
        raise BrowserError(f"{what}: install one (Debian: chromium), or name it, CHROME=/path")
    return found


def built_pages(site: Path = SITE) -> list[Path]:
    """The site's pages in the order of the table of contents."""
    from run_chapters import pages

    found = [site / f"{name}.html" for name in pages()]
    missing = [path for path in found if not path.is_file()]
    if missing:
        raise BrowserError(f"{missing[0]} is not there: run `make book` first")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """The browser, started without a window and without a network of its own."""
    from playwright.sync_api import sync_playwright

    path = find_browser()
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        started = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield started
        finally:
            started.close()


def open_page(context: Any, path: Path) -> Any:
    """A tab with `path`, its formulas set and its scripts done."""
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function("window.MathJax === undefined || !!MathJax.startup?.promise")
    page.evaluate("window.MathJax?.startup?.promise")
    return page
