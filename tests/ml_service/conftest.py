"""A small network that is really trained, processes, and a real MLflow server, for who asks for them."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle


@pytest.fixture(scope="session")
def tiny_config(workshop: Any) -> Any:
    """What to make of the workshop: a probe, then one block learnt for two epochs."""
    from muffin_v_chihuahua_ml_service.training.config import TrainingConfig  # noqa: PLC0415

    return TrainingConfig.read(
        None,
        name="tiny",
        backbone=str(workshop.backbone),
        golden=workshop.golden,
        seed=3,
        bank=20,
        coverage=0.5,
        fine_tuning={"after": "pooled", "views": 1, "epochs": 2},
    )


@pytest.fixture(scope="session")
def tiny_source(workshop: Any, tiny_config: Any, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle as training leaves it: Keras's artefact alone."""
    from muffin_v_chihuahua_ml_service.training.train import train_bundle  # noqa: PLC0415

    out, work = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("work")
    return train_bundle(tiny_config, [workshop.data], out, work)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_source: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """The same with an artefact for each engine, as it is served."""
    from muffin_v_chihuahua_ml_service.training.export import build_bundle  # noqa: PLC0415

    return build_bundle(tiny_source, tmp_path_factory.mktemp("built") / "bundle")


@pytest.fixture(scope="session")
def int8_bundle(
    tiny_source: ModelBundle, workshop: Any, tmp_path_factory: pytest.TempPathFactory
) -> ModelBundle:
    """The same with a network in int8 beside the others."""
    from muffin_v_chihuahua_ml_service.training.export import build_bundle  # noqa: PLC0415

    return build_bundle(tiny_source, tmp_path_factory.mktemp("int8") / "bundle", [workshop.data])


@pytest.fixture(scope="session")
def default_bundle() -> ModelBundle:
    """The default model, as its wheel installs it."""
    return open_bundle("muffin-v-chihuahua")


@pytest.fixture
def start_process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command as a process of its own, which is killed after the test; what `Popen` takes."""
    started = []

    def begin(line: Sequence[object], **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            list(map(str, line)), stdout=subprocess.PIPE, text=True, **options
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a tracking server with a registry; its start takes about ten seconds, once."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store = ("--backend-store-uri", f"sqlite:///{folder}/store.db", "--artifacts-destination", str(folder))
    line = [sys.executable, "-m", "mlflow", "server", *store, "--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(line, env={**os.environ, **quiet}, stdout=log, stderr=log)  # noqa: S603
    try:
        yield _answering(process, f"http://127.0.0.1:{port}", folder / "log")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answering(process: subprocess.Popen[bytes], address: str, log: Path) -> str:
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()  # noqa: S310 - our own address
        except OSError:
            time.sleep(0.1)
        else:
            return address
    pytest.fail(f"MLflow's server did not start: {log.read_text()}")
