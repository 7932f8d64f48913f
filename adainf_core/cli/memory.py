"""What a command says where memory does not suffice."""

from __future__ import annotations

import re

# what to make smaller
_SMALLER = {
    "data": "name fewer images, or smaller ones (--size)",
    "generate": "lower batch_size, --count or --size",
    "gap": "lower --n or --size",
    "pretrain": "lower pretrain.batch_size or pretrain.width; --dry-run tells what a run takes",
    "probe": "probe with fewer or smaller images, or on a machine with more",
    "compare": "probe with fewer or smaller images, or on a machine with more",
    "study": "lower --processes, or choose a smaller --scale",
    "plan": "lower --gap-images, --batch-size or --processes",
}
_OF_TORCH = re.compile(r"can't allocate memory|out of memory|not enough memory", re.IGNORECASE)
_ASKED = re.compile(r"allocate ([\d.]+) ?(bytes|[KMGTPE]i?B)")


def memory_shortage(error: BaseException, command: str) -> str | None:
    """The line for an `error` of Python, numpy or torch for want of memory, None for any other."""
    of_torch = isinstance(error, RuntimeError) and _OF_TORCH.search(str(error)) is not None
    if not of_torch and not isinstance(error, MemoryError):
        return None
    asked = _ASKED.search(str(error))
    if asked is None:
        why = "" if of_torch else str(error)
    elif asked[2] == "bytes":
        why = f"{int(asked[1]) / 2**30:,.1f} GiB asked for at once"
    else:
        why = f"{asked[1]} {asked[2]} asked for at once"
    remedy = _SMALLER.get(command, "close other programs")
    return f"not enough memory{why and f' ({why})'}: {remedy}"
