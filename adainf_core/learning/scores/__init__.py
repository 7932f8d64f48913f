"""Scores of an encoder without labels, one file each, and the panel of all of them.

Each is a function of frozen features of real images, (n, d), or of several views of each, (n,
views, d), and says in which direction its authors take it to be better. None sees a label; whether
any is worth choosing by is what study "share-grid" asks.
"""

from adainf_core.learning.scores.panel import PANEL, Score, panel

__all__ = ["PANEL", "Score", "panel"]
