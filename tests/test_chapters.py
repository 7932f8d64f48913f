"""Every chapter runs from top to bottom on a fresh kernel and prints nothing to stderr."""

import pytest
import yaml
from run_chapters import BOOK, chapters, run_all


@pytest.mark.parametrize("name", chapters())
def test_chapter_has_the_header_that_makes_it_run(name):
    before, header, _ = (BOOK / f"{name}.md").read_text().split("---\n", 2)
    metadata = {} if before else yaml.safe_load(header)
    assert "kernelspec" in metadata, "without a kernelspec Jupyter Book runs no cell of the page"
    assert metadata["jupytext"]["text_representation"]["format_name"] == "myst"


@pytest.fixture(scope="session")
def chapter_runs(request):
    """The chapters asked for, run side by side; `make book` then finds them in the cache.

    `make test` keeps this file in one of its processes, so that this happens once.
    """
    asked = [item for item in request.session.items if "chapter_runs" in item.fixturenames]
    return run_all([item.callspec.params["name"] for item in asked])


@pytest.mark.chapter
@pytest.mark.parametrize("name", chapters())
def test_chapter_runs(name, chapter_runs):
    ran = chapter_runs[name]
    assert not ran.error, ran.error
    assert not ran.stray, "the chapter wrote to stderr:\n" + "\n".join(ran.stray)
    assert not ran.glued_twice
