import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from benchmarks.connection import Address
from benchmarks.load import Target, arrivals_load, callers_load, run
from benchmarks.outcomes import Load

Serve = Callable[..., AbstractAsyncContextManager[Any]]
Reply = Callable[..., bytes]


def counts(load: Load) -> dict[str, int]:
    return {result: each.requests for result, each in load.results.items()}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Callers who wait for a fifth of a second."""
    for module in ("connection", "load"):
        monkeypatch.setattr(f"benchmarks.{module}.TIMEOUT_S", 0.2)
    return 0.2


def test_callers_ask_again_as_soon_as_they_have_their_answer(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0.01, reply())) as server:
            load = await callers_load(server.target, 4, seconds=0.3)

            assert counts(load).keys() == {"200"}
            assert server.connections == 4
            assert 4 * 5 <= load.requests == load.in_time <= 4 * 30
            assert load.latency
            assert load.latency.p50 >= 10
            assert b"one" in server.requests[0]
            assert b"two" in server.requests[1]

    run(ask())


def test_only_what_ends_after_the_warm_up_counts(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda number: (0, reply("500 Oh" if number < 4 else "200 OK"))) as server:
            load = await callers_load(server.target, 1, seconds=0.2, warm_up=0.5)

            assert counts(load).keys() == {"200"}

    run(ask())


def test_the_servers_cpu_seconds_are_those_of_the_measured_time(serve: Serve, reply: Reply) -> None:
    readings = count(start=5.0, step=3.0)

    async def ask() -> None:
        async with serve(lambda _: (0.01, reply())) as server:
            target = replace(server.target, meter=lambda: next(readings))
            load = await callers_load(target, 1, seconds=0.1)

            assert load.server_cpu == 3.0
            assert 0 < load.generator_cpu < 1

    run(ask())


def test_who_is_refused_waits_as_long_as_it_is_told(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0, reply("429 Wait", "Retry-After: 1"))) as server:
            load = await callers_load(server.target, 3, seconds=0.3)

            assert counts(load) == {"429": 3}
            assert load.retry_after == (1.0, 1.0)

    run(ask())


def test_who_is_refused_without_a_word_tries_ten_times_a_second(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0, reply("503 No"))) as server:
            load = await callers_load(server.target, 1, seconds=0.35)

            assert 1 <= counts(load)["503"] <= 4
            assert server.connections == 1

    run(ask())


def test_a_caller_who_pauses_when_the_load_ends_asks_no_more(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda number: (0, reply("503 No")) if number == 1 else (0.3, reply())) as server:
            await callers_load(server.target, 2, seconds=0.05)

            assert len(server.requests) == 2

    run(ask())


def test_a_load_may_end_while_every_caller_pauses(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0, reply("503 No"))) as server:
            assert counts(await callers_load(server.target, 1, seconds=0.05)) == {"503": 1}

    run(ask())


def test_a_connection_that_breaks_loses_its_request_and_no_other(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda number: (0, None if number == 3 else reply())) as server:
            load = await callers_load(server.target, 1, seconds=0.4)

            assert counts(load)["broken"] == 1
            assert counts(load)["200"] > 2
            assert server.connections == 2

    run(ask())


def test_where_nobody_listens_every_request_is_broken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(*listener.getsockname())

    load = run(callers_load(Target(address, [b"x"]), 1, seconds=0.15))

    assert counts(load).keys() == {"broken"}


def test_an_answer_that_does_not_come_is_a_time_out(serve: Serve, reply: Reply, impatient: float) -> None:
    async def ask() -> None:
        async with serve(lambda _: (5, reply())) as server:
            load = await callers_load(server.target, 2, seconds=impatient * 1.5)

            assert counts(load) == {"timed out": 2}
            assert load.lost == 2

    run(ask())


def test_a_connection_that_is_not_made_in_time_is_a_time_out(impatient: float) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(0)
        address = Address(*bound.getsockname())
        with socket.create_connection(address):  # the only one that fits in its queue
            load = run(arrivals_load(Target(address, [b"x"]), 20, seconds=impatient))

    assert counts(load).keys() == {"timed out"}


def test_arrivals_come_at_their_rate_whatever_becomes_of_them(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0.1, reply())) as server:
            load = await arrivals_load(server.target, 200, seconds=0.5)

            assert 90 <= load.requests <= 130
            assert counts(load).keys() == {"200"}
            assert load.in_time < load.requests
            assert server.connections > 5

    run(ask())


def test_the_time_of_an_arrival_begins_when_it_is_due_not_when_it_is_sent(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0.02, reply())) as server:
            load = await arrivals_load(server.target, 200, seconds=0.2, connections=1)

            assert server.connections == 1
            assert load.latency
            assert load.latency.p99 > 400  # forty times 20 ms one after another, come within 200

    run(ask())


def test_an_arrival_whose_time_is_over_before_there_is_a_connection_is_never_sent(
    serve: Serve, reply: Reply, impatient: float
) -> None:
    async def ask() -> None:
        async with serve(lambda _: (5, reply())) as server:
            load = await arrivals_load(server.target, 5000, seconds=impatient / 2, connections=1)

            assert counts(load) == {"timed out": load.requests}
            assert load.requests > 100
            assert len(server.requests) < load.requests

    run(ask())


def test_a_connection_that_the_server_closes_is_opened_again(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0, reply("200 OK", "Connection: close"))) as server:
            load = await arrivals_load(server.target, 50, seconds=0.3, connections=1)

            assert counts(load) == {"200": load.requests}
            assert server.connections == load.requests

    run(ask())


def test_a_load_whose_requests_have_all_ended_waits_for_nothing(serve: Serve, reply: Reply) -> None:
    async def ask() -> None:
        async with serve(lambda _: (0, reply())) as server:
            load = await arrivals_load(server.target, 4, seconds=0.45)

            assert (load.requests, load.in_time) == (2, 2)

    run(ask())
