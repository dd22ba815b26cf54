from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.errors import InvalidDataset, NotComparable
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.predictor import Predictor, load_predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import by_split, read_dataset
from muffin_v_chihuahua_ml_service.training.judging.evaluate import Evaluation, evaluate
from muffin_v_chihuahua_ml_service.training.judging.measures import Scope, SplitChoice

QUICK = Scope("all", behaviour=0, latency=0)


@pytest.fixture
def predictor(make_predictor: Callable[..., Predictor]) -> Predictor:
    return make_predictor()


@pytest.mark.parametrize("split", ["train", "validation", "calibration", "test", "all"])
def test_only_the_side_asked_for_is_measured(predictor: Predictor, workshop: Any, split: SplitChoice) -> None:
    samples = read_dataset([workshop.data])
    expected = len(samples) if split == "all" else len(by_split(samples)[split])

    measures = evaluate(predictor, [workshop.data], Scope(split, behaviour=0, latency=0)).measures

    assert measures["split"] == split
    assert measures["all"]["pictures"] == expected


def test_what_serves_measures_as_training_did(tiny_bundle: ModelBundle, workshop: Any) -> None:
    predictor = load_predictor(tiny_bundle, "litert", threads=2)

    measures = evaluate(predictor, [workshop.data], Scope(behaviour=0, latency=0)).measures

    promised = tiny_bundle.manifest.metrics
    for name in ("split", "data_fingerprint", "weights_sha256"):
        assert measures[name] == promised[name]
    for name in ("pictures", "accuracy", "labels", "confusion"):
        assert measures["all"][name] == promised["all"][name]
    assert measures["all"]["ece"] == pytest.approx(promised["all"]["ece"], abs=1e-4)


def test_two_labels_are_told_from_each_other(predictor: Predictor, workshop: Any) -> None:
    scope = Scope("all", behaviour=0, latency=0, between=("red", "blue"))

    between = evaluate(predictor, [workshop.data], scope).measures["between"]

    assert (between["pair"], between["pictures"], between["wrong"]) == (["red", "blue"], 80, 0)


@pytest.mark.parametrize("scope", [Scope(between=("red", "green")), Scope(negative="green")])
def test_a_label_asked_for_that_the_model_does_not_know_is_refused(
    predictor: Predictor, workshop: Any, scope: Scope
) -> None:
    with pytest.raises(InvalidDataset, match="The model knows blue, red, not green"):
        evaluate(predictor, [workshop.data], scope)


def test_a_label_of_the_data_that_the_model_does_not_know_is_refused(
    predictor: Predictor, pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path / "data", 1, seed=1, labels=("green", "red"))

    with pytest.raises(InvalidDataset, match="The model knows blue, red, but the data has green"):
        evaluate(predictor, [data], QUICK)


def test_a_side_without_pictures_is_refused(
    predictor: Predictor, pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path / "data", 1, seed=1)
    empty = next(side for side, samples in by_split(read_dataset([data])).items() if not samples)

    with pytest.raises(InvalidDataset, match=f"no pictures on the side '{empty}'"):
        evaluate(predictor, [data], Scope(empty))


def always(label: str) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    answer = [0.9, 0.1] if label == "blue" else [0.3, 0.7]
    return lambda batch: np.tile(np.array(answer, dtype=np.float32), (len(batch), 1))


def test_the_mistakes_are_the_surest_first(
    make_predictor: Callable[..., Predictor], pictures: Callable[..., Path], tmp_path: Path
) -> None:
    def brightest_is_surest(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        blue = 0.5 + batch.mean(axis=(1, 2, 3)) / 600
        return np.stack([blue, 1 - blue], axis=1).astype(np.float32)

    data = pictures(tmp_path / "data", 3, seed=1)

    evaluation = evaluate(make_predictor(brightest_is_surest), [data], QUICK)
    mistakes = evaluation.mistakes()

    assert {(each["truth"], each["winner"]) for each in mistakes} == {("red", "blue")}
    assert len(mistakes) == 3
    probabilities = [each["probability"] for each in mistakes]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(Path(each["path"]).is_file() for each in mistakes)
    assert {each["verdict"] for each in mistakes} <= {"blue", "unsure"}


def test_another_bundle_is_asked_about_the_same_pictures(
    make_predictor: Callable[..., Predictor], pictures: Callable[..., Path], tmp_path: Path
) -> None:
    data = pictures(tmp_path / "data", 3, seed=1)
    predictor, other = make_predictor(), make_predictor(always("blue"))

    evaluation = evaluate(predictor, [data], QUICK, other)

    assert evaluation.comparison
    assert (evaluation.comparison["only_one_right"], evaluation.comparison["only_other_right"]) == (3, 0)
    assert evaluate(predictor, [data], QUICK).comparison is None


def test_bundles_with_other_labels_are_refused_before_anything_is_asked(
    make_predictor: Callable[..., Predictor],
) -> None:
    def never(_: NDArray[np.float32]) -> NDArray[np.float32]:
        pytest.fail("It was asked.")

    predictor = make_predictor(never)
    golden = [{"file": "golden/red.png", "probabilities": [0.0, 1.0, 0.0]}]
    other = make_predictor(never, {"labels": ["blue", "red", "green"], "golden": golden})

    with pytest.raises(NotComparable, match="only one of them knows green"):
        evaluate(predictor, [Path("never/read")], QUICK, other)


def test_an_evaluation_without_mistakes_has_none(make_answers: Callable[..., Any]) -> None:
    assert Evaluation(make_answers([[1.0, 0.0, 0.0]], "a"), {}, None).mistakes() == []


def test_corrections_are_applied_before_anything_is_measured(
    predictor: Predictor, workshop: Any, tmp_path: Path
) -> None:
    red = next(sample for sample in read_dataset([workshop.data]) if sample.label == "red")
    corrections = tmp_path / "corrections.csv"
    corrections.write_text(f"sha256,label\n{red.sha256},blue\n")
    scope = Scope("all", behaviour=0, latency=0, corrections=corrections)

    evaluation = evaluate(predictor, [workshop.data], scope)

    assert evaluation.measures["all"]["labels"]["blue"]["pictures"] == 41
    assert [each["path"] for each in evaluation.mistakes()] == [str(red.path)]
