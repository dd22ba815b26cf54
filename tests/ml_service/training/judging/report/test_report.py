import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.judging.answers import Answers
from muffin_v_chihuahua_ml_service.training.judging.evaluate import Evaluation, evaluate
from muffin_v_chihuahua_ml_service.training.judging.measures import Scope
from muffin_v_chihuahua_ml_service.training.judging.metrics import measure
from muffin_v_chihuahua_ml_service.training.judging.report.contact_sheet import MOST, contact_sheet
from muffin_v_chihuahua_ml_service.training.judging.report.figures import (
    confusion_figure,
    coverage_figure,
    reliability_figure,
)
from muffin_v_chihuahua_ml_service.training.judging.report.report import write_report

FIGURES = {"confusion.png", "reliability.png", "coverage.png"}


@pytest.fixture
def evaluation(
    make_predictor: Callable[..., Predictor], pictures: Callable[..., Path], tmp_path: Path
) -> Evaluation:
    """Of a model that is wrong about every picture, against itself."""
    data = pictures(tmp_path / "data", 3, seed=1)
    (data / "blue").rename(tmp_path / "away")
    (data / "red").rename(data / "blue")
    predictor = make_predictor()
    return evaluate(predictor, [data], Scope("all", behaviour=0, latency=0), predictor)


def test_the_report_is_numbers_and_pictures(
    evaluation: Evaluation, fake_bundle: Callable[..., ModelBundle], tmp_path: Path
) -> None:
    bundle, out = fake_bundle(), tmp_path / "deeper" / "report"

    written = write_report(evaluation, bundle, out)

    assert {path.name for path in written} == {
        "evaluation.json",
        "comparison.json",
        "mistakes.jpg",
        *FIGURES,
    }
    assert {path.name for path in out.iterdir()} == {path.name for path in written}
    content = json.loads((out / "evaluation.json").read_text())
    assert content["bundle"] == {"name": "fake-model", "version": "9.9.9", "digest": bundle.digest}
    assert content["measures"] == evaluation.measures
    assert content["mistakes"] == evaluation.mistakes()
    assert json.loads((out / "comparison.json").read_text()) == evaluation.comparison
    for name in (*FIGURES, "mistakes.jpg"):
        with Image.open(out / name) as image:
            assert min(image.size) > 200


def test_what_a_report_does_not_have_is_not_left_from_the_one_before(
    evaluation: Evaluation,
    make_answers: Callable[..., Answers],
    fake_bundle: Callable[..., ModelBundle],
    tmp_path: Path,
) -> None:
    write_report(evaluation, fake_bundle(), tmp_path / "report")
    answers = make_answers([[1.0, 0.0, 0.0]], "a")
    without = Evaluation(answers, {"all": measure(answers)}, None)

    write_report(without, fake_bundle(), tmp_path / "report")

    found = {path.name for path in (tmp_path / "report").iterdir()}
    assert found == {"evaluation.json", *FIGURES}


def test_the_contact_sheet_has_a_place_for_each_mistake_and_no_more_than_it_can_show(tmp_path: Path) -> None:
    Image.new("RGB", (50, 300), "green").save(tmp_path / "x.png")
    mistake = {
        "path": str(tmp_path / "x.png"),
        "truth": "a",
        "winner": "b",
        "probability": 0.9,
        "verdict": "b",
    }

    sizes = {count: contact_sheet([mistake] * count).size for count in (1, 6, 7, MOST, MOST + 1)}

    assert sizes[6][0] == 6 * sizes[1][0] - 5 * 12
    assert sizes[7][0] == sizes[6][0]
    assert sizes[7][1] > sizes[6][1]
    assert sizes[MOST + 1] == sizes[MOST]


def test_the_contact_sheet_shows_the_picture_and_says_what_was_taken_for_what(tmp_path: Path) -> None:
    Image.new("RGB", (50, 300), "green").save(tmp_path / "x.png")
    mistake = {
        "path": str(tmp_path / "x.png"),
        "truth": "a",
        "winner": "b",
        "probability": 0.9,
        "verdict": "b",
    }

    sheet = np.asarray(contact_sheet([mistake]).convert("RGB"))
    unsure = np.asarray(contact_sheet([mistake | {"verdict": "unsure"}]).convert("RGB"))

    assert sheet[112, 112].tolist() == [0, 128, 0]
    assert (sheet[216:250] < 100).any()
    assert (sheet[216:250] != unsure[216:250]).any()


def test_figures_have_the_numbers_that_were_measured(make_answers: Callable[..., Answers]) -> None:
    measured = measure(make_answers([[0.9, 0.1, 0.0]] * 4 + [[0.0, 0.7, 0.3]], "aaabb", sure_from=0.8))

    [cells] = confusion_figure(measured).axes
    upper, lower = reliability_figure(measured).axes
    [curve] = coverage_figure(measured).axes

    assert [text.get_text() for text in cells.texts[:2]] == ["3\n100.0%", "0\n0.0%"]
    assert upper.get_title() == f"expected calibration error {measured['ece']:.3f}"
    assert [text.get_text() for text in lower.texts] == ["1", "4"]
    assert curve.lines[-1].get_xydata().tolist() == [[0.8, 0.75]]  # type: ignore[union-attr]


def test_a_bundle_that_answers_nothing_has_no_accuracy_to_draw(make_answers: Callable[..., Answers]) -> None:
    [curve] = coverage_figure(measure(make_answers([[0.6, 0.4, 0.0]], "a", sure_from=0.9))).axes

    assert [line.get_label() for line in curve.lines] == ["one threshold for all labels"]
