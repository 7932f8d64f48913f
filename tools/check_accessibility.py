"""Look at every built page as readers do: `make accessibility`.

axe-core runs over each page in the light and the dark theme, and each page is measured: it may
weigh at most 1.5 MB of HTML and not be wider than a phone's screen. Findings that axe calls serious
or critical fail, and so does a page that breaks one of the two, that writes an error to the
console, or whose pieces to play with (book/_ext/play.py) a keyboard alone does not work. How long
the slowest page takes until its text is painted (its formulas come later) is told only: that is
the machine's doing too.
"""

import sys
from pathlib import Path
from typing import Any

from browser import SITE, BrowserError, browser, built_pages, open_page

FAILING = {"serious", "critical"}
HEAVIEST = 1.5e6  # bytes of HTML
PHONE = {"width": 390, "height": 844}
#: All that can be worked in one piece to play with, in the order of the tabulator key.
CONTROLS = ".play-live button, .play-live input, .play-options button"
PLAYED = ".play, .play-predict"
#: How the control that has the focus stands, and what its piece says.
STANDS = """(piece, place) => {
    const at = document.activeElement, controls = [...piece.querySelectorAll(CONTROLS)];
    return {
        reached: controls.indexOf(at) === place,
        outlined: getComputedStyle(at).outlineStyle !== "none",
        kind: at.type,
        state: [at.value, at.getAttribute("aria-valuetext"), at.getAttribute("aria-pressed"),
                at.checked, piece.querySelector("[role=status]").textContent].join(),
    };
}""".replace("CONTROLS", repr(CONTROLS))
KEYS = {"range": ("ArrowRight", "ArrowLeft"), "checkbox": ("Space",), "button": ("Enter",)}
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


def keyboard_findings(page: Any) -> list[str]:
    """What of a page's pieces to play with does not answer to a keyboard, one line each."""
    return [
        f"keyboard: {fault}" for piece in page.query_selector_all(PLAYED) for fault in worked(piece)
    ]


def worked(piece: Any) -> list[str]:
    """The faults met on the way through the controls of one piece, by tabulator and keys."""
    name = piece.get_attribute("data-play") or "a prediction"
    page, controls = piece.owner_frame().page, piece.query_selector_all(CONTROLS)
    if not controls:
        return [f"{name} has no controls: its script did not run"]
    faults: list[str] = []
    controls[0].focus()
    for place in range(len(controls)):
        if place:
            page.keyboard.press("Tab")
        found = piece.evaluate(STANDS, place)
        what = f"control {place + 1} of {name}"
        if not found["reached"]:
            return [*faults, f"{what} is not reached by the tabulator"]
        if not found["outlined"]:
            faults.append(f"{what} does not show that it has the focus")
        for key in KEYS.get(found["kind"], ()):
            page.keyboard.press(key)
            if piece.evaluate(STANDS, place)["state"] != found["state"]:
                break
        else:
            # a button may draw what says the same as before
            if found["kind"] in ("range", "checkbox"):
                faults.append(f"{what} does not answer to {' or '.join(KEYS[found['kind']])}")
    if not piece.query_selector("[role=status]").text_content():
        faults.append(f"{name} says nothing to a screen reader")
    folded = piece.query_selector("details")
    if folded and not folded.evaluate("answer => answer.open"):
        faults.append(f"{name} does not unfold its answer")
    return faults


def listen(context: Any, faults: list[str]) -> None:
    """Note every error on the console of the pages of `context`."""
    context.on("weberror", lambda error: faults.append(f"console: {error.error.message}"))
    context.on(
        "console",
        lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None,
    )


def look(chromium: Any, path: Path) -> tuple[list[str], float]:
    """The faults of one page in both themes and on a phone, and its milliseconds until painted."""
    faults: list[str] = []
    errors: list[str] = []
    took = []
    if path.stat().st_size > HEAVIEST:
        faults.append(f"weighs {path.stat().st_size / 1e6:.1f} MB")
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme=scheme)
        if scheme == "light":
            listen(context, errors)
        page = open_page(context, path)
        took.append(page.evaluate(PAINTED))
        if scheme == "light":
            faults += [*keyboard_findings(page), *errors]  # axe adds errors of its own
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
