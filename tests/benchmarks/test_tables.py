import re
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.errors import ResultsUnusable
from benchmarks.machine import Machine
from benchmarks.outcomes import Load
from benchmarks.results import ColdStart, Measure, Memory, Overload, Results, Throughput
from benchmarks.tables import BEGIN, END, markdown, write_into

README = Path(__file__).parents[2] / "benchmarks/README.md"
TITLES = {"ours": "this service", "plain": "FastAPI + ONNX Runtime"}
MACHINE = Machine(
    processor="a processor",
    cores=2,
    memory_gb=8,
    system="Linux, Python 3.11",
    generator="uvloop",
    pictures="photographs",
    versions={"ours": {"uvicorn": "1.2.3"}, "plain": {}},
)


def lines(text: str, start: str) -> list[list[str]]:
    """The cells of the table's lines that begin with this cell."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [row for row in cells if row[0] == start]


def test_a_line_has_the_medians_of_the_rounds_and_their_ratio_to_plain(
    make_load: Callable[..., Load],
) -> None:
    def row(system: str, predictions: int, ms: float, cpu: float) -> Throughput:
        load = make_load(10.0, cpu, status_200=[ms] * predictions, status_429=[1.0], broken=[1.0])
        return Throughput(system=system, size="photo", callers=8, load=load)

    ours = [row("ours", 3000, 20, 15), row("ours", 1000, 99, 15), row("ours", 4000, 10, 15)]
    results = Results(machine=MACHINE, throughput=[*ours, row("plain", 1500, 40, 15)])

    assert lines(markdown(results, TITLES), "8") == [
        ["8", "this service", "300.0", "2.00 x", "20.0", "20.0", "5.0", "0.50 x", "3", "3"],
        ["8", "FastAPI + ONNX Runtime", "150.0", "1.00 x", "40.0", "40.0", "10.0", "1.00 x", "1", "1"],
    ]


def test_a_system_without_predictions_has_none(make_load: Callable[..., Load]) -> None:
    load = make_load(10.0, 15.0, timed_out=[10_000.0])
    results = Results(
        machine=MACHINE, throughput=[Throughput(system="plain", size="camera", callers=32, load=load)]
    )

    [line] = lines(markdown(results, TITLES), "32")

    assert line == ["32", "FastAPI + ONNX Runtime", "0.0", "", "none", "none", "none", "", "0", "1"]


def test_an_overload_is_told_by_what_became_of_the_requests(make_load: Callable[..., Load]) -> None:
    load = make_load(10.0, 9.0, status_200=[500.0] * 900, status_429=[4.0] * 2000, timed_out=[10_000.0] * 100)
    rows = [
        Overload(system=name, capacity=100, rate=300, normal_ms=5, load=load, normal_after_s=after)
        for name, after in (("ours", 0.5), ("plain", None))
    ]

    text = markdown(Results(machine=MACHINE, overload=rows), TITLES)

    told = ["100", "300", "90", "0.90 x", "500", "500", "67%", "4.0", "3.3%"]
    assert lines(text, "this service") == [["this service", *told, "0.5"]]
    assert lines(text, "FastAPI + ONNX Runtime") == [["FastAPI + ONNX Runtime", *told, "never"]]


def test_who_refuses_nobody_has_no_latency_of_refusals(make_load: Callable[..., Load]) -> None:
    load = make_load(10.0, 9.0, status_200=[500.0])
    row = Overload(system="ours", capacity=100, rate=300, normal_ms=5, load=load, normal_after_s=0)

    [line] = lines(markdown(Results(machine=MACHINE, overload=[row]), TITLES), "this service")

    assert line[7:10] == ["0%", "", "0.0%"]


def test_start_and_memory_share_a_table() -> None:
    results = Results(
        machine=MACHINE,
        cold=[ColdStart(system="ours", seconds=seconds) for seconds in (1.5, 1.1, 1.2)],
        memory=[Memory(system="ours", after=10_000, predictions=10_007, megabytes=199.6)],
        soak=[
            Memory(system="ours", after=after, predictions=after, megabytes=300.0)
            for after in (10_000, 50_000)
        ],
    )

    text = markdown(results, TITLES)

    assert "MB after 10,000 | MB after 50,000" in text
    assert lines(text, "this service") == [["this service", "1.20 (1.10 - 1.50)", "200", "300"]]
    assert lines(text, "FastAPI + ONNX Runtime") == []  # it has no numbers


def test_machine_days_versions_and_aims_are_said() -> None:
    text = markdown(Results(machine=MACHINE, measured={Measure.COLD: "2026-11-21"}), TITLES)

    assert "2 cores of a processor, 8 GB, Linux, Python 3.11, with photographs, the load on uvloop." in text
    assert "Days: cold 2026-11-21." in text
    assert "this service: uvicorn 1.2.3." in text
    assert "| cold start to the first prediction | under 1.5 s | - | not measured |" in text
    assert "**photo" not in text


def test_the_tables_are_written_between_the_marks_again_and_again(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write_into(readme, "first")
    write_into(readme, "second")

    assert readme.read_text() == f"before\n{BEGIN}\n\nsecond\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_readme_without_the_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)

    with pytest.raises(ResultsUnusable, match="needs the lines"):
        write_into(readme, "tables")

    assert readme.read_text() == text


def test_the_readme_has_the_marks_and_one_sentence_a_line() -> None:
    before, begin, rest = README.read_text().partition(BEGIN)

    assert begin
    assert END in rest
    assert not re.search(r"[a-z`]\. [A-Z`]", before)
