import threading
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.intervals import wilson_interval
from muffin_v_chihuahua_ml_service.records.archive import Archive
from muffin_v_chihuahua_ml_service.records.rows import PredictionRow
from muffin_v_chihuahua_ml_service.serving import feedback_routes, recording
from muffin_v_chihuahua_ml_service.serving.answers import STATUSES
from muffin_v_chihuahua_ml_service.serving.exchange import new_id
from muffin_v_chihuahua_ml_service.serving.unwritten import NOTHING, Unwritten
from muffin_v_chihuahua_ml_service.settings import Settings

Start = Callable[..., TestClient]

NOWHERE = "01KAGSZ6M0Q6DTFVZ5DPQ8J3WB"
"""An id that no prediction has."""


@pytest.fixture
def remembering(start: Start, database_url: str) -> TestClient:
    """The service with records, once in SQLite and once in PostgreSQL."""
    return start(database_url=database_url)


def predicted(client: TestClient, picture: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/predict", files={"file": ("rex.png", picture)}).json()
    return answer


def tell(client: TestClient, prediction_id: str, label: str) -> Any:
    return client.post("/feedback", json={"prediction_id": prediction_id, "label": label})


def test_feedback_right_after_its_prediction_says_whether_it_agrees(
    remembering: TestClient, red: bytes
) -> None:
    prediction_id = predicted(remembering, red)["prediction_id"]

    for label in ("blue", "red"):
        response = tell(remembering, prediction_id, label)
        assert response.status_code == 200
        assert response.json() == {
            "prediction_id": prediction_id,
            "label": label,
            "predicted": "red",
            "verdict": "red",
            "agrees": label == "red",
        }


def test_what_was_told_is_counted_with_its_interval(remembering: TestClient, red: bytes) -> None:
    answers = [predicted(remembering, red) for _ in range(4)]
    for answer, label in zip(answers, ("red", "blue", "red"), strict=False):
        tell(remembering, answer["prediction_id"], label)
    summary = {
        "model": answers[0]["model"],
        "predictions": 4,
        "feedback": 3,
        "right": 2,
        "accuracy": pytest.approx(2 / 3),
        "accuracy_interval": pytest.approx(wilson_interval(2, 3)),
        "labels": {"blue": {"feedback": 1, "right": 0}, "red": {"feedback": 2, "right": 2}},
    }

    assert remembering.get("/feedback").json() == summary
    asked_for = remembering.get("/feedback", params={"digest": answers[0]["model"]["digest"]})
    assert asked_for.json() == summary


def test_before_anything_was_told_there_is_no_accuracy(remembering: TestClient) -> None:
    summary = remembering.get("/feedback").json()

    assert (summary["predictions"], summary["feedback"]) == (0, 0)
    assert summary["accuracy"] is summary["accuracy_interval"] is None
    assert summary["labels"].keys() == {"blue", "red"}


def test_a_deleted_prediction_is_gone_with_its_picture(
    start: Start, database_url: str, red: bytes, tmp_path: Path
) -> None:
    client = start(database_url=database_url, keep_pictures=str(tmp_path / "kept"))
    prediction_id = predicted(client, red)["prediction_id"]
    tell(client, prediction_id, "red")
    [picture] = (tmp_path / "kept").glob("*/*")
    assert (picture.name, picture.read_bytes()) == (f"{prediction_id}.png", red)

    response = client.delete(f"/predictions/{prediction_id}")

    assert (response.status_code, response.content) == (204, b"")
    assert not picture.exists()
    assert client.get("/feedback").json()["predictions"] == 0


def test_pictures_are_kept_only_where_that_is_set(start: Start, sqlite_url: str, red: bytes) -> None:
    client = start(database_url=sqlite_url)
    rows: list[Any] = []
    client.app_state["recorder"].remember = rows.append

    predicted(client, red)

    [row] = rows
    assert (row.picture, row.filename, row.label) == (None, "rex.png", "red")
    assert abs(row.asked_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/feedback"), ("GET", "/feedback"), ("DELETE", f"/predictions/{NOWHERE}")],
)
def test_a_service_that_keeps_nothing_says_so(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path)

    assert (response.status_code, response.json()["code"]) == (404, "records_off")


def test_feedback_on_what_was_never_predicted_is_refused(remembering: TestClient, red: bytes) -> None:
    prediction_id = predicted(remembering, red)["prediction_id"]
    old = new_id()

    for unknown in ("x", "", old, "\0" * 26):
        response = tell(remembering, unknown, "red")
        assert (response.status_code, response.json()["code"]) == (404, "unknown_prediction")
        assert repr(unknown) in response.json()["error"]
    for label in ("cat", "", "\0"):
        response = tell(remembering, prediction_id, label)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_label")
    for gone in ("x", old):
        response = remembering.delete(f"/predictions/{gone}")
        assert (response.status_code, response.json()["code"]) == (404, "unknown_prediction")


def test_a_model_that_never_answered_is_not_known(remembering: TestClient) -> None:
    response = remembering.get("/feedback", params={"digest": f"sha256:{'0' * 64}"})

    assert (response.status_code, response.json()["code"]) == (404, "unknown_model")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "body: Invalid JSON"),
        (b"{", "body: Invalid JSON"),
        (b"[]", "body: Input should be an object"),
        (b'{"prediction_id": "x"}', "label: Field required"),
        (b'{"prediction_id": "x", "label": 3}', "label: Input should be a valid string"),
        (b'{"prediction_id": "x", "label": "red", "lable": ""}', "lable: Extra inputs are not permitted"),
        (b'{"prediction_id": "\xff", "label": "red"}', "body: Invalid JSON"),
    ],
)
def test_a_body_that_is_no_feedback_says_what_is_wrong_with_it(
    start: Start, sqlite_url: str, body: bytes, sentence: str
) -> None:
    response = start(database_url=sqlite_url).post("/feedback", content=body)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert sentence in response.json()["error"]


def test_a_body_that_goes_on_for_ever_is_refused(start: Start, sqlite_url: str) -> None:
    response = start(database_url=sqlite_url).post("/feedback", content=bytes(20_000))

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_a_digest_that_is_none_is_refused(start: Start, sqlite_url: str) -> None:
    response = start(database_url=sqlite_url).get("/feedback", params={"digest": "latest"})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")


def test_feedback_finds_what_another_process_has_predicted_just_now(
    start: Start, database_url: str, red: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_AFTER_START_S", 0)
    here, there = start(database_url=database_url), start(database_url=database_url)
    monkeypatch.setattr(recording, "_GATHER_S", 0.5)  # so long it waits to be written

    prediction_id = predicted(there, red)["prediction_id"]

    assert tell(here, prediction_id, "red").json()["agrees"]


def test_feedback_waits_for_what_another_process_has_yet_to_write(
    start: Start, sqlite_url: str, make_row: Callable[..., PredictionRow]
) -> None:
    client, row = start(database_url=sqlite_url), make_row()
    recorder, looked = client.app_state["recorder"], threading.Event()
    shared = memoryview(array("q", [NOTHING, NOTHING]))
    recorder.unwritten, other = Unwritten(shared, 0), Unwritten(shared, 1)
    other.oldest_ms = int(row.asked_at.timestamp() * 1000)
    ask = recorder.ask

    async def look(question: Callable[[Archive], Any]) -> Any:
        try:
            return await ask(question)
        finally:
            looked.set()

    recorder.ask = look
    with ThreadPoolExecutor() as threads:
        told = threads.submit(tell, client, row.id, "red")
        assert looked.wait(timeout=30)
        archive = Archive(Settings.model_validate({"database_url": sqlite_url}))
        archive.write([row])
        archive.close()
        other.oldest_ms = NOTHING

    assert told.result().json()["agrees"]
    assert tell(client, new_id(), "red").json()["code"] == "unknown_prediction"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let the tables come when this is set; once they are there, the database has no time to answer."""
    may_come, open_archive, patience_s = threading.Event(), Archive.open, recording._PATIENCE_S
    monkeypatch.setattr(recording, "_PATIENCE_S", 0)

    def come_late(archive: Archive) -> None:
        may_come.wait(timeout=30)
        open_archive(archive)
        monkeypatch.setattr(recording, "_PATIENCE_S", patience_s)

    monkeypatch.setattr(Archive, "open", come_late)
    yield may_come
    may_come.set()


def test_the_first_feedback_after_a_start_waits_for_the_tables_and_no_prediction_does(
    start: Start, empty_url: str, red: bytes, tables: threading.Event
) -> None:
    client = start(database_url=empty_url)
    prediction_id = predicted(client, red)["prediction_id"]

    with ThreadPoolExecutor() as threads:
        told = threads.submit(tell, client, prediction_id, "red")
        assert predicted(client, red)["verdict"] == "red"
        assert not told.done()
        tables.set()

    assert told.result().status_code == 200
    assert client.delete(f"/predictions/{prediction_id}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/feedback"), ("GET", "/feedback"), ("DELETE", f"/predictions/{NOWHERE}")],
)
def test_tables_are_waited_for_until_the_deadline_of_who_asks(
    start: Start, sqlite_url: str, tables: threading.Event, method: str, path: str
) -> None:
    client = start(database_url=sqlite_url)
    body = {"prediction_id": new_id(), "label": "red"} if method == "POST" else None

    response = client.request(method, path, json=body, headers={"X-Request-Timeout-Ms": "20"})

    assert not tables.is_set()
    assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
    assert response.json()["error"] == "There was no answer within 20 ms; try again."


def test_an_invented_id_is_looked_for_twice_and_no_more(
    start: Start, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback_routes, "_ELSEWHERE_S", 0.01)
    client = start(database_url=sqlite_url)
    recorder, asked = client.app_state["recorder"], []
    ask = recorder.ask

    async def count(question: Callable[[Archive], Any]) -> Any:
        asked.append(question)
        return await ask(question)

    recorder.ask = count
    response = tell(client, new_id(), "red")

    assert response.json()["code"] == "unknown_prediction"
    assert len(asked) == 2


def test_a_picture_that_is_out_of_reach_does_not_make_the_database_so(
    start: Start, sqlite_url: str, tmp_path: Path, red: bytes
) -> None:
    keeping = start(database_url=sqlite_url, keep_pictures=str(tmp_path / "pictures"))
    prediction_id = predicted(keeping, red)["prediction_id"]
    assert tell(keeping, prediction_id, "red").is_success
    client = start(database_url=sqlite_url)

    response = client.delete(f"/predictions/{prediction_id}")

    assert (response.status_code, response.json()["code"]) == (503, "records_unavailable")
    assert client.get("/feedback").json()["feedback"] == 1


def test_without_its_database_the_service_predicts_and_says_that_records_are_not_to_be_had(
    start: Start, tmp_path: Path, red: bytes
) -> None:
    (tmp_path / "file").touch()
    client = start(database_url=f"sqlite:///{tmp_path}/file/records.db")

    prediction_id = predicted(client, red)["prediction_id"]

    for response in (
        tell(client, prediction_id, "red"),
        client.get("/feedback"),
        client.delete(f"/predictions/{prediction_id}"),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "records_unavailable")
        assert response.headers["retry-after"] == "5"
        assert str(tmp_path) not in response.text
    (tmp_path / "file").unlink()
    for _ in range(100):
        if tell(client, prediction_id, "red").is_success:
            break
        time.sleep(0.1)
    assert client.get("/feedback").json()["feedback"] == 1


def test_a_database_that_goes_away_takes_no_prediction_with_it(
    start: Start, postgresql: Any, red: bytes, until: Callable[[Callable[[], bool]], None]
) -> None:
    client = start(database_url=postgresql.create("template"))
    ids = [predicted(client, red)["prediction_id"]]
    assert tell(client, ids[0], "red").is_success

    postgresql.stop()
    try:
        ids.append(predicted(client, red)["prediction_id"])
        until(lambda: tell(client, ids[1], "red").status_code == 503)
        ids.append(predicted(client, red)["prediction_id"])
    finally:
        postgresql.start()

    until(lambda: tell(client, ids[1], "red").is_success)
    assert client.get("/feedback").json()["predictions"] == 3


def test_dropped_predictions_are_a_metric(
    start: Start, sqlite_url: str, red: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_ROWS", 0)
    client = start(database_url=sqlite_url)

    predicted(client, red)

    assert 'mvc_records_dropped_total{reason="queue_full"} 1.0' in client.get("/metrics").text


def test_what_was_predicted_is_kept_through_a_restart(
    make_app: Callable[..., FastAPI], sqlite_url: str, red: bytes, until: Callable[[Callable[[], bool]], None]
) -> None:
    app = make_app(database_url=sqlite_url)
    for expected in (0, 1):
        with ExitStack() as stack:
            client = stack.enter_context(TestClient(app))
            until(lambda: client.get("/").is_success)  # noqa: B023 - waited for in the loop
            assert client.get("/feedback").json()["predictions"] == expected
            predicted(client, red)


def test_the_labels_are_those_of_the_model_that_answered_and_not_of_the_one_that_does_now(
    start: Start, sqlite_url: str, red: bytes
) -> None:
    prediction_id = predicted(start(database_url=sqlite_url), red)["prediction_id"]
    other = start(database_url=sqlite_url, manifest={"labels": ["cat", "dog"]})

    assert tell(other, prediction_id, "blue").is_success
    assert tell(other, prediction_id, "cat").json()["code"] == "unknown_label"
    assert other.get("/feedback").json()["labels"].keys() == {"cat", "dog"}


def test_every_route_has_an_example_of_each_answer(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    paths = document["paths"]

    any_other = {"503", "504", "default"}
    assert paths["/feedback"]["post"]["responses"].keys() == {"200", "400", "404", "408", "413"} | any_other
    assert paths["/feedback"]["get"]["responses"].keys() == {"200", "400", "404"} | any_other
    assert paths["/predictions/{prediction_id}"]["delete"]["responses"].keys() == {"204", "404"} | any_other
    for operation in (
        *paths["/feedback"].values(),
        *paths["/predictions/{prediction_id}"].values(),
    ):
        for status, answer in operation["responses"].items():
            if status[0] in "45":
                examples = answer["content"]["application/json"]
                values = [each["value"] for each in examples.get("examples", {}).values()] or [
                    examples["example"]
                ]
                assert {each["code"] for each in values} <= {kind.code for kind in STATUSES} | {
                    "invalid_parameter"
                }
    for name in ("FeedbackAnswer", "FeedbackSummary", "LabelFeedback"):
        fields = document["components"]["schemas"][name]["properties"]
        assert all("examples" in field or "$ref" in field for field in fields.values())
    body = paths["/feedback"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"].keys() == {"prediction_id", "label"}
