"""Where a traced request's time went: a span for each stage, below the one that FastAPI makes of the request.

FastAPI makes that one, with the caller's W3C trace context and the semantic conventions' attributes, where a
tracer provider is set; and sets one that exports, where the extra ``otel`` is installed and
``OTEL_EXPORTER_OTLP_ENDPOINT`` says where to.
"""

from functools import cache
from time import time_ns

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.util.types import AttributeValue

from .. import __version__
from .exchange import Exchange, Stage, is_routine

TELEMETRY: TelemetryConfig = {
    "auto_configure": True,
    "metrics": False,  # Prometheus asks for them
    "logs": False,  # standard output has them
    "operation_spans": False,  # what FastAPI does by itself takes no time worth a span
    "exclude": lambda scope: is_routine(scope.get("path", "")),
}


def trace_stages(exchange: Exchange) -> None:
    """Add a span for each stage to the request's, and its trace id to the exchange.

    They lie end to end. A picture really waits twice, for its decoding and for the engine; both are `queue`.
    """
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return
    exchange.trace_id = trace.format_trace_id(context.trace_id)
    if context.trace_flags.sampled:
        _add_spans(exchange)


def _add_spans(exchange: Exchange) -> None:
    tracer = _tracer(trace.get_tracer_provider())
    began = time_ns() - int(exchange.duration_s * 1e9)
    for stage, milliseconds in exchange.stages_ms.items():
        span = tracer.start_span(stage, attributes=_attributes(exchange, stage), start_time=began)
        began += int(milliseconds * 1e6)
        span.end(began)


@cache
def _tracer(provider: trace.TracerProvider) -> trace.Tracer:
    return provider.get_tracer(__name__, __version__)


def _attributes(exchange: Exchange, stage: Stage) -> dict[str, AttributeValue]:
    match stage:
        case "read":
            return {"http.request.body.size": exchange.received}
        case "decode" if exchange.pixels is not None:
            return {"mvc.image.pixels": exchange.pixels}
        case "inference" if exchange.model is not None:
            name, version, digest = exchange.model
            model = {"mvc.model.name": name, "mvc.model.version": version, "mvc.model.digest": digest}
            return {"mvc.batch.size": exchange.batch_size, **model}
        case "postprocess":
            return {"mvc.verdict": exchange.verdict, "mvc.confidence": exchange.confidence}
    return {}
