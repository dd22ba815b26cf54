"""What the benchmark's tests share: a server in the load's own loop, and services that are processes."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from benchmarks.connection import Address, form_request
from benchmarks.load import Target
from benchmarks.outcomes import Load, Window
from benchmarks.outcomes import Outcome as Ended
from benchmarks.systems import System


def answer(status: str = "200 OK", *fields: str, body: bytes = b"{}") -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Keeps the requests; `reply` says what the one of a number gets, and after how long; None hangs up."""

    def __init__(self, reply: Callable[[int], tuple[float, bytes | None]]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = Address("127.0.0.1", 0)
        self._reply = reply

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._answer_all(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the caller has left
        finally:
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            self.requests.append(head + await reader.readexactly(length))
            seconds, reply = self._reply(len(self.requests))
            await asyncio.sleep(seconds)
            if reply is None:
                return
            writer.write(reply)
            if b"connection: close" in reply.lower():
                return

    @property
    def target(self) -> Target:
        return Target(self.address, [form_request(each, self.address) for each in (b"one", b"two")])


Serve = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def serve() -> Serve:
    """A server: what it replies to the request of a number, as seconds and bytes."""

    @asynccontextmanager
    async def begin(reply: Callable[[int], tuple[float, bytes | None]]) -> AsyncIterator[Server]:
        server = Server(reply)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.address = Address(*listening.sockets[0].getsockname())
        try:
            yield server
        finally:
            listening.close()

    return begin


@pytest.fixture
def reply() -> Callable[..., bytes]:
    """Make an answer: status, header fields, body."""
    return answer


@pytest.fixture
def fake_system(tmp_path: Path) -> Callable[..., System]:
    """Make a system that is sure of a label; after so many answers all of them have another status."""

    def make(name: str, label: str = "chihuahua", status: int = 200, after: int = 10**9) -> System:
        script = str(Path(__file__).with_name("fake_service.py"))
        command = (sys.executable, "-I", script, "{port}", label, str(status), str(after))
        return System(name, f"the {name} service", tmp_path, command)

    return make


@pytest.fixture
def make_load() -> Callable[..., Load]:
    """Make a load: seconds, server's CPU seconds, and for each result the milliseconds of its requests."""

    def make(seconds: float = 10.0, cpu: float = 1.0, **results: list[float]) -> Load:
        outcomes = [
            Ended(
                0.0,
                each / 1000,
                result.removeprefix("status_").replace("_", " "),
                1.0 if "429" in result else None,
            )
            for result, milliseconds in results.items()
            for each in milliseconds
        ]
        return Load.of(outcomes, Window(0.0, seconds, cpu, 0.0))

    return make
