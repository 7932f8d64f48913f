"""The pieces to play with: their words, and the tables that stand in for them.

A table is what a piece shows without scripts and in print; the library computes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: What folds the answer to a prediction.
ANSWER = "What the page finds"
#: What a table says of itself.
HINT = "Where a browser may run scripts, dials stand here in place of this table."


@dataclass(frozen=True)
class Piece:
    """A piece: its title, what to try, and the table that stands in for it, made when needed."""

    title: str
    ask: str
    table: Callable[[], str]


def weights_table() -> str:
    """What N copies make of twenty generated images for each real one, at a distance of a half."""
    from adainf_core.theory import replication_to_beta

    shares = {copies: replication_to_beta(1, 20, copies) for copies in (1, 5, 10, 20, 50)}
    return table(
        ("copies N beside 20 generated", "share β of real draws", "left of a distance of 0.5"),
        [(f"{copies}", f"{b:.3f}", f"{(1 - b) * 0.5:.3f}") for copies, b in shares.items()],
    )


def views_table() -> str:
    """Pairs without a common pixel, by the smallest crop, in 4,000 pairs of the library's views."""
    from dataclasses import replace

    import torch

    from adainf_core.learning.augmentation import view_noise, view_parameters
    from adainf_core.learning.policies import POLICIES

    rows = []
    for low in (0.02, 0.08, 0.2, 0.4, 1.0):
        policy = replace(POLICIES["symmetric"], crop_scale=(low, 1.0))
        noise = view_noise(8000, torch.Generator().manual_seed(0))
        drawn = view_parameters(noise, 96, 96, policy)
        seen = (drawn.height * drawn.width).double().median() / 96**2
        meet = torch.ones(4000, dtype=torch.bool)
        for start, length in ((drawn.top, drawn.height), (drawn.left, drawn.width)):
            begin, end = start.view(2, -1), (start + length).view(2, -1)
            meet &= begin.amax(0) < end.amin(0)
        apart = (~meet).double().mean()
        rows.append((f"{100 * low:.0f} %", f"{100 * seen:.0f} %", f"{100 * apart:.1f} %"))
    columns = ("smallest crop", "of the picture in a view, median", "pairs without a common pixel")
    return table(columns, rows)


def ring_table() -> str:
    """The ring with real images only and inflated, at four strengths."""
    import warnings

    from adainf_core.theory import ring_world
    from adainf_core.theory.spectrum import DegenerateSpectrumWarning

    rows = []
    for name, beta in (("1", 1.0), ("1/3", 1 / 3)):
        for strength in (1, 2, 3, 4):
            world = ring_world(strength)
            graph = world.graph(beta)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DegenerateSpectrumWarning)
                found = world.transfer_bound(beta, 2)
            error = "left to chance" if graph.is_degenerate(2) else f"{found.real_error:.2f}"
            numbers = f"{found.labeling_error:.3f}", f"{found.spectral_gap:.3f}"
            bound = f"{found.bound:.2f}".replace("inf", "∞")
            pieces = f"{graph.component_count()}"
            rows.append((name, f"{strength}", pieces, *numbers, bound, error))
    columns = ("β", "strength", "pieces", "α", "λ₃", "bound", "true error")
    return table(columns, rows)


def seeds_table() -> str:
    """The differences that some numbers of seeds find four times in five."""
    from adainf_core.evidence.judging.claims import CONFIDENCE
    from adainf_core.statistics.intervals import smallest_detectable

    noise, counts, families = 0.6, (3, 5, 10, 20, 30), (1, 5, 15)
    rows = [
        (
            f"{n}",
            *(
                f"{smallest_detectable(2**0.5 * noise, n, 1 - (1 - CONFIDENCE) / claims):.1f}"
                for claims in families
            ),
        )
        for n in counts
    ]
    columns = [f"points found, {claims} claim{'s' * (claims > 1)}" for claims in families]
    return table((f"seeds, a run's noise {noise:g} points", *columns), rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


#: The pieces by the name of their script.
PIECES = {
    "weigh": Piece(
        "How much should a real image weigh?",
        "Find a setting at which half of the draws are real. Then bring what is left of the "
        "distance below a tenth, without touching the generator.",
        weights_table,
    ),
    "views": Piece(
        "What is left of your picture?",
        "Two crops of one picture are called the same. Turn the dials until they are not. Only "
        "crop and jitter are drawn here.",
        views_table,
    ),
    "ring": Piece(
        "What augmentation joins",
        "Join the two clusters of each class without joining the classes. Can it be done with real "
        "images alone, at β = 1?",
        ring_table,
    ),
    "seeds": Piece(
        "How many seeds?",
        "The truth is one point. How many seeds does it take until four studies in five say so?",
        seeds_table,
    ),
}
