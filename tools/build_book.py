"""Build the book so that nothing wrong can pass: what `make book` and CI both run.

Jupyter Book's own exit code is not enough. Left to its defaults it calls a build with a crashed
chapter a success, and calls it so again on a rerun because the crashed page counts as built. Here:

* the chapters run first, side by side, into the notebook cache (run_chapters.py);
* every page is read again (`--all`), so a warning of an earlier run comes back until it is mended;
  the notebook cache, keyed by book/_ext/book_state.py, keeps that cheap;
* the old site is removed first, so what is found afterwards is this build's;
* every warning is an error (`-W`), a broken reference is a warning (`-n`);
* the finished pages are then checked by check_site.py.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import check_site

ROOT = Path(__file__).resolve().parents[1]
# Called through the interpreter: the jupyter-book script stops working when a checkout is moved.
JUPYTER_BOOK = [
    sys.executable,
    "-c",
    "import sys; from jupyter_book.cli.main import main; sys.argv[0] = 'jupyter-book'; main()",
]
RUN_CHAPTERS = Path(__file__).with_name("run_chapters.py")
STRICT = ["--all", "-W", "-n", "--keep-going"]


def build(root: Path = ROOT) -> list[str]:
    """Build the site under `root` and return its faults, one line each; none means it is good."""
    site = root / "_build" / "html"
    shutil.rmtree(site, ignore_errors=True)
    if subprocess.run([sys.executable, RUN_CHAPTERS], cwd=root, check=False).returncode:
        return ["a chapter failed; its error is printed above."]
    code = subprocess.run(
        [*JUPYTER_BOOK, "build", "book/", *STRICT], cwd=root, check=False
    ).returncode
    if code:
        return [f"jupyter-book ended with exit code {code}; the cause is printed above."]
    if not (site / "index.html").is_file():
        return [f"jupyter-book reported success but wrote no {site / 'index.html'}."]
    return check_site.check(site)


def main() -> int:
    """Build, report, and return the exit code."""
    started = time.monotonic()
    faults = build()
    for fault in faults:
        print(f"book: {fault}", file=sys.stderr)
    if faults:
        return 1
    print(f"\nThe book is built ({time.monotonic() - started:.0f} s). Open it in a browser:")
    print(f"    {(ROOT / '_build' / 'html' / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
