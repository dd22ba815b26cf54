"""POST /explain: the picture with the heat, JSON with all of it, and what it does not disturb."""

import asyncio
import base64
import io
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import Message

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.callers import Deadline
from muffin_v_chihuahua_ml_service.serving.explaining import Explanation
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.settings import Settings

Pictures = NDArray[np.float32]
Make = Callable[..., Predictor]

CAM = {"activation_maps": {"head": "head.npy"}}
AS_JSON = {"accept": "application/json"}
METHODS = pytest.mark.parametrize(
    ("manifest", "method"), [(CAM, "cam"), ({}, "occlusion")], ids=["cam", "occlusion"]
)


def most_red(batch: Pictures) -> Pictures:
    """How red the reddest sixteenth is against the bluest, as the probabilities of `blue` and `red`."""
    count, height, width, _ = batch.shape
    parts = batch.reshape(count, 4, height // 4, 4, width // 4, 3).mean(axis=(2, 4)).clip(1)
    red, blue = parts[..., 0].max(axis=(1, 2)) ** 2, parts[..., 2].max(axis=(1, 2))
    return np.stack([blue / (red + blue), red / (red + blue)], axis=1)


@pytest.fixture
def corner(encode: Callable[..., bytes]) -> bytes:
    """Grey, and red in the upper right quarter."""
    picture = Image.new("RGB", (36, 36), (60, 60, 60))
    picture.paste((250, 10, 10), (18, 0, 36, 18))
    return encode(picture)


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    assert image.format == "PNG"
    return image


def decoded(text: str) -> Image.Image:
    return opened(base64.b64decode(text))


def warmest(image: Image.Image) -> tuple[bool, bool]:
    """Whether it is below and whether it is right, by the light of the heat alone."""
    light = np.asarray(image.convert("L"), dtype=float)
    row, column = np.unravel_index(light.argmax(), light.shape)
    return bool(row >= light.shape[0] // 2), bool(column >= light.shape[1] // 2)


@METHODS
@pytest.mark.parametrize("path", ["/explain", "/explain/"])
def test_the_answer_is_a_picture_with_what_it_shows_in_its_headers(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str, path: str
) -> None:
    client = start(run=most_red, manifest=manifest)

    answer = client.post(path, content=corner, follow_redirects=False)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert opened(answer.content).size == (448, 448)
    assert answer.headers["x-explained-label"] == "red"
    assert answer.headers["x-explained-method"] == method


@METHODS
def test_the_heat_is_where_the_class_is(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    client = start(run=most_red, manifest=manifest)

    answer = client.post("/explain", content=corner, params={"view": "heat"})

    assert answer.headers["x-explained-method"] == method
    assert warmest(opened(answer.content)) == (False, True)


@METHODS
def test_the_views_are_the_input_the_heat_and_the_one_over_the_other(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    client = start(run=most_red, manifest=manifest)

    pictures = {
        view: np.asarray(opened(client.post("/explain", content=corner, params={"view": view}).content), int)
        for view in ("input", "heat", "overlay")
    }

    assert method
    assert pictures["input"][400, 40].tolist() == [60, 60, 60]
    assert pictures["heat"][447, 0].tolist() == [68, 1, 84]
    between = np.sort([pictures["input"][400, 40], pictures["heat"][400, 40]], axis=0)
    assert (between[0] <= pictures["overlay"][400, 40]).all()
    assert (pictures["overlay"][400, 40] <= between[1]).all()


@METHODS
def test_as_json_the_classes_come_best_first_on_one_scale(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    client = start(run=most_red, manifest=manifest)

    answer = client.post("/explain", content=corner, headers=AS_JSON).json()

    assert answer.keys() == {"method", "verdict", "input", "explanations", "model", "timings_ms"}
    assert (answer["method"], answer["verdict"]) == (method, "red")
    assert decoded(answer["input"]).size == (448, 448)
    red, blue = answer["explanations"]
    assert (red["label"], blue["label"]) == ("red", "blue")
    assert red["probability"] + blue["probability"] == pytest.approx(1)
    predicted = client.post("/predict", content=corner).json()
    assert answer["model"] == predicted["model"]
    assert red["probability"] == predicted["predictions"][0]["probability"]
    assert decoded(red["overlay"]).size == decoded(blue["overlay"]).size == (448, 448)
    assert answer["timings_ms"].keys() == {"decode", "explain", "draw"}
    assert all(each >= 0 for each in answer["timings_ms"].values())


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json;q=0.9, */*", "application/json"),
        ("text/html, Application/JSON", "application/json"),
        ("image/png, application/json", "image/png"),
        ("image/*", "image/png"),
        ("*/*", "image/png"),
        ("text/html", "image/png"),
        ("", "image/png"),
    ],
)
def test_the_header_accept_says_which(
    start: Callable[..., TestClient], corner: bytes, accept: str, kind: str
) -> None:
    answer = start(manifest=CAM).post("/explain", content=corner, headers={"accept": accept})

    assert answer.headers["content-type"] == kind


def test_a_form_is_taken_as_well_and_any_class_can_be_asked_for(
    start: Callable[..., TestClient], corner: bytes
) -> None:
    client = start(manifest=CAM)

    answer = client.post("/explain", files={"file": ("a.png", corner)}, params={"label": "blue"})

    assert answer.headers["x-explained-label"] == "blue"


def many(batch: Pictures) -> Pictures:
    raw = np.arange(1, 1001, dtype=np.float32)
    return np.tile(raw / raw.sum(), (len(batch), 1))


def thousand(*names: str) -> dict[str, Any]:
    labels = [*names, *(f"class {number}" for number in range(len(names), 1000))]
    return {"labels": labels, "golden": [{"file": "golden/red.png", "probabilities": [0.001] * 1000}]}


@METHODS
def test_of_many_classes_the_best_are_answered_and_the_one_that_was_asked_for_is_among_them(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    client = start(run=many, manifest=thousand() | manifest)

    def labels(**params: Any) -> list[str]:
        answer = client.post("/explain", content=corner, params=params, headers=AS_JSON).json()
        assert answer["method"] == method
        return [each["label"] for each in answer["explanations"]]

    assert labels() == ["class 999", "class 998", "class 997"]
    assert labels(top_k=2, label="class 5") == ["class 999", "class 5"]
    assert labels(top_k=1, label="class 5") == ["class 5"]
    assert labels(top_k=4, label="class 998") == [f"class {each}" for each in (999, 998, 997, 996)]
    assert len(labels(top_k=20)) == 20


def test_a_label_that_no_header_could_hold_is_percent_encoded(
    start: Callable[..., TestClient], corner: bytes
) -> None:
    label = "n02 Chihuahua, 狗/犬"
    client = start(run=many, manifest=thousand(label) | CAM)

    answer = client.post("/explain", content=corner, params={"label": label})

    assert answer.headers["x-explained-label"] == "n02%20Chihuahua%2C%20%E7%8B%97%2F%E7%8A%AC"


@pytest.mark.parametrize(
    ("request_of", "status", "code"),
    [
        ({"params": {"label": "cat"}}, 404, "unknown_label"),
        ({"params": {"view": "x-ray"}}, 400, "invalid_parameter"),
        ({"params": {"top_k": 0}}, 400, "invalid_parameter"),
        ({"params": {"top_k": 21}}, 400, "invalid_parameter"),
        ({"content": b"no picture"}, 400, "not_a_picture"),
        ({"content": b""}, 400, "empty_body"),
        ({"content": bytes(5000)}, 413, "body_too_large"),
        ({"headers": {"content-type": "text/plain"}}, 415, "unsupported_content_type"),
        ({"headers": {"X-Request-Timeout-Ms": "soon"}}, 400, "invalid_timeout"),
    ],
)
def test_what_cannot_be_explained_is_refused_as_predict_refuses_it(
    start: Callable[..., TestClient], corner: bytes, request_of: dict[str, Any], status: int, code: str
) -> None:
    client = start(manifest=CAM, max_picture_bytes=4096)

    answer = client.post("/explain", **{"content": corner, **request_of})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert client.post("/explain", content=corner).is_success


@METHODS
def test_an_engine_that_fails_is_500_and_the_next_is_explained(
    start: Callable[..., TestClient], red: bytes, corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    def fails_on_red(batch: Pictures) -> Pictures:
        if batch[..., 0].min() > 240:
            raise RuntimeError("the engine's secret")
        return most_red(batch)

    client = start(run=fails_on_red, manifest=manifest)

    failed, next_one = client.post("/explain", content=red), client.post("/explain", content=corner)

    assert (failed.status_code, failed.json()["code"]) == (500, "engine_failed")
    assert "secret" not in failed.text
    assert next_one.headers["x-explained-method"] == method


def test_without_a_model_there_is_nothing_to_explain(
    until: Callable[[Callable[[], bool]], None], corner: bytes
) -> None:
    def fail() -> Predictor:
        raise InvalidBundle("model.json: the reason.")

    with TestClient(create_app(Settings(), fail)) as client:
        until(lambda: "the reason" in client.get("/").text)
        answer = client.post("/explain", content=corner)

    assert (answer.status_code, answer.json()["code"]) == (503, "model_not_ready")


@METHODS
def test_an_explanation_is_no_prediction_but_a_request_like_others(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    client = start(run=most_red, manifest=manifest)

    client.post("/explain", content=corner)
    numbers = client.get("/metrics").text

    assert method
    assert "mvc_predictions_total{" not in numbers
    assert "mvc_prediction_confidence_count{" not in numbers
    assert (
        'http_server_request_duration_seconds_count{http_request_method="POST",'
        'http_response_status_code="200",http_route="/explain"} 1.0' in numbers
    )
    assert "mvc_image_pixels_count 1.0" in numbers


def waiting(may_go_on: threading.Event, entered: threading.Event) -> Callable[[Pictures], Pictures]:
    def run(batch: Pictures) -> Pictures:
        entered.set()
        may_go_on.wait(timeout=30)
        return most_red(batch)

    return run


@METHODS
def test_the_deadline_of_a_request_is_kept_and_predictions_go_on(
    start: Callable[..., TestClient], corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    may_go_on, entered = threading.Event(), threading.Event()
    client = start(run=waiting(may_go_on, entered), manifest=manifest)

    late = client.post("/explain", content=corner, headers={"X-Request-Timeout-Ms": "150"})
    may_go_on.set()

    assert method
    assert (late.status_code, late.json()["code"]) == (504, "deadline_exceeded")
    assert client.post("/predict", content=corner).is_success
    assert client.post("/explain", content=corner).is_success


def test_who_would_wait_for_more_than_one_other_is_refused_before_the_body_is_read(
    start: Callable[..., TestClient], corner: bytes
) -> None:
    client = start(run=most_red, manifest=CAM, max_wait_ms=100, explain_ms=100)
    service: InferenceService = client.app_state["service"]
    queue = service.explainer._queue  # as if explanations had been slow
    queue._busy_s, queue._answered = 1.0, 1.0
    with queue.admitted():
        refused = client.post("/explain", content=corner)
        predicted = client.post("/predict", content=corner)

    assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
    assert refused.headers["retry-after"] == "1"
    assert predicted.is_success


def test_where_predictions_wait_nothing_is_explained(start: Callable[..., TestClient], corner: bytes) -> None:
    client = start(manifest=CAM)
    admission = client.app_state["service"].admission
    admission._busy_s, admission._answered = 60.0, 1.0
    with admission.admitted():
        for _ in range(admission._parallel):
            admission._inside += 1
        refused = client.post("/explain", content=corner)
        admission._inside -= admission._parallel

    assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")


def test_pictures_with_something_hidden_count_for_those_who_come_meanwhile(
    start: Callable[..., TestClient], corner: bytes
) -> None:
    inside: list[int] = []

    def watched(batch: Pictures) -> Pictures:
        inside.append(client.app_state["service"].admission.inside)
        return most_red(batch)

    client = start(run=watched)
    client.post("/explain", content=corner)

    assert set(inside) == {1}  # one at a time, for this engine takes no more in a batch
    assert len(inside) > 9


async def loaded(predictor: Predictor, **settings: Any) -> InferenceService:
    service = InferenceService(Settings(**settings), decoders=1)
    await service.models.load(lambda: predictor)
    return service


@METHODS
def test_a_caller_who_hangs_up_leaves_nothing_behind(
    make_app: Callable[..., FastAPI],
    make_predictor: Make,
    corner: bytes,
    manifest: dict[str, Any],
    method: str,
) -> None:
    may_go_on, entered = threading.Event(), threading.Event()
    predictor = make_predictor(waiting(may_go_on, entered), manifest)
    sent: list[Message] = []

    async def call() -> bool:
        service = await loaded(predictor)
        messages = iter([{"type": "http.request", "body": corner}])

        async def receive() -> Message:
            for message in messages:
                return message
            while not entered.is_set():  # noqa: ASYNC110 - set in a thread
                await asyncio.sleep(0.001)
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-type", b"image/png")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/explain",
            "headers": headers,
            "query_string": b"",
        }
        await make_app()({**scope, "state": {"service": service}}, receive, send)
        may_go_on.set()
        await asyncio.wait_for(service.models.current.close(), 10)
        return service.models.current.explanations.locked()

    assert asyncio.run(call()) is False
    assert method
    assert sent[0]["status"] == 499


@METHODS
def test_the_model_that_began_explaining_goes_on_while_another_takes_its_place(
    make_predictor: Make, corner: bytes, manifest: dict[str, Any], method: str
) -> None:
    """The first is freed as soon as nobody needs it: two reloads later."""
    may_go_on, entered = threading.Event(), threading.Event()
    first = make_predictor(waiting(may_go_on, entered), manifest | {"version": "1.0.0"})

    async def call() -> tuple[str, str]:
        service = await loaded(first)
        deadline = Deadline.after(20)

        def version(explanation: Explanation) -> str:
            return explanation.predictor.bundle.manifest.version

        explaining = [
            asyncio.create_task(service.explainer.explain(service.models.current, corner, deadline, version))
            for _ in range(2)
        ]
        while not entered.is_set():  # noqa: ASYNC110 - set in a thread
            await asyncio.sleep(0.001)
        await service.models.reload(lambda: make_predictor(most_red, manifest))
        freeing_the_first = asyncio.create_task(
            service.models.reload(lambda: make_predictor(most_red, manifest))
        )
        await asyncio.sleep(0.05)
        may_go_on.set()
        one, other = await asyncio.gather(*explaining)
        await asyncio.wait_for(freeing_the_first, 10)
        return one, other

    assert asyncio.run(call()) == ("1.0.0", "1.0.0")
    assert method
