import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.errors import DeadlineExceeded, InvalidTimeout
from muffin_v_chihuahua_ml_service.serving.callers import Deadline, limit_s, while_connected

Run = Callable[[Coroutine[Any, Any, Any]], Any]
Batch = NDArray[np.float32]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, 30), ("250", 0.25), ("1", 0.001), ("30001", 30), ("9" * 9000, 30), ("0" * 13 + "5", 0.005)],
)
def test_a_caller_may_ask_for_less_time_than_the_service_allows(asked: str | None, expected: float) -> None:
    assert limit_s(asked, 30_000) == expected


@pytest.mark.parametrize("asked", ["", "0", "-1", "1.5", "soon", "\u0661", "1e3", " 1"])
def test_a_time_limit_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(InvalidTimeout, match="whole number of milliseconds"):
        limit_s(asked, 30_000)


def test_what_takes_longer_than_its_deadline_is_stopped(in_virtual_time: Run) -> None:
    stopped: list[float] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            stopped.append(asyncio.get_running_loop().time())

    async def call() -> None:
        deadline = Deadline.after(2)
        await asyncio.sleep(0.5)
        assert deadline.remaining_s == 1.5
        async with deadline.enforced():
            await slow()

    with pytest.raises(DeadlineExceeded, match="within 2000 ms"):
        in_virtual_time(call())
    assert stopped == [2]


def test_what_ends_in_time_is_left_alone(in_virtual_time: Run) -> None:
    async def call() -> str:
        async with Deadline.after(2).enforced():
            await asyncio.sleep(1)
        await asyncio.sleep(5)
        return "done"

    assert in_virtual_time(call()) == "done"


def receive_after(seconds: float) -> Callable[[], Coroutine[Any, Any, dict[str, str]]]:
    async def receive() -> dict[str, str]:
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    return receive


def test_what_a_caller_who_hangs_up_waits_for_is_stopped(in_virtual_time: Run) -> None:
    async def call() -> None:
        async with while_connected(receive_after(1)):
            await asyncio.sleep(10)

    with pytest.raises(ClientDisconnect):
        in_virtual_time(call())


def test_a_caller_who_stays_gets_its_answer(in_virtual_time: Run) -> None:
    async def call() -> int:
        async with while_connected(receive_after(10)):
            await asyncio.sleep(1)
        assert not asyncio.current_task().cancelling()  # type: ignore[union-attr]
        await asyncio.sleep(100)
        return 5

    assert in_virtual_time(call()) == 5


def test_being_stopped_from_outside_is_not_a_caller_who_hung_up(in_virtual_time: Run) -> None:
    async def call() -> None:
        async with while_connected(receive_after(100)):
            await asyncio.sleep(50)

    async def stop() -> None:
        task = asyncio.create_task(call())
        await asyncio.sleep(1)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        in_virtual_time(stop())


def test_a_messages_other_than_a_hang_up_stop_nothing(in_virtual_time: Run) -> None:
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, str]:
        await asyncio.sleep(1)
        return next(messages)

    async def call() -> None:
        async with while_connected(receive):
            await asyncio.sleep(1.5)
            raise KeyError

    with pytest.raises(KeyError):
        in_virtual_time(call())


def slow_engine(may_end: threading.Event) -> Callable[[Batch], Batch]:
    def run(batch: Batch) -> Batch:
        may_end.wait(timeout=30)
        return np.tile(np.array([0.2, 0.8], dtype=np.float32), (len(batch), 1))

    return run


def test_the_deadline_of_a_request_is_kept_while_the_engine_works(
    start: Callable[..., TestClient], red: bytes
) -> None:
    may_end = threading.Event()
    client = start(run=slow_engine(may_end))

    begun = time.monotonic()
    answer = client.post("/predict", content=red, headers={"X-Request-Timeout-Ms": "150"})
    took = time.monotonic() - begun
    may_end.set()

    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")
    assert 0.1 < took < 10


def test_the_services_own_limit_holds_without_the_header(
    start: Callable[..., TestClient], red: bytes
) -> None:
    may_end = threading.Event()
    client = start(run=slow_engine(may_end), timeout_ms=100)

    answers = [
        client.post("/predict", content=red, headers=headers).json()["code"]
        for headers in ({}, {"X-Request-Timeout-Ms": "60000"})
    ]
    may_end.set()

    assert answers == ["deadline_exceeded"] * 2


def test_a_time_limit_that_is_none_answers_400(client: TestClient, red: bytes) -> None:
    answer = client.post("/predict", content=red, headers={"X-Request-Timeout-Ms": "soon"})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_timeout")
