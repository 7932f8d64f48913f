"""The cache: where what can be had again is kept, if anywhere."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder of the cache, which need not exist.

    It is the environment variable ADAINF_CACHE, else adainf_core in XDG_CACHE_HOME, else in .cache
    under the home directory. Raises RuntimeError, naming the variables, where there is no home.
    """
    chosen, shared = os.environ.get("ADAINF_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if shared and os.path.isabs(shared):  # as its specification has it
        return Path(shared) / "adainf_core"
    try:
        return Path.home() / ".cache" / "adainf_core"
    except RuntimeError:
        raise RuntimeError(
            "there is no home directory to keep data and a cache in: name a folder in "
            "ADAINF_CACHE, and the folder of the data sets in ADAINF_DATA"
        ) from None
