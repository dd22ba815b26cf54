import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.exchange import Exchange
from muffin_v_chihuahua_ml_service.serving.metrics import HTTP_SECONDS, Metrics
from muffin_v_chihuahua_ml_service.settings import Settings

Until = Callable[[Callable[[], bool]], None]

MODEL = {"model_name": "fake-model", "model_version": "9.9.9"}


class Numbers:
    """What an exposition says."""

    def __init__(self, text: str) -> None:
        self.families: list[Metric] = list(parse(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float | None:
        """The value with exactly these labels, None where there is none."""
        found = [each.value for each in self.samples if (each.name, each.labels) == (name, labels)]
        return found[0] if found else None

    def labels(self, name: str) -> list[dict[str, str]]:
        return [each.labels for each in self.samples if each.name == name]


def numbers_of(metrics: Metrics) -> Numbers:
    return Numbers(metrics.exposition()[0].decode())


def asked(client: TestClient) -> Numbers:
    return Numbers(client.get("/metrics").text)


CONTRACT = {
    "http_server_request_duration_seconds": {
        "http_request_method",
        "http_route",
        "http_response_status_code",
    },
    "mvc_request_stage_duration_seconds": {"stage"},
    "mvc_predictions": {"label", "model_name", "model_version"},
    "mvc_prediction_confidence": {"model_name", "model_version"},
    "mvc_batch_size": {"model_name", "model_version"},
    "mvc_queue_depth": set(),
    "mvc_rejected": {"reason"},
    "mvc_image_pixels": set(),
    "mvc_image_bytes": set(),
    "mvc_model_info": {"model_name", "model_version", "digest", "engine", "precision"},
    "mvc_model_load_duration_seconds": {"model_name", "model_version"},
}
OURS_BESIDE = {
    "mvc_errors",
    "mvc_estimated_wait_seconds",
    "mvc_ready",
    "mvc_model_load_failed",
    "mvc_records_dropped",
}


def test_the_names_and_labels_are_those_of_the_contract(
    client: TestClient, red: bytes, rejected: Exchange, answered: Callable[..., Exchange]
) -> None:
    client.post("/predict", content=red)
    for exchange in (rejected, answered()):
        client.app_state["metrics"](exchange)

    families = asked(client).families

    ours = {family.name: family for family in families if not family.name.startswith("process_")}
    assert ours.keys() == CONTRACT.keys() | OURS_BESIDE
    for name, labels in CONTRACT.items():
        assert {key for sample in ours[name].samples for key in sample.labels} - {"le"} == labels
        assert ours[name].documentation.endswith(".")


def test_an_answered_picture_is_counted_in_everything_that_it_went_through(
    client: TestClient, red: bytes
) -> None:
    client.post("/predict", content=red)

    numbers = asked(client)

    where = {"http_request_method": "POST", "http_route": "/predict", "http_response_status_code": "200"}
    assert numbers("http_server_request_duration_seconds_count", **where) == 1
    for stage in ("read", "decode", "queue", "inference", "postprocess"):
        assert numbers("mvc_request_stage_duration_seconds_count", stage=stage) == 1
    assert numbers("mvc_predictions_total", label="red", **MODEL) == 1
    assert numbers("mvc_prediction_confidence_count", **MODEL) == 1
    assert numbers("mvc_batch_size_sum", **MODEL) == 1
    assert numbers("mvc_image_bytes_sum") == len(red)
    assert numbers("process_resident_memory_bytes")


def test_pixels_are_counted_where_they_are_known(answered: Callable[..., Exchange]) -> None:
    metrics = Metrics()
    for pixels in (None, 187_500):
        metrics(answered(pixels=pixels))

    assert numbers_of(metrics)("mvc_image_pixels_sum") == 187_500
    assert numbers_of(metrics)("mvc_image_pixels_count") == 1


def test_a_rejected_request_is_counted_with_its_reason_and_in_nothing_of_the_model(
    rejected: Exchange,
) -> None:
    metrics = Metrics()
    metrics(rejected)

    numbers = numbers_of(metrics)

    where = {"http_request_method": "POST", "http_route": "/predict", "http_response_status_code": "429"}
    assert numbers("http_server_request_duration_seconds_count", **where) == 1
    assert numbers("mvc_rejected_total", reason="wait") == 1
    assert numbers("mvc_errors_total", code="overloaded") == 1
    assert not numbers.labels("mvc_predictions_total")
    assert numbers("mvc_image_bytes_count") == 0


@pytest.mark.parametrize("path", ["/predict", "/predict/"])
def test_who_is_turned_away_at_the_door_is_counted_under_the_door(
    client: TestClient, red: bytes, path: str
) -> None:
    with ExitStack() as inside:
        for _ in range(1000):
            inside.enter_context(client.app_state["service"].admission.admitted())
        response = client.post(path, content=red)

    numbers = asked(client)
    assert response.status_code == 429
    where = {"http_request_method": "POST", "http_route": path, "http_response_status_code": "429"}
    assert numbers("http_server_request_duration_seconds_count", **where) == 1
    assert numbers("mvc_rejected_total", reason="wait") == 1


def test_callers_cannot_invent_labels(client: TestClient) -> None:
    client.request("BREW", "/coffee")
    client.request("GET", "/" + "x" * 100)

    labels = asked(client).labels("http_server_request_duration_seconds_count")

    assert {"http_request_method": "_OTHER", "http_route": "", "http_response_status_code": "404"} in labels
    assert {each["http_route"] for each in labels} == {"", "/"}


def test_a_request_that_nobody_answered_has_no_status() -> None:
    metrics = Metrics()
    metrics(Exchange("some-id", "POST", "/predict"))

    [labels] = numbers_of(metrics).labels("http_server_request_duration_seconds_count")

    assert labels["http_response_status_code"] == ""


def test_the_time_of_a_request_has_the_buckets_of_opentelemetry(client: TestClient) -> None:
    buckets = asked(client).labels("http_server_request_duration_seconds_bucket")

    assert sorted({float(labels["le"]) for labels in buckets}) == [*HTTP_SECONDS, float("inf")]


def test_each_batch_is_counted_once(make_predictor: Callable[..., Predictor]) -> None:
    metrics, predictor = Metrics(), make_predictor()
    for size in (1, 3):
        metrics.batch_ran(predictor, size)

    assert numbers_of(metrics)("mvc_batch_size_sum", **MODEL) == 4
    assert numbers_of(metrics)("mvc_batch_size_count", **MODEL) == 2


def test_two_services_in_one_process_count_for_themselves(
    start: Callable[..., TestClient], red: bytes
) -> None:
    first, second = start(), start()
    first.post("/predict", content=red)

    assert asked(first)("mvc_predictions_total", label="red", **MODEL) == 1
    assert asked(second)("mvc_predictions_total", label="red", **MODEL) is None


def test_nothing_says_when_a_counter_began(client: TestClient, red: bytes) -> None:
    client.post("/predict", content=red)

    assert "_created" not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
    ],
)
def test_who_asks_chooses_the_format(client: TestClient, accept: str, content_type: str) -> None:
    response = client.get("/metrics", headers={"accept": accept})

    assert response.headers["content-type"] == content_type
    families = parse(response.text) if accept == "*/*" else parse_openmetrics(response.text)  # type: ignore[no-untyped-call]
    assert "mvc_ready" in {family.name for family in families}


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "garbage",
        ";,=,;version=",
        "application/openmetrics-text; version=abc",
        'application/openmetrics-text; version="1.0.0"',
        "application/openmetrics-text; version=1.x.0; escaping=what",
        f"application/openmetrics-text; version={'9' * 5000}",
        "text/plain; version=\xe9",
        "text/plain; version=abc," * 1000,
    ],
)
def test_whatever_somebody_accepts_is_answered_with_the_numbers(client: TestClient, accept: str) -> None:
    response = client.get("/metrics", headers={b"accept": accept.encode("latin-1")})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "mvc_ready 1.0" in response.text


def test_a_service_without_a_model_says_that_it_is_not_ready_and_whether_its_load_failed(
    until: Until,
) -> None:
    def load() -> Predictor:
        raise InvalidBundle("the reason")

    with TestClient(create_app(Settings(), load)) as client:
        until(lambda: asked(client)("mvc_model_load_failed") == 1)
        numbers = asked(client)

    assert numbers("mvc_ready") == 0
    assert not numbers.labels("mvc_model_info")


def test_a_ready_service_says_which_model_answers_and_how_long_its_load_took(client: TestClient) -> None:
    numbers = asked(client)

    assert (numbers("mvc_ready"), numbers("mvc_model_load_failed")) == (1, 0)
    [info] = numbers.labels("mvc_model_info")
    assert info["digest"].startswith("sha256:")
    assert info == {**MODEL, "digest": info["digest"], "engine": "litert", "precision": "f32"}
    assert (numbers("mvc_model_load_duration_seconds", **MODEL) or 0) > 0
    assert numbers("mvc_queue_depth") == numbers("mvc_estimated_wait_seconds") == 0


def test_after_a_reload_and_after_a_rollback_only_the_model_that_answers_is_named(
    client: TestClient, make_predictor: Callable[..., Predictor]
) -> None:
    models, portal = client.app_state["service"].models, client.portal
    assert portal
    versions, loads = [], []

    def look() -> None:
        numbers = asked(client)
        [info] = numbers.labels("mvc_model_info")
        versions.append(info["model_version"])
        [load] = [each.value for each in numbers.samples if each.name == "mvc_model_load_duration_seconds"]
        loads.append(load)

    look()
    portal.call(models.reload, lambda: make_predictor(manifest={"version": "10.0.0"}))
    look()
    portal.call(models.rollback)
    look()

    assert versions == ["9.9.9", "10.0.0", "9.9.9"]
    assert loads[0] == loads[2] != loads[1]


def test_pictures_that_wait_are_counted(client: TestClient) -> None:
    with ExitStack() as inside:
        for _ in range(1000):
            inside.enter_context(client.app_state["service"].admission.admitted())
        numbers = asked(client)

    assert 1000 > (numbers("mvc_queue_depth") or 0) > 500
    assert (numbers("mvc_estimated_wait_seconds") or 0) > 0


WRITE = """
import asyncio, sys
from contextlib import ExitStack

from muffin_v_chihuahua_ml_service.serving.exchange import Exchange
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.serving.metrics import Metrics
from muffin_v_chihuahua_ml_service.settings import Settings


async def write():
    metrics, service = Metrics(), InferenceService(Settings(), decoders=1)
    for status in (200, 200, 429):
        metrics(Exchange("some-id", "POST", "/predict", route="/predict", status=status, received=1000))
    with ExitStack() as inside:
        for _ in range(3):
            inside.enter_context(service.admission.admitted())
        refreshing = asyncio.create_task(metrics.keep_fresh(service))
        await asyncio.sleep(0.1)
        print("written", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        refreshing.cancel()


asyncio.run(write())
"""

READ = """
import os, sys
from muffin_v_chihuahua_ml_service.serving.metrics import Metrics
from muffin_v_chihuahua_ml_service.serving.processes.workers import forget_gauges

for pid in sys.argv[1:]:
    forget_gauges(int(pid), os.environ["PROMETHEUS_MULTIPROC_DIR"])
print(Metrics().exposition()[0].decode())
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_sharing(tmp_path: Path, start_process: Start) -> Start:
    """Start processes that share their numbers in a folder: a script, its arguments."""

    def begin(script: str, *arguments: object) -> subprocess.Popen[str]:
        return start_process(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        )

    return begin


def read_by(process: subprocess.Popen[str]) -> Numbers:
    return Numbers(process.communicate(timeout=60)[0])


def test_several_processes_add_up_whichever_is_asked_and_the_dead_wait_for_nothing(
    start_sharing: Start,
) -> None:
    writers = [start_sharing(WRITE) for _ in range(2)]
    said = [writer.stdout.readline() for writer in writers if writer.stdout]
    reader = start_sharing(READ)
    both = read_by(reader)
    writers[0].send_signal(signal.SIGKILL)
    writers[0].wait(timeout=30)
    one = read_by(start_sharing(READ, writers[0].pid, reader.pid))  # a reader has memory of its own

    assert said == ["written\n"] * 2
    post: dict[str, Any] = {"http_request_method": "POST", "http_route": "/predict"}
    for numbers in (both, one):
        count = "http_server_request_duration_seconds_count"
        assert numbers(count, http_response_status_code="200", **post) == 4
        assert numbers(count, http_response_status_code="429", **post) == 2
        assert numbers("mvc_image_bytes_sum") == 6000
        assert numbers("mvc_ready") == 0
    assert (both("mvc_queue_depth"), one("mvc_queue_depth")) == (4, 2)
    began, memory = "process_start_time_seconds", "process_resident_memory_bytes"
    assert time.time() - 60 < (both(began) or 0) < time.time()
    assert one(began) == both(began)
    assert (both(memory) or 0) > (one(memory) or 0) > 0
    writers[1].communicate(timeout=30)
    assert writers[1].returncode == 0
