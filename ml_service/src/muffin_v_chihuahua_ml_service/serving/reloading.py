"""A new model in a running service, or the one before it, when a signal asks for one."""

import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from anyio import create_task_group, open_signal_receiver

from ..errors import MLServiceError, NothingToRollBackTo
from .inference import InferenceService
from .models import LoadPredictor

_log = logging.getLogger(__name__)

Beside = Callable[[InferenceService], Coroutine[Any, Any, None]]


def obey_signals(load_predictor: LoadPredictor) -> Beside:
    """What ``create_app`` runs beside the service: SIGHUP reloads the model, SIGUSR1 rolls it back.

    Only the main thread of a process can wait for signals, and only POSIX has these.
    """

    async def listen(service: InferenceService) -> None:
        with open_signal_receiver(signal.SIGHUP, signal.SIGUSR1) as signals:
            async with create_task_group() as tasks:
                async for each in signals:
                    if each == signal.SIGHUP:
                        tasks.start_soon(_reload, service, load_predictor)
                    else:
                        tasks.start_soon(_roll_back, service)

    return listen


async def _reload(service: InferenceService, load_predictor: LoadPredictor) -> None:
    with suppress(MLServiceError):  # it is in the log, and a signal has no answer
        await service.models.reload(load_predictor)


async def _roll_back(service: InferenceService) -> None:
    try:
        await service.models.rollback()
    except NothingToRollBackTo as error:
        _log.warning("The model was not rolled back: %s", error)
