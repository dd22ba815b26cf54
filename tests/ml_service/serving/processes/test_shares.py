"""Which of several workers takes a connection; here they are threads."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from starlette.types import ASGIApp

from muffin_v_chihuahua_ml_service.serving.processes import shares as module
from muffin_v_chihuahua_ml_service.serving.processes.server import Server
from muffin_v_chihuahua_ml_service.serving.processes.shares import Door, Share, Shares
from muffin_v_chihuahua_ml_service.serving.processes.starting import listen
from muffin_v_chihuahua_ml_service.settings import Settings

Until = Callable[[Callable[[], bool]], None]

HELLO = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize(
    ("mine", "others", "is_small"),
    [
        (0, [0], True),
        (1, [0], False),
        (0, [5], True),
        (8, [7], False),
        (9, [8], True),
        (10, [8], False),
        (5, [-1], True),
        (3, [9, 2], False),
        (3, [9, 3, -1], True),
    ],
)
def test_a_share_is_small_if_nobody_has_far_fewer(mine: int, others: list[int], *, is_small: bool) -> None:
    with Shares(1 + len(others)) as shares:
        share = Share(shares.descriptor, 0)
        share.say(mine)
        for number, other in enumerate(others, start=1):
            Share(shares.descriptor, number).say(other)

    assert share.is_small is is_small


def test_a_worker_that_has_ended_or_left_is_not_waited_for() -> None:
    with Shares(3) as shares:
        mine, ended, left = (Share(shares.descriptor, number) for number in range(3))
    mine.say(7)
    ended.say(0)
    left.say(0)
    assert not mine.is_small

    shares.forget(1)
    left.leave()

    assert mine.is_small


def test_workers_know_which_predictions_the_others_have_yet_to_write_until_they_end() -> None:
    with Shares(2) as shares:
        mine, others = (Share(shares.descriptor, number).unwritten for number in range(2))
        others.oldest_ms = 1795831416311
        seen = [mine.may_come(made_ms) for made_ms in (1795831416310, 1795831416311, 1795831416312)]
        shares.forget(1)

    assert seen == [False, True, True]
    assert not mine.may_come(1795831416312)


class Workers:
    """Servers that take connections from one port."""

    def __init__(self, app: ASGIApp, count: int, cleaning: ExitStack) -> None:
        self._app = app
        self.listener = listen("127.0.0.1", 0)
        self.address = self.listener.getsockname()
        self.shares = cleaning.enter_context(Shares(count))
        self.servers: list[Server] = []
        self._cleaning = cleaning
        cleaning.callback(self.listener.close)

    def start(self, until: Until) -> None:
        number = len(self.servers)
        server = Server(self._app, Settings(grace_s=1), Share(self.shares.descriptor, number))
        thread = threading.Thread(target=server.run, args=([self.listener.dup()],))
        thread.start()
        self._cleaning.callback(thread.join, timeout=30)
        self._cleaning.callback(server.stop)
        self.servers.append(server)
        until(lambda: server.started)

    def connect(self, count: int) -> list[socket.socket]:
        """Connect so many at once, and say hello on each."""
        opened = [socket.create_connection(self.address, timeout=10) for _ in range(count)]
        for each in opened:
            self._cleaning.callback(each.close)
            each.sendall(HELLO)
        for each in opened:
            assert each.recv(1000).endswith(b"hello")
        return opened

    @property
    def connections(self) -> list[int]:
        return [len(server.server_state.connections) for server in self.servers]


@pytest.fixture
def workers(hello: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Workers]]:
    """Their patience is that of a machine that has other things to do."""
    monkeypatch.setattr(module, "_PATIENCE_S", 5)
    with ExitStack() as cleaning:
        yield lambda count: Workers(hello, count, cleaning)


def test_callers_who_come_at_once_are_shared_out(workers: Callable[[int], Workers], until: Until) -> None:
    three = workers(3)
    for _ in range(3):
        three.start(until)

    opened = three.connect(24)
    together = three.connections
    for each in opened:
        each.close()

    assert sum(together) == 24
    assert max(together) - min(together) <= 2, together
    until(lambda: three.connections == [0, 0, 0])


def test_who_left_makes_room(workers: Callable[[int], Workers], until: Until) -> None:
    two = workers(2)
    two.start(until)
    alone = two.connect(6)
    two.start(until)

    later = two.connect(4)
    assert two.connections == [6, 4]
    for each in alone:
        each.close()
    until(lambda: two.connections == [0, 4])
    two.connect(4)

    assert two.connections == [4, 4]
    assert len(later) == 4


def test_a_worker_that_should_take_a_connection_and_does_not_is_waited_for_only_shortly(
    workers: Callable[[int], Workers], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.01)
    two = workers(2)
    two.start(until)
    Share(two.shares.descriptor, 1).say(0)

    two.connect(20)

    assert two.connections == [20]


class Full(socket.socket):
    """A listening socket of a process that has no file descriptors left, for a while."""

    refusals = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


def test_without_file_descriptors_it_waits_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PAUSE_S", 0.05)

    async def take_one() -> None:
        taken: asyncio.Queue[socket.socket] = asyncio.Queue()
        with Full() as listener, Shares(1) as shares:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.settimeout(0)
            door = Door(listener, Share(shares.descriptor, 0), taken.put, taken.qsize)
            with socket.create_connection(listener.getsockname()):
                (await asyncio.wait_for(taken.get(), timeout=10)).close()
            door.close()

    asyncio.run(take_one())

    assert [record.getMessage() for record in caplog.records] == [
        "Connections cannot be taken: Too many open files."
    ] * 2
