"""Folders of images whose sub-folders are the classes, numbered in the order of their names."""

from __future__ import annotations

from pathlib import Path


def check_same_classes(labelled: str, test: str) -> None:
    """Raise ValueError, naming a class, where one label would mean two classes.

    That is so for two folders with different sub-folders; nothing else is looked at.
    """
    sides = [Path(side) for side in (labelled, test)]
    if not all(side.is_dir() for side in sides):
        return
    learnt, tested = (
        {child.name for child in side.iterdir() if child.is_dir() and child.name[0] != "."}
        for side in sides
    )
    if learnt and tested and learnt != tested:
        raise ValueError(
            f"{labelled} and {test} differ in the class {min(learnt ^ tested)!r}: sub-folders "
            "number the classes, so both need the same ones"
        )
