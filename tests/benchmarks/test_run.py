import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks import aims, measures, run
from benchmarks.aims import Aim
from benchmarks.answers import check_answers
from benchmarks.errors import OtherAnswers, SystemFailed
from benchmarks.load import run as run_load
from benchmarks.measures import Bench, Plan
from benchmarks.systems import System
from benchmarks.tables import BEGIN, END
from typer.testing import CliRunner, Result

TINY = Plan(
    rounds=1,
    warm_up=0.02,
    thumbnail=0.05,
    photo=0.1,
    camera=0.05,
    overload=0.1,
    recovery=0.6,
    starts=1,
    memory=20,
    soak=40,
    rest=0,
)
MakeSystem = Callable[..., System]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "QUICK", TINY)
    monkeypatch.setattr(run, "FULL", replace(TINY, rounds=2))
    monkeypatch.setattr(measures, "_SLICE_S", 0.1)
    monkeypatch.setattr(measures, "_LOOK_S", 0.1)
    monkeypatch.setattr(run, "read_pictures", lambda *_: [b"picture"] * 3)


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the benchmark of these systems with these arguments."""

    def begin(systems: list[System], *arguments: str) -> Result:
        monkeypatch.setattr(run, "all_systems", lambda *_: systems)
        readme = tmp_path / "README.md"
        readme.write_text(f"{BEGIN}\n{END}\n")
        paths = ("--out", str(tmp_path / "out"), "--readme", str(readme))
        return CliRunner().invoke(run.app, [*arguments, *paths])

    return begin


def test_a_quick_run_prints_its_tables_and_its_verdicts(
    measure: Callable[..., Result], fake_system: MakeSystem, tmp_path: Path
) -> None:
    result = measure([fake_system("ours"), fake_system("plain")], "--quick")

    assert result.exit_code == 0, result.output
    assert "All systems name the same winner for 3 photos." in result.output
    assert "| 32 | the plain service |" in result.output
    assert "MB after 20" in result.output
    assert "cold start to the first prediction: " in result.output
    assert "not measured  memory after 50,000 photos" in result.output
    written = json.loads((tmp_path / "out/quick.json").read_text())
    assert [len(written[each]) for each in ("throughput", "overload", "cold", "memory", "soak")] == [
        18,
        2,
        2,
        4,
        0,
    ]
    assert (tmp_path / "README.md").read_text() == f"{BEGIN}\n{END}\n"


def test_a_full_run_takes_turns_and_writes_the_readme_and_keeps_what_it_does_not_measure(
    measure: Callable[..., Result], fake_system: MakeSystem, tmp_path: Path
) -> None:
    systems = [fake_system("ours"), fake_system("plain")]

    first = measure(systems, "--only", "cold", "--only", "soak", "--systems", "ours")
    assert first.exit_code == 0, first.output
    assert "MB after 40" in (tmp_path / "README.md").read_text()

    written = tmp_path / "out/results.json"
    assert {each["system"] for each in json.loads(written.read_text())["soak"]} == {"ours"}
    second = measure(systems, "--only", "overload", "--systems", "ours")

    assert second.exit_code == 0, second.output
    results = json.loads(written.read_text())
    assert results["measured"].keys() == {"cold", "soak", "overload"}
    assert len(results["overload"]) == 2


def test_measuring_one_system_keeps_what_was_measured_of_others(
    measure: Callable[..., Result], fake_system: MakeSystem, tmp_path: Path
) -> None:
    systems = [fake_system("ours"), fake_system("plain"), fake_system("never")]
    assert measure(systems, "--only", "cold").exit_code == 0

    second = measure(systems, "--only", "soak", "--systems", "ours")

    assert second.exit_code == 0, second.output
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert {each["system"] for each in results["cold"]} == {"ours", "plain"}
    written = (tmp_path / "README.md").read_text()
    assert "| the plain service | 0" in written
    assert "the never service" not in written


def test_the_systems_take_turns_forwards_and_backwards(fake_system: MakeSystem, tmp_path: Path) -> None:
    systems = [fake_system("a"), fake_system("b")]
    bench = Bench(systems, TINY, lambda _: [], tmp_path, print)

    assert [[each.name for each in turn] for turn in bench.turns(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]


def test_with_assert_a_missed_aim_is_a_failure(
    measure: Callable[..., Result], fake_system: MakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--quick", "--only", "cold")
    never = Aim("cold start", lambda results: results.cold[0].seconds, "under", 0.0, " s")
    unmeasured = Aim("memory", lambda _: None, "under", 0.0)
    monkeypatch.setattr(aims, "AIMS", [unmeasured])
    assert measure([fake_system("ours")], *arguments, "--assert").exit_code == 0

    monkeypatch.setattr(aims, "AIMS", [unmeasured, never])

    assert measure([fake_system("ours")], *arguments).exit_code == 0
    failed = measure([fake_system("ours")], *arguments, "--assert")
    assert failed.exit_code == 1
    assert "missed        cold start: " in failed.output


def test_a_system_that_nobody_knows_is_named(measure: Callable[..., Result], fake_system: MakeSystem) -> None:
    result = measure([fake_system("ours")], "--systems", "theirs")

    assert result.exit_code == 2
    assert "There is no system theirs; there are ours." in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"label": "muffin"}, "names other winners than the ours service"),
        ({"status": 500, "after": 1}, "the other service does not answer a photo"),
    ],
)
def test_systems_that_answer_differently_are_not_compared(
    fake_system: MakeSystem, tmp_path: Path, other: dict[str, Any], sentence: str
) -> None:
    systems = [fake_system("ours"), fake_system("other", **other)]
    bench = Bench(systems, TINY, lambda _: [b"picture"], tmp_path, print)

    with pytest.raises(OtherAnswers, match=sentence):
        check_answers(bench)


def test_a_system_that_stops_answering_cannot_be_overloaded(fake_system: MakeSystem, tmp_path: Path) -> None:
    bench = Bench([fake_system("ours", status=500, after=1)], TINY, lambda _: [b"picture"], tmp_path, print)

    with pytest.raises(SystemFailed, match="the ours service answers no photo"):
        measures.overload(bench)
    with pytest.raises(SystemFailed, match="the ours service answers no more photos"):
        measures.memory(bench)


def test_a_latency_that_never_gets_normal_again_is_given_up(fake_system: MakeSystem, tmp_path: Path) -> None:
    bench = Bench([fake_system("ours")], TINY, lambda _: [b"picture"], tmp_path, print)

    with bench.start(bench.systems[0]) as service:
        target = service.target([b"picture"])
        assert run_load(measures._calm(target, limit_ms=0.0, patience=0.3)) is None
        assert run_load(measures._calm(target, limit_ms=1000.0, patience=0.3)) is not None


def test_the_command_says_in_one_line_what_stopped_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise SystemFailed("The service did not answer.")

    monkeypatch.setattr(run, "app", fail)

    with pytest.raises(SystemExit) as end:
        run.main()

    assert (end.value.code, capsys.readouterr().err) == (1, "Error: The service did not answer.\n")


def test_the_command_can_be_asked_what_it_does() -> None:
    root = Path(__file__).parents[2]

    said = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--help"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Measure this service beside a plain one and LitServe" in " ".join(said.stdout.split())
