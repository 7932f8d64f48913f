"""One run is done by one process, however many work on one results folder."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Seconds after which a reservation by another machine, which cannot be asked, counts as given up.
PATIENCE = 24 * 3600.0


@contextmanager
def reserved(path: Path) -> Iterator[bool]:
    """Whether this process may work on what `path` stands for; it is given back at the end.

    A process that was killed gives nothing back: its file is taken over where it ran on this
    machine and is gone, or ran on another one more than `PATIENCE` ago.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = f"{socket.gethostname()} {os.getpid()}"
    free = _taken(path, mine)
    if not free and _given_up(path):
        path.unlink(missing_ok=True)
        free = _taken(path, mine)
    try:
        yield free
    finally:
        if free:
            path.unlink(missing_ok=True)


def _taken(path: Path, mine: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(mine)
    except FileExistsError:
        return False
    return True


def _given_up(path: Path) -> bool:
    host, pid, age = "", "", 0.0
    with suppress(OSError, ValueError):  # it may be given back just now, or half written
        age = time.time() - path.stat().st_mtime
        host, pid = path.read_text(encoding="utf-8").split()
    if host != socket.gethostname() or not pid.isdigit():
        return age > PATIENCE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is there, and somebody else's
        return False
    return int(pid) == os.getpid()  # left by an earlier process of the same number
