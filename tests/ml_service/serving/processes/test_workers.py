"""The parent of several workers, with workers that are a few lines long."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.errors import WorkersFailed
from muffin_v_chihuahua_ml_service.serving.processes import workers as module
from muffin_v_chihuahua_ml_service.serving.processes.child import Child
from muffin_v_chihuahua_ml_service.serving.processes.workers import Workers
from muffin_v_chihuahua_ml_service.settings import Settings

WORKER = """
import os, signal, socket, sys, time
from pathlib import Path
parent = socket.socket(fileno=int(sys.argv[-1]))
me = Path(sys.argv[1]) / str(os.getpid())
def say(line): parent.send((line + "\\n").encode())
def note(number, _): me.with_suffix("." + signal.Signals(number).name).touch()
def until(name):
    while not (me.parent / name).exists(): time.sleep(0.01)
for each in (signal.SIGHUP, signal.SIGUSR1): signal.signal(each, note)
def work():
    me.touch()
    parent.recv(1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the workers leave files, named after their process ids."""
    path = tmp_path / "workers"
    path.mkdir()
    return path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def workers(
    folder: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Workers]:
    """Two workers that run this code; pauses between them are short."""

    def make(code: str, **settings: Any) -> Workers:
        command = (sys.executable, "-S", "-c", WORKER + code, str(folder))
        return Workers(Settings(workers=2, drain_ms=0, **settings), listener, command)

    monkeypatch.setattr(module, "_PAUSE_S", 0.001)
    return make


def running(workers: Workers, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run these workers, and do something beside."""

    async def both() -> None:
        await asyncio.gather(workers.run(), do())

    asyncio.run(asyncio.wait_for(both(), timeout=30))


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 - what other processes leave behind
        await asyncio.sleep(0.01)


def files(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_workers_that_end_again_and_again_end_it_all(
    workers: Callable[..., Workers], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(WorkersFailed, match="5 workers in a row ended too soon"):
        asyncio.run(workers("me.touch(); sys.exit(3)").run())

    assert 5 <= len(files(folder)) <= 10
    assert "ended with status 3." in caplog.text


def test_the_sentence_of_a_first_load_that_fails_ends_it_all(
    workers: Callable[..., Workers], folder: Path
) -> None:
    with pytest.raises(WorkersFailed, match=r"^model.json: is not there.$"):
        asyncio.run(workers("me.touch(); say('failed model.json: is not there.')").run())

    assert len(files(folder)) <= 2


def test_while_one_answers_another_one_that_cannot_be_started_is_tried_again(
    workers: Callable[..., Workers],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begin, asked = Child.start, []

    async def start(*arguments: Any) -> Child:
        asked.append(arguments)
        if 1 < len(asked) < 9:
            await until(lambda: any(each.is_ready for each in two._children))
            raise OSError(12, "Cannot allocate memory")
        return await begin(*arguments)

    monkeypatch.setattr(Child, "start", start)

    async def watch() -> None:
        await until(lambda: len(files(folder)) == 2)
        end()

    two = workers("say('ready'); work()")
    running(two, watch)

    assert len(asked) == 9
    assert "No worker can be started ([Errno 12] Cannot allocate memory); it is tried again." in caplog.text


def test_where_no_worker_can_be_started_that_ends_it_all(
    workers: Callable[..., Workers], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(*_: Any) -> Child:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(Child, "start", start)

    with pytest.raises(WorkersFailed, match="No worker can be started"):
        asyncio.run(workers("").run())


def test_while_one_answers_another_one_may_fail_for_as_long_as_it_likes(
    workers: Callable[..., Workers], folder: Path
) -> None:
    """The first to get the lock is the one that answers."""
    code = """
try: (me.parent / "lock").mkdir()
except FileExistsError:
    until("first")
    me.with_suffix(".failed").touch()
    say("failed the source is gone")
else:
    say("ready")
    (me.parent / "first").touch()
    work()
"""

    async def watch() -> None:
        await until(lambda: len(files(folder, "*.failed")) > 7)
        end()

    running(workers(code), watch)


def test_once_all_have_answered_a_lost_source_is_given_some_patience(
    workers: Callable[..., Workers], folder: Path
) -> None:
    code = """
if len(list(me.parent.iterdir())) < 2:
    me.touch()
    say("ready")
    time.sleep(0.3)
else:
    me.touch()
    say("failed the source is gone")
"""
    with pytest.raises(WorkersFailed, match="the source is gone"):
        asyncio.run(workers(code).run())

    assert len(files(folder)) >= 5


def test_what_one_was_asked_for_is_passed_on_to_the_others_but_not_back(
    workers: Callable[..., Workers], folder: Path
) -> None:
    code = """
say("ready")
try: (me.parent / "lock").mkdir()
except FileExistsError: work()
else:
    while len(list(me.parent.iterdir())) < 2: time.sleep(0.01)
    say("reload")
    say("rollback")
    work()
"""

    async def watch() -> None:
        await until(lambda: len(files(folder, "*.SIG*")) == 2)
        end()

    running(workers(code), watch)

    assert len({name.partition(".")[0] for name in files(folder, "*.SIG*")}) == 1


def test_a_signal_waits_for_a_worker_that_does_not_listen_yet(
    workers: Callable[..., Workers], folder: Path
) -> None:
    code = """
me.touch()
until("may-listen")
if me.with_suffix(".SIGHUP").exists(): me.with_suffix(".early").touch()
me.with_suffix(".checked").touch()
say("ready")
work()
"""

    async def watch() -> None:
        await until(lambda: len(files(folder)) == 2)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.1)
        (folder / "may-listen").touch()
        await until(lambda: len(files(folder, "*.checked")) == len(files(folder, "*.SIGHUP")) == 2)
        end()

    running(workers(code), watch)

    assert files(folder, "*.early") == []


def test_a_worker_that_does_not_end_is_killed_when_its_time_is_over(
    workers: Callable[..., Workers], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLACK_S", -0.5)  # half a second is left

    async def watch() -> None:
        await until(lambda: len(files(folder)) == 2)
        end()

    running(workers("signal.signal(signal.SIGTERM, note); me.touch(); time.sleep(60)", grace_s=1), watch)

    assert len(files(folder, "*.SIGTERM")) == 2


def test_told_twice_it_kills_them(workers: Callable[..., Workers], folder: Path) -> None:
    async def watch() -> None:
        await until(lambda: len(files(folder)) == 2)
        end()
        await until(lambda: len(files(folder, "*.SIGTERM")) == 2)
        end()

    with pytest.raises(SystemExit, match="143"):
        running(workers("signal.signal(signal.SIGTERM, note); me.touch(); time.sleep(60)"), watch)


def test_a_worker_that_starts_while_all_end_is_told_so_too(
    workers: Callable[..., Workers], listener: socket.socket
) -> None:
    ending = workers("signal.signal(signal.SIGTERM, signal.SIG_DFL); time.sleep(60)")

    async def end_at_once() -> None:
        end()

    running(ending, end_at_once)

    assert listener.fileno() == -1
