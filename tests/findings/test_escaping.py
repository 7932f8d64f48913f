"""Text from records marks nothing up, wherever a page shows it."""

import pytest
import yaml
from book_state import ROOT
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from adainf_core.evidence.registration import Registration
from adainf_core.evidence.runs import freshness
from adainf_core.evidence.runs.fingerprints import code_fingerprint
from adainf_core.evidence.runs.freshness import Replay
from adainf_core.evidence.studies.catalogue import named_study
from adainf_core.figures import Table
from adainf_core.findings import Findings, caption, ledgers
from adainf_core.findings.captions import standing_of_code
from adainf_core.findings.escaping import as_code, escaped, unmarked

HOSTILE = (
    "<script>alert(1)</script>",
    "*a* **b** _c_ ~~d~~",
    "[here](http://example.org) ![x](y.png)",
    "$E = m$ and $$x$$",
    "{glue:text}`fm-harm` {py:func}`f`",
    "a | b | c",
    "`code` \\*not\\*",
    "&lt;b&gt; &amp;",
    "# no title\n\n# nor this",
    "\n\n```{code-cell}\nimport os\n```\n",
    "[@someone] [^1] <http://example.org>",
)


def parsed(markdown: str) -> list:
    """The parts of a paragraph, as the book's parser has them."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())["parse"]
    config = MdParserConfig(enable_extensions=settings["myst_enable_extensions"])
    tokens = create_md_parser(config, RendererHTML).parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return tokens[1].children


def shown(markdown: str) -> str:
    """What a reader sees of a paragraph; fails where something in it is more than text."""
    parts = parsed(markdown)
    assert {part.type for part in parts} <= {"text", "text_special"}
    return "".join(part.content for part in parts)


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_seen_as_it_is(text):
    assert shown(f"On {escaped(text)}.") == f"On {' '.join(text.split())}."
    assert unmarked(escaped(text)) == " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_text_as_code_stays_in_it(text):
    before, code, after = parsed(f"At {as_code(text)}.")
    assert (before.content, code.type, after.content) == ("At ", "code_inline", ".")
    assert "|" not in code.content


@pytest.mark.parametrize("text", HOSTILE)
def test_a_caption_escapes_what_its_records_say(make_record, text):
    record = make_record(
        study=text, scale=text, device=text, versions={"torch": text, "python": text}
    )
    parts = [
        part
        for part in parsed(caption("Dots.", [record]).data.partition("\n\n")[2])
        if part.content
    ]
    assert [part.type for part in parts if part.type != "text"] == ["code_inline"] * 2
    said = "".join(part.content for part in parts if part.type == "text")
    assert said.count(" ".join(text.split())) == 3


@pytest.mark.parametrize("text", HOSTILE)
def test_replays_and_registrations_are_escaped(make_record, monkeypatch, text):
    study = named_study("failure-mode")
    now = code_fingerprint(study.experiment("laptop", "none", 20))
    record = make_record(seed=20, study=study.name, scale="laptop", code="of old")
    made = Replay(
        study.name, "laptop", "of old", now, ("none-20",), 1, 1, 1, text, True, "2026-11-30", "cpu"
    )
    monkeypatch.setattr(freshness, "replays", lambda root: [made])
    end = shown(standing_of_code(study, [record], None))
    assert end == f"replayed at {' '.join(text[:7].split())}".rstrip()

    class Entry:
        claim, scale = study.claims[0], "laptop"
        registration = Registration("rule", text, "2026-11-23T01:42:02Z", "rule")

    monkeypatch.setattr(Findings, "records", [])
    (row,) = ledgers.registration_table([Entry]).rows
    assert str(Table(("a",) * len(row), [row])).splitlines()[-1].count("|") == len(row) + 1
    assert "`" not in row[2][1:-1]
