"""Related work: every number has a source that the book cites, and says how it is known."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from adainf_core.evidence.published import (
    HEADLINE,
    KNOWN,
    PUBLISHED,
    RELATED,
    TABLE_1,
)
from adainf_core.evidence.studies.catalogue import all_claims

BIB = Path(__file__).resolve().parents[2] / "book" / "references.bib"
PAIR = RELATED[0]
STATED = next(result for result in RELATED if result.stated is not None)


def keys() -> list[str]:
    return re.findall(r"^@\w+\{([^,\s]+),", BIB.read_text(encoding="utf-8"), re.MULTILINE)


def test_keys_are_in_the_bibliography_once():
    found = keys()
    assert len(found) == len(set(found))
    assert {result.key for result in RELATED} <= set(found)


@pytest.mark.parametrize("result", RELATED, ids=lambda result: f"{result.key}-{result.setting}")
def test_a_result_is_well_formed(result):
    assert result.known in KNOWN and result.setting and result.use and result.unit
    # either both values or their stated difference, which alone may be inexact
    told = [result.without is None, result.with_generated is None, result.stated is not None]
    assert len(set(told)) == 1
    assert result.exactness in (("", "about", "up to") if result.stated is not None else ("",))
    # accuracies are in per cent, and a gain is a difference of two of them
    for value in (result.without, result.with_generated):
        assert value is None or 0 < value < 100
    assert -100 < result.gain < 100


def test_the_headline_is_a_number_of_its_own():
    assert PUBLISHED[HEADLINE] == {"adainf": 94.70} and HEADLINE[1] == "A"
    # nothing is known beside it: no claim takes a difference from it
    assert not any(p.source == HEADLINE[0] for claim in all_claims() for p in claim.published)
    assert PUBLISHED[TABLE_1]["adainf"] == 93.42


def test_a_gain_is_the_difference_of_its_values():
    assert PAIR.gain == pytest.approx(PAIR.with_generated - PAIR.without, abs=1e-9)
    swapped = replace(PAIR, without=PAIR.with_generated, with_generated=PAIR.without)
    assert swapped.gain == -PAIR.gain
    assert replace(STATED, stated=-1.5).gain == -1.5


def test_each_setting_is_told_once():
    assert len({(result.key, result.setting) for result in RELATED}) == len(RELATED)


def test_nothing_of_the_paper_itself_is_typed_again():
    # the paper's own numbers have their place, `claimed`
    assert all(result.key != "wang2024generated" for result in RELATED)
    assert any(claim.published for claim in all_claims())
