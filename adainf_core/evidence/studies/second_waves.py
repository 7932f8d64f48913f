"""Second waves: what few seeds left undecided, asked again on fresh ones, once.

Each study here takes claims of an earlier one, with the arms that they read, to seeds that no run
has seen, and its answer takes the place of the first (`ledger.settled`). How many seeds is fixed by
the power that they buy: from the first wave's residual deviation, 80 % to find a difference of one
point (`intervals.smallest_detectable`; the book's ledger has what each finds). "quality-again" adds
what the dial lacked, AdaInf's recipe under three of its generators.

Left out, and why: claims about methods that the first wave decided; the places of best levels
(`BestLevel`), for curves as flat as these would take hundreds of seeds; what gentler crops and less
jitter gain under inflation, six arms on 24 seeds, of which "ablation-again" asks the sum; and what
four times the steps change, which "long-training" asks at sixteen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adainf_core.evidence.judging.claims import Claim, Contrast
from adainf_core.evidence.published import control
from adainf_core.evidence.runs.grid import Arm, Study
from adainf_core.evidence.studies import (
    ablation,
    code_traps,
    data_scarce,
    datasets,
    diffusion,
    failure_mode,
    inflation_size,
    methods,
    mixing_ratio,
    quality,
)
from adainf_core.evidence.studies.paper_model import WEAK, WEAKER, N

FIRST_SEED = 60


def again(
    study: Study,
    seeds: int,
    *keys: str,
    arms: Mapping[str, Arm] | None = None,
    claims: tuple[Contrast, ...] = (),
) -> Study:
    """A strict study that asks the claims `keys` of `study` again, on `seeds` fresh seeds.

    `claims`, of the study so named, are new ones, and `arms` those that they read besides.
    """
    name = f"{study.name}-again"
    known = {claim.key: claim for claim in study.claims}
    repeated: list[Claim] = [
        replace(
            known[key],
            key=f"{key}_again",
            statement=f"{known[key].statement}, on fresh seeds",
            study=name,
            repeats=key,
        )
        for key in keys
    ]
    asked = (*repeated, *claims)
    every = {**study.arms, **(arms or {})}
    read = dict.fromkeys(arm for claim in asked for arm in claim.arms)
    layout = replace(
        study.layouts["laptop"], seeds=(seeds, seeds), first_seed=FIRST_SEED, without=()
    )
    return Study(
        name,
        f"On {seeds} fresh seeds: {study.question[0].lower()}{study.question[1:]}",
        {arm: every[arm] for arm in read},
        {"laptop": layout},
        asked,
        strict=True,
    )


_ADAINF = {
    f"{name}_adainf": quality.ARMS[name].changing(
        WEAKER | {"replication": N}, f"AdaInf, {quality.ARMS[name].label}"
    )
    for name in ("diluted_50", "diluted_10", "memorised")
}

STUDIES = (
    again(
        failure_mode.STUDY, 12,
        "harm", "cure", "beyond_weak", "perfect_helps", "perfect_beyond_weak", "real_needed",
    ),
    again(
        ablation.STUDY, 15,
        "weight_helps", "weak_helps", "weight_adds", "complementary", "complementary_perfect",
        "perfect_unweighted", "perfect_weak_pays",
    ),
    again(
        data_scarce.STUDY, 16,
        "scarce_cure", "scarce_beyond_weak",
    ),
    again(
        datasets.STUDY, 8,
        *(claim.key for claim in datasets.STUDY.claims),
    ),
    again(
        mixing_ratio.STUDY, 8,
        "too_many_copies", "diversity",
    ),
    again(
        inflation_size.STUDY, 8,
        "more_harm", "more_help",
    ),
    again(
        diffusion.STUDY, 8,
        "diffusion_helps", "diffusion_beats_mixture",
    ),
    # the rates of "methods" are kept: study "method-rates" found none better by half a point
    again(
        methods.STUDY, 12,
        "harm_moco", "beyond_weak_moco", "cure_byol",
    ),
    again(
        quality.STUDY, 10,
        "better_is_better", "copies_help",
        arms={"weak": WEAK, **_ADAINF},
        claims=tuple(
            control(
                f"{name}_pays", f"AdaInf with {label} beats weak augmentation alone",
                "quality-again", name, "weak", short=f"{short} > weak",
            )
            for name, label, short in (
                ("diluted_50_adainf", "images that are half Gaussian", "AdaInf, half Gaussian"),
                ("diluted_10_adainf", "images that are a tenth Gaussian", "AdaInf, 10 % Gaussian"),
                ("memorised_adainf", "copies of the real images", "AdaInf, copies"),
            )
        ),
    ),
    again(
        code_traps.STUDY, 10,
        "swap_mixture", "swap_perfect", "copies_repel",
    ),
)  # fmt: skip
