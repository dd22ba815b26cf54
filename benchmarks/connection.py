"""One HTTP/1.1 connection of a load: bytes out, a status back, as little work as can be.

The load's generator runs on the cores of the service that it measures, so an HTTP client would take away from
what is measured. This one has its requests ready as bytes, and reads of an answer's head what it needs.
"""

import asyncio
from asyncio import AbstractEventLoop, BaseTransport, TimerHandle, Transport
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple, cast

from .outcomes import BROKEN, TIMED_OUT, Outcome

TIMEOUT_S = 10.0
"""What a caller waits for an answer, from the moment at which the request was due."""

_BOUNDARY = "----------------------------benchmark-of-pictures"


class Address(NamedTuple):
    """Where a service listens."""

    host: str
    port: int


def form_request(picture: bytes, address: Address, path: str = "/predict") -> bytes:
    """A POST of a form with the picture in its field ``file``, as ``curl -F`` sends it."""
    before = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file"; filename="picture.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode()
    body = before + picture + f"\r\n--{_BOUNDARY}--\r\n".encode()
    head = (
        f"POST {path} HTTP/1.1\r\n"
        f"Host: {address.host}:{address.port}\r\n"
        "User-Agent: benchmark\r\n"
        "Accept: */*\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n\r\n"
    ).encode()
    return head + body


class Connection(asyncio.Protocol):
    """Sends one request at a time and says how it ended; ``usable`` says whether it can send another."""

    def __init__(
        self, loop: AbstractEventLoop, address: Address, ended: Callable[["Connection", Outcome], None]
    ) -> None:
        """Connect in the background, and call ``ended`` once for each request, which may be given before."""
        self.usable = True
        self._loop = loop
        self._ended = ended
        self._transport: Transport | None = None
        self._timer: TimerHandle | None = None
        self._begun = 0.0
        self._unsent = b""
        self._received = b""
        self._opening = loop.create_task(self._open(address))

    async def _open(self, address: Address) -> None:
        try:
            await self._loop.create_connection(lambda: self, *address)
        except OSError:
            self._lose(BROKEN)

    def ask(self, request: bytes, due: float) -> None:
        """Send a request that was due at this moment of ``perf_counter``, from which its time is counted."""
        self._begun = due
        self._timer = self._loop.call_later(due + TIMEOUT_S - perf_counter(), self._lose, TIMED_OUT)
        if self._transport is None:
            self._unsent = request
        else:
            self._transport.write(request)

    def close(self) -> None:
        """Close it; nothing may be under way."""
        self.usable = False
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: BaseTransport) -> None:
        """Send what waits for the connection."""
        self._transport = cast("Transport", transport)  # uvloop's is one without saying so
        self._transport.write(self._unsent)
        self._unsent = b""

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer, which may be all of it."""
        self._received += data
        answer = read_answer(self._received)
        if answer is None:
            return
        self._received = b""
        if answer.last:
            self.close()
        self._end(answer.status, answer.retry_after)

    def connection_lost(self, _error: Exception | None) -> None:
        """Whatever was under way is lost."""
        self._lose(BROKEN)

    def _lose(self, result: str) -> None:
        self.usable = False
        self._opening.cancel()
        if self._transport:
            self._transport.abort()
        self._end(result)

    def _end(self, result: str, retry_after: float | None = None) -> None:
        if self._timer is None:  # nothing is under way
            return
        self._timer.cancel()
        self._timer = None
        self._ended(self, Outcome(self._begun, perf_counter(), result, retry_after))


class Answer(NamedTuple):
    """What a load needs of an answer; after the ``last`` one the server closes the connection."""

    status: str
    retry_after: float | None
    last: bool


def read_answer(received: bytes) -> Answer | None:
    """The answer, if all of it is there; one without Content-Length is a broken one."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    length = _field(head, b"\r\ncontent-length:")
    if not length.isdigit():
        return Answer(BROKEN, None, last=True)
    if len(received) < end + 4 + int(length):
        return None
    wait = _field(head, b"\r\nretry-after:")
    return Answer(
        head[9:12].decode("ascii", "replace"),
        float(wait) if wait.isdigit() else None,
        last=_field(head, b"\r\nconnection:") == b"close",
    )


def _field(head: bytes, name: bytes) -> bytes:
    at = head.find(name)
    return head[at + len(name) :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""
