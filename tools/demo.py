"""The demo: `demo.py ports` looks whether both ports can be had, `demo.py run` starts service and page.

What they print and remember lies in `build/demo`. One Ctrl-C lets both end in their time, a second one ends
them at once.
"""

import argparse
import errno
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

FOLDER = Path("build/demo").absolute()
PICTURE = Path("frontend/src/muffin_v_chihuahua/pictures/chihuahua/fawn-on-the-lawn.jpg").absolute()
OURS = {
    "ML_SERVICE_MODEL": str(Path("models/muffin-v-chihuahua/bundle").absolute()),
    "ML_SERVICE_CACHE": str(FOLDER / "models"),
    "ML_SERVICE_DATABASE_URL": f"sqlite:///{FOLDER}/records.db",
    "ML_SERVICE_LOG_FORMAT": "text",
}
"""The service's settings where nothing is set outside: what it remembers goes with `make clean`."""

_HOST = "127.0.0.1"
_DIRECT = build_opener(ProxyHandler({}))
"""No proxy leads to this machine, whatever the environment says."""
_POLL_S = 0.05
_LAST_LINES = 20
_PATIENCE_S = 45.0
"""The service ends what it has begun to answer; its own limits are shorter."""


def obstacle(variable: str, port: int) -> str | None:
    """What stands in the way of listening on a port, as a sentence."""
    try:
        with socket.create_server((_HOST, port)):
            return None
    except OverflowError:
        return f"{variable}={port} is no port: those are 0 to 65535."
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        return f"Port {port} {why}; choose another one: make demo {variable}={_free_port(port)}"


def _free_port(near: int) -> int:
    """One of the next ports if it is free, any other if not."""
    for port in (*range(near + 1, min(near + 50, 65536)), 0):
        try:
            with socket.create_server((_HOST, port)) as listener:
                return int(listener.getsockname()[1])
        except OSError:
            continue
    return 0


@dataclass
class Program:
    """One of the two, in a session of its own, so that a Ctrl-C reaches it through this process alone."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    health: str
    by_hand: str

    @classmethod
    def start(cls, name: str, command: Sequence[str], health: str, settings: dict[str, str]) -> "Program":
        """Start a command with these settings beside those from outside; its output goes to its log."""
        log = FOLDER / f"{name}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        by_hand = shlex.join(["env", *(f"{name}={value}" for name, value in settings.items()), *command])
        return cls(name, process, log, health, by_hand)

    @property
    def is_ready(self) -> bool:
        """Whether its healthcheck answers with status 200."""
        try:
            with _DIRECT.open(self.health, timeout=5):
                return True
        except (OSError, HTTPException):  # it does not listen yet, or says that it is not ready
            return False

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join(f"    {line}" for line in lines)


class Ended(Exception):
    """A program that ended by itself."""

    def __init__(self, program: Program) -> None:
        super().__init__(
            f"The {program.name} ended with status {program.process.returncode}. Its last lines:\n\n"
            f"{program.last_words()}\n\nThe same by hand:\n\n    {program.by_hand}\n"
        )


class Told(Exception):
    """A signal: it is time to end."""


def run(service_port: int, page_port: int, commands: Path) -> None:
    """Start both, say where they are, and wait until told to end.

    Raises:
        Ended: one of them ended by itself.
        Told: a signal came.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    service_url, page_url = f"http://localhost:{service_port}", f"http://localhost:{page_port}"
    programs: list[Program] = []
    try:
        programs.append(
            Program.start(
                "service",
                [str(commands / "muffin-v-chihuahua-ml-service"), "serve", "--port", str(service_port)],
                service_url,
                {name: value for name, value in OURS.items() if name not in os.environ},
            )
        )
        page = ["run-demo", "--server.address", "localhost", "--server.port", str(page_port)]
        programs.append(
            Program.start(
                "page",
                [str(commands / "muffin-v-chihuahua-model-as-a-service"), *page],
                f"{page_url}/_stcore/health",
                {"INFERENCE_HOST": service_url},
            )
        )
        print("Starting both ... ", end="", flush=True)
        began = time.monotonic()
        while not all(each.is_ready for each in programs):
            _check(programs)
        print(f"{time.monotonic() - began:.1f} s")
        print(f"\n  Page     {page_url}\n  Service  {service_url}  (try /docs)\n  Logs     {FOLDER}")
        print("\nCtrl-C stops both. Ask the service, from another terminal:\n")
        print(shlex.join(["curl", "-F", f"file=@{PICTURE}", f"{service_url}/predict"]), flush=True)
        while True:
            _check(programs)
    finally:
        _end(programs)


def _check(programs: Sequence[Program]) -> None:
    for each in programs:
        if each.process.poll() is not None:
            raise Ended(each)
    time.sleep(_POLL_S)


def _end(programs: Sequence[Program]) -> None:
    """Ask each to end, and wait; a signal meanwhile, or too long a wait, ends them at once."""
    for each in programs:
        each.process.terminate()
    try:
        for each in programs:
            each.process.wait(_PATIENCE_S)
    except (Told, subprocess.TimeoutExpired):
        for each in programs:
            each.process.kill()


def _tell(number: int, _: object) -> None:
    raise Told(number)


def main() -> int:
    """Read the command line; what goes wrong is a sentence and status 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ports", "run"])
    parser.add_argument("--service-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--commands", type=Path, default=Path(sys.executable).parent)
    told = parser.parse_args()
    ports = {"SERVICE_PORT": told.service_port, "APP_PORT": told.page_port}
    if obstacles := [why for name, port in ports.items() if (why := obstacle(name, port))]:
        print("\n".join(obstacles))
        return 1
    if told.what == "ports":
        return 0
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _tell)
    try:
        run(told.service_port, told.page_port, told.commands)
    except Ended as ended:
        print(f"\n{ended}", file=sys.stderr)
        return 1
    except Told:
        print("\nBoth have ended.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
