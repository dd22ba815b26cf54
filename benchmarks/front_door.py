"""From a clone to the first answer: `make bench-demo` runs `make demo` of this commit and of an earlier one.

Each runs in a fresh clone with an empty HOME, no caches, and the Pythons of the distribution alone.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from .command import run_command
from .connection import Address
from .errors import SystemFailed
from .systems import HOST, free_port, predict

ROOT = Path(__file__).parents[1]
NOW = "HEAD"
BEFORE = "6236220"
"""The last commit that installed everything for its demo."""
AIM = 0.25
"""The most that this commit may take of the earlier one's seconds and bytes."""

_PICTURE = "frontend/src/muffin_v_chihuahua/pictures/chihuahua/fawn-on-the-lawn.jpg"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = ("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY", "NO_PROXY")
_LIMIT_S = 1800.0
_RETRY_S = 0.1

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class FrontDoor:
    """What a new user waits for.

    Attributes:
        seconds: from `make demo` to the first answer to a picture.
        megabytes: what was written to the clone and to HOME meanwhile, in MB of 10^6 bytes.
        files: how many files that is.
    """

    seconds: float
    megabytes: float
    files: int


@dataclass(frozen=True)
class Fresh:
    """A clone of a commit, and a home, in a folder of their own."""

    folder: Path
    python: str

    @property
    def clone(self) -> Path:
        """The checkout."""
        return self.folder / "clone"

    @property
    def environment(self) -> dict[str, str]:
        """An empty one but for how the package index is reached."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {"HOME": str(self.folder / "home"), "PATH": _PATH, "LANG": "C.UTF-8", **kept}

    def run(self, *command: str) -> None:
        """Run a command in the clone.

        Raises:
            CalledProcessError: it failed.
        """
        subprocess.run(  # noqa: S603 - our own commands
            command, cwd=self.clone, env=self.environment, check=True, capture_output=True
        )

    def weight(self) -> tuple[int, int]:
        """Bytes and number of the files in it; one that has several names counts once."""
        found = {}
        for each in self.folder.rglob("*"):
            status = each.lstat()
            if not each.is_dir() or each.is_symlink():
                found[status.st_dev, status.st_ino] = status.st_size
        return sum(found.values()), len(found)


@contextmanager
def fresh(commit: str, python: str) -> Iterator[Fresh]:
    """A clone of this repository at a commit, with an empty home, and with a pip that can follow a lock.

    pip before 23.3 takes the newest version of what is asked for with an extra, and refuses it if a lock pins
    another; the newest pip is put where earlier commits look for theirs.
    """
    with TemporaryDirectory(prefix="front-door-") as name:
        it = Fresh(Path(name), python)
        (it.folder / "home").mkdir()
        it.clone.mkdir()
        it.run("git", "clone", "--quiet", str(ROOT), ".")
        it.run("git", "checkout", "--quiet", commit)
        it.run(python, "-m", "venv", ".venv")
        it.run(".venv/bin/python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--upgrade", "pip")
        yield it


def measure(commit: str, python: str) -> FrontDoor:
    """Clone a commit, run its demo until it has answered to a picture, and end it.

    Raises:
        SystemFailed: it ended by itself, or did not answer in half an hour.
    """
    with fresh(commit, python) as it:
        bytes_before, files_before = it.weight()
        service, page = free_port(), free_port()
        command = ("make", "demo", f"PYTHON={python}", f"SERVICE_PORT={service}", f"APP_PORT={page}")
        log = it.folder.with_name(f"{it.folder.name}.log")
        began = time.perf_counter()
        with log.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - a commit of this repository
                command, cwd=it.clone, env=it.environment, stdout=file, stderr=file, start_new_session=True
            )
        try:
            _wait(process, Address(HOST, service), (it.clone / _PICTURE).read_bytes(), log)
            seconds = time.perf_counter() - began
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
            process.wait()
        size, files = it.weight()
        log.unlink()
    return FrontDoor(seconds, (size - bytes_before) / 1e6, files - files_before)


def _wait(process: "subprocess.Popen[bytes]", address: Address, picture: bytes, log: Path) -> None:
    limit = time.monotonic() + _LIMIT_S
    while predict(address, picture) is None:
        if process.poll() is not None or time.monotonic() > limit:
            raise SystemFailed(f"`make demo` did not answer; what it said is in {log}.")
        time.sleep(_RETRY_S)


def table(found: Mapping[str, Sequence[FrontDoor]]) -> str:
    """Both commits as Markdown, the earlier one first, medians over the rounds."""
    rows = ["| commit | seconds to the first answer | MB installed | files |", "|---|---|---|---|"]
    for commit, rounds in found.items():
        one = _median(rounds)
        rows.append(f"| {commit} | {one.seconds:.1f} | {one.megabytes:,.0f} | {one.files:,} |")
    seconds, megabytes = ratios(*found.values())
    rows.append(f"| to that | {seconds:.2f} x | {megabytes:.2f} x | |")
    return "\n".join(rows)


def ratios(earlier: Sequence[FrontDoor], now: Sequence[FrontDoor]) -> tuple[float, float]:
    """Seconds and megabytes of this commit to the earlier one's."""
    one, other = _median(now), _median(earlier)
    return one.seconds / other.seconds, one.megabytes / other.megabytes


def _median(rounds: Sequence[FrontDoor]) -> FrontDoor:
    return FrontDoor(
        median(each.seconds for each in rounds),
        median(each.megabytes for each in rounds),
        int(median(each.files for each in rounds)),
    )


@app.command()
def main(
    *,
    against: Annotated[str, typer.Option(help="The earlier commit.")] = BEFORE,
    python: Annotated[
        str, typer.Option(help="What both make their environments with.")
    ] = "/usr/bin/python3.11",
    rounds: Annotated[int, typer.Option(help="How often each is tried.", min=1)] = 1,
    strict: Annotated[bool, typer.Option("--assert", help="Status 1 if the aim is missed.")] = False,
) -> None:
    """Measure both in turn, and print how long they took and how much they installed."""
    found: dict[str, list[FrontDoor]] = {against: [], NOW: []}
    for _ in range(rounds):
        for commit, each in found.items():
            each.append(measure(commit, python))
            typer.echo(f"{commit}: {each[-1]}")
    typer.echo(f"\n{table(found)}\n\nThe aim is {AIM} x at most, for both.")
    if strict and max(ratios(*found.values())) > AIM:
        raise typer.Exit(1)


def run() -> None:
    """Run this benchmark's command."""
    run_command(app)


if __name__ == "__main__":
    run()
