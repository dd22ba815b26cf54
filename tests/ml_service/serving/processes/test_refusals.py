"""Callers who are refused by the connection itself, before anything is made for their request."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus

import pytest

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.exchange import Exchange
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.serving.processes.server import Server
from muffin_v_chihuahua_ml_service.serving.processes.starting import listen
from muffin_v_chihuahua_ml_service.settings import Settings

Until = Callable[[Callable[[], bool]], None]

HEAD = b"POST /predict?top_k=2 HTTP/1.1\r\nHost: here\r\nX-Request-Id: mine\r\nContent-Length: 200000\r\n\r\n"
BODY = b"x" * 200_000


class Running:
    """A server in a thread, which can be made to look busy."""

    def __init__(self, server: Server, address: tuple[str, int], seen: list[Exchange]) -> None:
        self.server = server
        self.address = address
        self.seen = seen
        """The requests that its observers were told about."""
        self.busy = ExitStack()

    @property
    def service(self) -> InferenceService:
        service: InferenceService = self.server.lifespan.state["service"]
        return service

    def be_busy(self) -> None:
        for _ in range(1000):
            self.busy.enter_context(self.service.admission.admitted())
        self.seen.clear()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)


@pytest.fixture
def running(make_predictor: Callable[..., Predictor], until: Until) -> Iterator[Running]:
    seen: list[Exchange] = []
    app = create_app(Settings(max_wait_ms=1, drain_ms=0), make_predictor, observers=[seen.append])
    server = Server(app, Settings(grace_s=1))
    listener = listen("127.0.0.1", 0)
    started = Running(server, listener.getsockname(), seen)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started and started.service.models.first_load_ended.is_set())
    yield started
    started.busy.close()
    server.stop()
    thread.join(timeout=30)


def answer_on(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


@pytest.mark.parametrize("whole", [True, False], ids=["with its body", "before its body"])
def test_a_refusal_says_all_that_an_answer_says_and_leaves_the_connection_to_the_next(
    running: Running, red: bytes, *, whole: bool
) -> None:
    with running.connect() as connection:
        running.be_busy()
        connection.sendall(HEAD + BODY if whole else HEAD)
        status, headers, body = answer_on(connection)
        if not whole:
            connection.sendall(BODY)
        running.busy.close()
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(red) + red
        )
        after, _, prediction = answer_on(connection)

    assert status == HTTPStatus.TOO_MANY_REQUESTS
    assert int(headers["retry-after"]) >= 1
    assert headers.keys() >= {"date", "content-length"}
    assert (headers["x-request-id"], headers["content-type"]) == ("mine", "application/json")
    content = json.loads(body)
    assert (content["code"], content["request_id"]) == ("overloaded", "mine")
    assert (after, json.loads(prediction)["verdict"]) == (200, "red")
    refused, answered = running.seen
    assert (refused.status, refused.route, refused.rejected_because) == (429, "/predict", "wait")
    assert answered.status == HTTPStatus.OK


@pytest.mark.parametrize(
    "header", [b"Connection: close", b"Expect: 100-continue"], ids=["that closes", "that asks first"]
)
def test_a_caller_is_refused_in_the_same_words_by_the_application(running: Running, header: bytes) -> None:
    with running.connect() as connection:
        running.be_busy()
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n\r\n"))
        status, headers, body = answer_on(connection)

    assert (status, headers["x-request-id"]) == (429, "mine")
    assert json.loads(body)["code"] == "overloaded"
    assert [each.status for each in running.seen] == [429]


def test_a_busy_service_still_answers_what_is_no_picture(running: Running) -> None:
    with running.connect() as connection:
        running.be_busy()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        health = answer_on(connection)
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
        nowhere = answer_on(connection)

    assert (health[0], nowhere[0]) == (200, 404)


def test_a_refused_body_that_stops_is_silence(
    running: Running, read_all: Callable[[socket.socket], bytes]
) -> None:
    """Otherwise whoever is refused could keep a connection for ever."""
    running.server.config.timeout_keep_alive = 1
    with running.connect() as connection:
        running.be_busy()
        connection.sendall(HEAD)
        answer_on(connection)
        connection.sendall(BODY[:100])

        assert read_all(connection) == b""


def test_the_answer_to_a_head_ends_with_its_headers(running: Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"HEAD /docs HTTP/1.1\r\nHost: here\r\n\r\nGET / HTTP/1.1\r\nHost: here\r\n\r\n")
        response = http.client.HTTPResponse(connection, method="HEAD")
        response.begin()
        length = response.getheader("content-length")
        status, _, content = answer_on(connection)

    assert response.status == HTTPStatus.OK
    assert int(length or 0) > 0
    assert (status, json.loads(content)["Status"]) == (200, "UP")
