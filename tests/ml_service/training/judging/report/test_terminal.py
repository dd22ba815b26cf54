from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.measures import Scope, measure_bundle
from muffin_v_chihuahua_ml_service.training.judging.report.sentences import sentences
from muffin_v_chihuahua_ml_service.training.judging.report.terminal import print_comparison, print_measures

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def printed(
    make_predictor: Callable[..., Predictor],
    samples: list[Sample],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> Callable[[Scope], str]:
    """What is printed of the measures in so many columns as a terminal usually has at least."""

    def print_(scope: Scope) -> str:
        monkeypatch.setenv("COLUMNS", "100")
        measures = measure_bundle(make_predictor(), samples, scope)
        capsys.readouterr()
        print_measures(measures)
        return capsys.readouterr().out

    return print_


def test_everything_that_was_measured_is_printed(printed: Callable[[Scope], str], tmp_path: Path) -> None:
    out = printed(
        Scope(behaviour=4, latency=2, between=("red", "blue"), outside=(tmp_path / "colours" / "red",))
    )

    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert ["all", "70", "100.0%", "94.8-100.0%", "100.0% of 30", "100.0% of 40"] in cells
    assert ["blue", "100.0% (88.6-100.0%)", "30", "100.0% (88.6-100.0%)", "30"] in cells
    assert ["red", "40", "0.0%", "0.0%", "100.0%"] in cells
    assert ["PNG", "4", "0 (0.0%)", "0.0-49.0%", "0", "0.000"] in cells
    assert any(row[:2] == ["occlusion", "4"] for row in cells)
    assert "The verdict on other versions of 4 pictures" in out
    assert "red against blue: 100.00% (94.80-100.00%) right, 0 wrong of 70\n" in out
    assert "Worst kind of picture: " in out
    assert "One picture at a time, with litert in f32: decode " in out
    tables = [line for line in out.splitlines() if "│" in line or "━" in line]
    assert max(map(len, tables)) <= 100


def test_what_was_not_measured_is_not_spoken_of(printed: Callable[[Scope], str]) -> None:
    out = printed(Scope(behaviour=0, latency=0))

    assert "Expected calibration error" in out
    for absent in ("versions", "against", "One picture", "none of the classes"):
        assert absent not in out


def test_a_kind_of_picture_is_only_the_worst_where_there_are_kinds(measures: dict[str, Any]) -> None:
    assert any(line.startswith("Worst kind") for line in sentences(measures))
    assert not any(line.startswith("Worst kind") for line in sentences(measures | {"slices": {}}))


def difference(number: int) -> dict[str, Any]:
    return {
        "path": f"d/[b]a/{number}.png",
        "truth": "a",
        "one": {"label": "a", "probability": 0.9},
        "other": {"label": "b", "probability": 0.6},
    }


def comparison(differences: int) -> dict[str, Any]:
    return {
        "pictures": 50,
        "one": {"accuracy": 0.96, "accuracy_interval": [0.86, 0.99]},
        "other": {"accuracy": 0.5, "accuracy_interval": [0.37, 0.63]},
        "only_one_right": 23,
        "only_other_right": 0,
        "p_value": 2.4e-7,
        "differences": [difference(number) for number in range(differences)],
    }


def test_a_comparison_says_which_is_better_and_where(capsys: Capture) -> None:
    print_comparison(comparison(20), ("new", "old"))

    out = capsys.readouterr().out.splitlines()
    assert out[:3] == [
        "new: 96.00% (86.00-99.00%) of 50, alone right on 23",
        "old: 50.00% (37.00-63.00%) of 50, alone right on 0",
        "McNemar's exact test: p = 2.4e-07",
    ]
    assert out[3] == "d/[b]a/0.png shows a: new says a 90.0%, old says b 60.0%"
    assert len(out) == 3 + 20


def test_no_more_differences_are_printed_than_can_be_read(capsys: Capture) -> None:
    print_comparison(comparison(23), ("new", "old"))

    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 + 20 + 1
    assert out[-1] == "and 3 more, all of them in comparison.json with --out"
