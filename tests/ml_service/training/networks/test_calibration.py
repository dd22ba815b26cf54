import numpy as np
import pytest
from scipy.special import softmax

from muffin_v_chihuahua_ml_service.training.networks.calibration import conformal_thresholds, fit_temperature

LABELS = ("cat", "dog")


def cats_and_dogs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities [count, 2] and what was drawn from them."""
    rng = np.random.default_rng(seed)
    cat = rng.beta(0.4, 0.4, count)
    return np.stack([cat, 1 - cat], axis=1).astype(np.float32), (rng.random(count) > cat).astype(int)


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
def test_new_pictures_of_each_class_reach_its_threshold_as_often_as_promised(coverage: float) -> None:
    covered: dict[str, list[bool]] = {label: [] for label in LABELS}
    for seed in range(60):
        thresholds = conformal_thresholds(*cats_and_dogs(400, seed), LABELS, coverage)
        probabilities, classes = cats_and_dogs(200, 1000 + seed)
        for index, label in enumerate(LABELS):
            own = probabilities[classes == index, index]
            covered[label].extend(own >= thresholds[label].at_least)

    for shares in covered.values():
        assert coverage - 0.015 < np.mean(shares) < coverage + 0.025


def test_a_threshold_says_how_many_pictures_it_follows_from() -> None:
    probabilities, classes = cats_and_dogs(300, 0)

    thresholds = conformal_thresholds(probabilities, classes, LABELS, 0.9)

    assert {label: each.pictures for label, each in thresholds.items()} == {
        "cat": int((classes == 0).sum()),
        "dog": int((classes == 1).sum()),
    }


def test_the_threshold_is_the_order_statistic_of_the_paper() -> None:
    own = np.arange(1, 20) / 20  # 19 pictures: a twentieth of twenty is the first
    probabilities = np.stack([own, 1 - own], axis=1).astype(np.float32)

    thresholds = conformal_thresholds(probabilities, np.zeros(19, dtype=int), LABELS, 0.95)

    assert thresholds["cat"].at_least == pytest.approx(0.05)
    assert "dog" not in thresholds


def test_too_few_pictures_for_the_promise_give_no_threshold() -> None:
    probabilities, classes = cats_and_dogs(40, 0)

    thresholds = conformal_thresholds(probabilities, classes, LABELS, 0.99)

    assert [each.at_least for each in thresholds.values()] == [0, 0]


@pytest.mark.parametrize("labels", [2, 3, 10])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_a_known_miscalibration(labels: int, temperature: float) -> None:
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (20_000, labels))
    chances = softmax(true_logits, axis=1)
    classes = (chances.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)

    found = fit_temperature((true_logits * temperature).astype(np.float32), classes)

    assert found == pytest.approx(temperature, rel=0.05)


def test_a_few_pictures_that_are_all_right_do_not_make_it_certain() -> None:
    few, many = np.arange(14) % 2, np.arange(14_000) % 2

    after_few, after_many = (
        fit_temperature(3 * np.eye(2, dtype=np.float32)[seen], seen) for seen in (few, many)
    )

    assert 0.5 < after_few < 1
    assert after_many < 0.5
