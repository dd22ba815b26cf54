import math
import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks import machine
from benchmarks.errors import ResultsUnusable
from benchmarks.machine import Machine
from benchmarks.outcomes import Load
from benchmarks.results import ColdStart, Measure, Results, Throughput, typical
from benchmarks.systems import System


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    installed = tmp_path / "ours/lib/python3.11/site-packages/uvicorn-1.2.3.dist-info/METADATA"
    installed.parent.mkdir(parents=True)
    installed.write_text("Metadata-Version: 2.1\nName: Uvicorn\nVersion: 1.2.3\n")
    return Machine.here([System("ours", "this service", tmp_path / "ours", ())], "photographs")


def test_the_machine_knows_itself_and_what_is_installed(here: Machine) -> None:
    assert here.versions == {"ours": {"uvicorn": "1.2.3"}}
    assert here.cores >= 1
    assert here.memory_gb >= 1
    assert here.processor
    assert here.generator in {"uvloop", "asyncio"}


def test_a_processor_without_a_name_has_that_of_its_kind() -> None:
    assert machine._processor("model name\t: A: B\nmodel name\t: A: B\n") == "A: B"
    assert machine._processor("CPU part : 0xd0c\n") == platform.machine()


def test_results_are_read_as_they_were_written(
    here: Machine, tmp_path: Path, make_load: Callable[..., Load]
) -> None:
    load = make_load(1.0, 2.0, status_200=[1.0], status_429=[2.0])
    results = Results(
        machine=here,
        measured={Measure.THROUGHPUT: "2026-11-21"},
        throughput=[Throughput(system="ours", size="photo", callers=1, load=load)],
        cold=[ColdStart(system="ours", seconds=1.0)],
    )

    results.write(tmp_path / "new/results.json")

    assert Results.read(tmp_path / "new/results.json", here) == results


def test_what_another_machine_or_version_gave_is_not_kept(here: Machine, tmp_path: Path) -> None:
    Results(machine=here, cold=[ColdStart(system="ours", seconds=1.0)]).write(tmp_path / "results.json")
    other = here.model_copy(update={"versions": {"ours": {"uvicorn": "1.2.4"}}})

    assert Results.read(tmp_path / "results.json", other) == Results(machine=other)
    assert Results.read(tmp_path / "missing.json", here) == Results(machine=here)


def test_results_of_another_format_are_refused(here: Machine, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"photo": 1}')

    with pytest.raises(ResultsUnusable, match=r"results\.json has another format"):
        Results.read(tmp_path / "results.json", here)


def test_the_typical_value_is_the_median_over_the_rounds() -> None:
    assert typical([3.0, 1.0, 2.0], float) == 2.0
    assert typical([], float) is None
    assert typical([None, 1.0, None], lambda value: value) == math.inf
