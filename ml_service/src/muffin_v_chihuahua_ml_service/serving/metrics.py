"""What Prometheus reads: the names of the metrics, and the one place that updates them."""

import asyncio
import os
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ..model.predictor import Predictor
from .exchange import Exchange
from .gauges import OF_A_MODEL, Gauges, ProcessGauges
from .inference import InferenceService
from .recording import DropReason

HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets that OpenTelemetry's semantic conventions give http.server.request.duration."""

_STAGE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_PIXELS = (1e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 2e6, 4e6, 8e6, 1.6e7, 3.2e7, 5e7)
_BYTES = (1e3, 4e3, 1.6e4, 3.2e4, 6.4e4, 1.28e5, 2.5e5, 5e5, 1e6, 2e6, 4e6, 8e6, 1.6e7)
_CONFIDENCE = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
_BATCH = (1, 2, 4, 8, 16, 32, 64)

_HTTP = ("http_request_method", "http_route", "http_response_status_code")
_MODEL = ("model_name", "model_version")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
_OTHER_METHOD = "_OTHER"
"""What the semantic conventions call a method that nobody knows, so that callers cannot invent labels."""

_SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where several processes share their numbers; prometheus_client looks for it when it is imported."""

_REFRESH_S = 1.0

_Count = Callable[[float], None]


class Metrics:
    """Counts what happens: told about every request and every batch, and asked by ``GET /metrics``.

    Where the processes of one service share a folder, each writes its own numbers there, and whichever is
    asked adds them up. Otherwise nothing is shared, not even between two applications in one process.
    """

    def __init__(self) -> None:
        """Begin at zero."""
        self._is_shared = _SHARED_FOLDER in os.environ
        self._registry = CollectorRegistry()
        self._gauges = Gauges(self._registry)
        self._requests = self._histogram(
            "http_server_request_duration_seconds", "Seconds to answer a request.", HTTP_SECONDS, _HTTP
        )
        self._stages = self._histogram(
            "mvc_request_stage_duration_seconds",
            "Seconds that a stage of a request took.",
            _STAGE_SECONDS,
            ["stage"],
        )
        self._rejected = self._counter("mvc_rejected", "Requests that were not let in.", ["reason"])
        self._errors = self._counter("mvc_errors", "Requests that were answered with an error.", ["code"])
        self._bytes = self._histogram("mvc_image_bytes", "Bytes of a picture as it was sent.", _BYTES)
        self._pixels = self._histogram("mvc_image_pixels", "Pixels of a picture as it was sent.", _PIXELS)
        self._verdicts = self._counter("mvc_predictions", "Pictures by their verdict.", ["label", *_MODEL])
        self._confidence = self._histogram(
            "mvc_prediction_confidence", "The winner's probability.", _CONFIDENCE, _MODEL
        )
        self._batches = self._histogram("mvc_batch_size", "Pictures that ran at once.", _BATCH, _MODEL)
        self._dropped = self._counter(
            "mvc_records_dropped", "Predictions, or their pictures, that were not kept.", ["reason"]
        )
        self._process = ProcessGauges(self._registry) if self._is_shared else None
        if self._process is None:
            ProcessCollector(registry=self._registry)

    def __call__(self, exchange: Exchange) -> None:
        """A request has been answered, or its caller has left."""
        method = exchange.method if exchange.method in _METHODS else _OTHER_METHOD
        self._requests[method, exchange.route or "", exchange.status or ""](exchange.duration_s)
        if exchange.error is not None:
            self._errors[exchange.error,](1)
        if exchange.rejected_because is not None:
            self._rejected[exchange.rejected_because,](1)
        for stage, milliseconds in exchange.stages_ms.items():
            self._stages[stage,](milliseconds / 1000)
        if exchange.received:
            self._bytes[()](exchange.received)
        if exchange.pixels is not None:
            self._pixels[()](exchange.pixels)
        if exchange.model is not None and exchange.confidence is not None:
            name, version, _ = exchange.model
            self._verdicts[exchange.verdict, name, version](1)
            self._confidence[name, version](exchange.confidence)

    def batch_ran(self, predictor: Predictor, size: int) -> None:
        """An engine has run so many pictures at once."""
        manifest = predictor.bundle.manifest
        self._batches[manifest.name, manifest.version](size)

    def record_dropped(self, reason: DropReason, count: int) -> None:
        """So many predictions, or their pictures, were not kept."""
        self._dropped[reason,](count)

    def refresh(self, service: InferenceService) -> None:
        """Look at what changes without a request; on the event loop, which the service belongs to."""
        self._gauges.refresh(service)
        if self._process is not None:
            self._process.refresh()

    async def keep_fresh(self, service: InferenceService) -> None:
        """Look again every second where another process may be the one that is asked."""
        while self._is_shared:
            self.refresh(service)
            await asyncio.sleep(_REFRESH_S)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """All numbers and their content type, in the format that the header Accept prefers; in any thread."""
        try:
            encode, content_type = choose_encoder(accept)
        except TypeError:  # a version that is no numbers
            encode, content_type = choose_encoder("")
        return encode(_Exposed(_shared() if self._is_shared else self._registry)), content_type

    def _counter(self, name: str, meaning: str, labels: Iterable[str]) -> "_Children":
        counter = Counter(name, meaning, labels, registry=self._registry)
        return _Children(lambda values: counter.labels(*values).inc)

    def _histogram(
        self, name: str, meaning: str, buckets: Iterable[float], labels: Iterable[str] = ()
    ) -> "_Children":
        histogram = Histogram(name, meaning, labels, registry=self._registry, buckets=tuple(buckets))
        return _Children(lambda values: (histogram.labels(*values) if values else histogram).observe)


def _shared() -> Collector:
    collector: Collector = MultiProcessCollector(None)  # type: ignore[no-untyped-call]
    return collector


class _Children(dict[tuple[object, ...], _Count]):
    """How to count for each set of labels: a look-up here costs a tenth of the library's own."""

    def __init__(self, child: Callable[[tuple[object, ...]], _Count]) -> None:
        super().__init__()
        self._child = child

    def __missing__(self, labels: tuple[object, ...]) -> _Count:
        count = self[labels] = self._child(labels)
        return count


class _Exposed(Collector):
    """A collector without what nobody asks for: when a counter began, and models that answer no more."""

    def __init__(self, source: Collector) -> None:
        self._source = source

    def collect(self) -> Iterable[Metric]:
        for family in self._source.collect():
            gone = family.name in OF_A_MODEL
            family.samples = [
                each
                for each in family.samples
                if not each.name.endswith("_created") and not (gone and not each.value)
            ]
            yield family
