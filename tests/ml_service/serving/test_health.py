import threading
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.live_model import LiveModel
from muffin_v_chihuahua_ml_service.settings import Settings

Until = Callable[[Callable[[], bool]], None]

CALLS = pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("POST", "/predict"), ("POST", "/predict/")]
)


def test_once_the_model_is_loaded_health_says_up_and_which_model(client: TestClient) -> None:
    assert client.get("/").json() == {
        "Status": "UP",
        "status": "alive",
        "model": {"name": "fake-model", "version": "9.9.9"},
    }


@CALLS
def test_while_the_model_loads_calls_are_told_to_come_back_and_later_answered(
    make_predictor: Callable[..., Predictor], until: Until, red: bytes, method: str, path: str
) -> None:
    may_load, predictor = threading.Event(), make_predictor()

    def load() -> Predictor:
        may_load.wait(timeout=30)
        return predictor

    with TestClient(create_app(Settings(), load)) as client:
        early = client.request(method, path, content=red)
        may_load.set()
        until(lambda: client.request(method, path, content=red).is_success)

    assert early.status_code == 503
    assert int(early.headers["Retry-After"]) >= 1
    assert early.json()["code"] == "model_not_ready"
    assert early.json()["request_id"] == early.headers["X-Request-Id"]


@CALLS
def test_after_a_failed_load_calls_are_told_why(until: Until, red: bytes, method: str, path: str) -> None:
    def load() -> Predictor:
        raise InvalidBundle("model.json: the reason.")

    with TestClient(create_app(Settings(), load)) as client:
        until(lambda: "the reason" in client.get("/").text)
        response = client.request(method, path, content=red)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert response.json()["code"] == "model_not_ready"
    assert "model.json: the reason." in response.json()["error"]


@pytest.mark.parametrize("state", ["well", "loading", "failed", "draining", "stuck"])
def test_a_service_is_alive_in_every_state_and_ready_where_the_healthcheck_says_so(
    make_predictor: Callable[..., Predictor], until: Until, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    may_load = threading.Event()

    def load() -> Predictor:
        may_load.wait(timeout=30)
        if state == "failed":
            raise InvalidBundle("model.json: the reason.")
        return make_predictor()

    with TestClient(create_app(Settings(), load)) as client:
        service = client.app_state["service"]
        if state != "loading":
            may_load.set()
            until(service.models.first_load_ended.is_set)
        service.is_draining = state == "draining"
        if state == "stuck":
            monkeypatch.setattr(LiveModel, "is_stuck", True)
        alive, ready, health = (client.get(path) for path in ("/livez", "/readyz", "/"))
        may_load.set()

    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert ready.status_code == health.status_code == (200 if state == "well" else 503)
    assert ready.json().keys() == health.json().keys()
    assert ready.json().get("code") == health.json().get("code")
    assert ready.headers.get("Retry-After") == health.headers.get("Retry-After")


def test_before_the_model_is_there_the_body_of_a_picture_is_not_looked_at(until: Until) -> None:
    def load() -> Predictor:
        raise InvalidBundle("the reason")

    with TestClient(create_app(Settings(max_picture_bytes=10), load)) as client:
        until(lambda: "the reason" in client.get("/").text)

        assert client.post("/predict", content=bytes(1000)).status_code == 503
