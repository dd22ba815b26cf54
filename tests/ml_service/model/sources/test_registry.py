import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle, ModelNotFound, SourceUnreachable
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle

Write = Callable[..., ModelBundle]


def pin(bundle: ModelBundle) -> str:
    """What pins a source to this bundle."""
    return bundle.digest.replace("sha256:", "#sha256=")


@dataclass(frozen=True)
class Registry:
    """A registry with a model of its own for each test."""

    client: Any
    name: str

    def register(self, folder: Path, log_as: str = "model") -> str:
        """Log a folder as a run's artifacts, register what is below `model`; the new version."""
        run = self.client.create_run(experiment_id="0").info.run_id
        self.client.log_artifacts(run, str(folder), log_as)
        self.client.log_text(run, "beside", "model/conda.yaml")
        return str(self.client.create_model_version(self.name, f"runs:/{run}/model", run).version)


@pytest.fixture
def registry(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    import mlflow  # noqa: PLC0415 - it takes seconds

    client = mlflow.MlflowClient()
    name = f"model-{uuid4()}"
    client.create_registered_model(name)
    return Registry(client, name)


@pytest.fixture
def line(
    mlflow_server: str,
    registry: Registry,  # noqa: ARG001 - it sets the address that is replaced here
    line_to: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A way to the registry that can be cut."""
    line = line_to(mlflow_server)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", line.address)
    return line


@pytest.mark.parametrize("log_as", ["model", "model/deep/er"])
def test_a_registered_version_is_fetched_with_whatever_lies_beside_it(
    fake_bundle: Write, registry: Registry, cache: Path, log_as: str
) -> None:
    bundle = fake_bundle()
    version = registry.register(bundle.folder, log_as)

    opened = open_bundle(f"models:/{registry.name}/{version}", cache)

    assert (opened.manifest, opened.digest) == (bundle.manifest, bundle.digest)
    assert not list(opened.folder.rglob("conda.yaml"))
    assert list(cache.glob("incoming/*")) == []


def test_an_alias_leads_to_the_version_that_it_is_given_to(
    fake_bundle: Write, registry: Registry, cache: Path
) -> None:
    for number in ("1.0.0", "1.1.0"):
        bundle = fake_bundle(version=number)
        version = registry.register(bundle.folder)
        registry.client.set_registered_model_alias(registry.name, "champion", version)

        assert open_bundle(f"models:/{registry.name}@champion", cache).digest == bundle.digest


def test_where_the_registry_is_gone_the_last_one_is_used_and_a_pinned_one_anyway(
    fake_bundle: Write, registry: Registry, cache: Path, line: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = fake_bundle()
    address = f"models:/{registry.name}/{registry.register(bundle.folder)}"
    kept = open_bundle(address, cache)
    line.cut()
    caplog.clear()

    assert open_bundle(f"models:/something-else/7{pin(bundle)}", cache) == kept
    assert not caplog.records
    assert open_bundle(address, cache) == kept
    assert f"The model that it led to the last time is used, {bundle.digest}." in caplog.text
    with pytest.raises(SourceUnreachable, match=r"^models:/something-else/7: cannot be reached \("):
        open_bundle("models:/something-else/7", cache)


def test_another_registry_has_other_models_of_that_name(
    fake_bundle: Write, registry: Registry, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"models:/{registry.name}/{registry.register(fake_bundle().folder)}"
    open_bundle(address, cache)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")

    with pytest.raises(SourceUnreachable):
        open_bundle(address, cache)


@pytest.mark.parametrize("asked", ["{}/7", "{}@champion", "nothing-of-that-name/1", "nothing-of-that-name@a"])
def test_what_the_registry_does_not_know_is_no_model(registry: Registry, cache: Path, asked: str) -> None:
    source = f"models:/{asked.format(registry.name)}"

    with pytest.raises(ModelNotFound, match=f"^{re.escape(source)}: .*not found"):
        open_bundle(source, cache)


@pytest.mark.parametrize("source", ["models:/", "models:/a", "models:/a/b", "models:/a/1/b", "models:/a@"])
def test_an_address_that_is_none_of_a_registered_model_says_what_one_is(cache: Path, source: str) -> None:
    with pytest.raises(ModelNotFound, match=r"models:/name/version or models:/name@alias"):
        open_bundle(source, cache)


@pytest.mark.parametrize(("folders", "found"), [((), "nowhere"), (("a", "b"), "in a/, b/")])
def test_a_version_without_one_bundle_is_refused(
    registry: Registry, cache: Path, tmp_path: Path, folders: tuple[str, ...], found: str
) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_bytes(b"{}")
    version = registry.register(tmp_path)

    with pytest.raises(InvalidBundle, match=f"at its root or in one folder, but is {found}"):
        open_bundle(f"models:/{registry.name}/{version}", cache)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the manifest lists it, but it is not there"),
        (b"no netwerk", "is not the file that the manifest lists"),
        (bytes(11), "is larger than the 10 bytes"),
    ],
)
def test_an_artifact_that_is_not_what_the_manifest_lists_is_named(
    fake_bundle: Write, registry: Registry, cache: Path, content: bytes | None, reason: str
) -> None:
    path = fake_bundle().folder / "model.tflite"
    path.unlink() if content is None else path.write_bytes(content)
    version = registry.register(path.parent)

    with pytest.raises(InvalidBundle, match=rf"models:/.+/{version}/model\.tflite: {reason}"):
        open_bundle(f"models:/{registry.name}/{version}", cache)
