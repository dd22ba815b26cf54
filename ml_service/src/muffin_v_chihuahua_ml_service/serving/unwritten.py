"""Predictions that are not in the database yet, known to all processes behind one port."""

from array import array
from typing import Final

NOTHING: Final = -1
"""Instead of a time, where a process has nothing left to write."""


class Unwritten:
    """The time of the oldest prediction that each process has yet to write, in milliseconds since 1970."""

    def __init__(self, oldest_ms: "memoryview[int] | None" = None, process: int = 0) -> None:
        """Be the process with this number; its number is the place of its time in ``oldest_ms``.

        Unless that is memory which the processes share, this one is alone.
        """
        self._oldest_ms = memoryview(array("q", [NOTHING])) if oldest_ms is None else oldest_ms
        self._process = process

    @property
    def oldest_ms(self) -> int:
        """The time of this process's oldest prediction that is not written, or ``NOTHING``."""
        return self._oldest_ms[self._process]

    @oldest_ms.setter
    def oldest_ms(self, made_ms: int) -> None:
        self._oldest_ms[self._process] = made_ms

    def may_come(self, made_ms: int) -> bool:
        """Whether a prediction from that time may still be written by another process."""
        others = (oldest_ms for process, oldest_ms in enumerate(self._oldest_ms) if process != self._process)
        return any(NOTHING < oldest_ms <= made_ms for oldest_ms in others)
