"""The ledger's answers as text: on the pages, and what they say of each verdict."""

import re
from dataclasses import replace

import pytest
import write_answers
from run_chapters import BOOK, pages

from adainf_core.cli import main
from adainf_core.evidence.judging.verdicts import Outcome
from adainf_core.evidence.ledger import ledger
from adainf_core.evidence.studies.catalogue import all_claims
from adainf_core.findings.answers import QUESTIONS, answers, answers_of, ledger_text, with_answers
from adainf_core.findings.first_page import ANSWERS, answer_cards
from adainf_core.statistics.intervals import Interval

KEYS = [key for question in QUESTIONS for key in question.claims.values()]
WORDS = {
    "holds": "a loss",
    "holds, but negligible": "a loss, by less than a point",
    "does not hold": "no loss of a point",
    "not decided": "not decided",
    "not run": "not run yet",
}


@pytest.fixture(scope="module")
def entries():
    return ledger()


def judged(entries, key, outcome, **changes):
    """The ledger, had the claim with this key another verdict."""
    return [
        replace(e, verdict=replace(e.verdict, outcome=Outcome(outcome), difference=None), **changes)
        if e.claim.key == key
        else e
        for e in entries
    ]


def test_the_pages_say_what_the_records_say(entries, monkeypatch):
    monkeypatch.setattr(write_answers, "ledger", lambda: entries)
    for path, text in write_answers.pages().items():
        assert path.read_text(encoding="utf-8") == text, "run python tools/write_answers.py"


@pytest.mark.parametrize("key", KEYS)
def test_another_verdict_of_any_claim_is_another_text(entries, key):
    texts = {answers(judged(entries, key, outcome)) for outcome in WORDS}
    assert len(texts) == len(WORDS)


@pytest.mark.parametrize(("outcome", "word"), WORDS.items())
def test_an_answer_begins_with_a_word(entries, outcome, word):
    text = answers(judged(entries, "harm", outcome, exploratory=False))
    (said,) = re.findall(r"weigh the same as real ones\?\]\(.*?\)\*\* (.*)", text)
    assert said.startswith(word.capitalize())


@pytest.mark.parametrize(("key", "sign"), [("harm", -1), ("cure", 1), ("swap_perfect", -1)])
def test_a_number_has_the_sign_of_what_happens_to_accuracy(entries, key, sign):
    """The claim "none beats vanilla" holds by +2 points: accuracy changes by -2."""
    found = Interval(2.0, 1.0, 4.0, 5)
    turned = [
        replace(e, verdict=replace(e.verdict, outcome=Outcome.HOLDS, difference=found))
        if key in (e.claim.key, e.claim.repeats)
        else e
        for e in entries
    ]
    (line,) = (
        each
        for each, question in zip(answers(turned).splitlines(), QUESTIONS, strict=False)
        if next(iter(question.claims.values())) == key
    )
    number = "−2.0 [−4.0, −1.0]" if sign < 0 else "+2.0 [+1.0, +4.0]"
    assert f"{'A loss' if sign < 0 else 'A gain'}" in line
    assert f"accuracy changes by {number} points" in line


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.claim)
def test_a_card_says_the_verdict_in_one_word_and_its_size_without_a_sign(entries, answer):
    cases = {
        Outcome.HOLDS: (Interval(2.0, 1.0, 4.0, 5), answer.yes),
        Outcome.DOES_NOT_HOLD: (Interval(-2.0, -4.0, -1.0, 5), answer.opposite),
        Outcome.NOT_DECIDED: (Interval(0.5, -1.0, 2.0, 5), None),
    }
    for outcome, (found, said) in cases.items():
        judged = [
            replace(e, verdict=replace(e.verdict, outcome=outcome, difference=found))
            if answer.claim in (e.claim.key, e.claim.repeats)
            else e
            for e in entries
        ]
        (card,) = (c for c in answer_cards(judged).cards if c.question == answer.question)
        if said is None:
            assert card.word == "Open" and "-1.0" not in card.sure and "−1.0 to 2.0" in card.sure
        else:
            assert (card.colour, card.word) == said[:2]
            assert "2.0 points" in card.sentence and card.sure == "1.0 to 4.0 points, 5 seeds"


def test_cards_are_links_on_pages_and_a_list_elsewhere(entries):
    cards = answer_cards(entries)
    page, plain = cards._repr_html_(), cards._repr_markdown_()
    assert page.count("<a ") == plain.count("\n") + 1 == len(ANSWERS) + 1
    for chapter in re.findall(r'href="(.*?)\.html"', page):
        assert chapter in pages()
    assert "yes" not in plain.lower().split()


def test_what_is_half_run_or_exploratory_or_reversed_says_so(entries):
    half = judged(entries, "harm", "holds", runs=3, planned=10, exploratory=True)
    assert "A loss (so far, 3 of 10 runs) (exploratory)" in answers(half)
    begun = answers(judged(entries, "harm", "not run", runs=0, planned=10)).splitlines()
    (harm,) = (line for line in begun if "weigh the same as real ones?" in line)
    assert "Not run yet" in harm and "so far" not in harm
    opposite = Interval(-2.0, -3.0, -1.0, 3)
    turned = [
        replace(e, verdict=replace(e.verdict, outcome=Outcome.DOES_NOT_HOLD, difference=opposite))
        if e.claim.key == "harm"
        else e
        for e in entries
    ]
    assert "A gain: accuracy changes by +2.0 [+1.0, +3.0] points, n = 3" in answers(turned)


def test_answers_lead_to_chapters_that_there_are(entries):
    for chapter in re.findall(r"\]\(x/(.*?)\.md\)", answers(entries, "x/")):
        assert chapter in pages()


def test_writing_twice_is_writing_once_and_a_page_without_a_place_is_refused():
    page = (BOOK / "claims.md").read_text(encoding="utf-8")
    once = with_answers(page, "- one \\1\n")
    assert with_answers(once, "- one \\1\n") == once and "- one \\1\n" in answers_of(once)
    assert page.replace(answers_of(page), "") == once.replace(answers_of(once), "")
    for text in ("none here", page + page):
        with pytest.raises(ValueError, match="one place for the answers"):
            with_answers(text, "x")


def test_no_verdict_of_a_chapter_is_a_placeholder_alone(entries):
    """Where a page's source has only a name for a verdict, the ledger in results/ has its words."""
    text = ledger_text(entries)
    statements = {entry.claim.key: entry.claim.statement for entry in entries}
    glued = {
        name
        for page in BOOK.glob("*.md")
        for name in re.findall(r"glue:text\}`[a-z]+-([\w-]+)-word`", page.read_text())
    }
    assert glued and glued <= statements.keys()
    for key in glued:
        assert re.search(
            rf"\| {re.escape(statements[key])} \|.*\| <strong class=\"verdict \w+\">\w", text
        )


def test_the_command_prints_them(capsys, tmp_path):
    assert main(["claims", "show", "--words", "--results", str(tmp_path)]) == 0
    out, n = capsys.readouterr().out, len({claim.repeats or claim.key for claim in all_claims()})
    assert out.count("Not run yet") == len(QUESTIONS)
    assert f"Of all {n} claims: {n} are not run yet." in out
