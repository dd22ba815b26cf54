"""What only one thread may use at a time, several of it, for as many threads."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Lanes(Generic[_T]):
    """Whoever comes takes a free lane, or waits for one; a lane that never comes back is missed by nobody."""

    def __init__(self, lanes: Iterable[_T]) -> None:
        """All of them are free."""
        self._free: SimpleQueue[_T] = SimpleQueue()
        for lane in lanes:
            self._free.put(lane)

    @contextmanager
    def take(self) -> Iterator[_T]:
        """A lane of one's own, given back at the end, also after an error."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)
