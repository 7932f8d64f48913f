"""When a study's claims and plan were fixed: their hashes, a commit and a time, before the runs.

`results/registrations.json` holds one entry a study. A *rule* is everything in a claim and about
its family that a verdict depends on; rewording a statement, or adding what the paper says, does not
change it. A *plan* is all runs of a study at a scale: arms, seeds, and every field of their
experiments' configurations that differs from its default, so that a new field whose default leaves
things as they were does not change it (nor does another default, which is why none may change). The
*protocol* is what a kind of experiment measures by and no configuration holds, such as the probes'
penalties and folds (`grid.Experiment`); registrations cover it since November 30, 2026, and what
was registered before stays as it is.

What had begun before it was registered is exploratory. It is judged all the same, and said to be.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from adainf_core.configuration import to_plain
from adainf_core.evidence.judging.claims import CONFIDENCE, MARGIN
from adainf_core.evidence.runs.grid import Study
from adainf_core.evidence.runs.records import RESULTS, Record, began
from adainf_core.evidence.studies.catalogue import family, named_study, studies
from adainf_core.files import atomic_file
from adainf_core.validation import as_count

#: The rule's own number: raise it when `verdicts` decides differently.
RULE = 1
_WORDS = ("statement", "published", "asked_by", "short", "repeats")
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_COVERS = ("rule", "rule and plan", "rule, plan and protocol")


@dataclass(frozen=True)
class Registration:
    """What was registered of a study, and when.

    `rule` is the rule's hash, `commit` holds what was registered, `registered` is the UTC time.
    `covers` is "rule", as in the first registrations, "rule and plan", or, as in all new ones,
    "rule, plan and protocol"; `plan` then has a hash for each scale, and `looks` is how often the
    records are judged, the last time included. ValueError where `covers` and `plan` disagree.
    """

    rule: str
    commit: str
    registered: str
    covers: str
    plan: dict[str, str] = field(default_factory=dict)
    looks: int = 1

    def __post_init__(self) -> None:
        fitting = _COVERS[1:] if self.plan else _COVERS[:1]
        if not isinstance(self.plan, dict) or self.covers not in fitting:
            raise ValueError(f"covers={self.covers!r} with plan={self.plan!r}")


class Standing(NamedTuple):
    """The registration that records are judged under, and whether they are exploratory for it."""

    registration: Registration | None
    exploratory: bool


def rule_hash(study: str) -> str:
    """Hash of all that decides the claims about `study`."""
    claims = [
        {key: value for key, value in asdict(claim).items() if key not in _WORDS}
        | {"kind": type(claim).__name__}
        for claim in family(study)
    ]
    decided_by = {"rule": RULE, "margin": MARGIN, "confidence": CONFIDENCE, "claims": claims}
    return _hash(decided_by | ({"strict": True} if named_study(study).strict else {}))


def plan_hash(study: Study, scale: str, protocol: bool = True) -> str:
    """Hash of all runs of `study` at `scale` and, with `protocol`, of what measures them."""
    runs = {
        f"{arm}-{seed}": study.experiment(scale, arm, seed)
        for arm, seed in sorted(study.plan(scale))
    }
    plain: dict[str, Any] = {
        name: to_plain(experiment, defaults=False) for name, experiment in runs.items()
    }
    if not protocol:
        return _hash(plain)
    kinds = {experiment.kind: dict(experiment.protocol) for experiment in runs.values()}
    return _hash({"runs": plain, "protocol": kinds})


def registrations(root: Path = RESULTS) -> dict[str, Registration]:
    """What has been registered, by study; ValueError naming the file where it is not sound."""
    path = root / "registrations.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {study: Registration(**entry) for study, entry in content.items()}
        for study, registration in found.items():
            if study not in studies():
                raise ValueError(f"there is no study {study!r}")
            _time(registration.registered)
        return found
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a list of registrations ({error})") from None


def register(root: Path = RESULTS, looks: int = 1) -> list[str]:
    """Register rule and plan of every study of the ledger that is new or has changed; their names.

    `looks` is how often each will be judged, at least once. Claims and studies have to be committed
    as they are. Raises ValueError where they are not.
    """
    as_count(looks, "looks", 1)
    for source in (Path(__file__).with_name(name) for name in ("judging", "studies")):
        if _git("status", "--porcelain", "--", str(source)):
            raise ValueError(f"{source} has changes that are not committed: commit them first")
    known, now = registrations(root), datetime.now(UTC).strftime(_STAMP)
    commit = _git("rev-parse", "HEAD")
    changed = []
    for name, study in studies().items():
        if not study.claims:
            continue
        if name not in known or _disagreement(known[name], study, study.layouts):
            plan = {scale: plan_hash(study, scale) for scale in study.layouts}
            known[name] = Registration(rule_hash(name), commit, now, _COVERS[-1], plan, looks)
            changed.append(name)
    with atomic_file(root / "registrations.json") as file:
        entries = {name: _written(entry) for name, entry in known.items()}
        file.write((json.dumps(entries, indent=1) + "\n").encode())
    return changed


def standing(study: Study, scale: str, records: Iterable[Record], root: Path = RESULTS) -> Standing:
    """The registration under which a study's `records` at `scale` are judged.

    They are exploratory where a run that the claims read began before it, or there is none. Of a
    run that was continued, the start of its last part is what is known. Raises ValueError where
    rule or plan have changed since the registration.
    """
    arms = {arm for claim in family(study.name) for arm in claim.arms}
    starts = [_time(began(record)) for record in records if record.arm in arms]
    found = registrations(root).get(study.name)
    if found is None:
        return Standing(None, bool(starts))
    what = _disagreement(found, study, [scale] if scale in study.layouts else [])
    if what:
        there = "" if root == RESULTS else f" --results {root}"
        raise ValueError(
            f"{root / 'registrations.json'}: the {what} of study {study.name!r} is another one "
            "than was registered; undo the change, or commit it and run adainf claims "
            f"register{there}, which makes the runs there are exploratory"
        )
    return Standing(found, any(start < _time(found.registered) for start in starts))


def _disagreement(registration: Registration, study: Study, scales: Iterable[str]) -> str:
    """ "rule" or "plan" where it differs from what was registered, else nothing."""
    if registration.rule != rule_hash(study.name):
        return "rule"
    if registration.plan and any(
        registration.plan.get(scale)
        != plan_hash(study, scale, protocol=registration.covers == _COVERS[-1])
        for scale in scales
    ):
        return "plan"
    return ""


def _hash(plain: dict) -> str:
    """Hash of plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _written(registration: Registration) -> dict:
    """A registration as JSON: of a rule alone, the rule's fields alone."""
    content = asdict(registration)
    if not registration.plan:
        del content["plan"], content["looks"]
    return content


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"git {arguments[0]} failed ({error}): registering needs it") from None
