"""The project's own promises: pins, layout, light imports, citation."""

import subprocess
import sys
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import run_chapters
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DIRECT = [
    *PROJECT["dependencies"],
    *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
]


def locked_versions() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]
    for pin in pins:
        assert [clause.operator for clause in pin.specifier] == ["=="], f"{pin} is not an exact pin"
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


@pytest.mark.parametrize("line", DIRECT)
def test_lock_satisfies_the_bounds(line):
    wanted = Requirement(line)
    pinned = locked_versions().get(canonicalize_name(wanted.name))
    assert pinned is not None, f"{wanted.name} is missing from requirements.lock: run make lock"
    assert wanted.specifier.contains(pinned), (
        f"{wanted} excludes the pinned {pinned}: run make lock"
    )


def test_torch_and_torchvision_are_a_matched_pair():
    pins = locked_versions()
    assert pins["torch"] != "2.13.0", "torchvision fails at import beside its CPU-only build"
    if version("torchvision") != pins["torchvision"]:
        pytest.skip("another torchvision than the locked one is installed")
    [torch] = [r for r in map(Requirement, requires("torchvision")) if r.name == "torch"]
    assert torch.specifier.contains(pins["torch"])


def test_lock_names_no_index():
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_conda_environment_repeats_pyproject():
    *_, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    listed = [line for line in pip["pip"] if line != "--editable ."]
    assert listed == PROJECT["dependencies"] + PROJECT["optional-dependencies"]["book"]


def test_jupyter_book_is_the_first_generation():
    assert version("jupyter-book").startswith("1."), "Jupyter Book 2 cannot build this layout"


def test_root_table_of_contents_is_the_book_s():
    link = ROOT / "_toc.yml"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "book" / "_toc.yml"


def test_every_page_is_in_the_table_of_contents():
    listed = run_chapters.pages()
    assert len(listed) == len(set(listed))
    pages = (path.relative_to(ROOT / "book") for path in (ROOT / "book").rglob("*.md"))
    found = {
        page.with_suffix("").as_posix()
        for page in pages
        if not any(part.startswith((".", "_")) for part in page.parts)
    }
    assert set(listed) == found


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("adainf_core", {"torch", "torchvision", "matplotlib"}),
        ("adainf_core.theory", {"torch", "torchvision"}),
        *(
            (f"adainf_core.learning.{configurations}", {"torch", "torchvision", "scipy", "sklearn"})
            for configurations in ("methods", "policies", "pretrain_config", "recipes")
        ),
    ],
)
def test_import_stays_light(module, unwanted):
    question = f"import sys, {module}; print(*sorted({unwanted!r} & sys.modules.keys()))"
    answer = subprocess.run(
        [sys.executable, "-c", question], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == []


def test_citation_agrees_with_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    [paper] = citation["references"]
    assert paper["title"] == "Do Generated Data Always Help Contrastive Learning?"
