"""Hiding parts of a picture, in virtual time: what is learnt of it, and in how long."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.model.explaining.occlusion import GRIDS, merged
from muffin_v_chihuahua_ml_service.model.predictor import LabelProbability, Prediction
from muffin_v_chihuahua_ml_service.serving.occlusion import Occlusion

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Picture = NDArray[np.float32]

ALL = sum(grid**2 for grid in GRIDS)


def red_corner() -> Picture:
    """Black, and red in its lower left quarter."""
    picture = np.zeros((64, 64, 3), dtype=np.float32)
    picture[32:, :32, 0] = 255
    return picture


@dataclass
class SlowModel:
    """Sees the more of `red` the more of it there is, and takes its time for it."""

    takes_s: float
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0
    times: list[float] = field(default_factory=list)

    async def __call__(self, picture: Picture) -> Prediction:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.at_once -= 1
        red = 0.05 + 0.9 * float((picture[..., 0] > 200).mean()) * 4
        return Prediction("red", (LabelProbability("red", red), LabelProbability("blue", 1 - red)))


async def look(model: SlowModel, budget_s: float, at_once: int = 4) -> tuple[NDArray[np.float32], float]:
    """The maps, and how long they took."""
    picture = red_corner()
    before = await SlowModel(0)(picture)
    began = asyncio.get_running_loop().time()
    grids = await Occlusion(model, picture, ["blue", "red"], at_once).look(before, budget_s)
    return merged(grids), asyncio.get_running_loop().time() - began


def test_the_most_is_lost_where_the_class_is_to_be_seen(in_virtual_time: Run) -> None:
    maps, _ = in_virtual_time(look(SlowModel(0.01), budget_s=100))

    assert maps.shape == (GRIDS[-1], GRIDS[-1], 2)
    row, column = np.unravel_index(maps[..., 1].argmax(), maps.shape[:2])
    assert row >= 5 > column
    assert maps[:4, 6:, 1].max() < 0.1 * maps.max()
    assert maps[..., 0].max() <= 1e-6  # hiding red takes nothing from blue


@pytest.mark.parametrize("takes_s", [0.001, 0.02, 0.05, 0.5, 3])
@pytest.mark.parametrize("budget_s", [0.1, 2])
def test_it_takes_no_longer_than_it_may(in_virtual_time: Run, takes_s: float, budget_s: float) -> None:
    model = SlowModel(takes_s)

    maps, took = in_virtual_time(look(model, budget_s))

    assert took <= budget_s + 1e-9
    assert len(maps) in GRIDS
    assert model.at_once == 0  # nothing goes on behind its back


def test_with_time_for_all_of_it_all_of_it_is_looked_at_a_few_at_once(in_virtual_time: Run) -> None:
    model = SlowModel(0.01)

    in_virtual_time(look(model, budget_s=100, at_once=2))

    assert (model.asked, model.most_at_once) == (ALL, 2)


def test_a_grid_that_would_not_be_finished_is_not_begun(in_virtual_time: Run) -> None:
    model = SlowModel(0.1)

    maps, took = in_virtual_time(look(model, budget_s=2, at_once=1))

    assert model.asked == GRIDS[0] ** 2  # 0.9 s; the next would take 2.5 s more
    assert took == pytest.approx(0.9)
    assert len(maps) == GRIDS[0]


def test_a_grid_that_takes_longer_than_it_promised_does_not_count(in_virtual_time: Run) -> None:
    model = SlowModel(0.01)

    async def slower_and_slower(picture: Picture) -> Prediction:
        model.takes_s = 0.01 if model.asked < GRIDS[0] ** 2 else 10
        return await model(picture)

    maps, took = in_virtual_time(look(slower_and_slower, budget_s=2))  # type: ignore[arg-type]

    assert took == pytest.approx(2)
    assert len(maps) == GRIDS[0]
    assert maps[..., 1].max() > 1


def test_without_time_for_the_first_grid_what_is_known_counts(in_virtual_time: Run) -> None:
    maps, _ = in_virtual_time(look(SlowModel(0.5), budget_s=0.7, at_once=7))

    known = maps[..., 1] != 0
    assert known.ravel()[:7].any()
    assert not known.ravel()[7:].any()


def test_what_the_model_raises_is_raised(in_virtual_time: Run) -> None:
    async def fail(_: Picture) -> Prediction:
        await asyncio.sleep(0.01)
        raise KeyError

    with pytest.raises(KeyError):
        in_virtual_time(look(fail, budget_s=2))  # type: ignore[arg-type]


def test_who_does_not_wait_any_more_asks_nothing_more(in_virtual_time: Run) -> None:
    model = SlowModel(0.1)

    async def leave() -> int:
        looking = asyncio.create_task(look(model, budget_s=100))
        await asyncio.sleep(0.55)
        looking.cancel()
        await asyncio.sleep(5)
        assert looking.cancelled()
        return model.asked

    assert in_virtual_time(leave()) == GRIDS[0] ** 2 + 3 * 4  # the first grid in 0.3 s, then four each
