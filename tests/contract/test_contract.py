"""The service as it is and the page's client as it is, with real HTTP between them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image

from muffin_v_chihuahua.http_session import new_session
from muffin_v_chihuahua.inference_client import (
    InferenceClient,
    InferenceError,
    Rejected,
    ServiceNotReady,
    ServiceUnreachable,
    UnexpectedAnswer,
)
from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings

Until = Callable[[Callable[[], bool]], None]
Batch = NDArray[np.float32]

LIMIT = 16 * 1024


@contextmanager
def served(app: FastAPI, until: Until) -> Iterator[InferenceClient]:
    """The page's client of a service that listens on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with new_session() as session:
            yield InferenceClient(session, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()


def is_ready(client: InferenceClient) -> bool:
    try:
        client.health()
    except ServiceNotReady:
        return False
    return True


@pytest.fixture
def client(make_app: Callable[..., FastAPI], until: Until) -> Iterator[InferenceClient]:
    with served(make_app(max_picture_bytes=LIMIT), until) as client:
        until(lambda: is_ready(client))
        yield client


def test_the_page_learns_which_model_answers(client: InferenceClient) -> None:
    model = client.health().model

    assert (model.name, model.version) == ("fake-model", "9.9.9")


def test_the_page_understands_an_answer(client: InferenceClient, red: bytes) -> None:
    prediction = client.predict(red, "rex.png")

    assert prediction.verdict == "red"
    assert prediction.is_sure
    assert [score.label for score in prediction.predictions] == ["red", "blue"]
    assert sum(score.probability for score in prediction.predictions) == pytest.approx(1, abs=1e-5)
    assert prediction.timings_ms.keys() == {"decode", "queue", "inference"}
    health = client.health().model
    assert (prediction.model.name, prediction.model.version) == (health.name, health.version)
    assert prediction.model.digest.startswith("sha256:")
    assert prediction.prediction_id


def test_the_page_understands_that_the_service_is_unsure(
    make_app: Callable[..., FastAPI], until: Until, red: bytes
) -> None:
    def evenly(batch: Batch) -> Batch:
        return np.full((len(batch), 2), 0.5, dtype=np.float32)

    with served(make_app(evenly), until) as client:
        until(lambda: is_ready(client))
        prediction = client.predict(red, "rex.png")

    assert prediction.verdict == "unsure"
    assert not prediction.is_sure


@pytest.mark.parametrize("winner_takes_all", [True, False])
def test_the_page_understands_a_service_with_1000_classes(
    make_app: Callable[..., FastAPI], until: Until, red: bytes, *, winner_takes_all: bool
) -> None:
    raw = np.zeros(1000) if winner_takes_all else np.ones(1000)
    raw[7] += 1
    labels = [f"{number}: Ärger & <Ähnliches> 🐕" for number in range(1000)]
    manifest = {
        "labels": labels,
        "calibration": {"temperature": 1, "thresholds": {labels[7]: {"at_least": 0.5, "pictures": 9}}},
        "golden": [{"file": "golden/red.png", "probabilities": [0.001] * 1000}],
    }

    def always(batch: Batch) -> Batch:
        return np.tile((raw / raw.sum()).astype(np.float32), (len(batch), 1))

    with served(make_app(always, manifest), until) as client:
        until(lambda: is_ready(client))
        prediction = client.predict(red, "rex.png")

    assert prediction.predictions[0].label == labels[7]
    assert len(prediction.predictions) == 3
    assert prediction.is_sure == winner_takes_all


@pytest.mark.parametrize("filename", ["rex.png", "", "Äcker.png", 'a/b\\c"d.png', "x" * 500])
def test_no_filename_gets_between_the_page_and_its_answer(
    client: InferenceClient, red: bytes, filename: str
) -> None:
    assert client.predict(red, filename).verdict == "red"


REFUSED: Mapping[str, tuple[bytes, str]] = {
    "not a picture": (b"no picture at all", "not_a_picture"),
    "broken": (b"BM" + bytes(60), "broken_picture"),
    "empty": (b"", "empty_body"),
    "too large": (bytes(LIMIT + 1), "body_too_large"),
    "much too large": (bytes(5_000_000), "body_too_large"),
    "TIFF": (b"II*\0\x08\0\0\0", "unsupported_picture_format"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0", "unsupported_picture_format"),
    "PDF": (b"%PDF-1.7", "unsupported_picture_format"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_the_page_gives_the_services_own_sentence_for_what_it_refuses(
    client: InferenceClient, red: bytes, reason: str
) -> None:
    picture, code = REFUSED[reason]

    with pytest.raises(Rejected) as refusal:
        client.predict(picture, "rex.png")

    assert refusal.value.code == code
    assert refusal.value.request_id
    assert str(refusal.value).endswith(".")
    assert client.predict(red, "rex.png").verdict == "red"


def test_too_many_pixels_are_a_refusal_too(client: InferenceClient, encode: Callable[..., bytes]) -> None:
    with pytest.raises(Rejected) as refusal:
        client.predict(encode(Image.new("1", (8000, 7000)), optimize=True), "rex.png")

    assert refusal.value.code == "too_many_pixels"


def test_a_service_that_loads_is_not_ready(
    make_predictor: Callable[..., Predictor], until: Until, red: bytes
) -> None:
    may_load, predictor = threading.Event(), make_predictor()

    def load() -> Predictor:
        may_load.wait(timeout=30)
        return predictor

    with served(create_app(Settings(), load), until) as client:
        try:
            with pytest.raises(ServiceNotReady, match="still loading"):
                client.health()
            with pytest.raises(ServiceNotReady, match="still loading"):
                client.predict(red, "rex.png")
        finally:
            may_load.set()
        until(lambda: is_ready(client))


def test_a_service_that_could_not_load_is_not_ready_and_says_why(until: Until, red: bytes) -> None:
    def load() -> Predictor:
        raise InvalidBundle("model.json: the reason.")

    with served(create_app(Settings(), load), until) as client:

        def knows_why() -> bool:
            with pytest.raises(ServiceNotReady) as refusal:
                client.predict(red, "rex.png")
            return "the reason" in str(refusal.value)

        until(knows_why)


def test_a_fault_of_the_service_is_an_answer_that_nobody_expected(
    make_app: Callable[..., FastAPI], until: Until, red: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Batch) -> Batch:
        raise RuntimeError("out of order")

    with served(make_app(fail), until) as client:
        until(lambda: is_ready(client))
        with pytest.raises(UnexpectedAnswer, match="status 500"):
            client.predict(red, "rex.png")
        assert client.health()

    assert "out of order" in caplog.text


@pytest.mark.parametrize("call", ["health", "predict"])
@pytest.mark.parametrize("path", ["/nothing", "/predict"])
def test_what_is_behind_the_wrong_address_is_an_error_of_the_clients_own(
    client: InferenceClient, red: bytes, call: str, path: str
) -> None:
    lost = InferenceClient(client._session, client.base_url + path)  # the session is ours
    arguments: tuple[Any, ...] = (red, "rex.png") if call == "predict" else ()

    with pytest.raises(InferenceError):
        getattr(lost, call)(*arguments)


def test_a_service_that_has_stopped_cannot_be_reached(make_app: Callable[..., FastAPI], until: Until) -> None:
    with served(make_app(), until) as client:
        until(lambda: is_ready(client))

    with pytest.raises(ServiceUnreachable):
        client.health()
