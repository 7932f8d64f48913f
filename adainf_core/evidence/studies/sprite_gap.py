"""The gap on sprites, where the total variation is known."""

from adainf_core.evidence.studies.generator_gap import SPRITE_GAP as STUDY

__all__ = ["STUDY"]
