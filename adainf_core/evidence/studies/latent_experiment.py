"""One world of sprites whose augmentation graph is known in full: its theory, and a network.

For a world the theory gives exact numbers, among them the error of a probe on the optimal encoder
of the spectral contrastive loss; a network trained by SimCLR on the very same views gives its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from adainf_core.data.latent_sprites import (
    LatentAugmentation,
    PicturedWorld,
    PopulationViews,
    latent_sprites,
)
from adainf_core.evidence.runs.grid import Outcome
from adainf_core.evidence.runs.quantities import LOSS, PERCENT, Quantity
from adainf_core.learning.pretrain_config import PretrainConfig
from adainf_core.theory.graph_encoders import feature_probe_error, optimal_embedding

_EXACT = 1e-6  # how far numbers that are exact may be off: their rounding in records
_TIES = 20  # optimal encoders drawn where the spectrum leaves a choice


@dataclass(frozen=True)
class LatentExperiment:
    """One world, its exact theory, and a network trained on its views.

    `augmentation` acts on the latents; the generator errs by `flaw` (None: there is none, and beta
    = 1) at total variation `tau`; `pretrain.policy` is None, and `pretrain.method.out` the
    dimension k on both sides. Errors are those of the nearest class mean with `per_class` labelled
    real images a class, averaged over `draws` choices of them.
    """

    augmentation: LatentAugmentation
    flaw: str | None
    tau: float
    beta: float
    pretrain: PretrainConfig
    per_class: int = 5
    draws: int = 100
    seed: int = 0

    kind: ClassVar[str] = "latent"
    seeded: ClassVar[tuple[str, ...]] = ("seed", "pretrain.seed")
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "alpha": Quantity(0.0, 1.0, apart=_EXACT),
        "gap": Quantity(-_EXACT, 2.0, apart=_EXACT),
        "ratio": Quantity(0.0, share=_EXACT),
        "tv": Quantity(0.0, 1.0, apart=_EXACT),
        "loss": LOSS,
    } | dict.fromkeys(
        ("exact", "exact_vote", "trained", "trained_vote", "trained_features"), PERCENT
    )
    protocol: ClassVar[Mapping[str, Any]] = {"ties": _TIES}

    @property
    def device(self) -> str | None:
        """Where the network is trained."""
        return self.pretrain.device

    @cached_property
    def pictured(self) -> PicturedWorld:
        """The world with its images."""
        return latent_sprites(self.augmentation, self.flaw, self.tau)

    def theory(self) -> dict[str, float]:
        """Exact numbers of this world; errors in percent, averaged over tied optimal encoders."""
        world, k = self.pictured.world, self.pretrain.method.out
        graph, rng = world.graph(self.beta), np.random.default_rng(self.seed)
        alpha, gap = world.labeling_error(self.beta), graph.spectral_gap(k)
        few, vote = [], []
        for _ in range(_TIES if graph.is_degenerate(k) else 1):
            features = optimal_embedding(graph, k, rng)
            few.append(self._few_label_error(features, graph.views))
            vote.append(self._vote_error(features))
        return {
            "exact": 100 * float(np.mean(few)),
            "exact_vote": 100 * float(np.mean(vote)),
            "alpha": alpha,
            "gap": gap,
            "ratio": alpha / gap if gap > 0 else float("inf"),
            "tv": (1 - self.beta) * world.total_variation,
        }

    def training(self) -> dict[str, float]:
        """Errors, in percent, of a network trained on this world's views."""
        import torch

        from adainf_core.learning.pretraining import Run

        world, views = self.pictured.world, PopulationViews(self.pictured, self.beta)
        run = Run(self.pretrain, views)
        run.advance(self.pretrain.steps)
        method, graph = run.trainee.method.eval(), world.graph(self.beta)
        images = torch.from_numpy(self.pictured.view_images[graph.views]).float() / 255
        with torch.inference_mode():
            found = [method.encoder(part) for part in images.to(run.device).split(2048)]
            features = torch.cat(found)
            embedded = torch.nn.functional.normalize(method.projector(features), dim=1)
        outputs = embedded.double().cpu().numpy()
        return {
            "trained": 100 * self._few_label_error(outputs, graph.views),
            "trained_vote": 100 * self._vote_error(outputs),
            "trained_features": 100
            * self._few_label_error(features.double().cpu().numpy(), graph.views),
            "loss": run.history[-1]["loss"],
        }

    def run(self) -> Outcome:
        """Theory and training of this world."""
        k = self.pretrain.method.out
        probe = (
            f"error in % of the nearest class mean (cosine, centred), {self.per_class} labelled "
            f"real images a class, mean of {self.draws} choices"
        )
        vote = "error in % on real images of the best linear head, majority vote over views"
        best = f"optimal {k}-dimensional encoder, exact"
        return Outcome(
            metrics=self.theory() | self.training(),
            protocols={
                "exact": f"{probe}; {best}",
                "exact_vote": f"{vote}; {best}",
                "alpha": "labeling error under the training distribution, exact",
                "gap": f"lambda_{k + 1}, exact",
                "ratio": f"alpha / lambda_{k + 1}, exact",
                "tv": "total variation of the training distribution from the real one, exact",
                "trained": f"{probe}; the network's {k} outputs that the loss sees",
                "trained_vote": f"{vote}; the same outputs",
                "trained_features": f"{probe}; the encoder's features before the projector",
                "loss": "training loss at the end",
            },
            beta=self.beta,
            history=[],
        )

    def small(self) -> LatentExperiment:
        """The same with the network trained for a few steps only."""
        return replace(self, draws=5, pretrain=replace(self.pretrain, steps=10, warmup=2))

    def _few_label_error(self, features: np.ndarray, views: np.ndarray) -> float:
        """Of features (v, d) of the kept `views`, on real images as they are."""
        from adainf_core.learning.few_labels import few_label_error

        world = self.pictured.world
        real = np.flatnonzero(world.p_real)
        rows = features[np.searchsorted(views, self.pictured.unmoved[real])]
        rng = np.random.default_rng(2**31)  # the same labelled images for every encoder
        return few_label_error(rows, world.natural_labels[real], self.per_class, self.draws, rng)

    def _vote_error(self, features: np.ndarray) -> float:
        world = self.pictured.world
        return feature_probe_error(
            world.graph(self.beta), features, world.view_labels, world.natural_labels, world.p_real
        )
