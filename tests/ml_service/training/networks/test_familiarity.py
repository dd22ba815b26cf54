from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.training.networks.classifier import Answer, probabilities
from muffin_v_chihuahua_ml_service.training.networks.familiarity import (
    choose_bank,
    fit_familiarity,
    similarities,
)
from muffin_v_chihuahua_ml_service.training.networks.head import Head

LABELS = ("cat", "dog", "other")
KNOWN = (0, 1)
"""Cats and dogs are remembered, what is neither is not."""


def around(classes: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """Features [N, 6], each near the axis of its class, of any length; three axes belong to no class."""
    rng = np.random.default_rng(seed)
    near = np.eye(6)[classes] + rng.normal(0, 0.05, (len(classes), 6))
    return (np.abs(near) * rng.uniform(1, 9, (len(classes), 1))).astype(np.float32)


def classes_of(count: int) -> NDArray[np.int64]:
    return np.arange(count) % 3


def unknown(count: int) -> NDArray[np.float32]:
    return around(3 + classes_of(count), 9)


@pytest.fixture(scope="module")
def bank() -> NDArray[np.float32]:
    return choose_bank(around(classes_of(300), 0), classes_of(300), KNOWN, 80, seed=0)


def answer(bank: NDArray[np.float32], becomes: str | None, known: tuple[int, ...] = KNOWN) -> Answer:
    rng = np.random.default_rng(5)
    head = Head(rng.normal(0, 0.3, (6, 3)).astype(np.float32), np.zeros(3, np.float32))
    classes = classes_of(600)
    return Answer(head, 1.5, bank, fit_familiarity(around(classes, 3), classes, bank, known, LABELS, becomes))


def test_the_bank_is_some_of_each_class_at_unit_length_and_the_same_for_a_seed() -> None:
    classes = classes_of(300)
    features = around(classes, 0)

    bank = choose_bank(features, classes, KNOWN, 80, seed=1)

    assert bank.shape == (2, 40, 6)
    np.testing.assert_allclose(np.linalg.norm(bank, axis=2), 1, rtol=1e-5)
    assert [set(each.argmax(axis=1)) for each in bank] == [{0}, {1}]
    np.testing.assert_array_equal(bank, choose_bank(features, classes, KNOWN, 80, seed=1))
    assert (bank != choose_bank(features, classes, KNOWN, 80, seed=2)).any()


def test_of_a_class_with_few_pictures_each_is_remembered_several_times() -> None:
    classes = np.array([0] * 50 + [1] * 3)

    bank = choose_bank(around(classes, 0), classes, KNOWN, 20, seed=0)

    assert bank.shape == (2, 10, 6)
    assert len(np.unique(bank[1], axis=0)) == 3


def test_of_more_classes_than_there_is_room_for_one_picture_each_is_remembered() -> None:
    assert choose_bank(around(classes_of(30), 0), classes_of(30), (0, 1, 2), 2, seed=0).shape == (3, 1, 6)


def test_a_picture_is_familiar_as_what_it_shows_whatever_its_length(bank: NDArray[np.float32]) -> None:
    cats = similarities(around(np.zeros(50, dtype=int), 1), bank)

    assert cats.shape == (50, 2)
    assert cats[:, 0].min() > 0.9
    assert cats[:, 1].max() < 0.5
    assert similarities(unknown(50), bank).max() < 0.5


def test_one_that_is_alike_makes_nothing_familiar_but_ten_do() -> None:
    axes = np.array([0] * 21 + [1] * 30)
    few, enough = axes.copy(), axes.copy()
    few[:9], enough[:10] = 4, 4
    labelled = np.array([0] * 21 + [1] * 30)
    seen = around(np.full(20, 4), 3)

    def as_cats(shown: NDArray[np.int64]) -> NDArray[np.float32]:
        return similarities(seen, choose_bank(around(shown, 0), labelled, KNOWN, 42, 0))[:, 0]

    assert as_cats(few).max() < 0.5
    assert as_cats(enough).min() > 0.9


def test_familiar_pictures_keep_their_probabilities_but_for_one_in_a_hundred(
    bank: NDArray[np.float32],
) -> None:
    classes = np.arange(2000) % 2
    features, faded = around(classes, 4), answer(bank, "other")

    before = probabilities(features, Answer(faded.head, 1.5), LABELS)
    after = probabilities(features, faded, LABELS)

    own = np.arange(len(classes)), classes
    assert 0.001 < (np.abs(after - before)[own] > 1e-5).mean() < 0.03


@pytest.mark.parametrize(("becomes", "expected"), [("other", [0, 0, 1]), (None, None)])
def test_a_picture_unlike_all_becomes_the_negative_or_an_even_spread(
    becomes: str | None, expected: list[float] | None
) -> None:
    known = KNOWN if becomes else (0, 1, 2)
    everything = choose_bank(around(classes_of(300), 0), classes_of(300), known, 90, seed=0)

    there = answer(everything, becomes, known)
    answers = probabilities(unknown(50), there, LABELS)

    before = probabilities(unknown(50), Answer(there.head, 1.5), LABELS)
    lost = 0.95 * before * [1, 1, becomes is None]
    spread = lost.sum(axis=1, keepdims=True) * (expected or [1 / 3] * 3)
    np.testing.assert_allclose(answers, before - lost + spread, atol=1e-5)


def test_a_class_as_which_a_picture_is_unfamiliar_loses_what_another_keeps(bank: NDArray[np.float32]) -> None:
    there = answer(bank, "other")
    cats = around(np.zeros(50, dtype=int), 8)

    before = probabilities(cats, Answer(there.head, 1.5), LABELS)
    after = probabilities(cats, there, LABELS)

    np.testing.assert_allclose(np.median(after[:, 0] / before[:, 0]), 1, atol=1e-4)
    np.testing.assert_allclose(after[:, 1], 0.05 * before[:, 1], atol=1e-6)


def test_in_between_the_probabilities_fade_and_still_add_up_to_one(bank: NDArray[np.float32]) -> None:
    steps = np.linspace(0, 1, 400)[:, np.newaxis]
    features = ((1 - steps) * np.eye(6)[0] + steps * np.eye(6)[4]).astype(np.float32)

    answers = probabilities(features, answer(bank, "other"), LABELS)

    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert answers.max() <= 1
    cat = answers[:, 0]
    assert cat[0] > 0.2
    assert cat[-1] < 0.05
    assert ((cat > 0.02) & (cat < cat[0] - 0.02)).any()


def test_a_class_without_calibration_pictures_never_fades(bank: NDArray[np.float32]) -> None:
    cats = np.zeros(50, dtype=int)
    there = answer(bank, "other")
    only_cats = fit_familiarity(around(cats, 3), cats, bank, KNOWN, LABELS, "other")

    assert only_cats.classes.keys() == {"cat"}
    plain = probabilities(unknown(20), Answer(there.head, 1.5), LABELS)
    answers = probabilities(unknown(20), Answer(there.head, 1.5, bank, only_cats), LABELS)
    np.testing.assert_allclose(answers[:, 1], plain[:, 1], atol=1e-6)


def test_calibration_pictures_that_are_all_alike_leave_a_way_to_fade() -> None:
    alike, classes = np.ones((20, 4), dtype=np.float32), np.arange(20) % 2

    found = fit_familiarity(
        alike, classes, choose_bank(alike, classes, KNOWN, 10, 0), KNOWN, ("cat", "dog"), None
    )

    assert all(each.unknown_below < each.familiar_from for each in found.classes.values())


def test_keras_writes_it_and_reads_it_back(bank: NDArray[np.float32], tmp_path: Path) -> None:
    there = answer(bank, "other")
    inputs = keras.Input((6,))
    keras.Model(inputs, there.on(inputs, LABELS)).save(tmp_path / "answer.keras")
    features = around(np.arange(40) % 6, 7)

    again = keras.saving.load_model(tmp_path / "answer.keras", compile=False)

    expected = probabilities(features, there, LABELS)
    np.testing.assert_allclose(again.predict_on_batch(features), expected, atol=1e-6)
