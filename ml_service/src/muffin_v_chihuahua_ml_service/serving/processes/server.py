"""uvicorn, ended so that no caller notices."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from ...settings import Settings
from ..inference import InferenceService
from .closing import close_the_door
from .connection import Connection
from .shares import Door, Share
from .starting import BACKLOG

_KEEP_ALIVE_S = 75
"""Longer than the 60 s of common load balancers, so that it is they who close an idle connection, not we."""

_HANDSHAKE_S = 0.05
"""Whoever was about to connect when the door was closed has done so by then, but on the slowest networks."""

_log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Answers until it is told to end, then goes on for a while, then lets what is in flight finish."""

    def __init__(self, app: ASGIApp, settings: Settings, share: Share | None = None) -> None:
        """Serve ``app``; with a ``share``, as one of several workers.

        A worker leaves the port's end, and its own end at once, to its parent.
        """
        super().__init__(
            uvicorn.Config(
                app,
                loop="auto",  # uvloop, but for Windows, where there is none
                http=Connection,
                ws="none",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=settings.grace_s,
            )
        )
        self._drain_s = settings.drain_ms / 1000
        self._share = share
        self._doors: list[Door] = []
        self._is_ending = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """What uvicorn calls for SIGTERM and SIGINT; it would also raise them again at the end."""
        if self._is_ending and self._share is None:
            _log.warning("Told to end once more: ending at once.")
            os._exit(128 + sig)
        asyncio.get_running_loop().call_soon_threadsafe(self.drain)

    def drain(self) -> None:
        """Let healthchecks fail and callers leave, take requests for a while yet, then end."""
        if self._is_ending:
            return
        self._is_ending = True
        service: InferenceService | None = self.lifespan.state.get("service")
        if service is not None:
            service.is_draining = True
        _log.info("Ending: requests are taken for another %.1f s.", self._drain_s)
        asyncio.get_running_loop().call_later(self._drain_s, self.stop)

    def stop(self) -> None:
        """End without waiting for anything but what is in flight."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        if self._share is None:
            await super().startup(sockets)
            return
        await super().startup([])
        service: InferenceService | None = self.lifespan.state.get("service")
        if service is not None:  # one that cannot answer yet takes no caller from another that can
            await service.models.first_load_ended.wait()
        self.server_state.connections = connections = _Watched()
        self._doors = [
            Door(each, self._share, self._begin, lambda: len(connections)) for each in sockets or ()
        ]
        connections.watchers.extend(door.tell for door in self._doors)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, and wait for who is inside."""
        for door in self._doors:
            door.close()
        for listener in sockets or ():
            if self._share is None:  # others still answer where one worker ends
                close_the_door(listener)
            await asyncio.sleep(_HANDSHAKE_S)
            await self._take_all(listener)
        await super().shutdown(sockets)

    async def _take_all(self, listener: socket.socket) -> None:
        """Whoever has connected is inside, though nobody has turned to them; closing would cut them off."""
        with suppress(BlockingIOError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(0)
                await self._begin(connection)

    async def _begin(self, connection: socket.socket) -> None:
        def protocol() -> Connection:
            return Connection(self.config, self.server_state, self.lifespan.state)

        await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)


class _Watched(set[Any]):
    """uvicorn's set of connections, which says when one has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.watchers: list[Callable[[], None]] = []

    def discard(self, connection: Any) -> None:
        super().discard(connection)
        for watcher in self.watchers:
            watcher()
