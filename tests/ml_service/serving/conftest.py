"""What these tests share: virtual time, what is known of a request, and a pipe to write its line to."""

import asyncio
import os
import selectors
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.serving.exchange import Exchange
from muffin_v_chihuahua_ml_service.serving.lines import LineWriter

ANSWERED = {
    "route": "/predict",
    "status": 200,
    "received": 54_321,
    "pixels": 187_500,
    "stages_ms": {"read": 0.4, "decode": 2.3, "queue": 0.7, "inference": 2.71828, "postprocess": 0.1},
    "batch_size": 4,
    "verdict": "chihuahua",
    "confidence": 0.98,
    "model": ("some-model", "1.2.3", "sha256:00ff"),
}
REJECTED = {"route": "/predict", "status": 429, "error": "overloaded", "rejected_because": "wait"}


@pytest.fixture
def answered() -> Callable[..., Exchange]:
    """A request that got its prediction, with other values where given."""

    def make(**changes: Any) -> Exchange:
        return Exchange("some-id", "POST", "/predict", **{**ANSWERED, **changes})

    return make


@pytest.fixture
def rejected() -> Exchange:
    """A request that was not let in."""
    return Exchange("some-id", "POST", "/predict", **REJECTED)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Pipe:
    """What is written at one end, and read at the other when a test wants to."""

    reader: int
    lines: LineWriter

    def read(self) -> bytes:
        return os.read(self.reader, 1_000_000)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    yield Pipe(reader, LineWriter(writer))
    for descriptor in (reader, writer):
        os.close(descriptor)


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing: what would be waited for is added to the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if timeout is None and not ready:
            msg = "everything waits for what can never come"
            raise RuntimeError(msg)
        if not ready:
            self.now += timeout or 0
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For coroutines that use neither threads nor the network."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@pytest.fixture
def in_virtual_time() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in a loop whose clock jumps."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(coroutine)

    return run
