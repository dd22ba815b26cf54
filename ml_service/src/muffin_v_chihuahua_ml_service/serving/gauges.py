"""What a service is like right now, as Prometheus reads it."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector

from ..errors import MLServiceError, ModelNotReady
from ..model.predictor import Predictor
from .inference import InferenceService

OF_A_MODEL = ("mvc_model_info", "mvc_model_load_duration_seconds")
"""Gauges with a child for each model, which becomes 0 when another model takes its place."""

_OverProcesses = Literal["livesum", "livemax", "livemin"]

_OF_A_PROCESS: Final[Mapping[str, Literal["min", "livesum"]]] = {
    "process_start_time_seconds": "min",  # of all that ever were: a new worker is no new service
    "process_resident_memory_bytes": "livesum",
}
"""What prometheus_client tells of a process that counts alone, and how it adds up where several share."""


class Gauges:
    """Numbers that go up and down without a request; the processes of one service add or compare theirs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Know nothing yet."""
        self._registry = registry
        self._depth = self._gauge("mvc_queue_depth", "Pictures that wait.", "livesum")
        self._wait = self._gauge(
            "mvc_estimated_wait_seconds", "How long a newcomer would wait, where it is longest.", "livemax"
        )
        self._ready = self._gauge("mvc_ready", "1 where every process can be sent work.", "livemin")
        self._load_failed = self._gauge(
            "mvc_model_load_failed", "1 where a process could not load its last model.", "livemax"
        )
        model = ("model_name", "model_version")
        info, load_seconds = OF_A_MODEL
        self._info = self._gauge(
            info, "1 for the model that answers.", "livemax", (*model, "digest", "engine", "precision")
        )
        self._load_seconds = self._gauge(load_seconds, "Seconds to load and check it.", "livemax", model)
        self._of_the_model: set[Gauge] = set()
        self._loads_s: dict[str, float] = {}

    def refresh(self, service: InferenceService) -> None:
        """Look at the service; only where its event loop runs."""
        models = service.models
        self._depth.set(service.admission.waiting)
        self._wait.set(service.admission.estimated_wait_s)
        self._load_failed.set(models.failure is not None)
        self._ready.set(_is_ready(service))
        with suppress(ModelNotReady):
            self._show(models.current.predictor, models.load_s or 0)

    def _show(self, predictor: Predictor, last_load_s: float) -> None:
        bundle = predictor.bundle
        reference = (bundle.manifest.name, bundle.manifest.version)
        info = self._info.labels(*reference, bundle.digest, predictor.engine_name, predictor.precision)
        load_seconds = self._load_seconds.labels(*reference)
        info.set(1)
        # After a rollback, the last load is that of the model that has gone.
        load_seconds.set(self._loads_s.setdefault(bundle.digest, last_load_s))
        for gauge in self._of_the_model - {info, load_seconds}:
            gauge.set(0)
        self._of_the_model = {info, load_seconds}

    def _gauge(
        self, name: str, meaning: str, over_processes: _OverProcesses, labels: Iterable[str] = ()
    ) -> Gauge:
        return Gauge(name, meaning, labels, registry=self._registry, multiprocess_mode=over_processes)


class ProcessGauges:
    """When the first process of a service began, and the memory of all that run now."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Look for the first time; where the system does not tell, nothing is said."""
        self._collector = ProcessCollector(registry=None)
        self._gauges = {
            family.name: Gauge(
                family.name,
                family.documentation,
                registry=registry,
                multiprocess_mode=_OF_A_PROCESS[family.name],
            )
            for family in self._collector.collect()
            if family.name in _OF_A_PROCESS
        }
        self.refresh()

    def refresh(self) -> None:
        """Look again; in any thread."""
        for family in self._collector.collect():
            if family.name in self._gauges:
                self._gauges[family.name].set(family.samples[0].value)


def _is_ready(service: InferenceService) -> bool:
    try:
        return service.ready_model is not None
    except MLServiceError:
        return False
