from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from muffin_v_chihuahua.histogram import Histogram
from muffin_v_chihuahua.history import KEPT, LONGEST_S, History
from muffin_v_chihuahua.measured import Measured, measured

START = datetime(2026, 11, 21, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def counted(requests: float, quick: float = 0) -> Measured:
    latency = Histogram((0.1, 1, inf), (quick, requests, requests))
    return replace(measured(""), requests=requests, latency=latency, waiting=1, memory=2)


def test_the_first_look_says_nothing_of_how_fast_it_goes() -> None:
    history = History()
    history.read(after(0), counted(1000))
    assert not history.steps
    assert history.per_second is None
    assert history.latency.count == 0


def test_a_step_is_what_came_since_the_last_look() -> None:
    history = History()
    for seconds, requests in ((0, 1000), (2, 1004), (4, 1014)):
        history.read(after(seconds), counted(requests))
    assert [step.per_second for step in history.steps] == [2, 5]
    assert history.per_second == 3.5
    assert history.latency.count == 14
    assert (history.steps[-1].waiting, history.steps[-1].memory) == (1, 2)


def test_a_service_that_began_again_counts_from_zero() -> None:
    history = History()
    for seconds, requests in ((0, 1000), (2, 6), (4, 10)):
        history.read(after(seconds), counted(requests, quick=requests))
    assert [step.requests for step in history.steps] == [6, 4]
    assert history.latency.counts == (10, 10, 10)


def test_two_looks_at_one_moment_are_no_infinite_rate() -> None:
    history = History()
    history.read(after(0), counted(1))
    history.read(after(0), counted(5))
    assert history.steps[0].per_second == 0
    assert history.per_second is None


def test_after_a_long_time_without_a_look_the_last_minutes_begin_again() -> None:
    history = History()
    for seconds in (0, 2, 4 + LONGEST_S):
        history.read(after(seconds), counted(seconds))
    assert not history.steps


def test_no_more_is_kept_than_the_last_minutes() -> None:
    history = History()
    for look in range(KEPT + 50):
        history.read(after(2 * look), counted(look))
    assert len(history.steps) == KEPT
    assert history.steps[-1].at == after(2 * (KEPT + 49))


def test_it_is_known_since_when_the_service_is_as_it_is() -> None:
    history = History()
    seen = [
        history.saw(after(seconds), is_up=is_up)
        for seconds, is_up in enumerate((True, True, False, False, True))
    ]
    assert seen == [after(each) for each in (0, 0, 2, 2, 4)]


@pytest.mark.parametrize("is_up", [True, False])
def test_who_looks_for_the_first_time_knows_it_since_now(*, is_up: bool) -> None:
    assert History().saw(after(7), is_up=is_up) == after(7)
