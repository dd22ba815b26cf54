"""One process that answers: its application, its server, and what it tells the one that started it."""

import logging
import os
import signal
import socket

from ...errors import ModelNotReady
from ...settings import Settings
from ..admin import TellOthers
from ..app import create_app
from ..inference import InferenceService
from ..observers import observers_of
from ..reloading import Beside, obey_signals
from .head_start import HeadStart
from .parent import Parent
from .server import Server
from .shares import Share


class Process:
    """Answers on a port, alone or as one of several."""

    def __init__(
        self, settings: Settings, load: HeadStart, parent: Parent | None = None, share: Share | None = None
    ) -> None:
        """Serve what ``load`` loads.

        Args:
            settings: limits, addresses, times.
            load: has begun to load the model.
            parent: the process that started this one beside others.
            share: this one's share of the connections.
        """
        self._parent = parent
        self._first_load_has_ended = False
        self._failure: str | None = None
        beside: list[Beside] = [self._after_the_first_load]
        if hasattr(signal, "SIGHUP"):
            beside.insert(0, obey_signals(load))
        if parent is not None:
            beside.append(self._end_with_the_parent)
        tell_others: TellOthers = _tell_nobody if parent is None else parent.tell
        app = create_app(
            settings,
            load,
            beside=beside,
            observers=observers_of(settings),
            tell_others=tell_others,
            loading_since=load.began,
            unwritten=None if share is None else share.unwritten,
        )
        self._server = Server(app, settings, share)

    def run(self, listener: socket.socket) -> None:
        """Answer until told to end.

        Raises:
            ModelNotReady: the first load failed, with its sentence.
        """
        self._server.run([listener])
        if not self._first_load_has_ended:
            # A thread in the middle of an import can keep Python from ending.
            logging.shutdown()
            os._exit(0)
        if self._failure is not None:
            raise ModelNotReady(self._failure)

    async def _after_the_first_load(self, service: InferenceService) -> None:
        await service.models.first_load_ended.wait()
        self._first_load_has_ended, self._failure = True, service.models.failure
        if self._failure is not None:
            self._server.stop()  # a service that can never answer had better not look alive
        elif self._parent is not None:
            self._parent.tell("ready")

    async def _end_with_the_parent(self, _: InferenceService) -> None:
        assert self._parent is not None  # noqa: S101 - it runs only where there is one
        await self._parent.until_gone()
        self._server.drain()


def _tell_nobody(_: object) -> None:
    """There is nobody else."""
