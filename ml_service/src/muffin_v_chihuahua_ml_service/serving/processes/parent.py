"""What a worker knows of the process that started it."""

import asyncio
import socket
from contextlib import suppress
from typing import Literal

from ..admin import Change

News = Literal["ready"] | Change


class Parent:
    """The other end of a pair of sockets; it closes when that process ends, however it ends."""

    def __init__(self, connection: socket.socket) -> None:
        """Talk over ``connection``."""
        connection.settimeout(0)
        self._connection = connection

    def tell(self, news: News) -> None:
        """Say what others may want to know."""
        self._say(news)

    def fail(self, reason: str) -> None:
        """Say why this process ends without ever having answered."""
        self._say(f"failed {' '.join(reason.split())}")

    async def until_gone(self) -> None:
        """Wait until the parent has ended."""
        await asyncio.get_running_loop().sock_recv(self._connection, 1)

    def _say(self, line: str) -> None:
        with suppress(OSError):  # it is gone, and this process will follow
            self._connection.send(f"{line}\n".encode())
