import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from functools import partial

import pytest

from muffin_v_chihuahua_ml_service.serving.threads import WorkerThreads


class Slow:
    """Work that says when it has begun, and goes on until it may end."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        self.may_end.wait(timeout=30)


def test_as_many_run_at_once_as_there_are_threads() -> None:
    both = threading.Barrier(2)

    async def run() -> None:
        threads = WorkerThreads(2, "test")
        await asyncio.gather(
            threads.run(lambda: both.wait(timeout=30)), threads.run(lambda: both.wait(timeout=30))
        )
        threads.close()

    asyncio.run(run())


def test_work_is_done_in_order_and_its_result_or_error_comes_back() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        done.append(number)
        if number == 2:
            raise KeyError(number)
        return number * 10

    async def run() -> list[int | BaseException]:
        threads = WorkerThreads(1, "test")
        return await asyncio.gather(
            *(threads.run(lambda n=n: work(n)) for n in range(4)),  # type: ignore[misc]
            return_exceptions=True,
        )

    first, second, third, fourth = asyncio.run(run())

    assert done == [0, 1, 2, 3]
    assert (first, second, fourth) == (0, 10, 30)
    assert isinstance(third, KeyError)


def test_work_whose_caller_left_is_not_begun() -> None:
    done: list[str] = []
    may_end = threading.Event()

    async def run() -> None:
        threads = WorkerThreads(1, "test")
        busy = asyncio.create_task(threads.run(lambda: may_end.wait(timeout=30)))
        left = asyncio.create_task(threads.run(lambda: done.append("left")))
        stayed = asyncio.create_task(threads.run(lambda: done.append("stayed")))
        await asyncio.sleep(0)
        left.cancel()
        may_end.set()
        await asyncio.gather(busy, stayed)

    asyncio.run(run())

    assert done == ["stayed"]


def test_work_whose_caller_left_keeps_nothing_until_a_thread_comes_to_it() -> None:
    class Picture:
        """Large."""

    may_end = threading.Event()

    async def run() -> None:
        threads = WorkerThreads(1, "test")
        busy = asyncio.create_task(threads.run(lambda: may_end.wait(timeout=30)))
        picture = Picture()
        kept = weakref.ref(picture)
        leaving = asyncio.create_task(threads.run(partial(repr, picture)))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        del picture, leaving
        gc.collect()
        assert kept() is None
        may_end.set()
        await busy

    asyncio.run(run())


def test_a_result_for_a_caller_who_left_meanwhile_is_dropped() -> None:
    slow = Slow()

    async def run() -> str:
        threads = WorkerThreads(1, "test")
        leaving = asyncio.create_task(threads.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        leaving.cancel()
        slow.may_end.set()
        return await threads.run(lambda: "next")

    assert asyncio.run(run()) == "next"


def test_a_result_after_the_loop_has_closed_bothers_nobody(
    until: Callable[[Callable[[], bool]], None],
) -> None:
    slow = Slow()

    async def leave() -> WorkerThreads:
        threads = WorkerThreads(1, "left-behind")
        task = asyncio.create_task(threads.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        task.cancel()
        threads.close()
        return threads

    asyncio.run(leave())
    slow.may_end.set()

    until(lambda: not any(each.name.startswith("left-behind") for each in threading.enumerate()))


def test_closed_threads_end_after_their_work(until: Callable[[Callable[[], bool]], None]) -> None:
    async def run() -> int:
        threads = WorkerThreads(3, "ending")
        last = asyncio.create_task(threads.run(lambda: 5))
        await asyncio.sleep(0)
        threads.close()
        return await last

    assert asyncio.run(run()) == 5
    until(lambda: not any(each.name.startswith("ending") for each in threading.enumerate()))


def test_abandoned_threads_report_to_no_loop_any_more() -> None:
    slow = Slow()

    async def run() -> str:
        threads = WorkerThreads(1, "abandoned")
        task = asyncio.create_task(threads.run(slow))
        await asyncio.to_thread(slow.begun.wait, 30)
        threads.abandon()
        slow.may_end.set()
        working = [each for each in threading.enumerate() if each.name.startswith("abandoned")]
        await asyncio.to_thread(working[0].join, 30)
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        return "on time"

    assert asyncio.run(run()) == "on time"


@pytest.mark.parametrize("count", [1, 4])
def test_they_are_daemons_so_that_one_that_hangs_keeps_no_process_alive(count: int) -> None:
    threads = WorkerThreads(count, f"daemonic-{count}")
    mine = [each for each in threading.enumerate() if each.name.startswith(f"daemonic-{count}")]
    threads.close()

    assert [each.daemon for each in mine] == [True] * count
