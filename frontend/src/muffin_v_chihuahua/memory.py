"""Memory that has been let go of goes back to the system, as far as its allocator knows how to."""

import ctypes
import gc
import os
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Names of glibc's malloc.h."""

_KEPT_BYTES = 128 * 1024
_ARENAS = 2


def _library() -> Any:
    return ctypes.CDLL(None) if os.name == "posix" else None


def keep_little() -> None:
    """Tell glibc, before there are threads, to share its memory between them and to keep little of it.

    By itself it has a pool for each thread, and learns from the first pictures to keep pieces of their size:
    visitors who have gone would leave tens of megabytes behind. Other C libraries do neither.
    """
    mallopt = getattr(_library(), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def give_back() -> None:
    """Collect what nobody has any more, and give it back."""
    gc.collect()
    trim = getattr(_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)
