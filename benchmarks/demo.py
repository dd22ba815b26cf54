"""The demo as people start it: both installed commands, on free ports of this machine, each with its log."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from .errors import SystemFailed
from .processes import end
from .systems import BUNDLE, HOST, free_port

SERVICE = "muffin-v-chihuahua-ml-service"
PAGE = "muffin-v-chihuahua-model-as-a-service"

_OF_OURS = ("ML_SERVICE_", "STREAMLIT_", "INFERENCE_", "GALLERY_", "COVERAGE_")
"""Beginnings of the variables that change what both do; measured by coverage, they take twice as long."""
_START_LIMIT_S = 60.0
_RETRY_S = 0.05


@dataclass
class Program:
    """A command that listens, `{port}` in it being its port: the same one each time that it is started.

    Args:
        command: what is run.
        health: the path that answers with status 200 once it is ready.
        log: the file that what it prints is added to.
        variables: its settings; of ours, it has no others.
        port: a free one unless told otherwise.
    """

    command: Sequence[str]
    health: str
    log: Path
    variables: Mapping[str, str]
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process while it runs."""
        if self._process is None:
            raise SystemFailed(f"{self.command[0]} does not run.")
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises:
            SystemFailed: its process ended, or it was not ready in a minute.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [part.replace("{port}", str(self.port)) for part in self.command],
                env=_outside() | dict(self.variables),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait(self._process)

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        limit = time.monotonic() + _START_LIMIT_S
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > limit:
                self.stop()
                raise SystemFailed(f"{self.command[0]} is not ready; what it said is in {self.log}.")
            time.sleep(_RETRY_S)

    def _is_ready(self) -> bool:
        try:
            with urlopen(self.address + self.health, timeout=_START_LIMIT_S):  # noqa: S310 - our own
                return True
        except HTTPError as error:
            error.close()
            return False
        except OSError:  # nobody listens yet
            return False

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        process, self._process = self._process, None
        if process is not None:
            end(process)


@dataclass(frozen=True)
class Demo:
    """Both of them."""

    service: Program
    page: Program


@contextmanager
def demo(logs: Path, *options: str, base: str = "", **settings: str) -> Iterator[Demo]:
    """Start both, and stop them in the end.

    Args:
        logs: the folder for what they print.
        options: options of `serve`.
        base: the sub-path that the page is served under, without a slash before it.
        settings: the service's, without their prefix; where nothing is said of them, the model is the default
            one, and records are off.

    Raises:
        SystemFailed: one of them did not start.
    """
    logs.mkdir(parents=True, exist_ok=True)
    variables = {f"ML_SERVICE_{name.upper()}": value for name, value in settings.items()}
    service = Program(
        (installed(SERVICE), "serve", "--port", "{port}", *options),
        "/",
        logs / "service.log",
        {"ML_SERVICE_MODEL": str(BUNDLE), "ML_SERVICE_DATABASE_URL": "off", **variables},
    )
    both = Demo(service, page_for(service.address, logs / "page.log", base))
    try:
        both.service.start()
        both.page.start()
        yield both
    finally:
        both.page.stop()
        both.service.stop()


def page_for(service: str, log: Path, base: str = "") -> Program:
    """The pages, not yet started, that ask the service at this address."""
    where = ("--server.address", HOST, "--server.port", "{port}", "--server.baseUrlPath", base)
    return Program(
        (installed(PAGE), "run-demo", *where),
        f"{f'/{base}' if base else ''}/_stcore/health",
        log,
        {"INFERENCE_HOST": service},
    )


def installed(command: str) -> str:
    """Where the command is, in the environment that this runs in."""
    return str(Path(sys.executable).with_name(command))


def _outside() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OF_OURS)}
