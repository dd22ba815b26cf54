from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from muffin_v_chihuahua_ml_service.errors import TrackingFailed
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle, write_manifest
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.training.tracking import track


@pytest.fixture
def client(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    return mlflow.MlflowClient(mlflow_server)


def with_manifest(source: ModelBundle, folder: Path, **changes: Any) -> ModelBundle:
    """A copy of a source with other values in its manifest."""
    manifest = source.manifest.model_dump(mode="json", exclude={"files"}) | changes
    for name in source.manifest.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((source.folder / name).read_bytes())
    return write_manifest(folder, manifest)


def test_a_training_is_logged_and_its_bundle_is_registered_and_served_by_its_alias(
    client: mlflow.MlflowClient, tiny_source: ModelBundle, tmp_path: Path
) -> None:
    source = with_manifest(tiny_source, tmp_path / "source", name="tracked")

    tracked = track(source)

    run = client.get_run(tracked.run_id)
    training = source.manifest.training
    assert run.info.status == "FINISHED"
    assert run.data.params["fine_tuning/after"] == "pooled"
    assert run.data.tags["dataset_fingerprint"] == training["dataset_fingerprint"]
    assert run.data.tags["gate"] == "passed"
    assert run.data.metrics["all/accuracy"] == source.manifest.metrics["all"]["accuracy"]
    curve = client.get_metric_history(tracked.run_id, "seed_3/validation_loss")
    epochs = training["seeds"][0]["epochs"]
    assert [point.step for point in curve] == [epoch["number"] for epoch in epochs]
    assert [point.value for point in curve] == pytest.approx([epoch["validation_loss"] for epoch in epochs])
    served = open_bundle("models:/tracked@champion", cache=tmp_path / "cache")
    assert served.digest == client.get_model_version("tracked", "1").tags["digest"]
    assert load_predictor(served, "litert", threads=1).bundle.manifest.name == "tracked"


def test_the_alias_moves_to_the_next_version(
    client: mlflow.MlflowClient, tiny_source: ModelBundle, tmp_path: Path
) -> None:
    for version in ("1.0.0", "1.1.0"):
        tracked = track(with_manifest(tiny_source, tmp_path / version, name="moved", version=version))

    assert tracked.registered_version == "2"
    assert client.get_model_version_by_alias("moved", "champion").version in {2, "2"}
    assert open_bundle("models:/moved/1", cache=tmp_path / "cache").manifest.version == "1.0.0"


def test_what_the_gate_refuses_is_logged_but_not_registered(
    client: mlflow.MlflowClient, tiny_source: ModelBundle, tmp_path: Path
) -> None:
    source = with_manifest(tiny_source, tmp_path / "source", name="refused", gate={"ece": 0.0})

    tracked = track(source)

    assert tracked.registered_version is None
    assert tracked.refusal is not None
    run = client.get_run(tracked.run_id)
    assert run.info.status == "FINISHED"
    assert "refused" in run.data.tags["gate"]
    assert "calibration error" in run.data.tags["gate"]
    with pytest.raises(mlflow.MlflowException):
        client.get_registered_model("refused")


def test_a_server_that_is_not_there_is_one_sentence(
    tiny_source: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(TrackingFailed, match="MLflow did not take the training") as caught:
        track(tiny_source)

    assert "\n" not in str(caught.value)


def test_the_command_says_where_it_is(
    client: mlflow.MlflowClient, command: Callable[..., Any], workshop: Any, tmp_path: Path
) -> None:
    config = tmp_path / "training.yaml"
    config.write_text(f"{{backbone: {workshop.backbone}, fine_tuning: null, coverage: 0.5}}")

    outcome = command("train", workshop.data, "--out", tmp_path / "commanded", "--config", config, "--mlflow")

    assert outcome.status == 0, outcome.err
    assert outcome.out.splitlines()[-1] == "models:/commanded/1, also models:/commanded@champion"
    assert client.get_model_version("commanded", "1").version in {1, "1"}


def test_the_command_ends_with_status_1_where_the_gate_refuses(
    client: mlflow.MlflowClient, command: Callable[..., Any], workshop: Any, tmp_path: Path
) -> None:
    config = tmp_path / "training.yaml"
    config.write_text(f"{{backbone: {workshop.backbone}, fine_tuning: null, gate: {{ece: 0.0}}}}")

    outcome = command("train", workshop.data, "--out", tmp_path / "unworthy", "--config", config, "--mlflow")

    assert outcome.status == 1
    assert "unworthy 0.1.0 does not pass its gate" in outcome.err
    assert client.get_experiment_by_name("unworthy") is not None
