"""Share grid: how much a generator's images should weigh, by how good they are, and when they pay.

A generator of known distance, held-out photographs of which the share τ is a wide Gaussian's
(D_TV at most τ), at four weights, under either augmentation, four times as long as the laptop's
studies: after a thousand steps further images pay nowhere. Every run is scored without labels, so
that "regret" can ask what choosing by a score would have cost. Nothing is claimed of the grid
itself; the regret of a rule is registered before it is looked at.
"""

from __future__ import annotations

from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times
from adainf_core.evidence.studies.paper_model import INFLATION, LAYOUTS, inflated
from adainf_core.generators import dial

NAME = "share-grid"
DISTANCES = (0.0, 0.1, 0.3, 1.0)
SHARES = {"1_21": 1 / 21, "1_6": 1 / 6, "1_3": 1 / 3, "2_3": 2 / 3}
POLICY = ("strong", "weak")
_LONG = {"pretrain.steps": Times(4.0), "scored": True}


def arm_of(policy: str, distance: float | None = None, share: str = "") -> str:
    """An arm's name; without a distance, that of real images alone."""
    return f"none_{policy}" if distance is None else f"diluted_{distance:g}_{share}_{policy}"


ARMS = {
    **{
        arm_of(policy): Arm(f"no inflation, {policy}", {"pretrain.policy": policy} | _LONG)
        for policy in POLICY
    },
    **{
        arm_of(policy, distance, share): inflated(
            f"τ = {distance:g}, β = {share.replace('_', '/')}, {policy}",
            dial.DilutedSetting(distance),
            times=INFLATION,
            beta=beta,
        ).changing({"pretrain.policy": policy} | _LONG)
        for distance in DISTANCES
        for share, beta in SHARES.items()
        for policy in POLICY
    },
}

STUDY = Study(
    NAME,
    "How much should a generator's images weigh, by how good they are?",
    ARMS,
    {"laptop": Layout(
        LAYOUTS["laptop"].base, seeds=(3, 3), first_seed=80, words=LAYOUTS["laptop"].words,
    )},
)  # fmt: skip
