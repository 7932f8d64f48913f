"""Intervals, effect sizes, power and curves: statistics that every room above may use."""
