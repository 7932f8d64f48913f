"""Look at every built page as readers do: `make accessibility`.

axe-core runs over each page in the light and the dark theme, and each page is measured: it may
weigh at most 1.5 MB of HTML and not be wider than a phone's screen. Findings that axe calls serious
or critical fail, and so does a page that breaks one of the two. How long the slowest page takes
until its text is painted (its formulas come later) is told only: that is the machine's doing too.
"""

import sys
from pathlib import Path
from typing import Any

from browser import SITE, BrowserError, browser, built_pages, open_page

FAILING = {"serious", "critical"}
HEAVIEST = 1.5e6  # bytes of HTML
PHONE = {"width": 390, "height": 844}
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity"


def axe_findings(page: Any) -> list[str]:
    """What axe finds on a page, one line each, serious and critical ones only."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"axe {found['impact']}: {found['help']} ({found['id']}), {len(found['nodes'])} times, "
        f"first {found['nodes'][0]['html'][:120]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in FAILING
    ]


def look(chromium: Any, path: Path) -> tuple[list[str], float]:
    """The faults of one page in both themes and on a phone, and its milliseconds until painted."""
    faults, took = [], []
    if path.stat().st_size > HEAVIEST:
        faults.append(f"weighs {path.stat().st_size / 1e6:.1f} MB")
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)
        page = open_page(context, path)
        took.append(page.evaluate(PAINTED))
        faults += [f"{scheme}: {finding}" for finding in axe_findings(page)]
        context.close()
    context = chromium.new_context(viewport=PHONE, is_mobile=True, device_scale_factor=2)
    page = open_page(context, path)
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > PHONE["width"]:
        faults.append(f"is {wide} pixels wide on a phone of {PHONE['width']}")
    context.close()
    return faults, min(took)


def main() -> int:
    """Check every page and report."""
    try:
        paths, failed, times = built_pages(SITE), 0, {}
        with browser() as chromium:
            for path in paths:
                faults, times[path] = look(chromium, path)
                failed += bool(faults)
                for fault in faults:
                    print(f"{path.relative_to(SITE)}: {fault}", file=sys.stderr, flush=True)
    except BrowserError as error:
        print(f"accessibility: {error}", file=sys.stderr)
        return 1
    slowest = max(times, key=lambda path: times[path])
    print(
        f"{len(paths)} pages in two themes and on a phone, {failed} with faults; the slowest, "
        f"{slowest.relative_to(SITE)}, was painted after {times[slowest]:.0f} ms"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
