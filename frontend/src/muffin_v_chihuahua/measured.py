"""What a service has counted and measured, out of the text that it shows to Prometheus."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from muffin_v_chihuahua.histogram import Histogram

REQUESTS = "http_server_request_duration_seconds"
STAGES = "mvc_request_stage_duration_seconds"
PREDICT = frozenset({"/predict", "/predict/"})
SENT = {"http_request_method": "POST"}


class NotMetrics(ValueError):
    """The text is not in Prometheus' format."""


@dataclass(frozen=True)
class Measured:
    """What a service says of itself at one moment; None is for what it does not say."""

    requests: float
    """Those that send something: who only looks, as these pages do, is not counted."""
    statuses: Mapping[str, float]
    """The same by what they were answered."""
    latency: Histogram
    """Seconds of the requests for one picture that were answered with a prediction."""
    stages: Mapping[str, Histogram]
    verdicts: Mapping[str, float]
    """Of the model that answers now."""
    rejected: Mapping[str, float]
    errors: Mapping[str, float]
    batches: float
    pictures: float
    """How many pictures ran in these batches."""
    waiting: float | None
    wait_s: float | None
    memory: float | None
    """Bytes."""
    began: datetime | None
    load_s: float | None


def measured(text: str) -> Measured:
    """Read what the service shows.

    Raises:
        NotMetrics: nobody can read it.
    """
    try:
        return _measured(_Numbers(text))
    except (ValueError, IndexError, KeyError) as error:  # the parser has no error of its own
        raise NotMetrics("This is not Prometheus' text format.") from error


def _measured(numbers: "_Numbers") -> Measured:
    info = numbers.labels_of("mvc_model_info")
    model = {name: info[name] for name in ("model_name", "model_version") if name in info}
    stages = numbers.by("stage", f"{STAGES}_count")
    return Measured(
        requests=numbers.total(f"{REQUESTS}_count", SENT),
        statuses=numbers.by("http_response_status_code", f"{REQUESTS}_count", SENT),
        latency=numbers.histogram(REQUESTS, SENT | {"http_response_status_code": "200"}, PREDICT),
        stages={stage: numbers.histogram(STAGES, {"stage": stage}) for stage in stages},
        verdicts=numbers.by("label", "mvc_predictions_total", model),
        rejected=numbers.by("reason", "mvc_rejected_total"),
        errors=numbers.by("code", "mvc_errors_total"),
        batches=numbers.total("mvc_batch_size_count", model),
        pictures=numbers.total("mvc_batch_size_sum", model),
        waiting=numbers.gauge("mvc_queue_depth"),
        wait_s=numbers.gauge("mvc_estimated_wait_seconds"),
        memory=numbers.gauge("process_resident_memory_bytes"),
        began=_moment(numbers.gauge("process_start_time_seconds")),
        load_s=numbers.gauge("mvc_model_load_duration_seconds"),
    )


class _Numbers:
    """The samples of an exposition, by their names; what is no finite number is left out."""

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[Sample]] = defaultdict(list)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if isfinite(sample.value):
                    self._samples[sample.name].append(sample)

    def _with(self, name: str, labels: Mapping[str, str]) -> Iterator[Sample]:
        return (each for each in self._samples[name] if labels.items() <= each.labels.items())

    def total(self, name: str, labels: Mapping[str, str] = {}) -> float:
        return sum(each.value for each in self._with(name, labels))

    def gauge(self, name: str) -> float | None:
        values = [each.value for each in self._samples[name]]
        return max(values, default=None)

    def labels_of(self, name: str) -> Mapping[str, str]:
        """Those of the one whose value is 1."""
        return next((each.labels for each in self._samples[name] if each.value), {})

    def by(self, label: str, name: str, labels: Mapping[str, str] = {}) -> Mapping[str, float]:
        """What counts with these labels, added up for each value of another one; the largest first."""
        sums: dict[str, float] = defaultdict(float)
        for each in self._with(name, labels):
            if label in each.labels:
                sums[each.labels[label]] += each.value
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    def histogram(
        self, name: str, labels: Mapping[str, str], routes: frozenset[str] = frozenset()
    ) -> Histogram:
        sums: dict[float, float] = defaultdict(float)
        for each in self._with(f"{name}_bucket", labels):
            if not routes or each.labels.get("http_route") in routes:
                sums[float(each.labels["le"])] += each.value
        return Histogram(tuple(sorted(sums)), tuple(sums[bound] for bound in sorted(sums)))


def _moment(seconds: float | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):  # no year that there is
        return None
