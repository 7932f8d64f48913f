"""Share grid: how much a generator's images should weigh, by how good they are, and when they pay.

A generator of known distance, held-out photographs of which the share τ is a wide Gaussian's
(D_TV at most τ), at four weights, under either augmentation, four times as long as the laptop's
studies: after a thousand steps further images pay nowhere. Every run is scored without labels, so
that it can be asked what choosing by a score is worth: of each generator, no images or either of
four weights, under either augmentation, ten arms, the one that a score puts first, against gentle
augmentation alone, which nobody has to choose. A seed is one observation, for menus share arms: so
there are five, and claims of the four scores that are proposed most for this (RankMe, α-ReQ, LiDAR
and the loss itself); the others are measured all the same. Nothing is claimed of the grid itself.
"""

from __future__ import annotations

from adainf_core.evidence.judging.claims import Chosen
from adainf_core.evidence.runs.grid import Arm, Layout, Study, Times
from adainf_core.evidence.studies.paper_model import INFLATION, LAYOUTS, inflated
from adainf_core.generators import dial
from adainf_core.learning.scores import PANEL

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

MENUS = tuple(
    (
        *(arm_of(policy) for policy in POLICY),
        *(arm_of(policy, distance, share) for share in SHARES for policy in POLICY),
    )
    for distance in DISTANCES
)
#: The scores that claims are of: what they are called, and whether more is meant to be better.
SCORES = {
    f"score_{name}": (PANEL[name].label, PANEL[name].better)
    for name in ("rankme", "alpha_req", "lidar")
} | {"score_loss": ("the loss at the end", -1)}

CLAIMS = tuple(
    Chosen(
        f"choose_{score}", f"Choosing by {label} beats always gentle augmentation alone",
        NAME, score, MENUS, arm_of("weak"), better, asked_by="control",
        short=f"{label} > weak only",
    )
    for score, (label, better) in SCORES.items()
)  # fmt: skip

STUDY = Study(
    NAME,
    "How much should a generator's images weigh, by how good they are?",
    ARMS,
    {"laptop": Layout(
        LAYOUTS["laptop"].base, seeds=(5, 5), first_seed=80, words=LAYOUTS["laptop"].words,
    )},
    CLAIMS,
    strict=True,
)  # fmt: skip
