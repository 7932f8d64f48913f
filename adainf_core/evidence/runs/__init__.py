"""Runs: what a grid of experiments is, how it is run and recorded. Knows no study."""
