import subprocess
import sys
from collections.abc import Callable

import pytest
from anyio import run
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Message

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.settings import Settings


def test_no_id_follows_from_another(client: TestClient, red: bytes) -> None:
    """As a ULID's does from the one before it, within a millisecond."""
    asked = [client.get("/").headers["x-request-id"] for _ in range(30)]
    answered = [client.post("/predict", content=red).json()["prediction_id"] for _ in range(30)]

    ids = [*asked, *answered]
    assert {len(each) for each in ids} == {26}
    assert len({each[:8] for each in ids}) == len(ids)


@pytest.mark.parametrize("request_id", ["abc-1", "01KAGSZ6M0Q6DTFVZ5DPQ8J3WB", "a.b_c", "x" * 128])
@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_a_sane_request_id_comes_back(client: TestClient, path: str, request_id: str) -> None:
    response = client.get(path, headers={"X-Request-Id": request_id})

    assert response.headers["X-Request-Id"] == request_id


@pytest.mark.parametrize("request_id", ["", "a b", "x" * 129, "<script>", "a;b", "a\tb", "{}"])
def test_any_other_request_id_is_replaced(client: TestClient, request_id: str) -> None:
    response = client.get("/nothing", headers={"X-Request-Id": request_id})

    assert response.headers["X-Request-Id"] != request_id
    assert len(response.headers["X-Request-Id"]) == 26
    assert response.json()["request_id"] == response.headers["X-Request-Id"]


def test_without_a_request_id_each_answer_gets_one_of_its_own(client: TestClient) -> None:
    assert len({client.get("/").headers["X-Request-Id"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/predict/more", 404, "not_found"),
        ("GET", "/predict", 405, "method_not_allowed"),
        ("PUT", "/predict/", 405, "method_not_allowed"),
        ("DELETE", "/", 405, "method_not_allowed"),
    ],
)
def test_an_address_or_method_that_is_not_there_is_answered_in_json(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.request(method, path)

    assert response.status_code == status
    assert response.json().keys() == {"error", "code", "request_id"}
    assert response.json()["code"] == code
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert ("allow" in response.headers) == (status == 405)
    allowed = response.headers.get("allow", "").split(", ")
    assert ("GET" in allowed) == ("HEAD" in allowed)


def test_a_caller_who_hangs_up_is_no_fault_of_the_service(
    make_app: Callable[..., FastAPI], make_predictor: Callable[..., Predictor]
) -> None:
    predictor, sent = make_predictor(), []

    async def hang_up() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def call() -> None:
        service = InferenceService(Settings(), decoders=1)
        await service.models.load(lambda: predictor)
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
        state = {"service": service}
        await make_app()({**scope, "state": state}, hang_up, send)

    run(call)

    assert sent[0]["status"] == 499


def test_an_error_that_nobody_foresaw_is_answered_and_counted_with_its_request_id(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, red: bytes
) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("the service's secret")

    monkeypatch.setattr(client.app_state["service"], "predict", fail)

    response = client.post("/predict", content=red, headers={"X-Request-Id": "my-own"})

    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert response.json()["request_id"] == response.headers["x-request-id"] == "my-own"
    assert "secret" not in response.text
    assert 'mvc_errors_total{code="internal_error"} 1.0' in client.get("/metrics").text


ANSWER_ONE = """
import sys
from pathlib import Path

import numpy as np
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings


class Engine:
    name, precision, streams, max_batch = "litert", "f32", 1, 1

    def run(self, batch):
        return np.tile([0.2, 0.8], (len(batch), 1))


folder = Path(sys.argv[1])
with TestClient(create_app(Settings(), lambda: Predictor(ModelBundle.read(folder), Engine()))) as client:
    while client.get("/").status_code == 503:
        pass
    print(client.post("/predict", content=(folder / "golden/red.png").read_bytes()).status_code)
print({"tensorflow", "keras", "torch", "sklearn", "opentelemetry.sdk"} & sys.modules.keys())
"""


def test_answering_over_http_imports_no_training_framework_and_traces_nothing(
    fake_bundle: Callable[..., ModelBundle],
) -> None:
    process = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", ANSWER_ONE, str(fake_bundle().folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert process.stdout.split("\n") == ["200", "set()", ""]
