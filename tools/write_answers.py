"""Write the ledger's answers into README.md and the page of the ledger, and all of it to results/.

    python tools/write_answers.py

Run it when records, claims or registrations have changed; a second run changes nothing.
"""

from pathlib import Path

from adainf_core.evidence.ledger import ledger
from adainf_core.findings.answers import answers, ledger_text, with_answers

ROOT = Path(__file__).resolve().parents[1]


def pages(root: Path = ROOT) -> dict[Path, str]:
    """Every file that has answers, and what it should say."""
    entries = ledger()
    found = {
        root / name: with_answers((root / name).read_text(encoding="utf-8"), answers(entries, at))
        for name, at in (("README.md", "book/"), ("book/claims.md", ""))
    }
    return found | {root / "results" / "ledger.md": ledger_text(entries)}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
