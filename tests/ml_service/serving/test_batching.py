import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.serving.batching import Batched, MicroBatcher

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Poisoned(Exception):
    """What the fake engine raises."""


@dataclass
class FakeEngine:
    """Takes a second a batch, doubles numbers, and raises on those that are poisoned."""

    poisoned: frozenset[int] = frozenset()
    seconds: float = 1.0
    batches: list[list[int]] = field(default_factory=list)
    at_once: list[int] = field(default_factory=list)
    running: int = 0

    async def run(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.running += 1
        self.at_once.append(self.running)
        await asyncio.sleep(self.seconds)
        self.running -= 1
        if self.poisoned & set(items):
            raise Poisoned(items)
        return [2 * item for item in items]


def now() -> float:
    return asyncio.get_running_loop().time()


def batcher(engine: FakeEngine, **options: Any) -> MicroBatcher[int, int]:
    arguments: dict[str, Any] = {"lanes": 1, "max_batch": 4, "capacity": 100, "clock": now}
    return MicroBatcher(engine.run, **(arguments | options))


async def gathered(one: MicroBatcher[int, int], items: Sequence[int]) -> list[Any]:
    return await asyncio.gather(*map(one.run, items), return_exceptions=True)


def test_a_lone_caller_waits_for_nobody(in_virtual_time: Run) -> None:
    async def alone() -> Batched[int]:
        return await batcher(FakeEngine()).run(21)

    assert in_virtual_time(alone()) == Batched(42, began=0, ended=1, size=1)


def test_what_came_while_the_engine_worked_is_one_batch_up_to_the_largest(in_virtual_time: Run) -> None:
    engine = FakeEngine()

    async def many() -> list[Any]:
        return await gathered(batcher(engine), range(10))

    results = in_virtual_time(many())

    assert engine.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9]]
    assert [each.result for each in results] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert [each.size for each in results] == [1, 4, 4, 4, 4, 4, 4, 4, 4, 1]
    assert [each.began for each in results] == [0, 1, 1, 1, 1, 2, 2, 2, 2, 3]


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_as_many_batches_run_at_once_as_there_are_lanes(in_virtual_time: Run, lanes: int) -> None:
    engine = FakeEngine()

    async def many() -> list[Any]:
        return await gathered(batcher(engine, lanes=lanes, max_batch=1), range(6))

    results = in_virtual_time(many())

    assert max(engine.at_once) == lanes
    assert max(each.ended for each in results) == 6 / lanes


def test_no_lane_idles_while_something_waits(in_virtual_time: Run) -> None:
    engine = FakeEngine()

    async def trickle() -> list[Any]:
        one = batcher(engine, max_batch=2)
        tasks = []
        for item in range(5):
            tasks.append(asyncio.create_task(one.run(item)))
            await asyncio.sleep(0.4)
        return [await task for task in tasks]

    results = in_virtual_time(trickle())

    starts = sorted({each.began for each in results})
    assert [after - before for before, after in pairwise(starts)] == [1.0] * (len(starts) - 1)


@pytest.mark.parametrize("culprit", range(8))
def test_of_a_batch_that_raises_only_the_culprit_fails(in_virtual_time: Run, culprit: int) -> None:
    engine = FakeEngine(frozenset({culprit}))

    async def many() -> list[Any]:
        one = batcher(engine, max_batch=8)
        first = asyncio.create_task(one.run(-1))
        await asyncio.sleep(0.5)
        results = await gathered(one, range(8))
        await first
        return results

    results = in_virtual_time(many())

    assert engine.batches[1] == list(range(8))
    assert [isinstance(each, Poisoned) for each in results] == [item == culprit for item in range(8)]
    assert [each.result for each in results if isinstance(each, Batched)] == [
        2 * item for item in range(8) if item != culprit
    ]


def test_every_culprit_gets_its_own_error_and_later_items_are_answered(in_virtual_time: Run) -> None:
    engine = FakeEngine(frozenset({1, 2, 6}))

    async def many() -> list[Any]:
        one = batcher(engine, max_batch=8)
        return [*await gathered(one, range(8)), await one.run(8)]

    results = in_virtual_time(many())

    assert [item for item, each in enumerate(results) if isinstance(each, Poisoned)] == [1, 2, 6]
    assert all(each.args == ([item],) for item, each in enumerate(results) if isinstance(each, Poisoned))
    assert results[-1].result == 16


def test_callers_who_left_are_skipped(in_virtual_time: Run) -> None:
    engine = FakeEngine()

    async def some_leave() -> list[Any]:
        one = batcher(engine)
        tasks = [asyncio.create_task(one.run(item)) for item in range(6)]
        await asyncio.sleep(0.5)
        assert one.depth == 5
        for item in (1, 3, 5):
            tasks[item].cancel()
        await asyncio.sleep(0)
        assert one.depth == 2
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = in_virtual_time(some_leave())

    assert engine.batches == [[0], [2, 4]]
    assert [isinstance(each, asyncio.CancelledError) for each in results] == [False, True] * 3


def test_a_caller_who_leaves_takes_its_item_along_while_the_engine_still_works(in_virtual_time: Run) -> None:
    class Picture:
        """Something whose end can be seen."""

    async def leave() -> None:
        one = batcher(FakeEngine())
        busy = asyncio.create_task(one.run(0))
        picture: Any = Picture()
        kept = weakref.ref(picture)
        leaving = asyncio.create_task(one.run(picture))
        await asyncio.sleep(0.5)
        leaving.cancel()
        await asyncio.wait([leaving])
        del picture, leaving
        gc.collect()
        assert kept() is None
        assert not busy.done()
        await busy

    in_virtual_time(leave())


def test_a_caller_who_leaves_while_its_batch_runs_takes_nothing_from_the_others(in_virtual_time: Run) -> None:
    engine = FakeEngine(frozenset({1}))

    async def one_leaves() -> list[Any]:
        one = batcher(engine)
        tasks = [asyncio.create_task(one.run(item)) for item in range(5)]
        await asyncio.sleep(1.5)
        tasks[1].cancel()
        tasks[3].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = in_virtual_time(one_leaves())

    assert [each.result for each in (results[0], results[2], results[4])] == [0, 4, 8]
    assert engine.batches == [[0], [1, 2, 3, 4], [2], [4]]


def test_an_engine_that_gives_too_few_results_is_an_error_and_nobody_waits_for_ever(
    in_virtual_time: Run,
) -> None:
    async def forgetful(items: Sequence[int]) -> Sequence[int]:
        return [*items][1:]

    async def many() -> list[Any]:
        one = MicroBatcher(forgetful, lanes=1, max_batch=4, capacity=9)
        return await asyncio.gather(*map(one.run, range(3)), return_exceptions=True)

    assert all(
        isinstance(each, RuntimeError) and "0 results for 1" in str(each) for each in in_virtual_time(many())
    )


def test_a_batch_that_is_cancelled_from_outside_leaves_nobody_waiting_and_the_lane_free(
    in_virtual_time: Run,
) -> None:
    async def outside() -> list[Any]:
        async def run(items: Sequence[int]) -> Sequence[int]:
            if 0 in items:
                raise asyncio.CancelledError
            return items

        one = MicroBatcher(run, lanes=1, max_batch=1, capacity=9)
        return list(await asyncio.gather(one.run(0), one.run(1), return_exceptions=True))

    cancelled, answered = in_virtual_time(outside())

    assert isinstance(cancelled, asyncio.CancelledError)
    assert answered.result == 1


def test_no_more_items_are_made_ready_than_there_are_places(in_virtual_time: Run) -> None:
    engine, ready, most = FakeEngine(), 0, 0

    async def prepare_and_run(one: MicroBatcher[int, int], item: int) -> int:
        nonlocal ready, most
        async with one.place() as place:
            ready += 1
            most = max(most, ready)
            await asyncio.sleep(0.01)
            batched = asyncio.create_task(place.run(item))
            await asyncio.sleep(0)
            result = (await batched).result
            ready -= 1
        return result

    async def many() -> list[int]:
        one = batcher(engine, max_batch=1, capacity=3)
        return list(await asyncio.gather(*(prepare_and_run(one, item) for item in range(20))))

    assert in_virtual_time(many()) == [2 * item for item in range(20)]
    assert most == 3 + 2  # three have places, one is with the engine, one has its result on the way


@pytest.mark.parametrize("leaves", ["while it waits for a place", "while it is made ready", "in the queue"])
def test_a_place_comes_back_when_its_holder_leaves(in_virtual_time: Run, leaves: str) -> None:
    engine = FakeEngine()

    async def hold(one: MicroBatcher[int, int]) -> None:
        async with one.place() as place:
            if leaves != "in the queue":
                await asyncio.sleep(1000)
            await place.run(1)

    async def others() -> Batched[int]:
        one = batcher(engine, max_batch=1, capacity=2)
        busy = [asyncio.create_task(one.run(0))]
        await asyncio.sleep(0.1)
        holders = [asyncio.create_task(hold(one)) for _ in range(2 if leaves == "in the queue" else 3)]
        await asyncio.sleep(0.1)
        for each in reversed(holders):
            each.cancel()
        await asyncio.wait([*holders, *busy])
        results = await asyncio.gather(one.run(5), one.run(6), one.run(7))
        return results[-1]

    assert in_virtual_time(others()).result == 14


def test_a_place_is_for_one_item(in_virtual_time: Run) -> None:
    async def twice() -> None:
        async with batcher(FakeEngine()).place() as place:
            await place.run(1)
            await place.run(2)

    with pytest.raises(AssertionError, match="one item"):
        in_virtual_time(twice())


def test_finish_waits_for_all_that_runs_and_waits(in_virtual_time: Run) -> None:
    engine = FakeEngine()

    async def finish() -> float:
        one = batcher(engine, max_batch=1)
        tasks = [asyncio.create_task(one.run(item)) for item in range(3)]
        await asyncio.sleep(0)
        await one.finish()
        assert all(task.done() for task in tasks)
        return now()

    assert in_virtual_time(finish()) == 3


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_leaves_and_fails_everyone_who_stays_gets_its_own_answer(
    in_virtual_time: Run, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - not for secrets
    poisoned = frozenset(item for item in range(60) if random.random() < 0.1)
    engine = FakeEngine(poisoned)

    async def caller(one: MicroBatcher[int, int], item: int) -> Any:
        await asyncio.sleep(random.uniform(0, 10))
        try:
            async with asyncio.timeout(random.choice([0.5, 2, 1000])):
                return (await one.run(item)).result
        except (TimeoutError, Poisoned) as error:
            return type(error)

    async def all_of_them() -> list[Any]:
        lanes, largest = random.randint(1, 3), random.randint(1, 8)
        one = batcher(engine, lanes=lanes, max_batch=largest, capacity=random.randint(1, 20))
        answers = await asyncio.gather(*(caller(one, item) for item in range(60)))
        after = (await one.run(1000)).result
        await one.finish()
        assert one.depth == 0
        return [*answers, after]

    *answers, after = in_virtual_time(all_of_them())

    allowed: Callable[[int], set[Any]] = lambda item: {  # noqa: E731 - two lines
        Poisoned if item in poisoned else 2 * item,
        TimeoutError,
    }
    assert all(answer in allowed(item) for item, answer in enumerate(answers))
    assert after == 2000
