"""What the process that started a worker knows of it."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Self

from .shares import Shares


class Child:
    """A worker and what it has said so far."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hold both ends: the worker ends when ``writer`` is closed, for instance by this process's death."""
        self._process = process
        self._reader = reader
        self._writer = writer
        self._for_later: list[signal.Signals] = []
        self.is_ready = False
        self.failure: str | None = None
        """Why it could not load its model."""

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        listener: socket.socket,
        shares: Shares,
        number: int,
        environment: Mapping[str, str],
    ) -> Self:
        """Run ``command`` with its share of the connections to ``listener``, and a socket that leads here.

        Raises:
            OSError: the system has no room for another process.
        """
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as unless_it_runs:
            unless_it_runs.enter_context(ours)
            arguments = (listener.fileno(), shares.descriptor, number, theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                *command,
                *map(str, arguments),
                pass_fds=(listener.fileno(), shares.descriptor, theirs.fileno()),
                env=environment,
            )
            unless_it_runs.pop_all()
        return cls(process, *await asyncio.open_connection(sock=ours))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def reason(self) -> str:
        """Why it ended, for the log, if it said so."""
        return "" if self.failure is None else f" ({self.failure})"

    async def news(self) -> AsyncIterator[str]:
        """What it says until it ends, but for why it failed."""
        async for line in self._reader:
            word, _, rest = line.decode().strip().partition(" ")
            if word == "failed":
                self.failure = rest
                continue
            if word == "ready":
                self._make_ready()
            yield word

    async def ended(self) -> int:
        """Its exit status, once it has one."""
        self.is_ready = False
        self._writer.close()
        return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):  # it has ended, which is noticed soon
            self._process.send_signal(number)

    def send_when_ready(self, number: signal.Signals) -> None:
        """Send it a signal that would end it while it does not listen to it yet."""
        if self.is_ready:
            self.send(number)
        else:
            self._for_later.append(number)

    def _make_ready(self) -> None:
        self.is_ready = True
        for number in self._for_later:
            self.send(number)
