import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving import request_log
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.serving.exchange import Exchange
from muffin_v_chihuahua_ml_service.serving.request_log import RequestLog
from muffin_v_chihuahua_ml_service.settings import Settings

Answered = Callable[..., Exchange]
Log = Callable[..., RequestLog]


@pytest.fixture
def log(pipe: Any) -> Log:
    """A log of requests that writes to the pipe, with these settings."""
    return lambda **settings: RequestLog(Settings(**settings), pipe.lines)


def test_an_answered_picture_is_one_line_of_json(log: Log, pipe: Any, answered: Answered) -> None:
    log(log_format="json")(answered())

    content = pipe.read()
    line = json.loads(content)
    assert content.count(b"\n") == 1
    assert content.endswith(b"}\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line.pop("duration_ms") >= 0
    assert line == {
        "level": "info",
        "request_id": "some-id",
        "method": "POST",
        "path": "/predict",
        "route": "/predict",
        "status": 200,
        "bytes": 54_321,
        "pixels": 187_500,
        "stages_ms": {"read": 0.4, "decode": 2.3, "queue": 0.7, "inference": 2.718, "postprocess": 0.1},
        "verdict": "chihuahua",
        "confidence": 0.98,
        "batch_size": 4,
        "model": {"name": "some-model", "version": "1.2.3", "digest": "sha256:00ff"},
    }


def test_a_rejected_request_is_a_line_with_its_reason_and_without_what_there_was_not(
    log: Log, pipe: Any, rejected: Exchange
) -> None:
    log(log_format="json")(rejected)

    line = json.loads(pipe.read())
    assert (line["status"], line["error"]) == (429, "overloaded")
    assert not line.keys() & {"bytes", "pixels", "stages_ms", "verdict", "confidence", "model", "trace_id"}


def test_in_text_a_request_is_as_short_as_a_servers_access_line(
    log: Log, pipe: Any, answered: Answered, rejected: Exchange
) -> None:
    as_text = log(log_format="text")
    for exchange in (answered(), rejected, Exchange("some-id", "GET", "/docs", status=200)):
        as_text(exchange)

    lines = pipe.read().decode().splitlines()
    assert re.fullmatch(r"INFO     POST /predict 200 \d+\.\d ms chihuahua 0\.980", lines[0])
    assert re.fullmatch(r"INFO     POST /predict 429 \d+\.\d ms overloaded", lines[1])
    assert re.fullmatch(r"INFO     GET /docs 200 \d+\.\d ms", lines[2])


def test_what_a_caller_writes_into_a_path_cannot_steer_a_terminal_or_forge_a_line(
    log: Log, pipe: Any
) -> None:
    for log_format in ("text", "json"):
        log(log_format=log_format)(Exchange("some-id", "GET", "/\x1b[2J\nINFO     forged", status=404))
        assert pipe.read().count(b"\n") == 1

    log(log_format="text")(Exchange("some-id", "GET", "/" + "x" * 10_000, status=404))
    assert len(pipe.read()) < 400


@pytest.mark.parametrize(
    ("path", "status", "level", "is_there"),
    [
        ("/", 200, "info", False),
        ("/", 200, "debug", True),
        ("/metrics", 200, "info", False),
        ("/livez", 200, "info", False),
        ("/readyz", 200, "info", False),
        ("/", 503, "info", True),
        ("/predict", 200, "info", True),
        ("/predict", 200, "warning", False),
        ("/predict", 500, "error", True),
    ],
)
def test_the_level_decides_which_requests_are_lines_and_health_that_is_well_is_none(  # noqa: PLR0913
    log: Log, pipe: Any, path: str, status: int, level: str, *, is_there: bool
) -> None:
    log(log_format="text", log_level=level)(Exchange("some-id", "GET", path, status=status))
    pipe.lines.write(b"end\n")

    assert (pipe.read() != b"end\n") is is_there


@pytest.mark.parametrize(("on_a_terminal", "begins"), [(True, b"INFO"), (False, b"{")])
def test_unless_it_is_set_a_terminal_gets_text_and_a_pipe_json(  # noqa: PLR0913
    log: Log,
    pipe: Any,
    answered: Answered,
    monkeypatch: pytest.MonkeyPatch,
    begins: bytes,
    *,
    on_a_terminal: bool,
) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: on_a_terminal)

    log()(answered())

    assert pipe.read().startswith(begins)


def test_lines_that_nobody_reads_are_lost_and_counted_but_nobody_waits(
    log: Log, pipe: Any, answered: Answered, caplog: pytest.LogCaptureFixture
) -> None:
    as_json = log(log_format="json")
    began = time.monotonic()
    for _ in range(1000):
        as_json(answered())
    took = time.monotonic() - began
    kept = pipe.read().count(b"\n")
    for _ in range(3):
        as_json(answered())

    assert took < 20  # seconds; who waits for a reader waits for ever
    assert 0 < kept < 1000
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"{1000 - kept} lines were lost")
    assert pipe.read().count(b"\n") == 3


def test_a_reader_who_is_always_too_slow_is_told_so_only_now_and_then(
    log: Log,
    pipe: Any,
    answered: Answered,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_json, now = log(log_format="json"), [0.0]
    monkeypatch.setattr(request_log, "monotonic", lambda: now[0])
    for now[0] in range(25):
        for _ in range(500):
            as_json(answered())
        pipe.read()
        as_json(answered())

    assert len(caplog.records) == 3


def test_a_reader_who_has_gone_stops_nothing(log: Log, answered: Answered, pipe: Any) -> None:
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), pipe.reader)

    log(log_format="json")(answered())
    assert not pipe.lines.write(b"a line\n")


def test_a_line_longer_than_a_pipe_takes_at_once_arrives_whole_if_somebody_reads(pipe: Any) -> None:
    line, got = b"x" * 300_000 + b"\n", bytearray()

    def read() -> None:
        while not got.endswith(b"\n"):
            got.extend(os.read(pipe.reader, 10_000))

    reading = threading.Thread(target=read)
    reading.start()
    assert pipe.lines.write(line)
    reading.join(timeout=30)
    assert got == line


def test_a_service_with_the_log_writes_a_line_for_each_request_and_never_the_name_of_a_file(
    log: Log, pipe: Any, make_predictor: Callable[..., Predictor], until: Callable[..., None], red: bytes
) -> None:
    predictor = make_predictor()
    app = create_app(Settings(), lambda: predictor, observers=[log(log_format="json")])
    with TestClient(app) as client:
        until(lambda: client.get("/").is_success)
        pipe.lines.write(b"begin\n")
        request_id = client.post("/predict", files={"file": ("rex.png", red)}).headers["x-request-id"]
        client.get("/nothing")

    content = pipe.read().partition(b"begin\n")[2]
    picture, nothing = map(json.loads, content.splitlines())
    assert (picture["request_id"], picture["verdict"], picture["bytes"]) == (request_id, "red", len(red))
    assert picture["model"]["digest"] == predictor.bundle.digest
    assert (nothing["status"], nothing["error"]) == (404, "not_found")
    assert b"rex" not in content


LOG = """
import logging, sys
from muffin_v_chihuahua_ml_service.serving.logs import set_up_logging
from muffin_v_chihuahua_ml_service.settings import Settings

set_up_logging(Settings(log_format=sys.argv[1], log_level="debug"))
logging.getLogger("PIL").debug("a detail of others")
logging.getLogger("muffin_v_chihuahua_ml_service.serving").debug("a detail of ours")
logging.getLogger("uvicorn.error").info("Größe %d of \\udcff", 5)
try:
    raise ConnectionError("https://me:hid/den@host/folds?token=hidden")
except ConnectionError:
    logging.getLogger("any").exception("It failed:")
"""


def logged(log_format: str) -> str:
    """What a process of its own logs in a format; it must not write anything to standard output."""
    process = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", LOG, log_format], capture_output=True, check=True, timeout=60
    )
    assert process.stdout == b""
    return process.stderr.decode()


def test_whatever_else_is_logged_is_json_too_on_standard_error_with_tracebacks_inside() -> None:
    ours, uvicorns, failed = map(json.loads, logged("json").splitlines())

    assert ours["message"] == "a detail of ours"
    assert {key: uvicorns[key] for key in ("level", "logger", "message")} == {
        "level": "info",
        "logger": "uvicorn.error",
        "message": "Größe 5 of \udcff",
    }
    assert failed["message"] == "It failed:"
    assert failed["exception"].endswith("ConnectionError: https://host/folds")
    assert "den" not in failed["exception"]
    assert all(line["timestamp"].endswith("Z") for line in (ours, uvicorns, failed))


def test_in_text_it_reads_as_ever() -> None:
    said = logged("text")

    assert said.startswith(
        "DEBUG    a detail of ours\nINFO     Größe 5 of \\udcff\nERROR    It failed:\nTrace"
    )
    assert said.endswith("ConnectionError: https://host/folds\n")
    assert "den" not in said
