import ctypes
from collections.abc import Callable
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from muffin_v_chihuahua_ml_service.model.pictures.memory import SMALL, MemoryBudget, give_memory_back

LARGE = SMALL + 1
Until = Callable[[Callable[[], bool]], None]


class Decoder(Thread):
    """A thread that holds memory from when it gets it until it is told to let go."""

    def __init__(self, budget: MemoryBudget, amount: int) -> None:
        super().__init__(daemon=True)
        self.has_it, self.lets_go = Event(), Event()
        self._budget, self._amount = budget, amount
        self.start()

    def run(self) -> None:
        with self._budget.hold(self._amount):
            self.has_it.set()
            self.lets_go.wait(30)

    def end(self) -> None:
        self.lets_go.set()
        self.join(30)


def waits(decoder: Decoder) -> bool:
    return not decoder.has_it.wait(0.05)


def test_as_many_decode_at_once_as_there_is_memory_for() -> None:
    budget = MemoryBudget(3 * LARGE)
    first = [Decoder(budget, LARGE) for _ in range(3)]
    assert all(decoder.has_it.wait(30) for decoder in first)

    another = Decoder(budget, LARGE)
    assert waits(another)

    first[1].end()
    assert another.has_it.wait(30)
    for decoder in (first[0], first[2], another):
        decoder.end()


def test_nobody_goes_past_one_who_waits_for_more(until: Until) -> None:
    budget = MemoryBudget(4 * LARGE)
    holds = Decoder(budget, 2 * LARGE)
    assert holds.has_it.wait(30)
    large = Decoder(budget, 3 * LARGE)
    until(lambda: len(budget._waiting) == 1)  # there is no other way to see who waits
    modest = Decoder(budget, LARGE)
    until(lambda: len(budget._waiting) == 2)

    assert waits(large)
    assert waits(modest)

    holds.end()
    assert large.has_it.wait(30)
    assert modest.has_it.wait(30)
    large.end()
    modest.end()


def test_a_small_picture_waits_for_nobody() -> None:
    budget = MemoryBudget(LARGE)
    with budget.hold(LARGE), budget.hold(SMALL), budget.hold(SMALL):
        pass


def test_who_needs_more_than_there_is_gets_all_of_it() -> None:
    budget = MemoryBudget(LARGE)
    with budget.hold(10 * LARGE):
        another = Decoder(budget, LARGE)
        assert waits(another)
    assert another.has_it.wait(30)
    another.end()


def test_what_was_held_is_given_back_when_decoding_fails() -> None:
    budget = MemoryBudget(LARGE)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), budget.hold(LARGE):
            raise ValueError("broken")


def test_glibc_is_told_to_give_large_pictures_back_and_to_keep_room_for_photographs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: dict[int, int] = {}
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=told.__setitem__))

    give_memory_back()

    map_threshold, trim_threshold = told[-3], told[-1]  # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h
    assert 1000 * 1500 * 4 < map_threshold <= trim_threshold < 32 * 1024**2


def test_another_c_library_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    give_memory_back()
