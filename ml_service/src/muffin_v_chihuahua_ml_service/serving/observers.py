"""Who is told about every request, beside the metrics."""

from collections.abc import Sequence

from ..settings import Settings
from .front import Observer
from .lines import LineWriter
from .logs import STDOUT
from .request_log import RequestLog
from .tracing import trace_stages


def observers_of(settings: Settings) -> Sequence[Observer]:
    """The request log, and before it what finds out the trace that its line belongs to."""
    return (trace_stages, RequestLog(settings, LineWriter(STDOUT)))
