"""Hides one part of a picture after the other, and asks the model each time what it sees now."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ..model.explaining.occlusion import GRIDS, Cell, cells, hidden, log_odds
from ..model.predictor import Prediction
from .live_model import Picture

AskModel = Callable[[Picture], Awaitable[Prediction]]


class Occlusion:
    """One picture, looked at in finer and finer grids for as long as there is time."""

    def __init__(self, ask: AskModel, picture: Picture, labels: Sequence[str], at_once: int) -> None:
        """Get ready to look.

        Args:
            ask: what answers for a prepared picture.
            picture: float32 [height, width, 3] in [0, 255].
            labels: in the order in which the maps have them.
            at_once: how many pictures are asked about at the same time: few, for others wait as well.
        """
        self._ask = ask
        self._picture = picture
        self._colour = picture.mean(axis=(0, 1))
        self._labels = labels
        self._at_once = at_once
        self._asked = 0

    async def look(self, prediction: Prediction, budget_s: float) -> list[NDArray[np.float64]]:
        """How much of its log-odds each label loses where something is hidden: grids [rows, columns, labels].

        Args:
            prediction: the answer for the picture as it is.
            budget_s: seconds that it may take. A grid that would not be finished is not begun, but for the
                first, of which as much counts as there is time for.
        """
        loop, before = asyncio.get_running_loop(), self._log_odds(prediction)
        began = loop.time()
        first, *finer = (np.zeros((grid, grid, len(self._labels))) for grid in GRIDS)
        done = [first]
        with suppress(TimeoutError):
            async with asyncio.timeout(budget_s):
                await self._fill(first, before)
                for lost in finer:
                    took = loop.time() - began
                    if took + took / self._asked * lost.shape[0] ** 2 > budget_s:
                        break
                    await self._fill(lost, before)
                    done.append(lost)
        return done

    async def _fill(self, lost: NDArray[np.float64], before: NDArray[np.float64]) -> None:
        places = list(cells(len(lost)))
        for start in range(0, len(places), self._at_once):
            some = places[start : start + self._at_once]
            answers = await asyncio.gather(*map(self._without, some))
            for cell, answer in zip(some, answers, strict=True):
                lost[cell.row, cell.column] = before - self._log_odds(answer)
            self._asked += len(some)

    async def _without(self, cell: Cell) -> Prediction:
        return await self._ask(hidden(self._picture, cell, self._colour))

    def _log_odds(self, prediction: Prediction) -> NDArray[np.float64]:
        found = {each.label: each.probability for each in prediction.predictions}
        return log_odds(np.array([found[label] for label in self._labels]))
