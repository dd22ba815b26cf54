"""Who comes in: nobody who would wait longer than is allowed, and never more than memory holds."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from ..errors import Overloaded

_MEMORY_S = 0.5
"""Half of what the estimate rests on is younger than this."""

_FIRST_GUESS_S = 0.02
"""Seconds for a picture before any has been answered; the first answers replace it."""

_FEWEST_ANSWERS = 1e-9
"""What is left to divide by after minutes without an answer."""

_LONGEST_RETRY_S = 60
"""Most seconds in Retry-After: after a standstill the estimate is longer than any caller should wait."""


class Admission:
    """Estimates how long a newcomer would wait, from those inside and how fast answers have been leaving.

    The rate is measured only while all of the service is at work, so it is what the machine can do now, with
    these pictures, this engine and these neighbours. It is never configured.
    """

    def __init__(
        self,
        *,
        max_wait_s: float,
        max_bytes: int,
        parallel: int,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Let in who would wait at most ``max_wait_s``.

        Args:
            max_wait_s: the longest wait that a newcomer is let in for.
            max_bytes: how many bytes all bodies together may have.
            parallel: how many pictures the service works on at once.
            clock: seconds.
        """
        self._max_wait_s = max_wait_s
        self._max_bytes = max_bytes
        self._parallel = parallel
        self._clock = clock
        self._changed_at = clock()
        self._inside = 0
        self._bytes = 0
        self._saturated_s = 0.0
        self._answered = 1.0
        self._busy_s = _FIRST_GUESS_S

    @property
    def inside(self) -> int:
        """How many pictures are waited for."""
        return self._inside

    @property
    def waiting(self) -> int:
        """How many pictures the work has not begun on."""
        return max(0, self._inside - self._parallel)

    @property
    def service_s(self) -> float:
        """Seconds from one answer to the next while there is enough to do."""
        return self._busy_s / self._answered

    @property
    def estimated_wait_s(self) -> float:
        """How long a newcomer would wait before the work on its picture begins."""
        return max(0, self._inside - self._parallel + 1) * self.service_s

    def check(self, remaining_s: float | None = None) -> None:
        """Refuse a newcomer who would wait too long, or longer than the ``remaining_s`` that it has.

        Raises:
            Overloaded: with the seconds after which it is worth trying again.
        """
        allowed = self._max_wait_s if remaining_s is None else min(self._max_wait_s, remaining_s)
        wait = self.estimated_wait_s
        if wait > allowed:
            raise Overloaded(
                f"The service is busy: this picture would wait {wait * 1000:.0f} ms, and "
                f"{allowed * 1000:.0f} ms are allowed; try again after Retry-After seconds.",
                retry_after_s=_whole_seconds(wait),
                reason="wait",
            )

    @contextmanager
    def bytes_held(self, declared: int = 0) -> Iterator[Callable[[int], None]]:
        """What counts the bytes of one body, as they arrive, against the memory for all bodies.

        Args:
            declared: bytes that the caller says it sends: refused at once where there is no room, but not
                reserved, or callers who declare and send nothing would keep out those who send.

        Raises:
            Overloaded: there is no memory left for it, now or when it is called; a body that is alone fits.
        """
        held = 0

        def hold(count: int) -> None:
            nonlocal held
            self._check_bytes(self._bytes - held, held + count)
            held += count
            self._bytes += count

        self._check_bytes(self._bytes, declared)
        try:
            yield hold
        finally:
            self._bytes -= held

    def _check_bytes(self, others: int, count: int) -> None:
        if others and others + count > self._max_bytes:
            raise Overloaded(
                f"The service is busy: it holds {others} bytes of other pictures, and at most "
                f"{self._max_bytes} at once; try again after Retry-After seconds.",
                retry_after_s=_whole_seconds(self.estimated_wait_s),
                reason="bytes",
            )

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Be one of those inside, until the answer leaves."""
        self._pass_time()
        self._inside += 1
        came, saturated_before = self._clock(), self._saturated_s
        try:
            yield
        finally:
            self._pass_time()
            self._inside -= 1
            if self._saturated_s == saturated_before:
                # Nobody waited for anybody: the time of one tells what as many as work at once would take.
                self._spend((self._clock() - came) / self._parallel)
            self._answered += 1

    def _pass_time(self) -> None:
        """Time counts while there is enough to do."""
        now = self._clock()
        passed, self._changed_at = now - self._changed_at, now
        if self._inside >= self._parallel:
            self._saturated_s += passed
            self._spend(passed)

    def _spend(self, seconds: float) -> None:
        """Add to the time that answers have taken; what was measured before counts for less."""
        fade = 0.5 ** (seconds / _MEMORY_S)
        self._busy_s = self._busy_s * fade + seconds
        self._answered = max(self._answered * fade, _FEWEST_ANSWERS)


def _whole_seconds(wait_s: float) -> int:
    """RFC 9110 has only whole seconds for Retry-After."""
    return max(1, math.ceil(min(wait_s, _LONGEST_RETRY_S)))
