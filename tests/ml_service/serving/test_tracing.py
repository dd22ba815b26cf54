import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.request_log import RequestLog
from muffin_v_chihuahua_ml_service.serving.tracing import trace_stages
from muffin_v_chihuahua_ml_service.settings import Settings

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["read", "decode", "queue", "inference", "postprocess"]


def traceparent(*, sampled: bool) -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{CALLER}-0{int(sampled)}"}


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What a tracer provider has been given; the process's own can be set only once, so it is pretended."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter


@pytest.fixture
def traced(
    make_predictor: Callable[..., Predictor], until: Callable[..., None], pipe: Any
) -> Iterator[TestClient]:
    """The service with traces and a log, ready."""
    predictor = make_predictor()
    log = RequestLog(Settings(log_format="json"), pipe.lines)
    with TestClient(create_app(Settings(), lambda: predictor, observers=[trace_stages, log])) as client:
        until(lambda: client.get("/").is_success)
        yield client


def ids(span: ReadableSpan) -> tuple[str, str | None]:
    """Trace and parent."""
    assert span.context
    parent = None if span.parent is None else trace.format_span_id(span.parent.span_id)
    return trace.format_trace_id(span.context.trace_id), parent


def test_a_request_is_a_span_of_its_callers_trace_with_a_span_for_each_stage(
    exporter: InMemorySpanExporter, traced: TestClient, red: bytes
) -> None:
    traced.post("/predict", content=red, headers=traceparent(sampled=True))

    spans = exporter.get_finished_spans()
    [server] = [span for span in spans if span.kind is trace.SpanKind.SERVER]
    stages = [span for span in spans if span is not server]
    assert (server.name, ids(server)) == ("POST /predict", (TRACE, CALLER))
    assert (server.attributes or {})["http.response.status_code"] == 200
    assert [span.name for span in stages] == STAGES
    assert {ids(span) for span in stages} == {(TRACE, trace.format_span_id(server.context.span_id))}
    ends = [(span.start_time, span.end_time) for span in stages]
    assert all(end == start for (_, end), (start, _) in pairwise(ends))


def test_the_spans_say_what_the_log_says(
    exporter: InMemorySpanExporter,
    traced: TestClient,
    red: bytes,
    pipe: Any,
) -> None:
    traced.post("/predict", content=red, headers=traceparent(sampled=True))

    said = {span.name: dict(span.attributes or {}) for span in exporter.get_finished_spans()}
    line = json.loads(pipe.read().splitlines()[-1])
    assert line["trace_id"] == TRACE
    assert said["read"] == {"http.request.body.size": line["bytes"]}
    assert said["decode"] == {"mvc.image.pixels": 40 * 40}
    assert said["inference"] == {
        "mvc.batch.size": 1,
        "mvc.model.name": "fake-model",
        "mvc.model.version": "9.9.9",
        "mvc.model.digest": line["model"]["digest"],
    }
    assert said["postprocess"] == {"mvc.verdict": "red", "mvc.confidence": line["confidence"]}


def test_pixels_are_said_where_they_are_known_and_nothing_of_a_model_that_did_not_answer(
    exporter: InMemorySpanExporter, answered: Callable[..., Any]
) -> None:
    tracer = trace.get_tracer_provider().get_tracer("a test")
    with tracer.start_as_current_span("request"):
        trace_stages(answered(model=None))

    said = {span.name: dict(span.attributes or {}) for span in exporter.get_finished_spans()}
    assert said["decode"] == {"mvc.image.pixels": 187_500}
    assert said["inference"] == {}


def test_a_caller_who_does_not_want_its_trace_recorded_gets_only_its_id_into_the_log(
    exporter: InMemorySpanExporter, traced: TestClient, red: bytes, pipe: Any
) -> None:
    traced.post("/predict", content=red, headers=traceparent(sampled=False))

    assert exporter.get_finished_spans() == ()
    assert json.loads(pipe.read().splitlines()[-1])["trace_id"] == TRACE


def test_what_machines_ask_every_few_seconds_is_not_traced(
    exporter: InMemorySpanExporter, traced: TestClient
) -> None:
    traced.get("/metrics")

    assert exporter.get_finished_spans() == ()


def test_without_a_tracer_provider_nothing_is_traced(traced: TestClient, red: bytes, pipe: Any) -> None:
    traced.post("/predict", content=red, headers=traceparent(sampled=True))

    assert "trace_id" not in json.loads(pipe.read().splitlines()[-1])


EXPORT = """
import sys
from pathlib import Path

import numpy as np
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.tracing import trace_stages
from muffin_v_chihuahua_ml_service.settings import Settings


class Engine:
    name = "litert"
    precision = "f32"
    streams = max_batch = 1

    def run(self, batch):
        return np.tile([0.2, 0.8], (len(batch), 1))


folder = Path(sys.argv[1])
predictor = Predictor(ModelBundle.read(folder), Engine())
with TestClient(create_app(Settings(), lambda: predictor, observers=[trace_stages])) as client:
    while client.get("/").status_code == 503:
        pass
    client.post("/predict", content=(folder / "golden/red.png").read_bytes())
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of a server that takes traces, and what it has been sent."""
    sent: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()


def test_with_the_extra_and_an_address_spans_are_sent_there(
    collector: tuple[str, list[tuple[str, bytes]]], fake_bundle: Callable[..., ModelBundle]
) -> None:
    address, sent = collector
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_SERVICE_NAME": "some-service"}

    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", EXPORT, str(fake_bundle().folder)],
        check=True,
        timeout=60,
        env=os.environ | asked | {"OTEL_EXPORTER_OTLP_COMPRESSION": "none"},
    )

    assert {path for path, _ in sent} == {"/v1/traces"}
    [resource] = [
        each for _, body in sent for each in ExportTraceServiceRequest.FromString(body).resource_spans
    ]
    names = [span.name for scope in resource.scope_spans for span in scope.spans]
    assert sorted(names) == sorted([*STAGES, "POST /predict"])
    assert "some-service" in {each.value.string_value for each in resource.resource.attributes}
