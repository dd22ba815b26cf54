"""One line for each request on standard output."""

import logging
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic

import orjson

from ..settings import Settings
from .exchange import Exchange
from .lines import LineWriter
from .logs import level_of, wants_json

_log = logging.getLogger(__name__)

_LONGEST_PATH = 256

_SAY_SO_EVERY_S = 10.0
"""A reader who is just too slow would otherwise get as many warnings as lines."""

_MODEL = ("name", "version", "digest")

_NAMES = {logging.DEBUG: "debug", logging.INFO: "info", logging.ERROR: "error"}


class RequestLog:
    """Told about every request; says who got what, and never what is to be seen.

    A request that only asked whether all is well is a line for the level ``debug``, one that the service
    failed at is an ``error``. Where nobody reads standard output any more, lines are lost rather than callers
    kept waiting; how many is a warning on standard error when somebody reads again.
    """

    def __init__(self, settings: Settings, lines: LineWriter) -> None:
        """Write in the format and from the level on that the settings have."""
        self._lines = lines
        self._level = level_of(settings)
        self._format = _as_json if wants_json(settings) else _as_text
        self._lost = 0
        self._said_so_at = -_SAY_SO_EVERY_S

    def __call__(self, exchange: Exchange) -> None:
        """A request has been answered, or its caller has left."""
        level = _level(exchange)
        if level < self._level:
            return
        if not self._lines.write(self._format(exchange, _NAMES[level])):
            self._lost += 1
        elif self._lost:
            self._say_so()

    def _say_so(self) -> None:
        if monotonic() - self._said_so_at >= _SAY_SO_EVERY_S:
            _log.warning("%d lines were lost, because nobody read standard output fast enough.", self._lost)
            self._lost, self._said_so_at = 0, monotonic()


def _level(exchange: Exchange) -> int:
    if exchange.is_routine:
        return logging.DEBUG
    return logging.ERROR if exchange.status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO


def _as_json(exchange: Exchange, level: str) -> bytes:
    fields = {
        "timestamp": datetime.now(UTC),
        "level": level,
        "request_id": exchange.request_id,
        "trace_id": exchange.trace_id,
        "method": exchange.method,
        "path": exchange.path[:_LONGEST_PATH],
        "route": exchange.route,
        "status": exchange.status,
        "duration_ms": round(exchange.duration_s * 1000, 3),
        "error": exchange.error,
        "bytes": exchange.received or None,
        "pixels": exchange.pixels,
        "stages_ms": {stage: round(ms, 3) for stage, ms in exchange.stages_ms.items()} or None,
        "verdict": exchange.verdict,
        "confidence": exchange.confidence,
        "batch_size": exchange.batch_size,
        "model": exchange.model and dict(zip(_MODEL, exchange.model, strict=True)),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return orjson.dumps(known, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _as_text(exchange: Exchange, level: str) -> bytes:
    path = exchange.path[:_LONGEST_PATH]
    if not path.isprintable():
        path = repr(path)  # a terminal does what some characters say
    line = f"{level.upper():8} {exchange.method} {path} {exchange.status} {exchange.duration_s * 1000:.1f} ms"
    if exchange.confidence is not None:
        line += f" {exchange.verdict} {exchange.confidence:.3f}"
    elif exchange.error is not None:
        line += f" {exchange.error}"
    return line.encode() + b"\n"
