"""A new model in a running service, when a signal asks for one."""

from collections.abc import Callable, Coroutine
from signal import Signals
from typing import Any

from anyio import create_task_group, open_signal_receiver

from ..model.predictor import Predictor
from .inference import InferenceService


def reload_on(
    signal: Signals, load_predictor: Callable[[], Predictor]
) -> Callable[[InferenceService], Coroutine[Any, Any, None]]:
    """What ``create_app`` runs beside the service, so that each ``signal`` lets it load its model again.

    Only the main thread of a process can wait for signals.
    """

    async def listen(service: InferenceService) -> None:
        with open_signal_receiver(signal) as signals:
            async with create_task_group() as tasks:
                async for _ in signals:
                    tasks.start_soon(service.reload, load_predictor)

    return listen
