"""The services that are measured, each in its own environment, started as its users start it."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from .connection import Address, form_request
from .errors import SystemFailed
from .load import Target
from .processes import cpu_seconds, end, proportional_megabytes

HOST = "127.0.0.1"

BUNDLE = Path(__file__).parents[1] / "models/muffin-v-chihuahua/bundle"
"""The default model's."""

_PEERS = Path(__file__).parent / "peers"

_START_LIMIT_S = 60.0
_RETRY_S = 0.005


@dataclass(frozen=True)
class System:
    """A service: its command, in which ``{port}`` becomes the port, run in a folder with these variables."""

    name: str
    title: str
    environment: Path
    command: Sequence[str]
    folder: Path = Path()
    variables: dict[str, str] = field(default_factory=dict)


STANDARD = ("ours", "plain", "litserve")
"""What is measured if nobody asks for others: ours, and each peer in its fastest form."""


def all_systems(environments: Path, bundle: Path) -> list[System]:
    """Ours first, then those that it is compared with, in all the forms that were tried.

    Args:
        environments: the folder with a virtual environment for each.
        bundle: the model's, of which the others take ``model.onnx``.
    """
    home, model = environments.absolute() / "ours", bundle.absolute()
    serve = (f"{home}/bin/muffin-v-chihuahua-ml-service", "serve", "--model", str(model), "--port", "{port}")
    onnx = str(model / "model.onnx")
    plain = _plain(home.with_name("plain"), onnx)
    litserve = _litserve(home.with_name("litserve"), onnx)
    records = {"ML_SERVICE_DATABASE_URL": f"sqlite:///{home}/records.db"}  # as by default, but not at home
    return [
        System("ours", "this service", home, serve, variables=records),
        plain,
        litserve,
        _tried(plain, "threads", "in threads", HANDLER="threads"),
        _tried(plain, "all-cores", "each worker on all cores", THREADS="0"),
        _tried(litserve, "batched", "in batches of up to 8", BATCH="8"),
    ]


def _plain(home: Path, onnx: str) -> System:
    uvicorn = (f"{home}/bin/uvicorn", "service:app", "--workers", "2", "--no-access-log", "--port", "{port}")
    return System("plain", "FastAPI + ONNX Runtime", home, uvicorn, _PEERS / "plain", {"MODEL": onnx})


def _litserve(home: Path, onnx: str) -> System:
    python = (f"{home}/bin/python", "service.py", "{port}")
    return System("litserve", "LitServe", home, python, _PEERS / "litserve", {"MODEL": onnx})


def _tried(system: System, name: str, title: str, **variables: str) -> System:
    return replace(
        system,
        name=f"{system.name}-{name}",
        title=f"{system.title}, {title}",
        variables=system.variables | variables,
    )


@dataclass(frozen=True)
class Running:
    """A service that has answered; ``cold_start_s`` is the time from its process's start to that answer."""

    system: System
    pid: int
    address: Address
    cold_start_s: float

    def target(self, pictures: Sequence[bytes]) -> Target:
        """What a load needs to ask it about these pictures."""
        requests = [form_request(picture, self.address) for picture in pictures]
        return Target(self.address, requests, partial(cpu_seconds, self.pid))

    def megabytes(self) -> float:
        """Its proportional memory now."""
        return proportional_megabytes(self.pid)

    def predict(self, picture: bytes) -> bytes | None:
        """The body of its answer for a picture; nothing if it does not answer, or with another status."""
        return predict(self.address, picture)


@contextmanager
def running(system: System, picture: bytes, logs: Path) -> Iterator[Running]:
    """Start a service, wait until it has answered for a picture, and stop it in the end.

    Args:
        system: which one.
        picture: what it is asked until it answers.
        logs: the folder for what it prints.

    Raises:
        SystemFailed: its process ended, or it did not answer in a minute.
    """
    logs.mkdir(parents=True, exist_ok=True)
    address = Address(HOST, free_port())
    command = [part.replace("{port}", str(address.port)) for part in system.command]
    with (logs / f"{system.name}.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - a system's own command
            command,
            cwd=system.folder,
            env=_environment(system),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, address, picture, log.name)
            yield Running(system, process.pid, address, time.perf_counter() - began)
        finally:
            _stop(process)


def _environment(system: System) -> dict[str, str]:
    """The caller's variables without the project's own, so that the service has its default settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ML_SERVICE_", "PYTHON"))
    }
    return kept | system.variables


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: Address, picture: bytes, log: str) -> None:
    limit = time.perf_counter() + _START_LIMIT_S
    while predict(address, picture) is None:
        if process.poll() is not None or time.perf_counter() > limit:
            raise SystemFailed(f"The service did not answer; what it said is in {log}.")
        time.sleep(_RETRY_S)


def predict(address: Address, picture: bytes) -> bytes | None:
    """The body of what a service answers for a picture; nothing if it does not, or with another status."""
    body = form_request(picture, address)
    try:
        with socket.create_connection(address, timeout=_START_LIMIT_S) as connection:
            connection.sendall(body)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.read() if answer.status == http.client.OK else None
    except (OSError, http.client.HTTPException):
        return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and end what it leaves behind: LitServe's own processes outlive it."""
    end(process)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
