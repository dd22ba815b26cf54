"""An engine that raises on one picture fails that caller alone; one that hangs, that batch."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.errors import EngineFailed, EngineStuck, InvalidBundle
from muffin_v_chihuahua_ml_service.model.predictor import Prediction, Predictor
from muffin_v_chihuahua_ml_service.serving import live_model
from muffin_v_chihuahua_ml_service.serving.batching import Batched
from muffin_v_chihuahua_ml_service.serving.live_model import LiveModel

Pictures = NDArray[np.float32]

RAISES, HANGS = 1.0, 2.0


@dataclass
class TreacherousEngine:
    """Raises or hangs where a batch holds a picture of that colour."""

    let_go: threading.Event
    batches: list[list[float]] = field(default_factory=list)

    def run(self, batch: Pictures) -> Pictures:
        colours = [float(picture.max()) for picture in batch]
        self.batches.append(colours)
        if HANGS in colours:
            self.let_go.wait(timeout=60)
        if RAISES in colours:
            raise RuntimeError("cannot")
        return np.tile(np.array([0.25, 0.75], dtype=np.float32), (len(batch), 1))


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@dataclass
class Workshop:
    """Makes predictors that count how often they were loaded again."""

    make: Callable[..., Predictor]
    engine: TreacherousEngine
    loads: int = 0
    fails: bool = False

    def predictor(self, streams: int, max_batch: int, **manifest: Any) -> Predictor:
        predictor = self.make(self.engine.run, manifest, streams=streams, max_batch=max_batch)

        def again() -> Predictor:
            self.loads += 1
            if self.fails:
                raise InvalidBundle("it is gone")
            return self.predictor(streams, max_batch, **manifest)

        predictor.again = again  # type: ignore[method-assign]
        return predictor


@pytest.fixture
def workshop(make_predictor: Callable[..., Predictor], let_go: threading.Event) -> Workshop:
    return Workshop(make_predictor, TreacherousEngine(let_go))


def picture(colour: float) -> Pictures:
    return np.full((32, 32, 3), colour, dtype=np.float32)


async def ask(model: LiveModel, colours: list[float]) -> list[Any]:
    asked = [model.batcher.run(picture(colour)) for colour in colours]
    return await asyncio.gather(*asked, return_exceptions=True)


def live(predictor: Predictor) -> LiveModel:
    return LiveModel(predictor, decoders=40, timeout_s=0.2)


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("max_batch", [1, 4, 32])
def test_an_engine_that_raises_on_one_picture_fails_that_caller_alone(
    workshop: Workshop, streams: int, max_batch: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> list[Any]:
        return await ask(live(workshop.predictor(streams, max_batch)), [7.0] * 20 + [RAISES] + [7.0] * 11)

    answers = asyncio.run(run())

    assert [isinstance(each, EngineFailed) for each in answers] == [False] * 20 + [True] + [False] * 11
    assert all(isinstance(each, Batched) for each in answers[:20])
    assert "cannot" not in str(answers[20])
    assert caplog.text.count("RuntimeError: cannot") == 1


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("max_batch", [1, 4])
def test_an_engine_that_hangs_on_one_picture_is_replaced_and_fails_that_batch_alone(
    workshop: Workshop, streams: int, max_batch: int, caplog: pytest.LogCaptureFixture
) -> None:
    states: list[bool] = []

    async def run() -> list[Any]:
        model = live(workshop.predictor(streams, max_batch))

        async def watch() -> None:
            while True:
                states.append(model.is_stuck)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        answers = await ask(model, [7.0] * 6 + [HANGS] + [7.0] * 5)
        later = await ask(model, [7.0] * 3)
        watching.cancel()
        return answers + later

    answers = asyncio.run(run())

    stuck = [isinstance(each, EngineStuck) for each in answers]
    assert stuck[6]
    assert 1 <= sum(stuck) <= max_batch
    assert not any(stuck[12:])
    assert all(
        isinstance(each, Batched) for each, is_stuck in zip(answers, stuck, strict=True) if not is_stuck
    )
    assert sum(HANGS in batch for batch in workshop.engine.batches) == 1  # nobody tries it again
    assert workshop.loads == 1
    assert True in states
    assert "hangs" in caplog.text
    assert "has been replaced" in caplog.text


def test_an_engine_that_hangs_on_an_explanation_is_replaced_and_the_next_is_explained(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> list[Any]:
        model = live(workshop.predictor(1, 1, activation_maps={"head": "head.npy"}))
        return [
            *await asyncio.gather(
                model.explain(picture(HANGS)), model.batcher.run(picture(7.0)), return_exceptions=True
            ),
            *await asyncio.gather(model.explain(picture(RAISES)), return_exceptions=True),
            await model.explain(picture(7.0)),
        ]

    stuck, answered, failed, explained = asyncio.run(run())

    assert isinstance(stuck, EngineStuck)
    assert isinstance(answered, Batched)
    assert isinstance(failed, EngineFailed)
    assert explained.prediction == answered.result
    assert workshop.loads == 1
    assert "hangs" in caplog.text
    assert caplog.text.count("RuntimeError: cannot") == 1


def test_while_the_engine_cannot_be_loaded_again_nobody_waits_for_it_and_it_is_tried_again(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_model, "_SHORTEST_PAUSE_S", 0.01)
    workshop.fails = True

    async def run() -> list[Any]:
        model = live(workshop.predictor(1, 1))
        answers = await ask(model, [7.0, HANGS, 7.0])
        while workshop.loads < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        states = [model.is_stuck, model.is_lost]
        workshop.fails = False
        while model.is_lost:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return [*answers, *states, model.is_stuck, *await ask(model, [7.0])]

    first, stuck, third, was_stuck, was_lost, is_stuck, last = asyncio.run(run())

    assert isinstance(first.result, Prediction)
    assert isinstance(stuck, EngineStuck)
    assert isinstance(third, EngineStuck)
    assert (was_stuck, was_lost, is_stuck) == (True, True, False)
    assert isinstance(last.result, Prediction)
    assert "could not be loaded again, and is tried again: it is gone" in caplog.text
    assert "has been replaced" in caplog.text


def test_closing_answers_what_has_begun(workshop: Workshop) -> None:
    async def run() -> list[Any]:
        model = live(workshop.predictor(1, 2))
        asked = asyncio.gather(*(model.batcher.run(picture(7.0)) for _ in range(5)))
        await asyncio.sleep(0)
        await model.close()
        assert asked.done() or all(await asked)
        return list(await asked)

    assert len(asyncio.run(run())) == 5
