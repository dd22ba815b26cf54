"""Memory for decoding, shared by the threads that decode."""

import ctypes
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

SMALL = 16 * 1024**2
"""Who needs no more than this many bytes waits for nobody: every ordinary photograph."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of glibc's malloc.h."""

_KEPT_BYTES = 8 * 1024**2
"""A piece of memory that is larger goes back to the system when it is freed; photographs reuse theirs."""


class MemoryBudget:
    """So many bytes that large pictures take before they are decoded, one after the other as they came."""

    def __init__(self, total: int) -> None:
        """Have ``total`` bytes to give."""
        self._total = self._free = total
        self._waiting: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Wait until ``amount`` bytes are free, and keep them until the block ends.

        Who needs more than there is gets all of it.
        """
        if amount <= SMALL:
            yield
            return
        amount = min(amount, self._total)
        self._take(amount)
        try:
            yield
        finally:
            self._give_back(amount)

    def _take(self, amount: int) -> None:
        with self._changed:
            ticket = object()
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: self._waiting[0] is ticket and self._free >= amount)
            self._waiting.popleft()
            self._free -= amount
            self._changed.notify_all()  # the next one may fit beside this one

    def _give_back(self, amount: int) -> None:
        with self._changed:
            self._free += amount
            self._changed.notify_all()


def give_memory_back() -> None:
    """Let glibc give a large picture's memory back to the system at once; other C libraries do so anyway.

    By itself it learns from the first large picture to keep pieces of that size, and then holds hundreds of
    megabytes for nothing; or, as long as there was none, gives small ones back and faults them in each time.
    """
    library = ctypes.CDLL(None) if os.name == "posix" else None
    mallopt = getattr(library, "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
