"""A small network that is really trained, processes, and real servers, for who asks for them."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest
from tests.left_out import need
from ulid import ULID

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.records.migrating import migrate
from muffin_v_chihuahua_ml_service.records.rows import AnsweringModel, PredictionRow

if TYPE_CHECKING:
    from tests.conftest import MakeOnce


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
def tiny_source(workshop: Any, tiny_config: Any, made_once: "MakeOnce") -> ModelBundle:
    """A bundle as training leaves it: Keras's artefact alone."""

    def train(folder: Path) -> None:
        from muffin_v_chihuahua_ml_service.training.train import train_bundle  # noqa: PLC0415

        train_bundle(tiny_config, [workshop.data], folder / "out", folder / "work")

    return ModelBundle.read(made_once("tiny-source", train) / "out")


@pytest.fixture(scope="session")
def tiny_bundle(tiny_source: ModelBundle, made_once: "MakeOnce") -> ModelBundle:
    """The same with an artefact for each engine, as it is served."""
    return ModelBundle.read(made_once("tiny-bundle", lambda folder: _build(tiny_source, folder)) / "bundle")


@pytest.fixture(scope="session")
def int8_bundle(tiny_source: ModelBundle, workshop: Any, made_once: "MakeOnce") -> ModelBundle:
    """The same with a network in int8 beside the others."""

    def build(folder: Path) -> None:
        _build(tiny_source, folder, workshop.data)

    return ModelBundle.read(made_once("int8-bundle", build) / "bundle")


def _build(source: ModelBundle, folder: Path, *int8: Path) -> None:
    from muffin_v_chihuahua_ml_service.training.export import build_bundle  # noqa: PLC0415

    build_bundle(source, folder / "bundle", int8)


@pytest.fixture(scope="session")
def default_bundle() -> ModelBundle:
    """The default model, as it is committed and served."""
    return open_bundle(str(Path(__file__).parents[2] / "models/muffin-v-chihuahua/bundle"))


@pytest.fixture(scope="session")
def rebuilt_bundle(default_bundle: ModelBundle, made_once: "MakeOnce") -> ModelBundle:
    """The same built again from its own weights, for every engine."""
    need("tensorflow")
    return ModelBundle.read(made_once("rebuilt", lambda folder: _build(default_bundle, folder)) / "bundle")


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
    # and not measured by coverage: it runs none of our lines, and half as fast
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(line, env=ours | quiet, stdout=log, stderr=log)  # noqa: S603
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


MODEL = AnsweringModel("fake-model", "9.9.9", f"sha256:{'0' * 64}", ("blue", "red"))


@pytest.fixture
def make_row() -> Callable[..., PredictionRow]:
    """Make a prediction of `red`, with other values where given."""

    def make(**changes: Any) -> PredictionRow:
        asked_at = changes.get("asked_at", datetime.now(UTC))
        row = PredictionRow(
            id=str(ULID.from_datetime(asked_at)),
            asked_at=asked_at,
            model=MODEL,
            verdict="red",
            label="red",
            probability=0.98,
            filename="rex.png",
            sha256="0" * 64,
        )
        return row._replace(**changes)

    return make


@dataclass
class PostgreSQL:
    """A server with its data in a folder of its own, run by somebody whom it does not refuse."""

    programs: Path
    folder: Path
    user: int | None
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    def start(self) -> None:
        settings = (
            "fsync=off",
            "unix_socket_directories=",
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
        )
        options = " ".join(f"-c {each}" for each in settings)
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def prepare(self) -> None:
        self._run("initdb", "-D", "data", "-U", "tester", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self.start()
        self._say("CREATE DATABASE template")
        migrate(self.url("template").replace("postgresql:", "postgresql+psycopg:"))

    def url(self, database: str) -> str:
        return f"postgresql://tester:secret@127.0.0.1:{self.port}/{database}"

    def create(self, template: str) -> str:
        """The address of a new database that is a copy of this one."""
        name = f"records{next(self.numbers)}"
        self._say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _say(self, statement: str) -> None:
        self._run(
            "psql", "-h", "127.0.0.1", "-p", self.port, "-U", "tester", "-d", "postgres", "-c", statement
        )

    def _run(self, program: str, *arguments: object) -> None:
        line = [str(self.programs / program), *map(str, arguments)]
        # whoever reads its output would wait for the server, which keeps it open
        with (self.folder / "said").open("w") as said:
            subprocess.run(  # noqa: S603 - Debian's own programs
                line, cwd=self.folder, user=self.user, stdout=said, stderr=said, check=True
            )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL on a free port, with a database `template` that has our tables."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    need("postgresql")
    folder = Path(mkdtemp(prefix="postgresql-"))
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
        user = pwd.getpwnam("postgres").pw_uid
        os.chown(folder, user, -1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = PostgreSQL(programs[-1], folder, user, port)
    try:
        server.prepare()
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # a test has stopped it
            server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables."""
    path = tmp_path_factory.mktemp("records") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of an empty SQLite file with our tables."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'records.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database with our tables: a SQLite file, then PostgreSQL."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create("template")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/records.db"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.create("template0")
