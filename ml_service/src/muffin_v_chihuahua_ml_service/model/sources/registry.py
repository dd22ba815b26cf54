"""Bundles in an MLflow registry: ``models:/name/version`` and ``models:/name@alias``.

A registered version is a folder of artifacts; the bundle is its root or the one folder that has a manifest.
Where the registry is, MLflow itself reads from MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from ...errors import ModelNotFound
from ...foreign_errors import one_line
from ..bundle import ModelBundle
from .cache import BundleCache
from .fetching import fetch_bundle, fetch_or_fall_back
from .places import bundle_root, reaching, too_large

_ADDRESS = re.compile(r"models:/(?P<name>[^/@]+)(/(?P<version>\d+)|@(?P<alias>[^/@]+))")

_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's own 7 take minutes where nobody answers
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # and its 120 seconds would come on top of each
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Of MLflow's settings, those that are other than its own where the environment does not say."""

_NOT_THERE = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
"""MLflow's codes for a name, a version and an alias that it does not know."""


@dataclass(frozen=True)
class Registered:
    """The artifacts of a registered version, in which a bundle lies."""

    mlflow: ModuleType
    uri: str
    sizes: dict[str, int | None]
    """The artifacts by their names below ``uri``."""
    root: str
    """What of these names stands before the bundle's own."""

    def label(self, name: str) -> str:
        """The artifact's address."""
        return f"{self.uri}/{self.root}{name}"

    def fetch(self, name: str, target: Path, limit: int) -> None:
        """Download one artifact; see ``Place``."""
        if self.root + name not in self.sizes:
            raise FileNotFoundError
        if (self.sizes[self.root + name] or 0) > limit:
            raise too_large(self.label(name), limit)
        with TemporaryDirectory(dir=target.parent) as folder, _asking(self.mlflow, self.label(name)):
            found = self.mlflow.artifacts.download_artifacts(artifact_uri=self.label(name), dst_path=folder)
            Path(found).replace(target)


def open_registered(address: str, pin: str | None, cache: BundleCache) -> ModelBundle:
    """The bundle that is registered under this address; the last one from there where nobody answers.

    Raises:
        ModelNotFound: there is none, or nobody answers, or MLflow is not installed.
        InvalidBundle: what came cannot be trusted.
    """
    if (found := _ADDRESS.fullmatch(address)) is None:
        raise ModelNotFound(f"{address}: a registered model is models:/name/version or models:/name@alias.")
    try:
        mlflow = _mlflow()
        source = f"{mlflow.get_registry_uri()} {address}"  # another registry has other models of that name
        return fetch_or_fall_back(
            source, pin, cache, lambda: fetch_bundle(_registered(mlflow, address, found), cache, pin)
        )
    except ImportError as error:  # MLflow itself, or what the registry's store needs
        missing = (error.name or "mlflow").partition(".")[0]
        raise ModelNotFound(
            f"{address} needs {missing}: pip install 'muffin-v-chihuahua-ml-service[mlflow]'"
        ) from error


def _mlflow() -> ModuleType:
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    # Imported here: it takes seconds, and reads the settings above while it is imported.
    import mlflow.artifacts  # noqa: PLC0415

    return mlflow


def _registered(mlflow: ModuleType, address: str, asked: re.Match[str]) -> Registered:
    with _asking(mlflow, address):
        version = asked["version"]
        if version is None:
            client = mlflow.MlflowClient()
            version = client.get_model_version_by_alias(asked["name"], asked["alias"]).version
        uri = f"models:/{asked['name']}/{version}"
        sizes = dict(_artifacts(mlflow, uri))
    return Registered(mlflow, uri, sizes, bundle_root(sizes, uri))


def _artifacts(mlflow: ModuleType, uri: str, folder: str = "") -> Iterator[tuple[str, int | None]]:
    for each in mlflow.artifacts.list_artifacts(artifact_uri=f"{uri}/{folder}".rstrip("/")):
        if each.is_dir:
            yield from _artifacts(mlflow, uri, each.path)
        else:
            yield each.path, each.file_size


@contextmanager
def _asking(mlflow: ModuleType, label: str) -> Iterator[None]:
    """What MLflow raises, as errors of ours."""
    with reaching(label):
        try:
            yield
        except mlflow.MlflowException as error:
            if error.error_code in _NOT_THERE:
                raise ModelNotFound(f"{label}: is not in the registry ({one_line(error)}).") from error
            raise
