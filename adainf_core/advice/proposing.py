"""Proposing: a reader's images, wishes and machine, brought to one comparison and its cost."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from adainf_core.advice.amounts import AMOUNTS, between
from adainf_core.advice.designing import FILLED, STEPS_A_SEED, WIDTHS, Cost, Design, choose
from adainf_core.advice.own_images import OwnImages
from adainf_core.advice.own_study import OwnExperiment, arms_of_own
from adainf_core.advice.timing import faster_precision, measured
from adainf_core.configuration import from_plain, to_plain
from adainf_core.devices import chosen_device
from adainf_core.evidence.runs.running import cores
from adainf_core.files import atomic_file
from adainf_core.learning.policies import AugmentationPolicy
from adainf_core.learning.pretrain_config import PretrainConfig

#: A comparison for which no budget is named: steps and seeds.
STEPS, SEEDS = 1000, 5
#: Passes through the real images beyond which a design trains no longer: the paper's.
PASSES = 1024
_SEEDS_WITH_AMOUNTS = 3  # that all arms have to have where amounts join by themselves
_FILE = "design.json"


@dataclass(frozen=True)
class Proposal:
    """A comparison to be run: its design, what its runs train by and the amounts among its arms.

    `pretrain` is what all arms share, policy and seed aside. `amounts_from` is the budget in
    seconds from which amounts would join the arms, None where they have or none are to.
    """

    design: Design
    pretrain: PretrainConfig
    amounts: tuple[float, ...] = ()
    amounts_from: int | None = None


def propose(
    own: OwnImages,
    pretrain: PretrainConfig,
    *,
    budget: float = math.inf,
    spent: float = 0.0,
    steps: int | None = None,
    seeds: int | None = None,
    processes: int | None = None,
    amounts: Sequence[float] | None = None,
    fixed: Collection[str] = (),
    policies: tuple[AugmentationPolicy, AugmentationPolicy] | None = None,
    probe: Literal["linear", "knn"] = "linear",
    start: float = 0.0,
    rehearsed: bool = False,
    clock: Callable[[], float] = time.perf_counter,
    grid: Callable[[PretrainConfig], Mapping[str, OwnExperiment]] | None = None,
) -> Proposal:
    """The comparison that fits `budget` seconds by the rule of `designing`, timed on this machine.

    So many of them are `spent` before the timing, which takes its own. Without a budget it has
    `STEPS` steps and `SEEDS` seeds of `pretrain`. What is given stays: `steps`, `seeds`,
    `processes`, and the fields of `pretrain` that are named in `fixed`. `amounts` None lets those
    of `amounts.AMOUNTS` join where all arms still have three seeds. `start` is what a process takes
    before its first run. Other arms than the four are those that `grid` makes of a training, the
    most wanted first; then `amounts` are none, and where all do not fit the last are left out, down
    to two. ValueError where no design fits.
    """
    limited, began = math.isfinite(budget), clock()
    n_real, n_generated = len(own.real), len(own.generated)
    if processes is None:
        processes = cores() if chosen_device(pretrain.device).type == "cpu" else 1
    whole = grid is None
    if grid is None:
        grid = partial(arms_of_own, own, policies=policies, probe=probe)
    else:
        amounts = ()
    example = grid(pretrain)
    if limited and "precision" not in fixed and "encoder" not in fixed:
        first = next(iter(example.values()))
        pretrain = replace(pretrain, precision=faster_precision(first, own, clock))

    @cache
    def cost(width: int) -> Cost:
        arms = grid(replace(pretrain, width=width))
        return measured(arms, own, processes, start, rehearsed=rehearsed, clock=clock)

    asked = between(AMOUNTS if amounts is None else amounts, n_real, n_generated)
    if not limited:
        chosen = asked if amounts is not None else ()
        arms = len(example) + len(chosen)
        design = Design(
            pretrain.width, steps or STEPS, seeds or SEEDS, arms, processes, cost(pretrain.width)
        )
        return _lasting(Proposal(design, pretrain, chosen), fixed)
    free = not {"encoder", "width"} & set(fixed)
    widths = WIDTHS if free else ((pretrain.width, WIDTHS[0][1]),)
    longest = max(WIDTHS[0][1], math.ceil(PASSES * n_real / pretrain.batch_size), steps or 0)
    cost(widths[0][0])
    spent += clock() - began
    options: dict[str, Any] = {
        "processes": processes, "longest": longest, "widths": widths, "steps": steps,
        "seeds": seeds, "spent": spent,
    }  # fmt: skip
    if amounts is not None:
        arms = len(example) + len(asked)
        design = _most_arms(budget, cost, arms, arms if whole else 2, options)
        return _lasting(Proposal(design, pretrain, asked), fixed)
    design = choose(budget, cost, arms=len(example), **options)
    if not asked:
        return _lasting(Proposal(design, pretrain), fixed)
    arms, wanted = len(example) + len(asked), seeds or _SEEDS_WITH_AMOUNTS
    least = min(longest, steps or STEPS_A_SEED * wanted)
    larger = replace(design, arms=arms, seeds=wanted, steps=least)
    if larger.seconds > FILLED * (budget - spent):
        return _lasting(Proposal(design, pretrain, (), math.ceil(spent) + larger.budget), fixed)
    return _lasting(Proposal(choose(budget, cost, arms=arms, **options), pretrain, asked), fixed)


def _most_arms(
    budget: float, cost: Callable[[int], Cost], arms: int, fewest: int, options: dict[str, Any]
) -> Design:
    """The design of as many of `arms` arms as fit; ValueError where `fewest` do not."""
    while True:
        try:
            return choose(budget, cost, arms=arms, **options)
        except ValueError:
            if arms <= fewest:
                raise
        arms -= 1


def _lasting(proposal: Proposal, fixed: Collection[str]) -> Proposal:
    """With the training of its design; a twentieth of it warms up, unless that is `fixed`."""
    design = proposal.design
    warmup = proposal.pretrain.warmup if "warmup" in fixed else design.steps // 20
    pretrain = replace(proposal.pretrain, width=design.width, steps=design.steps, warmup=warmup)
    return replace(proposal, pretrain=pretrain)


# ---- kept beside the records


def write_proposal(proposal: Proposal, records: Path) -> None:
    """Keep it in a folder of records, for the next call to go on with."""
    plain = {"design": asdict(proposal.design), "pretrain": to_plain(proposal.pretrain),
             "amounts": list(proposal.amounts)}  # fmt: skip
    with atomic_file(records / _FILE) as file:
        file.write(json.dumps(plain, indent=1).encode())


def read_proposal(records: Path) -> Proposal | None:
    """The one kept there; None where there is none, ValueError for a file that is none."""
    path = records / _FILE
    if not path.is_file():
        return None
    try:
        plain: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        design = plain["design"] | {"cost": Cost(**plain["design"]["cost"])}
        pretrain = from_plain(PretrainConfig, plain["pretrain"])
        return Proposal(Design(**design), pretrain, tuple(plain["amounts"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} holds no design ({error}): delete it, or name another --records"
        ) from None
