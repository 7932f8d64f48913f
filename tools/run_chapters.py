"""Run chapters into the notebook cache that the build reads, as many at a time as there are cores.

    python tools/run_chapters.py [CHAPTER ...]

Jupyter Book runs chapters one after another; run beforehand, they are only rendered there. The
tests run them through here too, so that one run serves both. What is in the cache
(book/_ext/book_state.py says what keys it) is not run again.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
CELL = "```{code-cell}"
_STATING = threading.Lock()


@dataclass(frozen=True)
class Run:
    """How a chapter's run ended: its outputs, or the traceback of what went wrong."""

    cells: tuple[Any, ...] = ()
    seconds: float = 0.0
    error: str = ""

    @property
    def glued_twice(self) -> list[str]:
        """Names under which it glued more than one value; the build takes that for an error."""
        names = [
            output.get("metadata", {}).get("scrapbook", {}).get("name")
            for cell in self.cells
            for output in cell.get("outputs", [])
        ]
        return sorted({name for name in names if name and names.count(name) > 1})

    @property
    def stray(self) -> list[str]:
        """What it wrote to stderr."""
        return [
            f"cell {number}: {output['text']}"
            for number, cell in enumerate(self.cells, start=1)
            for output in cell.get("outputs", [])
            if output.get("name") == "stderr"
        ]


def pages() -> list[str]:
    """Every page in the table of contents, in its order."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text())
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def chapters() -> list[str]:
    """The pages that hold code."""
    return [name for name in pages() if CELL in (BOOK / f"{name}.md").read_text()]


def run(name: str, cache: Path) -> Run:
    """Run one chapter on a fresh kernel, or take its outputs from `cache`."""
    from book_state import stated
    from myst_nb.core.config import NbParserConfig
    from myst_nb.core.execute import create_client
    from myst_nb.core.read import create_nb_reader
    from myst_parser.config.main import MdParserConfig

    path = BOOK / f"{name}.md"
    timeout = yaml.safe_load((ROOT / "_config.yml").read_text())["execute"]["timeout"]
    settings = NbParserConfig(
        execution_mode="cache",
        execution_cache_path=str(cache),
        execution_timeout=timeout,
        execution_raise_on_error=True,
    )
    with _STATING:  # one at a time: what one looks up, the next one has at hand
        text = stated(path.read_text(encoding="utf-8"), name)
    reader = create_nb_reader(str(path), MdParserConfig(), settings, text)
    if reader is None:
        return Run(error=f"{path} has no header that makes it a notebook")
    notebook = reader.read(text)
    logger: Any = _Quiet(logging.getLogger(__name__))
    try:
        with create_client(notebook, str(path), settings, logger, reader.read_fmt) as client:
            seconds = client.exec_metadata["runtime"]
            return Run(tuple(client.notebook.cells), seconds)
    except Exception as error:
        shown = error.__cause__ or error
        return Run(error="".join(traceback.format_exception_only(shown)))


def run_all(
    names: Sequence[str], tell: Callable[[str, Run], None] = lambda name, ran: None
) -> dict[str, Run]:
    """Run the chapters `names` side by side and `tell` of each as it ends.

    A chapter whose kernel dies has failed, and the others go on.
    """
    from book_state import find_checkout, notebook_cache
    from jupyter_cache import get_cache
    from kernels import forked_kernels

    cache = notebook_cache()
    cache.mkdir(parents=True, exist_ok=True)
    get_cache(str(cache)).list_cache_records()  # made here once, not by several at a time
    find_checkout()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core each
    runs: dict[str, Run] = {}
    # a thread a chapter waits for its kernel; left by an error, the kernels end first
    with ThreadPoolExecutor(os.cpu_count()) as pool, forked_kernels():
        ending = {pool.submit(_run_in_thread, name, cache): name for name in names}
        try:
            for ended in as_completed(ending):
                runs[ending[ended]] = ended.result()
                tell(ending[ended], ended.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return {name: runs[name] for name in names}


def _run_in_thread(name: str, cache: Path) -> Run:
    """`run` on an event loop of its own, which Jupyter keeps for the thread and never closes."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        return run(name, cache)
    finally:
        loop.close()


class _Quiet(logging.LoggerAdapter):
    """The runner's logger: it gives its messages a subtype that ordinary loggers do not know."""

    def process(self, msg: Any, kwargs: Any) -> Any:
        kwargs.pop("subtype", None)
        return msg, kwargs

    def warning(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Say nothing: a failure is raised as well."""


def main(arguments: list[str]) -> int:
    """Run the chapters named on the command line, or all."""
    sys.path[:0] = [str(ROOT), str(BOOK / "_ext")]
    unknown = [name for name in arguments if name not in pages()]
    if unknown:
        print(f"{unknown[0]} is no page; there are {', '.join(pages())}", file=sys.stderr)
        return 2
    runs = run_all(arguments or chapters(), report)
    return 1 if any(ran.error for ran in runs.values()) else 0


def report(name: str, ran: Run) -> None:
    """Say how a chapter ended, as soon as it has."""
    if ran.error:
        print(f"book/{name}.md failed:\n{ran.error}", file=sys.stderr, flush=True)
    else:
        print(f"book/{name}.md: {ran.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
