import gc
import logging
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anyio
import numpy as np
import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, MLServiceError, NothingToRollBackTo
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.serving.reloading import obey_signals
from muffin_v_chihuahua_ml_service.settings import Settings

Make = Callable[..., Predictor]
Load = Callable[[], Predictor]
Until = Callable[[Callable[[], bool]], None]


@dataclass(frozen=True)
class Running:
    """A service, and a way to its models from outside of its event loop."""

    client: TestClient
    service: InferenceService

    def reload(self, load: Load) -> None:
        self.ask_for_reload(load).result(timeout=30)

    def ask_for_reload(self, load: Load) -> "Future[None]":
        assert self.client.portal
        return self.client.portal.start_task_soon(self.service.models.reload, load)

    def roll_back(self) -> None:
        self.ask_for_rollback().result(timeout=30)

    def ask_for_rollback(self) -> "Future[None]":
        assert self.client.portal
        return self.client.portal.start_task_soon(self.service.models.rollback)

    def version(self) -> str:
        return str(self.client.get("/").json()["model"]["version"])


@pytest.fixture
def running(until: Until) -> Iterator[Callable[..., Running]]:
    """Start a service whose first model this loads, with these settings, and wait until it has."""
    clients = []

    def start(load: Load, **settings: Any) -> Running:
        client = TestClient(create_app(Settings(**settings), load))
        clients.append(client)
        client.__enter__()
        until(lambda: client.get("/").is_success)
        return Running(client, client.app_state["service"])

    yield start
    for client in clients:
        client.__exit__()


def version(number: str) -> dict[str, Any]:
    return {"manifest": {"version": number}}


@pytest.fixture
def versions(make_predictor: Make) -> Load:
    """Load version 1.0.0, then 2.0.0, and so on."""
    loads = iter(range(1, 100))
    return lambda: make_predictor(**version(f"{next(loads)}.0.0"))


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

    with pytest.raises(MLServiceError, match=str(error.args[0])):
        service.reload(fail)

    assert service.client.post("/predict", content=red).json()["model"]["digest"] == predictor.bundle.digest
    said = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said[-1].getMessage().startswith("The model was not replaced")
    assert str(error) in said[-1].getMessage()
    assert bool(said[0].exc_info) == isinstance(error, KeyError)
    assert str(error) in str(service.service.models.failure)

    service.reload(lambda: predictor)

    assert service.service.models.failure is None


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


def test_requests_that_are_still_decoded_are_answered_by_a_model_that_is_being_freed(
    make_predictor: Make, running: Callable[..., Running], red: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have a place in its queue, or wait for one, but its engine has not seen them."""
    begun, may_decode = threading.Event(), threading.Event()
    old, new = make_predictor(**version("1.0.0")), make_predictor(**version("2.0.0"))
    decode = new.prepare

    def slowly(data: bytes) -> Any:
        begun.set()
        may_decode.wait(timeout=30)
        return decode(data)

    monkeypatch.setattr(new, "prepare", slowly)
    service = running(lambda: old, max_wait_ms=30_000)
    service.reload(lambda: new)

    with ThreadPoolExecutor(20) as callers:
        waiting = [callers.submit(service.client.post, "/predict", content=red) for _ in range(20)]
        begun.wait(timeout=30)
        rolled_back = service.ask_for_rollback()
        while service.version() != "1.0.0":
            pass
        assert not rolled_back.done()
        may_decode.set()
        rolled_back.result(timeout=30)

    answers = [each.result().json()["model"]["version"] for each in waiting]
    assert "2.0.0" in answers
    assert set(answers) <= {"1.0.0", "2.0.0"}


def test_a_rollback_brings_back_the_model_before_the_last_reload_once(
    versions: Load, running: Callable[[Load], Running], red: bytes
) -> None:
    service = running(versions)
    service.reload(versions)

    service.roll_back()

    assert service.version() == "1.0.0"
    assert service.client.post("/predict", content=red).json()["model"]["version"] == "1.0.0"
    with pytest.raises(NothingToRollBackTo):
        service.roll_back()
    service.reload(versions)
    assert service.version() == "3.0.0"


def test_before_any_reload_there_is_nothing_to_go_back_to(
    versions: Load, running: Callable[[Load], Running]
) -> None:
    service = running(versions)

    with pytest.raises(NothingToRollBackTo, match=r"^No earlier model is kept"):
        service.roll_back()

    assert service.version() == "1.0.0"


def test_a_rollback_waits_for_a_reload_that_was_asked_for_before_it(
    versions: Load, running: Callable[[Load], Running]
) -> None:
    may_end = threading.Event()

    def slowly() -> Predictor:
        may_end.wait(timeout=30)
        return versions()

    service = running(versions)
    models = service.service.models

    async def ask_for_both() -> None:
        """In one turn of the event loop, as for two signals that come together."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(models.reload, slowly)
            tasks.start_soon(models.rollback)
            await anyio.sleep(0.05)
            may_end.set()

    assert service.client.portal
    service.client.portal.call(ask_for_both)

    assert service.version() == "1.0.0"
    assert models.previous is None


@pytest.fixture
def watched(versions: Load) -> tuple[Load, list["weakref.ref[Predictor]"]]:
    """Versions, and a look at which of them are still there."""
    loaded: list[weakref.ref[Predictor]] = []

    def load() -> Predictor:
        predictor = versions()
        loaded.append(weakref.ref(predictor))
        return predictor

    return load, loaded


def kept(loaded: list["weakref.ref[Predictor]"]) -> list[bool]:
    return [predictor() is not None for predictor in loaded]


def test_only_the_model_and_the_one_before_it_are_kept(
    watched: tuple[Load, list["weakref.ref[Predictor]"]], running: Callable[[Load], Running], red: bytes
) -> None:
    load, loaded = watched
    service = running(load)
    for _ in range(3):
        service.client.post("/predict", content=red)
        service.reload(load)

    assert kept(loaded) == [False, False, True, True]

    service.roll_back()

    assert kept(loaded) == [False, False, True, False]


def test_the_model_before_is_kept_no_longer_than_is_set(
    watched: tuple[Load, list["weakref.ref[Predictor]"]],
    running: Callable[..., Running],
    until: Until,
) -> None:
    load, loaded = watched
    service = running(load, rollback_s=1)

    service.reload(load)
    gc.collect()
    assert kept(loaded) == [True, True]
    until(lambda: gc.collect() >= 0 and kept(loaded) == [False, True])  # a cycle may still hold it

    with pytest.raises(NothingToRollBackTo):
        service.roll_back()


@pytest.mark.parametrize("first", [True, False])
def test_those_who_ask_while_a_model_loads_share_one_load_after_it_and_what_comes_of_it(
    make_predictor: Make, until: Until, *, first: bool
) -> None:
    """`first`: what runs is the load after the start, otherwise a reload."""
    predictor, may_end, begun = make_predictor(), threading.Event(), threading.Event()
    at_once: list[bool] = []
    loading = threading.Semaphore(1)

    def load() -> Predictor:
        at_once.append(loading.acquire(blocking=False))
        begun.set()
        may_end.wait(timeout=30)
        loading.release()
        if len(at_once) == 2:
            raise InvalidBundle("model.json: is not there.")
        return predictor

    with TestClient(create_app(Settings(), load if first else lambda: predictor)) as client:
        service, portal = client.app_state["service"], client.portal
        assert portal
        if not first:
            until(lambda: client.get("/").is_success)
            portal.start_task_soon(service.models.reload, load)
        begun.wait(timeout=30)
        asked = [portal.start_task_soon(service.models.reload, load) for _ in range(4)]
        portal.call(anyio.sleep, 0.05)
        may_end.set()
        failures = [each.exception(timeout=30) for each in asked]

    assert at_once == [True, True]
    assert [str(each) for each in failures] == ["model.json: is not there."] * 4


def test_signals_reload_and_roll_back_and_the_log_has_the_outcome(
    versions: Load, caplog: pytest.LogCaptureFixture
) -> None:
    """In an event loop of the main thread: signals reach no other."""
    caplog.set_level(logging.INFO)

    def said(sentence: str) -> int:
        return sum(sentence in record.getMessage() for record in caplog.records)

    async def until_said(sentence: str, number: signal.Signals | None = None) -> None:
        if number is not None:
            os.kill(os.getpid(), number)
        while not said(sentence):  # noqa: ASYNC110 - the log has no event
            await anyio.sleep(0.01)

    async def tell() -> None:
        service = InferenceService(Settings())
        loads = iter([versions, fail])
        await service.models.load(versions)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(obey_signals(lambda: next(loads)()), service)  # noqa: PLW0108 - another each time
            await anyio.sleep(0.05)
            await until_said("Serving fake-model 2.0.0", signal.SIGHUP)
            await until_said("Rolled back to fake-model 1.0.0", signal.SIGUSR1)
            await until_said("The model was not rolled back: No earlier model", signal.SIGUSR1)
            await until_said("The model was not replaced: model.json: is not there.", signal.SIGHUP)
            tasks.cancel_scope.cancel()

    def fail() -> Predictor:
        raise InvalidBundle("model.json: is not there.")

    anyio.run(tell)
