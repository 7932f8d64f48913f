"""Names promised to users import from the package itself, and stand in the book's reference."""

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
from run_chapters import BOOK, pages

import adainf_core
from adainf_core import figures, findings

#: The pages of the library reference, and the modules that each documents.
REFERENCE = {
    name: re.findall(r"automodule:: (\S+)\n   :members:", (BOOK / f"{name}.md").read_text())
    for name in pages()
    if name.startswith("reference/api")
}


def test_names_are_importable_and_documented():
    for name in adainf_core.__all__:
        assert getattr(adainf_core, name).__doc__ or name == "POLICIES", name


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'wishes'"):
        adainf_core.wishes  # noqa: B018
    assert "pretrain" in dir(adainf_core)


def test_names_stand_in_the_reference():
    for name in adainf_core.__all__:
        home = f"adainf_core.{adainf_core._PUBLIC[name]}"
        assert any(home in modules for modules in REFERENCE.values()), name


@pytest.mark.parametrize("path", sorted((BOOK.parent / "examples").glob("*.py")), ids=str)
def test_examples_take_what_is_promised_from_the_package_itself(path):
    assert "from adainf_core." not in path.read_text()


def test_one_contact_sheet_has_the_name():
    package = Path(adainf_core.__file__).parent
    defined = [str(p) for p in package.rglob("*.py") if "def contact_sheet(" in p.read_text()]
    assert defined == [str(package / "data/contact_sheet.py")]


def test_figures_and_findings_have_a_page_of_their_own():
    wanted = {
        f"{package.__name__}.{module.name}"
        for package in (figures, findings)
        for module in pkgutil.iter_modules(package.__path__)
    }
    assert set(REFERENCE["reference/api-figures"]) == wanted
    assert not wanted & set(REFERENCE["reference/api"])


@pytest.mark.parametrize("page", REFERENCE)
def test_no_definition_is_described_twice(page):
    """A second description, of a name that a module imports and exports, leads links astray."""
    everywhere = {module for modules in REFERENCE.values() for module in modules}
    for module in map(import_module, REFERENCE[page]):
        homes = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
        homes = {name: getattr(value, "__module__", None) for name, value in homes.items()}
        assert not {n: h for n, h in homes.items() if h in everywhere - {module.__name__}}
