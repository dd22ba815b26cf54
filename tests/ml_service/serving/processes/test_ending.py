"""How `serve` ends: nobody who was let in goes without an answer."""

import http.client
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

Serve = Callable[..., Any]
Until = Callable[[Callable[[], bool]], None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_says_so_to_who_asks_for_its_health_and_still_answers_the_others(
    serve: Serve, red: bytes, until: Until, number: int
) -> None:
    service = serve(drain_ms=3000)
    kept = service.connect()
    kept.request("GET", "/")
    kept.getresponse().read()

    service.tell(number)
    until(lambda: service.times("Ending: ") == 1)
    kept.request("GET", "/")
    health = kept.getresponse()
    late = service.ask("POST", "/predict", red)

    assert (health.status, health.getheader("connection")) == (503, "close")
    assert b'"code":"draining"' in health.read()
    assert (late.status, late.content["verdict"]) == (200, "red")
    assert late.headers["connection"] == "close"
    assert service.ends() == 0


def test_when_nobody_is_there_it_ends_soon(serve: Serve) -> None:
    service = serve(drain_ms=0)

    began = time.monotonic()
    service.tell(signal.SIGTERM)

    assert service.ends() == 0
    assert time.monotonic() - began < 20  # seconds; the grace period is 30


@pytest.mark.parametrize("workers", [1, 2])
def test_told_to_end_under_load_it_loses_nobody(
    serve: Serve, callers: Callable[[Any], list[Any]], workers: int
) -> None:
    service = serve(workers=workers)
    calling = callers(service)

    with ExitStack() as stack:
        for caller in calling:
            stack.enter_context(caller)
        time.sleep(0.5)
        service.tell(signal.SIGTERM)
        status = service.ends()

    assert status == 0
    assert [lost for caller in calling for lost in caller.lost] == []
    assert all(caller.replies for caller in calling)
    assert {reply.status for caller in calling for reply in caller.replies} <= {200, 429}


@pytest.mark.parametrize("sent", [20, 100], ids=["within the head", "within the body"])
@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"], ids=["first", "second"])
def test_a_request_that_has_begun_is_answered_though_nobody_listens_any_more(  # noqa: PLR0913, PLR0917
    serve: Serve,
    begin_request: Serve,
    whole_request: bytes,
    read_all: Callable[[socket.socket], bytes],
    before: bytes,
    sent: int,
) -> None:
    """`before` is a request that was answered on the same connection."""
    service = serve(drain_ms=0)
    begun = begin_request(service, 0)
    if before:
        begun.sendall(before)
        while not begun.recv(65536).endswith(b"}}"):
            pass
    begun.sendall(whole_request[:sent])

    service.tell(signal.SIGTERM)
    while not is_refused(service.port):
        time.sleep(0.01)
    begun.sendall(whole_request[sent:])
    answer = read_all(begun)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in answer
    assert b'"verdict":"red"' in answer
    assert service.ends() == 0


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    except OSError:
        return True
    return False


def test_a_request_that_never_ends_is_not_waited_for_longer_than_is_set(
    serve: Serve, begin_request: Serve
) -> None:
    service = serve(drain_ms=0, grace_s=1)
    begin_request(service, 100)
    began = time.monotonic()

    service.tell(signal.SIGTERM)

    assert service.ends() == 0
    assert 1 <= time.monotonic() - began < 20  # seconds; by itself 30


def test_a_connection_without_a_request_keeps_nobody(serve: Serve, begin_request: Serve) -> None:
    service = serve(drain_ms=0)
    silent = begin_request(service, 0)

    service.tell(signal.SIGTERM)

    assert service.ends() == 0
    assert silent.recv(1) == b""


@pytest.mark.parametrize("workers", [1, 2])
def test_told_twice_it_ends_at_once(serve: Serve, begin_request: Serve, until: Until, workers: int) -> None:
    service = serve(drain_ms=60_000, workers=workers)
    begin_request(service, 100)

    service.tell(signal.SIGTERM)
    until(lambda: service.times("Ending: ") == workers)
    service.tell(signal.SIGTERM)

    assert service.ends() == 128 + signal.SIGTERM


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("after_s", [0, 0.1])
def test_told_to_end_while_it_starts_it_ends(
    launch: Serve, bundle: Callable[..., Any], until: Until, after_s: float, workers: int
) -> None:
    service = launch("--model", bundle().folder, workers=workers)
    until(lambda: service.times("Listening on ") == 1)

    time.sleep(after_s)
    service.tell(signal.SIGTERM)

    assert service.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
@pytest.mark.parametrize("workers", [1, 2])
def test_told_to_reload_while_it_starts_it_starts(
    launch: Serve, bundle: Callable[..., Any], until: Until, workers: int, number: int
) -> None:
    service = launch("--model", bundle().folder, workers=workers)
    until(lambda: service.times("Listening on ") == 1)

    service.tell(number)

    until(service.is_ready)
    service.tell(signal.SIGTERM)
    assert service.ends() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_told_to_end_while_it_loads_it_ends(launch: Serve, until: Until, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_answers, ExitStack() as stack:
        pin = f"#sha256={'0' * 64}"
        address = f"http://127.0.0.1:{never_answers.getsockname()[1]}/model.zip{pin}"
        never_answers.settimeout(60)
        service = launch("--model", address, drain_ms=0, workers=workers)
        for _ in range(workers):  # several take no caller before they have loaded
            stack.enter_context(never_answers.accept()[0])
        if workers == 1:
            until(lambda: answers(service, 503))

        service.tell(signal.SIGTERM)

        assert service.ends() == 0


def answers(service: Any, status: int) -> bool:
    try:
        return bool(service.said) and service.ask("GET", "/").status == status
    except (OSError, http.client.HTTPException):
        return False


def test_a_port_that_is_taken_is_one_line(launch: Serve, until: Until) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        service = launch("--port", port)
        status = service.ends()

    assert status == 1
    until(lambda: bool(service.said))
    assert "".join(service.said) == (
        f"Error: Nobody can listen on 127.0.0.1, port {port} (address already in use); "
        "choose others with --host and --port.\n"
    )
