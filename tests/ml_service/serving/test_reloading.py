import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.settings import Settings

Make = Callable[..., Predictor]
Load = Callable[[], Predictor]
Until = Callable[[Callable[[], bool]], None]


@dataclass(frozen=True)
class Running:
    """A service, and a way to let it reload from outside of its event loop."""

    client: TestClient
    service: InferenceService

    def reload(self, load: Load) -> None:
        assert self.client.portal
        self.client.portal.call(self.service.reload, load)

    def version(self) -> str:
        return str(self.client.get("/").json()["model"]["version"])


@pytest.fixture
def running(until: Until) -> Iterator[Callable[[Load], Running]]:
    """Start a service whose first model this loads, and wait until it has."""
    clients = []

    def start(load: Load) -> Running:
        client = TestClient(create_app(Settings(), load))
        clients.append(client)
        client.__enter__()
        until(lambda: client.get("/").is_success)
        return Running(client, client.app_state["service"])

    yield start
    for client in clients:
        client.__exit__()


def version(number: str) -> dict[str, Any]:
    return {"manifest": {"version": number}}


def test_after_a_reload_the_new_model_answers(
    make_predictor: Make, running: Callable[[Load], Running], red: bytes
) -> None:
    first, second = make_predictor(**version("1.0.0")), make_predictor(**version("2.0.0"))
    service = running(lambda: first)

    service.reload(lambda: second)

    assert service.version() == "2.0.0"
    assert service.client.post("/predict", content=red).json()["model"]["digest"] == second.bundle.digest


@pytest.mark.parametrize("error", [InvalidBundle("x.zip: ../y is not a path."), KeyError("unforeseen")])
def test_a_reload_that_fails_says_why_and_the_old_model_goes_on_answering(
    make_predictor: Make,
    running: Callable[[Load], Running],
    red: bytes,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    predictor = make_predictor()
    service = running(lambda: predictor)

    def fail() -> Predictor:
        raise error

    service.reload(fail)

    assert service.client.post("/predict", content=red).json()["model"]["digest"] == predictor.bundle.digest
    [said] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said.getMessage().startswith("The model was not replaced")
    assert str(error) in caplog.text
    assert bool(said.exc_info) == isinstance(error, KeyError)


def test_a_request_that_has_begun_ends_with_the_model_that_it_began_with(
    make_predictor: Make, running: Callable[[Load], Running], red: bytes
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(batch: Any) -> Any:
        begun.set()
        may_end.wait(timeout=30)
        return np.tile(np.array([0.25, 0.75], dtype=np.float32), (len(batch), 1))

    old, new = make_predictor(slow, version("1.0.0")["manifest"]), make_predictor(**version("2.0.0"))
    service = running(lambda: old)

    with ThreadPoolExecutor() as callers:
        waiting = callers.submit(service.client.post, "/predict", content=red)
        begun.wait(timeout=30)
        service.reload(lambda: new)
        assert service.version() == "2.0.0"
        may_end.set()

    assert waiting.result().json()["model"]["version"] == "1.0.0"
    assert service.client.post("/predict", content=red).json()["model"]["version"] == "2.0.0"


def test_the_old_predictor_is_let_go(make_predictor: Make, running: Callable[[Load], Running]) -> None:
    loaded: list[weakref.ref[Predictor]] = []

    def load() -> Predictor:
        predictor = make_predictor()
        loaded.append(weakref.ref(predictor))
        return predictor

    service = running(load)
    service.reload(load)
    gc.collect()

    assert [predictor() is None for predictor in loaded] == [True, False]


@pytest.mark.parametrize("first", [True, False])
def test_whoever_asks_while_a_model_loads_gets_one_load_more_after_it(
    make_predictor: Make, until: Until, *, first: bool
) -> None:
    """`first`: what runs is the load after the start, otherwise a reload."""
    predictor, may_end, begun = make_predictor(), threading.Event(), threading.Event()
    at_once: list[int] = []
    loading = threading.Semaphore(1)

    def load() -> Predictor:
        at_once.append(loading.acquire(blocking=False))
        begun.set()
        may_end.wait(timeout=30)
        loading.release()
        return predictor

    with TestClient(create_app(Settings(), load if first else lambda: predictor)) as client:
        service, portal = client.app_state["service"], client.portal
        assert portal
        asked = [] if first else [portal.start_task_soon(service.reload, load)]
        begun.wait(timeout=30)
        asked += [portal.start_task_soon(service.reload, load) for _ in range(4)]
        until(lambda: sum(each.done() for each in asked) == 3)
        may_end.set()
        for each in asked:
            each.result(timeout=30)

    assert at_once == [True, True]
