"""Every format of the list is read, or refused, as it says and as the book says after it."""

import warnings
from contextlib import nullcontext

import formats_table
import numpy as np
import pytest
from formats import FORMATS

from adainf_core.data.folder_files import ReadingWarning
from adainf_core.data.images import ImageSet

CASES = [pytest.param(case, id=case.what) for cases in FORMATS.values() for case in cases]


def read(case, path) -> ImageSet:
    if path.is_dir():
        return ImageSet.from_folder(path)
    return ImageSet.from_npz(path, convert=case.convert)


@pytest.mark.parametrize("case", CASES)
def test_a_format_is_read_or_refused_as_listed(case, tmp_path):
    path = case.make(tmp_path)
    if (path / "sub").is_dir():
        path = path / "sub"
    if not case.refused:
        said = pytest.warns(ReadingWarning) if case.says else nullcontext([])
        with said as notes:
            found = read(case, path)
        assert all(case.says in str(note.message) for note in notes)
        assert np.array_equal(found.images, case.images)
        assert np.array_equal(found.labels, case.labels)
        assert found.class_names == case.names
        return
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        read(case, path if path.suffix != ".png" else path.parent)
    why = str(refused.value)
    assert case.says in why and path.stem in why and len(why) < 500


def test_what_is_read_without_a_note_raises_no_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(FORMATS["archives"][0], FORMATS["archives"][0].make(tmp_path))


def test_the_table_of_the_book_has_a_row_for_every_case():
    for name, cases in FORMATS.items():
        rows = formats_table.table(name).splitlines()
        assert len(rows) == len(cases) + 2
        for row, case in zip(rows[2:], cases, strict=True):
            assert row.startswith(f"| {case.what} | {case.happens}")
            assert case.says.replace("|", "\\|") in row and row.count(" | ") == 1
    with pytest.raises(ValueError, match="no formats"):
        formats_table.table("nothing")
