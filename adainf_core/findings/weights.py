"""What is said of a real image's weight: the copies of it, the images beside it, their quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adainf_core.figures import Shown, draw, level_ticks, panels
from adainf_core.findings.findings import Findings
from adainf_core.findings.forests import alt_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Panels of `sizes_panels`: augmentation, the styles of both dials, and the arm without any images.
_POLICIES = {
    "strong augmentation": ("strong", "vanilla", "perfect_vanilla", "none"),
    "weak augmentation": ("weak", "vanilla_weak", "perfect_weak", "weak"),
}
_OTHER_FLAWS = {"gaussian_mixture": "Gaussian\nmixture", "blur": "blurred", "memorised": "copies"}


def tell_of_copies(prefix: str, found: Findings, copies: Mapping[float, str]) -> None:
    """Glue what study "mixing-ratio" says of which number of copies is best.

    `copies` maps the numbers to arms; the best are those of the claim "best_n".
    """
    verdict, curve = found.verdicts["best_n"], found.curve(copies)
    best = verdict.best
    found.tell(prefix, {
        "plausible": ", ".join(f"{n:g}" for n in best.plausible),
        "best": f"{best.value:g}, n = {best.n}",
        "confidence": f"{100 * found.confidence:g} %",
        "ten-none": found.difference("n_10", "none"),
        "end": " A highest mean at the end of the dial is no inner optimum: beyond it lies no "
               "inflation." if best.value == max(copies) else "",
        "curve": None if curve is None else f"the curve is highest at N = {curve.peak:.1f} (95 % "
                 "interval of the place, within the dial)",
        "recorded": found.recorded, "n-shared": len(found.shared_seeds(*copies.values())),
        "n-none": len(found.values("none")), "place": verdict.claim.published[0].source,
    })  # fmt: skip


def sizes_panels(found: Findings) -> Shown:
    """Accuracy over generated images a real one, of study "inflation-size".

    A panel each for strong and weak augmentation, in it a poor mixture and a perfect generator.
    """
    dials = {
        (kind, policy): found.sweep(f"{kind}_{policy}_")
        for policy in ("strong", "weak")
        for kind in ("mixture", "perfect")
    }

    def paint(ax: Axes, look: tuple[str, str, str, str]) -> None:
        policy, mixture, perfect, alone = look
        found.dial(ax, dials["mixture", policy], mixture, "mixture", -3)
        found.dial(ax, dials["perfect", policy], perfect, "perfect", 3)
        found.level(ax, alone, "real only")
        ax.set(xscale="log", xlim=(0.5, 75))
        level_ticks(ax, dials["mixture", policy])

    means = [
        f"{kind}, {policy}: " + ", ".join(f"{found.mean(arm):.1f}" for arm in arms.values())
        for (kind, policy), arms in dials.items()
    ]
    levels = [f"{level:g}" for level in dials["mixture", "strong"]]
    lead = f"Accuracy against {', '.join(levels[:-1])} and {levels[-1]} generated images per real"
    return panels(paint, _POLICIES, xlabel="generated for 1 real", ylabel="linear accuracy, %",
                  alt=alt_text(f"{lead} one.", means))  # fmt: skip


def quality_panels(found: Findings, shares: Mapping[float, str]) -> Shown:
    """Accuracy under vanilla inflation over a generator's quality, of study "quality".

    Left the arms of `shares`, by the share of Gaussian images among held-out photographs; right
    three other flaws.
    """

    def paint(axes: Any) -> None:
        left, right = axes
        found.dial(left, shares, "vanilla")
        found.level(left, "none", "no inflation")
        left.set(xlabel="share τ of Gaussian images", ylabel="linear accuracy, %",
                 xlim=(1.06, -0.06))  # fmt: skip
        level_ticks(left, shares)
        for place, arm in enumerate(_OTHER_FLAWS):
            found.dial(right, {place: arm}, "vanilla")
        found.level(right, "none")
        right.set_xlim(-0.5, len(_OTHER_FLAWS) - 0.5)
        right.set_xticks(range(len(_OTHER_FLAWS)), list(_OTHER_FLAWS.values()), fontsize=9)

    means = found.means({arm: f"{share:g}" for share, arm in shares.items()})
    return draw(paint, ncols=2, sharey=True, width_ratios=(3, 2),
                alt="Left, accuracy under vanilla inflation against the share of Gaussian images, "
                f"from 1 to 0: {', '.join(means)}. Right, three other flaws. No inflation is a "
                "dashed line.")  # fmt: skip
