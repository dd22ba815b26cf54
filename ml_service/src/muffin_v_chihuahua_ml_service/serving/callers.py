"""How long a caller waits: until its deadline, or until it hangs up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from ..errors import DeadlineExceeded, InvalidTimeout
from .numbers import whole_number

TIMEOUT_HEADER = "X-Request-Timeout-Ms"


@dataclass(frozen=True)
class Deadline:
    """When a caller's time is over, on the event loop's clock."""

    at: float
    limit_s: float

    @classmethod
    def after(cls, limit_s: float) -> "Deadline":
        """The deadline ``limit_s`` seconds from now."""
        return cls(asyncio.get_running_loop().time() + limit_s, limit_s)

    @property
    def remaining_s(self) -> float:
        """Seconds that are left."""
        return self.at - asyncio.get_running_loop().time()

    @asynccontextmanager
    async def enforced(self, and_now: str = ", so the picture was dropped") -> AsyncIterator[None]:
        """Stop what is inside when the time is over; ``and_now`` tells the caller what that means.

        Raises:
            DeadlineExceeded: it was.
        """
        try:
            async with asyncio.timeout_at(self.at):
                yield
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"There was no answer within {self.limit_s * 1000:.0f} ms{and_now}."
            ) from error


def limit_s(asked_ms: str | None, most_ms: int) -> float:
    """Seconds that a request may take: what its header asks for, but never more than the service allows.

    Raises:
        InvalidTimeout: the header is not a whole number of milliseconds above 0.
    """
    if asked_ms is None:
        return most_ms / 1000
    asked = whole_number(asked_ms)
    if not asked:
        raise InvalidTimeout(f"{TIMEOUT_HEADER} must be a whole number of milliseconds above 0.")
    return min(asked, most_ms) / 1000


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Stop what is inside when the caller hangs up; its body must have been read.

    Raises:
        ClientDisconnect: it did.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request always runs in one
    watching = asyncio.create_task(_until_gone(receive, task))
    try:
        yield
    except asyncio.CancelledError:
        if not watching.done() or watching.cancelled():
            raise
        task.uncancel()
        raise ClientDisconnect from None
    finally:
        watching.cancel()


async def _until_gone(receive: Receive, task: "asyncio.Task[object]") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()
