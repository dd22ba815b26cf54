"""Memory that has been freed goes back to the system, as far as its allocator knows how to."""

import ctypes
import gc


def give_back_freed_memory() -> None:
    """Ask the C library for it: glibc keeps what has been freed, and a model is tens of megabytes."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
