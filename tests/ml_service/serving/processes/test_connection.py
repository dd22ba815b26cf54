"""What a connection lets pass, before the application sees anything of it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from muffin_v_chihuahua_ml_service.serving.front import Refusal
from muffin_v_chihuahua_ml_service.serving.processes import connection as module
from muffin_v_chihuahua_ml_service.serving.processes.connection import MAX_HEAD_BYTES
from muffin_v_chihuahua_ml_service.serving.processes.server import Server
from muffin_v_chihuahua_ml_service.serving.processes.starting import listen
from muffin_v_chihuahua_ml_service.settings import Settings

HELLO = b"GET / HTTP/1.1\r\nHost: here\r\n"
READ_ALL = Callable[[socket.socket], bytes]


@pytest.fixture
def connect_to() -> Iterator[Callable[[ASGIApp], Callable[[], socket.socket]]]:
    """Connect to a server of an application."""
    with ExitStack() as stack:

        def serve(app: ASGIApp) -> Callable[[], socket.socket]:
            listener = listen("127.0.0.1", 0)
            address = listener.getsockname()
            server = Server(app, Settings(grace_s=1))
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            stack.callback(thread.join, timeout=30)
            stack.callback(server.stop)
            return lambda: stack.enter_context(socket.create_connection(address, timeout=10))

        yield serve


@pytest.fixture
def connect(
    hello: ASGIApp, connect_to: Callable[[ASGIApp], Callable[[], socket.socket]]
) -> Callable[[], socket.socket]:
    """Connect to a server that says hello."""
    return connect_to(hello)


def refusal(answer: bytes) -> tuple[bytes, str]:
    """The status line and the code, of an answer as every error has it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    content = json.loads(body)
    assert content.keys() == {"error", "code", "request_id"}
    assert b"connection: close" in head
    return head.partition(b"\r\n")[0], content["code"]


TOO_LARGE = (b"HTTP/1.1 431 Request Header Fields Too Large", "headers_too_large")


@pytest.mark.parametrize(
    "head",
    [
        HELLO + b"X-Long: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n",
        HELLO + b"X-Short: x\r\n" * (MAX_HEAD_BYTES // 8) + b"\r\n",
        b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: here\r\n\r\n",
    ],
    ids=["one header", "many headers", "address"],
)
def test_a_head_that_is_too_large_is_refused(
    connect: Callable[[], socket.socket], read_all: READ_ALL, head: bytes
) -> None:
    connection = connect()

    connection.sendall(head)

    assert refusal(read_all(connection)) == TOO_LARGE


def test_a_head_that_does_not_end_is_refused_once_it_is_too_large(
    connect: Callable[[], socket.socket], read_all: READ_ALL
) -> None:
    connection = connect()

    connection.sendall(HELLO + b"X-Long: " + b"x" * MAX_HEAD_BYTES)

    assert refusal(read_all(connection)) == TOO_LARGE


def test_a_large_body_is_no_large_head(connect: Callable[[], socket.socket]) -> None:
    connection = connect()
    size = 4 * MAX_HEAD_BYTES

    connection.sendall(HELLO + b"X-Long: " + b"x" * (MAX_HEAD_BYTES - 100) + b"\r\n")
    connection.sendall(b"Content-Length: %d\r\n\r\n" % size + b"x" * size)

    assert connection.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_that_begins_behind_a_large_body_is_no_large_head(
    connect: Callable[[], socket.socket],
) -> None:
    connection = connect()
    size = MAX_HEAD_BYTES + 1000

    connection.sendall(HELLO + b"Content-Length: %d\r\n\r\n" % size + b"x" * size + HELLO)
    first = connection.recv(1000)
    connection.sendall(b"\r\n")

    assert [first[-5:], connection.recv(1000)[-5:]] == [b"hello"] * 2


async def refuse_all(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that lets nothing in."""
    assert scope["type"] == "lifespan"
    for step in ("startup", "shutdown"):
        await receive()
        scope["state"]["turn_away"] = lambda *_: Refusal(429, [], b"x" * 1000)
        await send({"type": f"lifespan.{step}.complete"})


def test_who_pipelines_requests_and_reads_no_refusal_is_not_read_any_further(
    connect_to: Callable[[ASGIApp], Callable[[], socket.socket]],
) -> None:
    connection = connect_to(refuse_all)()
    connection.settimeout(2)
    many = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n" * 1_000_000

    with pytest.raises(TimeoutError):
        connection.sendall(many)
    connection.settimeout(10)

    for _ in range(100):
        assert connection.recv(100_000)


def test_several_requests_share_a_connection(connect: Callable[[], socket.socket]) -> None:
    connection = connect()

    for _ in range(3):
        connection.sendall(HELLO)
        time.sleep(0.05)
        connection.sendall(b"\r\n")
        assert connection.recv(1000).endswith(b"hello")


@pytest.mark.parametrize("noise", [b"\x16\x03\x01 no http at all\r\n\r\n", HELLO + b"no header\r\n\r\n"])
def test_what_is_no_http_is_refused(
    connect: Callable[[], socket.socket], read_all: READ_ALL, noise: bytes
) -> None:
    connection = connect()

    connection.sendall(noise)

    assert refusal(read_all(connection)) == (b"HTTP/1.1 400 Bad Request", "malformed_request")


def test_a_head_that_comes_too_slowly_is_not_waited_for(
    connect: Callable[[], socket.socket], read_all: READ_ALL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HEAD_S", 0.3)
    connection = connect()

    connection.sendall(HELLO[:10])
    time.sleep(0.1)
    connection.sendall(HELLO[10:])

    assert read_all(connection) == b""


def test_a_caller_who_leaves_in_the_middle_of_a_head_leaves_nothing_behind(
    connect: Callable[[], socket.socket],
) -> None:
    leaving = connect()
    leaving.sendall(HELLO)
    time.sleep(0.1)
    leaving.close()

    staying = connect()
    staying.sendall(HELLO + b"\r\n")

    assert staying.recv(1000).endswith(b"hello")
