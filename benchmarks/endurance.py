"""What the service lives through while others are being answered: `python -m benchmarks.endurance`.

Nothing here is a matter of speed: each line holds or does not, and the exit status says so.
"""

import asyncio
import http.client
import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from .connection import Address, form_request
from .pictures import PHOTO, read_pictures
from .processes import proportional_megabytes
from .systems import BUNDLE, Running, all_systems, running

REFUSED = "refused"
"""What is counted where nobody listens any more."""

CALLERS = 8
"""How many ask over and over while something happens."""


@dataclass
class Callers:
    """Ask over and over on kept connections, and count what they get."""

    address: Address
    requests: Sequence[bytes]
    statuses: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    """What went wrong with requests that had been sent."""
    is_over: bool = False

    async def run(self) -> None:
        """Until ``is_over``, or until nobody listens."""
        await asyncio.gather(*(self._ask_over_and_over(number) for number in range(CALLERS)))

    async def _ask_over_and_over(self, number: int) -> None:
        streams = None
        while not self.is_over:
            number += 1
            if streams is None:
                try:
                    streams = await asyncio.open_connection(*self.address)
                except ConnectionRefusedError:
                    self.statuses[REFUSED] += 1
                    return
            try:
                status, headers, body = await ask(*streams, self.requests[number % len(self.requests)])
            except (OSError, EOFError) as error:
                self.lost.append(f"{type(error).__name__}: {error}")
                streams = None
                continue
            self.statuses[status] += 1
            if status == "200":
                self.digests[json.loads(body)["model"]["digest"]] += 1
            if headers.get("connection") == "close":
                streams[1].close()
                streams = None


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body of the answer to one request."""
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first.split()[1], headers, await reader.readexactly(int(headers["content-length"]))


async def ask_once(address: Address, request: bytes) -> str:
    """The status of the answer, on a connection of its own."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        return (await ask(reader, writer, request))[0]
    finally:
        writer.close()


@contextmanager
def _callers(
    service: Running, pictures: Sequence[bytes]
) -> Iterator[Callable[[Callable[[], None]], Callers]]:
    requests = [form_request(picture, service.address) for picture in pictures]

    def during(happens: Callable[[], None]) -> Callers:
        callers = Callers(service.address, requests)

        async def both() -> None:
            asking = asyncio.create_task(callers.run())
            await asyncio.to_thread(happens)
            callers.is_over = True
            await asking

        asyncio.run(both())
        return callers

    yield during


def poisoned(service: Running, pictures: Sequence[bytes], rounds: int) -> str | None:
    """One broken picture among 32 that come at once; what went wrong, or nothing."""
    broken = pictures[0][: len(pictures[0]) // 2]

    async def one_round(number: int) -> list[str]:
        batch = [*pictures[1:]] * 32
        batch = batch[:32]
        batch[number % 32] = broken
        requests = [form_request(picture, service.address) for picture in batch]
        return list(await asyncio.gather(*(ask_once(service.address, request) for request in requests)))

    for number in range(rounds):
        statuses = asyncio.run(one_round(number))
        others = statuses[: number % 32] + statuses[number % 32 + 1 :]
        if statuses[number % 32] != "400" or set(others) != {"200"}:
            return f"round {number}: {Counter(statuses)}"
    return None


def ended(service: Running, pictures: Sequence[bytes]) -> tuple[str | None, str]:
    """SIGTERM under load; what went wrong, or nothing, and what was counted."""

    def happens() -> None:
        time.sleep(1)
        os.kill(service.pid, signal.SIGTERM)
        while _listens(service.address):
            time.sleep(0.05)
        time.sleep(0.5)

    with _callers(service, pictures) as during:
        callers = during(happens)
    _, status = os.waitpid(service.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    counted = f"{dict(callers.statuses)}, exit status {code}"
    wrong = callers.lost or set(callers.statuses) - {"200", REFUSED} or code
    return (f"{callers.lost[:3]} {counted}" if wrong else None), counted


def _listens(address: Address) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.connect()
    except OSError:
        return False
    connection.close()
    return True


def reloaded(
    service: Running, pictures: Sequence[bytes], link: Path, bundles: Sequence[Path], times: int
) -> tuple[str | None, str]:
    """So many reloads under load, of two bundles in turn; what went wrong, or nothing, and the counts."""
    memory: list[float] = []

    def happens() -> None:
        memory.append(proportional_megabytes(service.pid))
        for number in range(times):
            _point(link, bundles[(number + 1) % 2])
            expected = _version(bundles[(number + 1) % 2])
            os.kill(service.pid, signal.SIGHUP)
            limit = time.monotonic() + 30
            while _served_version(service.address) != expected and time.monotonic() < limit:
                time.sleep(0.05)
            memory.append(proportional_megabytes(service.pid))

    with _callers(service, pictures) as during:
        callers = during(happens)
    time.sleep(1)
    counted = (
        f"{dict(callers.statuses)}, {len(callers.digests)} digests; MB before, after the first two, "
        f"and after the last: {memory[0]:.0f}, {memory[2]:.0f}, {proportional_megabytes(service.pid):.0f}"
    )
    wrong = callers.lost or set(callers.statuses) != {"200"} or len(callers.digests) != len(bundles)
    return (f"{callers.lost[:3]} {counted}" if wrong else None), counted


def _served_version(address: Address) -> str:
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request("GET", "/")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["model"]["version"])


def _version(bundle: Path) -> str:
    return str(json.loads((bundle / "model.json").read_text())["version"])


def _point(link: Path, target: Path) -> None:
    """Let the link lead elsewhere, at once."""
    beside = link.with_name(f"{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target.absolute())
    beside.replace(link)


def _another_version(bundle: Path, folder: Path) -> Path:
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(manifest | {"version": "99.0.0"}))
    return folder


def main(  # noqa: PLR0913 - a command's options
    *,
    photos: Annotated[Path, typer.Option(help="A folder with full/*/*.jpg.")] = Path("../shared/data/photos"),
    environments: Annotated[Path, typer.Option(help="A virtual environment for each system.")] = Path(
        "build/bench"
    ),
    model: Annotated[Path, typer.Option(help="The bundle.")] = BUNDLE,
    rounds: Annotated[
        int, typer.Option(help="How often 32 pictures come at once, one of them broken.")
    ] = 200,
    ends: Annotated[int, typer.Option(help="How often it is ended under load.")] = 5,
    reloads: Annotated[int, typer.Option(help="How often it loads another model under load.")] = 20,
) -> None:
    """Poison, end and reload the service while others ask it; status 1 if any of them notices."""
    out = environments / "endurance"
    out.mkdir(parents=True, exist_ok=True)
    pictures = read_pictures(photos, environments / "pictures", PHOTO)
    link, bundles = out / "served", [model, _another_version(model, out / "other")]
    _point(link, model)
    system = next(each for each in all_systems(environments, link) if each.name == "ours")
    patient = replace(system, variables={"ML_SERVICE_MAX_WAIT_MS": "60000"})
    failed = []

    def say(what: str, wrong: str | None, counted: str = "") -> None:
        failed.append(wrong is not None)
        typer.echo(f"{'FAILED' if wrong else 'held':7} {what}: {wrong or counted}")

    with running(patient, pictures[0], out) as service:
        say(
            f"{rounds} x 1 broken among 32",
            poisoned(service, pictures, rounds),
            "31 x 200, 1 x 400 each time",
        )
        say(f"{reloads} reloads under load", *reloaded(service, pictures, link, bundles, reloads))
    for number in range(ends):
        with running(patient, pictures[0], out) as service:
            say(f"SIGTERM under load, {number + 1}", *ended(service, pictures))
    raise typer.Exit(1 if any(failed) else 0)


if __name__ == "__main__":
    typer.run(main)
