import math
from collections.abc import Callable, Mapping

import pytest
from benchmarks.aims import AIMS, Aim, Verdict, judge, ratio
from benchmarks.machine import Machine
from benchmarks.measures import FULL
from benchmarks.outcomes import Load
from benchmarks.results import ColdStart, Memory, Overload, Results, Throughput

MACHINE = Machine(
    processor="x", cores=2, memory_gb=8, system="x", generator="x", pictures="x", versions={"ours": {}}
)
MakeLoad = Callable[..., Load]


def rows(
    system: str, rates: Mapping[tuple[str, int], int], cpu: float, ms: float, make: MakeLoad
) -> list[Throughput]:
    return [
        Throughput(
            system=system, size=size, callers=callers, load=make(1.0, cpu * rate, status_200=[ms] * rate)
        )
        for (size, callers), rate in rates.items()
    ]


def storm(load: Load, after: float | None = 0.5) -> Overload:
    return Overload(system="ours", capacity=1, rate=3, normal_ms=5, load=load, normal_after_s=after)


@pytest.fixture
def results(make_load: MakeLoad) -> Results:
    """A run in which every aim is met."""
    fast = {("photo", 1): 20, ("photo", 8): 32, ("photo", 32): 32, ("camera", 8): 8, ("camera", 32): 8}
    slow = {("photo", 1): 10, ("photo", 8): 20, ("photo", 32): 20, ("camera", 8): 2, ("camera", 32): 2}
    return Results(
        machine=MACHINE,
        throughput=[
            *rows("ours", fast, 0.006, 4.0, make_load),
            *rows("plain", slow, 0.010, 9.0, make_load),
            *rows("litserve", slow, 0.012, 11.0, make_load),
        ],
        overload=[storm(make_load(10.0, 1.0, status_200=[900.0] * 9, status_429=[3.0] * 20))],
        cold=[ColdStart(system="ours", seconds=1.0)],
        memory=[Memory(system="ours", after=FULL.memory, predictions=FULL.memory, megabytes=200)],
        soak=[
            Memory(system="ours", after=after, predictions=after, megabytes=200)
            for after in (FULL.memory, FULL.soak)
        ],
    )


def test_a_run_can_meet_every_aim(results: Results) -> None:
    assert {verdict.word for verdict in judge(results)} == {"met"}


def missed(results: Results) -> list[str]:
    return [verdict.aim.sentence for verdict in judge(results) if verdict.met is False]


def test_what_is_too_little_is_a_miss(results: Results, make_load: MakeLoad) -> None:
    def slower(row: Throughput) -> Throughput:
        load = make_load(1.0, 0.3, status_200=[4.0] * 31)
        ours = (row.system, row.size, row.callers) == ("ours", "photo", 8)
        return row.model_copy(update={"load": load}) if ours else row

    rows = [slower(row) for row in results.throughput]

    assert missed(results.model_copy(update={"throughput": rows})) == [
        "photos, 8 callers: throughput to plain's",
        "photos, 8 callers: CPU seconds to plain's",
    ]


def test_the_lone_callers_latency_is_held_against_the_fastest_peer(
    results: Results, make_load: MakeLoad
) -> None:
    def faster(row: Throughput) -> Throughput:
        lone = (row.system, row.callers) == ("litserve", 1)
        return row.model_copy(update={"load": make_load(1.0, 0.1, status_200=[3.9] * 10)}) if lone else row

    rows = [faster(row) for row in results.throughput]

    assert missed(results.model_copy(update={"throughput": rows})) == [
        "photos, one caller: p50 to the fastest peer's"
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status_200": [1100.0] * 9}, "overload: p99 of the answered"),
        ({"status_200": [900.0] * 8}, "overload: answered, of the capacity"),
        ({"status_429": [60.0]}, "overload: median of the refusals"),
        ({"status_429": []}, "overload: median of the refusals"),
        ({"timed_out": [10_000.0]}, "overload: neither answered nor refused"),
        ({"status_500": [1.0]}, "overload: neither answered nor refused"),
    ],
)
def test_an_overload_is_judged_by_what_became_of_its_requests(
    results: Results, make_load: MakeLoad, change: dict[str, list[float]], sentence: str
) -> None:
    load = make_load(10.0, 1.0, **({"status_200": [900.0] * 9, "status_429": [3.0]} | change))

    assert missed(results.model_copy(update={"overload": [storm(load)]})) == [sentence]


def test_a_system_that_does_not_recover_has_missed(results: Results, make_load: MakeLoad) -> None:
    load = make_load(10.0, 1.0, status_200=[900.0] * 9, status_429=[3.0])
    never = results.model_copy(update={"overload": [storm(load, after=None)]})

    assert missed(never) == ["overload: latency normal after"]
    assert [verdict.number for verdict in judge(never) if verdict.met is False] == ["never"]


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    verdicts = judge(Results(machine=MACHINE))

    assert len(verdicts) == len(AIMS)
    assert {verdict.met for verdict in verdicts} == {None}
    assert {(verdict.word, verdict.number) for verdict in verdicts} == {("not measured", "-")}


def test_a_peer_that_answers_nothing_is_beaten_beyond_measure() -> None:
    aim = Aim("throughput", lambda _: ratio(5.0, 0.0), "at least", 1.6)

    verdict = Verdict(aim, aim.value(Results(machine=MACHINE)))

    assert (verdict.met, verdict.number, verdict.measured) == (True, "beyond measure", math.inf)


def test_a_number_is_printed_with_its_unit() -> None:
    aim = Aim("cold start", lambda _: 1.2345, "under", 1.5, " s")

    assert Verdict(aim, 1.2345).number == "1.23 s"
    assert Verdict(aim, 1.5).met is False
