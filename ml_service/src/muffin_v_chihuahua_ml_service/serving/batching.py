"""Batches of whatever waits: no timer, so that a lone caller waits for nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Batched(Generic[Result]):
    """A result, when its batch began and ended, in seconds, and the batch's size."""

    result: Result
    began: float
    ended: float
    size: int


@dataclass(eq=False)
class _Entry(Generic[Item, Result]):
    item: Item
    answer: "asyncio.Future[Batched[Result]]" = field(repr=False)
    place: "Place[Item, Result]" = field(repr=False)

    @property
    def is_wanted(self) -> bool:
        return not self.answer.done()


class MicroBatcher(Generic[Item, Result]):
    """A bounded queue in front of an engine that runs several items at once.

    As soon as a lane of the engine is free, it takes what waits, up to the largest batch. An item whose
    caller leaves is dropped. A batch that raises is split until the culprit stands alone, so that the others
    get theirs.
    """

    def __init__(  # noqa: PLR0913 - an engine has as many properties
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        lanes: int,
        max_batch: int,
        capacity: int,
        splits: Callable[[Exception], bool] = lambda _: True,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Make one that calls ``run`` for at most ``lanes`` batches at once.

        Args:
            run: a result for each item, in order, or an error.
            lanes: how many batches may run at once.
            max_batch: most items of a batch.
            capacity: how many items may be on their way to a lane; whoever asks for a place beyond waits.
            splits: whether a batch that raised this is run again in halves, to find the culprit.
            clock: seconds.
        """
        self._run = run
        self._splits = splits
        self._clock = clock
        self._free_lanes = lanes
        self._max_batch = max_batch
        self._capacity = capacity
        self._places = asyncio.Semaphore(capacity)
        self._waiting: deque[_Entry[Item, Result]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def depth(self) -> int:
        """How many items wait for a lane."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self) -> AsyncIterator["Place[Item, Result]"]:
        """A place in the queue, first come first served; waits until there is one.

        It is taken before an item is made ready, so that no more exist than there are places.
        """
        await self._places.acquire()
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    async def run(self, item: Item) -> Batched[Result]:
        """The result for one item; raises what the engine raised for it alone."""
        async with self.place() as place:
            return await place.run(item)

    async def finish(self) -> None:
        """Wait until all who have a place, or wait for one, have their answers; nobody may come after."""
        for _ in range(self._capacity):
            await self._places.acquire()
        while self._running:
            await asyncio.wait(self._running)

    def _enter(self, entry: _Entry[Item, Result]) -> None:
        self._waiting.append(entry)
        self._start()

    def _withdraw(self, entry: _Entry[Item, Result]) -> None:
        with suppress(ValueError):  # a lane has taken it
            self._waiting.remove(entry)

    def _leave(self) -> None:
        self._places.release()

    def _start(self) -> None:
        while self._free_lanes and (batch := self._take()):
            self._free_lanes -= 1
            task = asyncio.create_task(self._serve(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take(self) -> list[_Entry[Item, Result]]:
        batch: list[_Entry[Item, Result]] = []
        while self._waiting and len(batch) < self._max_batch:
            entry = self._waiting.popleft()
            if entry.is_wanted:
                batch.append(entry)
                entry.place.leave()
        return batch

    async def _serve(self, batch: list[_Entry[Item, Result]]) -> None:
        try:
            await self._answer(batch)
        finally:
            for entry in batch:
                entry.answer.cancel()  # nothing happens to those that have their answer
            self._free_lanes += 1
            self._start()

    async def _answer(self, batch: list[_Entry[Item, Result]]) -> None:
        began = self._clock()
        try:
            results = await self._run([entry.item for entry in batch])
            _check_count(results, batch)
        except Exception as error:  # noqa: BLE001 - the batch boundary: handed to whoever waits
            await self._answer_apart(batch, error)
            return
        ended = self._clock()
        for entry, result in zip(batch, results, strict=True):
            if entry.is_wanted:
                entry.answer.set_result(Batched(result, began, ended, len(batch)))

    async def _answer_apart(self, batch: list[_Entry[Item, Result]], error: Exception) -> None:
        if len(batch) == 1 or not self._splits(error):
            for entry in batch:
                if entry.is_wanted:
                    entry.answer.set_exception(error)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if wanted := [entry for entry in half if entry.is_wanted]:
                await self._answer(wanted)


class Place(Generic[Item, Result]):
    """A place in a batcher's queue; given back when a lane takes its item, or when its holder leaves."""

    def __init__(self, batcher: MicroBatcher[Item, Result]) -> None:
        """Hold a place that has been acquired."""
        self._batcher: MicroBatcher[Item, Result] | None = batcher

    async def run(self, item: Item) -> Batched[Result]:
        """The result for the item; raises what the engine raised for it alone."""
        assert self._batcher is not None, "a place is for one item"  # noqa: S101 - a fault of the caller
        answer: asyncio.Future[Batched[Result]] = asyncio.get_running_loop().create_future()
        batcher, entry = self._batcher, _Entry(item, answer, self)
        batcher._enter(entry)  # noqa: SLF001 - the two are one
        try:
            return await answer
        except asyncio.CancelledError:
            batcher._withdraw(entry)  # noqa: SLF001
            raise

    def leave(self) -> None:
        """Give the place back, once."""
        if self._batcher is not None:
            self._batcher._leave()  # noqa: SLF001 - the two are one
            self._batcher = None


def _check_count(results: Sequence[object], batch: Sequence[object]) -> None:
    if len(results) != len(batch):
        msg = f"the engine gave {len(results)} results for {len(batch)} pictures"
        raise RuntimeError(msg)
