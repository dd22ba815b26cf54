import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from muffin_v_chihuahua_ml_service.training.networks.head import Head, fit_head, fit_temperature, with_head


def clouds(labels: int, sizes: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features [N, 4] around a corner for each class, in channels of different scale and offset."""
    rng = np.random.default_rng(0)
    classes = np.repeat(np.arange(labels), sizes)
    features = np.eye(4)[classes] + rng.normal(0, 0.2, (len(classes), 4))
    return (features * [1, 10, 100, 1000] + [5, 0, -50, 0]).astype(np.float32), classes


@pytest.mark.parametrize(
    ("labels", "sizes"), [(2, [60, 60]), (3, [60, 60, 60]), (2, [200, 10]), (3, [100, 10, 10])]
)
def test_a_head_tells_classes_apart_and_the_rare_as_well_as_the_frequent(
    labels: int, sizes: list[int]
) -> None:
    features, classes = clouds(labels, sizes)

    head = fit_head(features, classes, seed=0)

    assert head.kernel.shape == (4, labels)
    assert head.bias.shape == (labels,)
    right = head.logits(features).argmax(axis=1) == classes
    assert all(right[classes == label].mean() > 0.95 for label in range(labels))


def test_a_channel_that_never_varies_counts_for_nothing() -> None:
    features, classes = clouds(2, [60, 60])
    features[:, 3] = 7

    head = fit_head(features, classes, seed=0)

    assert np.isfinite(head.kernel).all()
    assert head.kernel[3] == pytest.approx(0, abs=1e-6)


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


def test_the_network_with_its_head_answers_the_calibrated_probabilities() -> None:
    rng = np.random.default_rng(0)
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.ReLU(name="features")(inputs))
    head = Head(rng.normal(size=(4, 3)).astype(np.float32), np.array([1, 2, 3], np.float32), temperature=2.5)
    raw = rng.normal(size=(7, 4)).astype(np.float32)

    answers = with_head(network, head).predict_on_batch(raw)

    expected = softmax((np.maximum(raw, 0) @ head.kernel + head.bias) / 2.5, axis=1)
    np.testing.assert_allclose(answers, expected, atol=1e-6)
