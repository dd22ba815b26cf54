"""The server's end, where real processes would show it only now and then."""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from starlette.types import ASGIApp

from muffin_v_chihuahua_ml_service.errors import CannotListen
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.logs import set_up_logging
from muffin_v_chihuahua_ml_service.serving.processes.server import Server
from muffin_v_chihuahua_ml_service.serving.processes.shares import Share, Shares
from muffin_v_chihuahua_ml_service.serving.processes.starting import listen
from muffin_v_chihuahua_ml_service.settings import Settings


class Ended(BaseException):
    """Instead of the process."""


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses with which the process would have ended at once."""
    statuses: list[int] = []
    monkeypatch.setattr(os, "_exit", statuses.append)
    return statuses


@pytest.fixture
def share() -> Iterator[Share]:
    """A worker's that has the port to itself."""
    with Shares(1) as shares:
        yield Share(shares.descriptor, 0)


async def started(server: Server, listener: socket.socket) -> "asyncio.Task[None]":
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    return serving


def test_who_connected_in_the_last_moment_is_answered(hello: ASGIApp) -> None:
    async def end_at_once() -> bytes:
        server, listener = Server(hello, Settings(drain_ms=0)), listen("127.0.0.1", 0)
        address = listener.getsockname()
        serving = await started(server, listener)
        with socket.create_connection(address) as late:
            late.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            # The event loop has not turned since, so the kernel alone knows of this connection.
            await server.shutdown([listener])
            answer = late.recv(1000)
        serving.cancel()
        return answer

    assert asyncio.run(end_at_once()).endswith(b"hello")


@pytest.mark.parametrize(("is_worker", "expected"), [(False, [128 + signal.SIGINT]), (True, [])])
def test_a_second_signal_ends_a_process_at_once_but_leaves_a_worker_to_its_parent(  # noqa: PLR0913
    hello: ASGIApp,
    exits: list[int],
    share: Share,
    caplog: pytest.LogCaptureFixture,
    *,
    is_worker: bool,
    expected: list[int],
) -> None:
    caplog.set_level(logging.INFO)

    async def tell_twice() -> None:
        server = Server(hello, Settings(drain_ms=100), share if is_worker else None)
        serving = await started(server, listen("127.0.0.1", 0))
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        await serving

    asyncio.run(tell_twice())

    assert exits == expected
    assert [record.getMessage() for record in caplog.records].count(
        "Ending: requests are taken for another 0.1 s."
    ) == 1


@pytest.mark.parametrize(
    ("host", "reason"),
    [("192.0.2.1", "cannot assign requested address"), ("no.such.host.invalid", "known|resol")],
)
def test_an_address_that_is_not_this_machines_is_one_sentence(host: str, reason: str) -> None:
    with pytest.raises(
        CannotListen, match=rf"^Nobody can listen on {host}, port 0 \(.*({reason}).*\); choose"
    ):
        listen(host, 0)


def test_an_ipv6_address_is_listened_on() -> None:
    with listen("::1", 0) as listener:
        assert listener.family == socket.AF_INET6


def test_the_log_has_a_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])

    set_up_logging(Settings())

    assert len(logging.root.handlers) == 1


def test_a_worker_takes_nobody_before_its_model_answers(
    make_predictor: Callable[..., Predictor], share: Share, whole_request: bytes
) -> None:
    may_load = threading.Event()

    def load() -> Predictor:
        may_load.wait(timeout=30)
        return make_predictor()

    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    server = Server(create_app(Settings(), load), Settings(drain_ms=0), share)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    with socket.create_connection(address, timeout=30) as early:
        early.sendall(whole_request)
        threading.Timer(0.5, may_load.set).start()
        answer = early.recv(1000)
    server.stop()
    thread.join(timeout=30)

    assert answer.startswith(b"HTTP/1.1 200 ")
