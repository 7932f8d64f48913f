"""Judging: kinds of claims, their rules and verdicts. Knows no study's content."""
