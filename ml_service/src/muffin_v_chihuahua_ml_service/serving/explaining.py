"""Why a model answers as it does: by its maps where it has some, otherwise by hiding parts of the picture."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..model.explaining.drawing import warmth
from ..model.explaining.occlusion import merged
from ..model.predictor import Prediction, Predictor
from ..settings import Settings
from .admission import Admission
from .callers import Deadline
from .live_model import LiveModel, Picture
from .occlusion import Occlusion
from .threads import WorkerThreads

Method = Literal["cam", "occlusion"]

_AT_ONCE = 4
"""Most pictures with something hidden that wait beside those of others."""

_SHARE_FOR_LOOKING = 0.8
"""Of the time that the caller has; what is left is for drawing."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Explanation:
    """A prediction with where in the picture it comes from, and how long each step took, in milliseconds."""

    method: Method
    prediction: Prediction
    predictor: Predictor
    picture: Picture
    """As the network got it: float32 [height, width, 3] in [0, 255]."""
    heat: NDArray[np.float32]
    """[rows, columns, labels] in [0, 1], 1 where the most speaks for any label."""
    pixels: int
    """Of the picture as it was sent."""
    decode_ms: float
    explain_ms: float

    def heat_of(self, label: str) -> NDArray[np.float32]:
        """That of one label, [rows, columns]."""
        heat: NDArray[np.float32] = self.heat[..., self.predictor.bundle.manifest.labels.index(label)]
        return heat


def method_of(predictor: Predictor) -> Method:
    """How its answers are explained."""
    return "cam" if predictor.has_activation_maps else "occlusion"


class Explainer:
    """Explains one answer at a time, beside the predictions and after them."""

    def __init__(self, settings: Settings, predictions: Admission) -> None:
        """Let in who is not kept waiting by more than one other, while ``predictions`` lets somebody in."""
        self._predictions = predictions
        self._budget_s = settings.explain_ms / 1000
        self._queue = Admission(
            max_wait_s=settings.max_wait_ms / 1000 + self._budget_s,
            max_bytes=settings.max_held_bytes,
            parallel=1,
        )
        self._threads = WorkerThreads(1, "explaining")

    def check(self, remaining_s: float | None = None) -> None:
        """Refuse a newcomer where predictions wait too long already, or explanations do.

        Raises:
            Overloaded: with the seconds after which it is worth trying again.
        """
        self._predictions.check(remaining_s)
        self._queue.check(remaining_s)

    def abandon(self) -> None:
        """Leave what runs to itself, because the event loop ends."""
        self._threads.abandon()

    async def explain(
        self,
        model: LiveModel,
        data: bytes,
        deadline: Deadline,
        draw: Callable[[Explanation], _T],
        *,
        with_heat: bool = True,
    ) -> _T:
        """What ``draw`` makes, in a thread, of the explanation for one picture's bytes.

        Args:
            model: the one that answers now; nothing may be waited for between asking for it and this.
            data: the picture.
            deadline: the caller's.
            draw: called once.
            with_heat: False where only what the model saw and says is wanted.

        Raises:
            Overloaded: it would wait for too long, or beyond ``deadline``.
            RejectedPicture: the bytes are no picture that can be answered.
            EngineFailed, EngineStuck: the engine did not manage this picture.
        """
        self.check(deadline.remaining_s)
        with self._queue.admitted():
            async with model.explanations:
                explanation = await self._explain(model, data, deadline, with_heat=with_heat)
            return await self._threads.run(lambda: draw(explanation))

    async def _explain(
        self, model: LiveModel, data: bytes, deadline: Deadline, *, with_heat: bool
    ) -> Explanation:
        predictor, began = model.predictor, perf_counter()
        prepared = await self._threads.run(lambda: predictor.prepare(data))
        decoded = perf_counter()
        if predictor.has_activation_maps:
            explained = await model.explain(prepared.array)
            prediction, maps = explained.prediction, explained.maps
        else:
            budget_s = min(self._budget_s, _SHARE_FOR_LOOKING * deadline.remaining_s) if with_heat else 0
            prediction, maps = await self._occlude(model, prepared.array, budget_s)
        return Explanation(
            method_of(predictor),
            prediction,
            predictor,
            prepared.array,
            warmth(maps),
            prepared.pixels,
            (decoded - began) * 1000,
            (perf_counter() - decoded) * 1000,
        )

    async def _occlude(
        self, model: LiveModel, picture: Picture, budget_s: float
    ) -> tuple[Prediction, NDArray[np.float32]]:
        labels = model.predictor.bundle.manifest.labels

        async def ask(some: Picture) -> Prediction:
            with self._predictions.admitted():  # so that it counts for those who come meanwhile
                return (await model.batcher.run(some)).result

        prediction = await ask(picture)
        looking = Occlusion(ask, picture, labels, min(_AT_ONCE, model.predictor.max_batch))
        grids = await looking.look(prediction, budget_s)
        return prediction, await self._threads.run(lambda: merged(grids))
