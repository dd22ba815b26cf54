from collections.abc import Callable

import pytest
from benchmarks.outcomes import Latency, Load, Outcome, Window


def test_percentiles_are_those_of_all_requests() -> None:
    latency = Latency.of([float(each) for each in range(101)])

    assert (latency.requests, latency.p50, latency.p95, latency.p99) == (101, 50.0, 95.0, 99.0)


def test_a_load_counts_each_way_of_ending_by_itself(make_load: Callable[..., Load]) -> None:
    load = make_load(
        10.0, 2.0, status_200=[10.0, 20.0, 30.0, 40.0], status_429=[1.0], timed_out=[9_000.0], broken=[5.0]
    )

    assert {result: each.requests for result, each in load.results.items()} == {
        "200": 4,
        "429": 1,
        "broken": 1,
        "timed out": 1,
    }
    assert (load.requests, load.lost, load.in_time, load.rate, load.cpu_per_1000) == (7, 2, 4, 0.4, 500.0)
    assert load.latency
    assert load.latency.p50 == pytest.approx(25.0)
    assert load.retry_after == (1.0, 1.0)


def test_what_is_answered_after_the_load_is_no_throughput_but_has_its_latency() -> None:
    load = Load.of([Outcome(0.5, 0.9, "200"), Outcome(0.9, 1.4, "200")], Window(0.0, 1.0, 1.0, 0.0))

    assert (load.requests, load.in_time, load.rate) == (2, 1, 1.0)
    assert load.latency
    assert load.latency.p99 > 490


def test_a_load_without_answers_has_no_latency(make_load: Callable[..., Load]) -> None:
    load = make_load(10.0, 2.0)

    assert (load.requests, load.rate, load.latency, load.cpu_per_1000, load.retry_after) == (
        0,
        0,
        None,
        None,
        None,
    )
