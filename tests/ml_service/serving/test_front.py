"""Who is let in, as callers see it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anyio
import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.exchange import Exchange
from muffin_v_chihuahua_ml_service.serving.front import Front
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.settings import Settings

Batch = NDArray[np.float32]
Until = Callable[[Callable[[], bool]], None]


def service_of(client: TestClient) -> InferenceService:
    service: InferenceService = client.app_state["service"]
    return service


class Gate:
    """An engine that answers when it may."""

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def run(self, batch: Batch) -> Batch:
        self.may_end.wait(timeout=30)
        return np.tile(np.array([0.2, 0.8], dtype=np.float32), (len(batch), 1))


def test_a_full_service_refuses_at_once_and_says_when_to_come_again(
    start: Callable[..., TestClient], until: Until, red: bytes
) -> None:
    gate = Gate()
    client = start(run=gate.run, max_wait_ms=100)

    with ThreadPoolExecutor(60) as callers:
        asked = [callers.submit(client.post, "/predict", content=red) for _ in range(60)]
        until(lambda: sum(each.done() for each in asked) >= 30)
        health = client.get("/")
        gate.may_end.set()
    answers = [each.result() for each in asked]

    refused = [each for each in answers if each.status_code == 429]
    assert {each.status_code for each in answers} == {200, 429}
    assert health.status_code == 200
    assert all(int(each.headers["Retry-After"]) >= 1 for each in refused)
    assert {each.json()["code"] for each in refused} == {"overloaded"}
    assert all(each.json()["request_id"] == each.headers["X-Request-Id"] for each in refused)


def test_a_refused_callers_body_is_not_read(make_predictor: Callable[..., Predictor], until: Until) -> None:
    app = create_app(Settings(max_wait_ms=1), make_predictor)
    sent: list[Message] = []

    async def receive() -> Message:
        pytest.fail("the body was asked for")

    async def send(message: Message) -> None:
        sent.append(message)

    async def call(state: dict[str, Any]) -> None:
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
        service: InferenceService = state["service"]
        with service.admission.admitted(), service.admission.admitted(), service.admission.admitted():
            await app({**scope, "state": state}, receive, send)

    with TestClient(app) as client:
        until(lambda: client.get("/").is_success)
        assert client.portal
        client.portal.call(call, dict(client.app_state))

    assert sent[0]["status"] == 429
    assert (b"retry-after", b"1") in sent[0]["headers"]


def test_more_bytes_than_memory_is_given_to_are_refused(
    start: Callable[..., TestClient], until: Until, red: bytes
) -> None:
    gate = Gate()
    client = start(run=gate.run, max_held_bytes=len(red) + 10)

    with ThreadPoolExecutor(1) as callers:
        first: Future[httpx2.Response] = callers.submit(client.post, "/predict", content=red)
        until(lambda: service_of(client).admission.inside == 1)
        second = client.post("/predict", content=red)
        gate.may_end.set()

    assert first.result().status_code == 200
    assert second.status_code == 429
    assert "bytes" in second.json()["error"]


def test_observers_hear_of_every_request_with_what_came_of_it(
    make_predictor: Callable[..., Predictor], until: Until, red: bytes
) -> None:
    seen: list[Exchange] = []
    predictor = make_predictor()
    with TestClient(create_app(Settings(), lambda: predictor, observers=[seen.append])) as client:
        until(lambda: client.get("/").is_success)
        seen.clear()
        client.post("/predict?top_k=1", content=red, headers={"X-Request-Id": "mine"})
        client.post("/predict", content=b"not a picture")
        client.get("/nothing")

    answered, rejected, lost = seen
    assert (answered.request_id, answered.status, answered.route) == ("mine", 200, "/predict")
    assert (answered.verdict, answered.received, answered.batch_size) == ("red", len(red), 1)
    assert answered.pixels == 40 * 40
    assert answered.model == ("fake-model", "9.9.9", predictor.bundle.digest)
    assert answered.confidence == pytest.approx(251 / (251 + 11), abs=0.01)
    assert answered.error is None
    assert list(answered.stages_ms) == ["read", "decode", "queue", "inference", "postprocess"]
    assert all(ms >= 0 for ms in answered.stages_ms.values())
    assert sum(answered.stages_ms.values()) <= answered.duration_s * 1000
    assert (rejected.status, rejected.error, rejected.verdict) == (400, "not_a_picture", None)
    assert (lost.status, lost.error, lost.route) == (404, "not_found", None)


def test_the_time_of_each_stage_is_in_the_answers_header(client: TestClient, red: bytes) -> None:
    timing = client.post("/predict", content=red).headers["Server-Timing"]

    stages = [each.partition(";dur=") for each in timing.split(", ")]
    assert [name for name, _, _ in stages] == ["read", "decode", "queue", "inference", "postprocess"]
    assert all(float(ms) >= 0 for _, _, ms in stages)
    assert "Server-Timing" not in client.get("/").headers


def test_while_draining_the_healthcheck_is_off_answers_close_their_connection_and_pictures_are_answered(
    client: TestClient, red: bytes
) -> None:
    assert "connection" not in client.post("/predict", content=red).headers
    service_of(client).is_draining = True

    health, answer = client.get("/"), client.post("/predict", content=red)

    assert (health.status_code, health.json()["code"]) == (503, "draining")
    assert int(health.headers["Retry-After"]) >= 1
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"


GET_ROUTES = ("/", "/livez", "/readyz", "/model", "/metrics", "/feedback", "/docs", "/openapi.json")


@pytest.mark.parametrize("path", [*GET_ROUTES, "/predict", "/nowhere"])
def test_head_is_answered_as_get_is_but_without_a_body(client: TestClient, path: str) -> None:
    get, head = client.get(path), client.head(path)

    assert head.status_code == get.status_code
    assert head.headers.keys() == get.headers.keys()
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == get.headers["content-length"] or path == "/metrics"
    assert head.content == b""


def test_who_is_told_of_a_head_is_told_that_it_was_one(make_predictor: Callable[..., Predictor]) -> None:
    told: list[Exchange] = []
    with TestClient(create_app(Settings(), make_predictor, observers=[told.append])) as client:
        client.head("/metrics")

    assert [(each.method, each.route, each.status) for each in told] == [("HEAD", "/metrics", 200)]


async def echo_type(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": scope["type"]})


def test_what_is_no_request_passes_through() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        pytest.fail("nothing is asked for")

    anyio.run(Front(echo_type).__call__, {"type": "lifespan"}, receive, send)

    assert sent == [{"type": "lifespan"}]
