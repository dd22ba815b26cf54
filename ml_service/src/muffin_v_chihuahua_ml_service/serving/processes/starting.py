"""The start: a port first, then the model and the application at the same time."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from ...errors import CannotListen
from ...model.loading import load_model
from ...records.addresses import check_addresses
from ...settings import Settings
from ..logs import set_up_logging
from .head_start import HeadStart

BACKLOG = 2048
"""Connections that may wait to be taken; the kernel's own limit may be lower."""

_log = logging.getLogger(__name__)


def serve_as_set(settings: Settings) -> None:
    """Listen and answer, in one process or in several, until a signal ends it.

    Raises:
        InvalidConfiguration: the records cannot be where they are set to be.
        CannotListen: the address or the port cannot be had.
        ModelNotReady, WorkersFailed: the model cannot be loaded.
    """
    set_up_logging(settings)
    check_addresses(settings)
    with _can_be_ended(), listen(settings.host, settings.port) as listener:
        _log.info("Listening on %s", _address(listener))
        if settings.workers > 1:
            _serve_in_several(settings, listener)
        else:
            _serve_alone(settings, listener)


def listen(host: str, port: int) -> socket.socket:
    """A socket that callers can connect to from now on.

    Raises:
        CannotListen: the address or the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0].lower()  # Python says the address again
        raise CannotListen(
            f"Nobody can listen on {host}, port {port} ({reason}); choose others with --host and --port."
        ) from error
    listener.settimeout(0)
    return listener


@contextmanager
def _can_be_ended() -> Iterator[None]:
    """Until the server listens to signals itself: process 1 of a container ends by none without a handler."""
    before = {each: signal.signal(each, _end_early) for each in (signal.SIGTERM, signal.SIGINT)}
    if hasattr(signal, "SIGHUP"):  # by default they end a process, too
        before |= {each: signal.signal(each, _wait) for each in (signal.SIGHUP, signal.SIGUSR1)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end_early(_: int, __: object) -> None:
    # There is nothing to tidy up yet, and an exception in the middle of an import may be caught by anybody.
    os._exit(0)


def _wait(_: int, __: object) -> None:
    _log.info("The model is being loaded already.")


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _serve_alone(settings: Settings, listener: socket.socket) -> None:
    load = HeadStart(partial(load_model, settings))
    from .process import Process  # noqa: PLC0415 - FastAPI is imported while the model loads

    Process(settings, load).run(listener)


def _serve_in_several(settings: Settings, listener: socket.socket) -> None:
    from .workers import Workers  # noqa: PLC0415 - one process needs none

    asyncio.run(Workers(settings, listener).run())
