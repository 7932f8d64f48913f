"""When a study's claims were fixed: their rule's hash, a commit and a time, before the runs.

`results/registrations.json` holds one entry a study. A rule is everything in a claim and about its
family that a verdict depends on; rewording a statement, or adding what the paper says, does not
change it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN
from adainf_core.evidence.runs.records import RESULTS, Record, config_hash
from adainf_core.evidence.studies.claimed import LEDGER, family
from adainf_core.files import atomic_file

#: The rule's own number: raise it when `verdicts` decides differently.
RULE = 1
_WORDS = ("statement", "published", "asked_by")
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Registration:
    """The hash of a study's rule, the commit that holds it, and the UTC time it was registered."""

    rule: str
    commit: str
    registered: str


def rule_hash(study: str) -> str:
    """Hash of all that decides the claims about `study`."""
    claims = [
        {key: value for key, value in asdict(claim).items() if key not in _WORDS}
        | {"kind": type(claim).__name__}
        for claim in family(study)
    ]
    return config_hash({"rule": RULE, "margin": MARGIN, "confidence": CONFIDENCE, "claims": claims})


def registrations(root: Path = RESULTS) -> dict[str, Registration]:
    """What has been registered, by study; ValueError naming the file where it is not sound."""
    path = root / "registrations.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {study: Registration(**entry) for study, entry in content.items()}
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a list of registrations ({error})") from None


def register(root: Path = RESULTS) -> list[str]:
    """Register the rule of every study of the ledger that is new or has changed; their names.

    The claims have to be committed as they are. Raises ValueError where they are not.
    """
    for source in (Path(__file__).with_name(name) for name in ("claims.py", "claimed.py")):
        if _git("status", "--porcelain", "--", str(source)):
            raise ValueError(f"{source} has changes that are not committed: commit them first")
    known, now = registrations(root), datetime.now(UTC).strftime(_STAMP)
    commit = _git("rev-parse", "HEAD")
    changed = []
    for study in dict.fromkeys(claim.study for claim in LEDGER):
        rule = rule_hash(study)
        if study not in known or known[study].rule != rule:
            known[study] = Registration(rule, commit, now)
            changed.append(study)
    with atomic_file(root / "registrations.json") as file:
        entries = {study: asdict(entry) for study, entry in known.items()}
        file.write((json.dumps(entries, indent=1) + "\n").encode())
    return changed


def check_registered(study: str, records: Iterable[Record], root: Path = RESULTS) -> Registration:
    """The registration under which `records` may be judged.

    Raises ValueError where the study's rule is not registered, has changed since, or is younger
    than the start of a record, which is named. Of a run that was continued, the start of its last
    part is what is known.
    """
    path = root / "registrations.json"
    found = registrations(root).get(study)
    if found is None or found.rule != rule_hash(study):
        what = "not registered" if found is None else "another one than was registered"
        raise ValueError(
            f"{path}: the rule of study {study!r} is {what}; commit the claims, run adainf claims "
            "register, and judge runs that are made afterwards"
        )
    fixed = datetime.strptime(found.registered, _STAMP).replace(tzinfo=UTC)
    for record in records:
        began = record_began(record)
        if began < fixed:
            raise ValueError(
                f"record {record.arm}-{record.seed} of {study!r}: began {began:{_STAMP}} (finished "
                f"less wall_seconds), before its rule was registered, {found.registered}"
            )
    return found


def record_began(record: Record) -> datetime:
    """When the run of a record began, UTC; ValueError where its end has no time of day."""
    try:
        ended = datetime.strptime(record.finished, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(
            f"record {record.arm}-{record.seed} of {record.study!r}: finished={record.finished!r} "
            "has no time of day, so nobody knows whether its rule is older; run it again"
        ) from None
    return ended - timedelta(seconds=record.wall_seconds)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"git {arguments[0]} failed ({error}): registering needs it") from None
