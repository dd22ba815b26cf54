from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.errors import InvalidDataset
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.training.data.dataset import Sample
from muffin_v_chihuahua_ml_service.training.judging.answers import answer


def test_what_is_asked_in_batches_is_answered_in_order(
    make_predictor: Callable[..., Predictor], samples: list[Sample]
) -> None:
    predictor = make_predictor()

    answers = answer(predictor, samples)

    alone = [predictor.predict(sample.path.read_bytes()) for sample in samples]
    assert len(samples) > 64
    assert answers.labels == ("blue", "red")
    assert answers.verdicts == tuple(each.verdict for each in alone)
    np.testing.assert_allclose(answers.confidences, [each.predictions[0].probability for each in alone])
    assert [answers.labels[each] for each in answers.winners] == [each.predictions[0].label for each in alone]


def test_probabilities_are_in_the_order_of_the_labels_and_not_of_the_ranks(
    make_predictor: Callable[..., Predictor], samples: list[Sample]
) -> None:
    answers = answer(make_predictor(), samples)

    assert (answers.probabilities[:40, 1] > 0.6).all()
    assert (answers.probabilities[40:, 0] > 0.6).all()
    assert answers.right.all()


def test_a_part_of_the_answers_is_of_the_same_pictures(
    make_predictor: Callable[..., Predictor], samples: list[Sample]
) -> None:
    answers = answer(make_predictor(), samples)
    blue: NDArray[np.bool_] = answers.truths == 0

    part = answers.only(blue)

    assert part.samples == tuple(samples[40:])
    assert set(part.verdicts) == {"blue"}
    assert len(part.looks) == len(part.probabilities) == 30


def test_unsure_is_no_answer(make_predictor: Callable[..., Predictor], samples: list[Sample]) -> None:
    def torn(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full((len(batch), 2), 0.5, dtype=np.float32)

    answers = answer(make_predictor(torn), samples[:2])

    assert answers.verdicts == ("unsure", "unsure")
    assert not answers.answered.any()


def test_a_picture_that_the_service_refuses_is_named(
    make_predictor: Callable[..., Predictor], tmp_path: Path
) -> None:
    path = tmp_path / "notes.png"
    path.write_text("no picture")

    with pytest.raises(InvalidDataset, match=r"notes\.png: These 10 bytes are not a picture"):
        answer(make_predictor(), [Sample(path, "red", "d", "test", "00", "00")])
