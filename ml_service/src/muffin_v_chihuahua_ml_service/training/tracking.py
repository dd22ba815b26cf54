"""A training told to MLflow: parameters, curves, measures, fingerprint, and the bundle to be served.

The tracking server is MLflow's own setting, ``MLFLOW_TRACKING_URI``. Needs the extra ``mlflow``.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from ..errors import GateFailed, TrackingFailed
from ..model.bundle import ModelBundle
from .export import build_bundle

ALIAS = "champion"
"""What `models:/<name>@champion` leads to: the newest bundle that reached what was asked of it."""

ARTIFACTS = "bundle"

_PARAMS, _METRICS = 100, 1000
"""The most that MLflow takes in one call."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Tracked:
    """Where MLflow has it."""

    run_id: str
    registered_version: str | None
    """None where the gate refused the bundle."""
    refusal: str | None


def track(source: ModelBundle) -> Tracked:
    """Log a training, and where the gate lets it pass, build its bundle, register it and set the alias.

    Args:
        source: what `train` wrote.

    Raises:
        TrackingFailed: the tracking server cannot be reached or refuses.
    """
    try:
        client = MlflowClient()
        run = _begin(client, source)
        with tempfile.TemporaryDirectory() as folder:
            try:
                built = build_bundle(source, Path(folder) / ARTIFACTS)
            except GateFailed as refusal:
                client.set_tag(run.info.run_id, "gate", f"refused: {refusal}")
                client.set_terminated(run.info.run_id)
                return Tracked(run.info.run_id, None, str(refusal))
            version = _register(client, run, built)
        client.set_terminated(run.info.run_id)
    except MlflowException as error:
        reason = str(error).partition("\n")[0]
        raise TrackingFailed(f"MLflow did not take the training ({reason}).") from error
    return Tracked(run.info.run_id, version, None)


def _begin(client: MlflowClient, source: ModelBundle) -> Run:
    manifest = source.manifest
    experiment = client.get_experiment_by_name(manifest.name)
    experiment_id = (
        client.create_experiment(manifest.name) if experiment is None else experiment.experiment_id
    )
    run = client.create_run(experiment_id, run_name=f"{manifest.name} {manifest.version}")
    run_id = run.info.run_id
    params = [Param(name, str(value)) for name, value in _flat(manifest.training.get("recipe", {}))]
    client.set_tag(run_id, "dataset_fingerprint", manifest.training["dataset_fingerprint"])
    for some in _in_batches(params, _PARAMS):
        client.log_batch(run_id, params=some)
    for measured in _in_batches(list(_metrics(source)), _METRICS):
        client.log_batch(run_id, metrics=measured)
    return run


def _metrics(source: ModelBundle) -> Iterator[Metric]:
    """What was measured in the end, and the curves of every seed."""
    now_ms = time.time_ns() // 1_000_000
    for name, value in _flat(source.manifest.metrics):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Metric(_allowed(name), value, now_ms, 0)
    for account in source.manifest.training["seeds"]:
        for epoch in account["epochs"]:
            for name in ("training_loss", "validation_loss"):
                yield Metric(f"seed_{account['seed']}/{name}", epoch[name], now_ms, epoch["number"])


def _in_batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _register(client: MlflowClient, run: Run, bundle: ModelBundle) -> str:
    run_id, name = run.info.run_id, bundle.manifest.name
    client.log_artifacts(run_id, str(bundle.folder), ARTIFACTS)
    client.set_tag(run_id, "gate", "passed")
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    source = f"{run.info.artifact_uri}/{ARTIFACTS}"
    version = client.create_model_version(name, source, run_id, tags={"digest": bundle.digest})
    client.set_registered_model_alias(name, ALIAS, version.version)
    return str(version.version)


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Names with a slash for each level, and what is no mapping."""
    for name, value in tree.items():
        path = f"{above}/{name}" if above else name
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        else:
            yield path, value


def _allowed(name: str) -> str:
    """MLflow takes letters, digits and a few signs in a metric's name."""
    return "".join(letter if letter.isalnum() or letter in "/_-. " else "_" for letter in name)
