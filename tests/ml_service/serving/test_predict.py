import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle

LIMIT = 4096


def png(width: int, height: int) -> bytes:
    """A PNG by its header, with no pixels in it: to decode it fails."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def in_chunks(size: int) -> Iterator[bytes]:
    for _ in range(0, size, 1024):
        yield bytes(1024)


def form(content: bytes, **headers: str) -> dict[str, Any]:
    return {"content": content, "headers": {"content-type": "multipart/form-data; boundary=xx", **headers}}


def without_particulars(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from request to request."""
    return {name: answer[name] for name in ("verdict", "predictions", "model")}


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "text": ({"content": b"no picture at all"}, 400, "not_a_picture"),
    "text in a form": ({"files": {"file": ("a.png", b"no picture at all")}}, 400, "not_a_picture"),
    "a truncated picture": ({"content": png(30, 30)}, 400, "broken_picture"),
    "an empty body": ({"content": b""}, 400, "empty_body"),
    "an empty file": ({"files": {"file": ("a.png", b"")}}, 400, "empty_body"),
    "another field": ({"files": {"picture": ("a.png", png(30, 30))}}, 400, "missing_field"),
    "text in the field": ({"files": {"file": (None, "a.png")}}, 400, "missing_field"),
    "two files": (
        {"files": [("file", ("a.png", png(30, 30))), ("file", ("b.png", png(30, 30)))]},
        400,
        "malformed_body",
    ),
    "no form": (form(b"garbage"), 400, "malformed_body"),
    "a form's field without name": (
        form(b"--xx\r\nContent-Disposition: form-data\r\n\r\na\r\n--xx--\r\n"),
        400,
        "malformed_body",
    ),
    "no boundary": (form(b"--xx--\r\n", **{"content-type": "multipart/form-data"}), 400, "malformed_body"),
    "top_k 0": ({"content": png(30, 30), "params": {"top_k": 0}}, 400, "invalid_parameter"),
    "top_k in words": ({"content": png(30, 30), "params": {"top_k": "three"}}, 400, "invalid_parameter"),
    "a large body": ({"content": bytes(LIMIT + 1)}, 413, "body_too_large"),
    "a large body of unknown length": ({"content": in_chunks(2 * LIMIT)}, 413, "body_too_large"),
    "a large file in a form": ({"files": {"file": ("a.png", bytes(LIMIT + 1))}}, 413, "body_too_large"),
    "a large form": ({"files": {"file": ("a.png", bytes(LIMIT + 2**17))}}, 413, "body_too_large"),
    "JSON": ({"json": {}}, 415, "unsupported_content_type"),
    "an HTML form": ({"data": {"file": "a.png"}}, 415, "unsupported_content_type"),
    "TIFF, little-endian": ({"content": b"II*\0\x08\0\0\0"}, 415, "unsupported_picture_format"),
    "TIFF, big-endian": ({"content": b"MM\0*\0\0\0\x08"}, 415, "unsupported_picture_format"),
    "HEIC": ({"content": b"\0\0\0\x18ftypheic\0\0\0\0"}, 415, "unsupported_picture_format"),
    "AVIF": ({"content": b"\0\0\0\x18ftypavif\0\0\0\0"}, 415, "unsupported_picture_format"),
    "PDF": ({"content": b"%PDF-1.7\n"}, 415, "unsupported_picture_format"),
    "more pixels than the limit": ({"content": png(30_000, 30_000)}, 422, "too_many_pixels"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_answered_is_refused_in_json_and_the_next_is_answered(
    start: Callable[..., TestClient], red: bytes, reason: str
) -> None:
    request, status, code = REFUSED[reason]
    client = start(max_picture_bytes=LIMIT)

    response = client.post("/predict", **request)

    assert response.status_code == status
    body = response.json()
    assert body.keys() == {"error", "code", "request_id"}
    assert body["code"] == code
    assert body["error"].endswith((".", "jpg"))
    assert body["request_id"] == response.headers["x-request-id"]
    assert client.post("/predict", content=red).is_success


@pytest.mark.parametrize("lying", ["image/tiff", "image/jpeg", "IMAGE/PNG; charset=binary"])
def test_the_format_follows_from_the_content_and_not_from_the_content_type(
    client: TestClient, red: bytes, lying: str
) -> None:
    response = client.post("/predict", content=red, headers={"content-type": lying})

    assert response.json()["verdict"] == "red"


def test_the_answer_has_the_fields_of_the_contract(client: TestClient, red: bytes) -> None:
    answer = client.post("/predict", files={"file": ("rex.png", red)}).json()

    assert answer.keys() == {
        "prediction_id",
        "filename",
        "verdict",
        "predictions",
        "model",
        "timings_ms",
    }
    assert len(answer["prediction_id"]) == 26
    assert answer["verdict"] == "red"
    assert [each["label"] for each in answer["predictions"]] == ["red", "blue"]
    assert answer["model"].keys() == {"name", "version", "digest"}
    assert answer["model"]["digest"].startswith("sha256:")
    assert answer["timings_ms"].keys() == {"decode", "queue", "inference"}
    assert all(value >= 0 for value in answer["timings_ms"].values())


def test_each_answer_has_an_id_of_its_own(client: TestClient, red: bytes) -> None:
    ids = {client.post("/predict", content=red).json()["prediction_id"] for _ in range(20)}

    assert len(ids) == 20


@pytest.mark.parametrize("path", ["/predict", "/predict/"])
def test_both_spellings_of_the_address_answer_without_a_redirect(
    client: TestClient, red: bytes, path: str
) -> None:
    assert client.post(path, content=red, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("content_type", ["application/octet-stream", "image/png", None])
def test_the_body_itself_and_a_form_get_the_same_answer(
    client: TestClient,
    draw: Callable[..., Image.Image],
    encode: Callable[..., bytes],
    content_type: str | None,
) -> None:
    picture = encode(draw())
    headers = {} if content_type is None else {"content-type": content_type}

    bare = client.post("/predict", content=picture, headers=headers).json()
    in_form = client.post("/predict", files={"file": ("a.png", picture)}).json()

    assert without_particulars(bare) == without_particulars(in_form)


@pytest.mark.parametrize("filename", ["rex.jpg", "Rexchen über Äcker.jpg", "../../etc/passwd", "狗.png"])
def test_the_filename_of_the_form_comes_back_as_it_was_sent(
    client: TestClient, red: bytes, filename: str
) -> None:
    assert client.post("/predict", files={"file": (filename, red)}).json()["filename"] == filename


def test_the_body_itself_has_no_filename(client: TestClient, red: bytes) -> None:
    assert client.post("/predict", content=red).json()["filename"] is None


def test_other_fields_of_the_form_do_not_disturb(client: TestClient, red: bytes) -> None:
    response = client.post("/predict", files={"file": ("a.png", red)}, data={"comment": "my dog"})

    assert response.is_success


def many_classes(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    raw = np.arange(1, 1001, dtype=np.float32)
    return np.tile(raw / raw.sum(), (len(batch), 1))


THOUSAND = {
    "labels": [f"class {number}" for number in range(1000)],
    "golden": [{"file": "golden/red.png", "probabilities": [0.001] * 1000}],
}


@pytest.mark.parametrize(
    ("top_k", "expected"), [({}, 3), ({"top_k": 1}, 1), ({"top_k": 999}, 999), ({"top_k": 5000}, 1000)]
)
def test_as_many_classes_are_answered_as_were_asked_for_best_first(
    start: Callable[..., TestClient], red: bytes, top_k: dict[str, int], expected: int
) -> None:
    client = start(run=many_classes, manifest=THOUSAND)

    predictions = client.post("/predict", content=red, params=top_k).json()["predictions"]

    assert [each["label"] for each in predictions] == [f"class {999 - rank}" for rank in range(expected)]


def test_the_probabilities_of_all_classes_add_up_to_one(start: Callable[..., TestClient], red: bytes) -> None:
    client = start(run=many_classes, manifest=THOUSAND)

    answer = client.post("/predict", content=red, params={"top_k": 1000}).json()

    assert sum(each["probability"] for each in answer["predictions"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("winner", "verdict"), [(0.61, "blue"), (0.59, "unsure")])
def test_a_winner_under_the_bundles_threshold_is_no_verdict(
    start: Callable[..., TestClient], red: bytes, winner: float, verdict: str
) -> None:
    client = start(run=lambda batch: np.tile(np.array([winner, 1 - winner]), (len(batch), 1)))

    answer = client.post("/predict", content=red).json()

    assert answer["verdict"] == verdict
    assert answer["predictions"][0]["label"] == "blue"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_every_format_on_the_list_is_answered(client: TestClient, kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), (10, 10, 250)).save(file, kind)

    assert client.post("/predict", content=file.getvalue()).json()["verdict"] == "blue"


@pytest.mark.parametrize("fault", [RuntimeError, InvalidBundle])
def test_a_model_that_fails_answers_500_in_json_and_the_service_goes_on(
    start: Callable[..., TestClient],
    draw: Callable[..., Image.Image],
    encode: Callable[..., bytes],
    fault: type[Exception],
) -> None:
    def fails_on_dark(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if batch.max() < 1:
            raise fault("the engine's secret")
        return np.tile(np.array([0.2, 0.8]), (len(batch), 1))

    client = start(run=fails_on_dark)

    response = client.post(
        "/predict", content=encode(Image.new("RGB", (9, 9))), headers={"X-Request-Id": "my-own"}
    )

    assert response.status_code == 500
    assert response.json().keys() == {"error", "code", "request_id"}
    assert response.json()["code"] == "engine_failed"
    assert response.json()["request_id"] == response.headers["x-request-id"] == "my-own"
    assert "secret" not in response.text
    assert client.post("/predict", content=encode(draw())).is_success
