"""A record of the smallest possible run."""

import pytest

from adainf_core.evidence.runs.records import Record, config_hash


@pytest.fixture
def make_record():
    def make(arm="none", seed=0, linear=50.0, **changes) -> Record:
        config = {"world": "sprites", "seed": seed}
        return Record(
            **{
                "study": "trial",
                "scale": "quick",
                "arm": arm,
                "seed": seed,
                "config": config,
                "config_hash": config_hash(config),
                "code": {},
                "versions": {"torch": "2.0", "python": "3.11"},
                "device": "cpu",
                "wall_seconds": 1.0,
                "finished": "2026-11-22",
                "beta": 1.0,
                "metrics": {"linear": linear},
                "protocols": {"linear": "made up"},
                "history": [{"step": 1, "loss": 5.0}],
            }
            | changes
        )

    return make
