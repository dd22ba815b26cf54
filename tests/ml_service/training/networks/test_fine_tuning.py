from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.training.networks.fine_tuning import (
    FineTuning,
    Labelled,
    Trainer,
    class_weights,
    logits_of,
    trainable_top,
)
from muffin_v_chihuahua_ml_service.training.networks.head import Head


def rings(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points [count, 2] inside or outside of a circle: no linear head tells them apart."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (count, 2)).astype(np.float32)
    return points, (np.hypot(*points.T) > 0.75).astype(np.int64)


def backbone() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((2,))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(32, name="kept")(inputs))
    x = keras.layers.Dense(32, activation="relu", name="learnt")(keras.layers.ReLU(name="cut")(x))
    return keras.Model(inputs, keras.layers.BatchNormalization(name="features")(x))


HEAD = Head(np.zeros((32, 2), np.float32), np.zeros(2, np.float32))


@pytest.fixture
def data() -> tuple[Labelled, Labelled]:
    network = backbone()
    cut = keras.Model(network.input, network.get_layer("cut").output)
    views: list[Sequence[NDArray[np.float32]]] = []
    classes = []
    for seed, count in ((1, 400), (2, 100)):
        points, found = rings(count, seed)
        views.append([logits_of(cut, points), logits_of(cut, points * np.float32(0.99))])
        classes.append(found)
    return Labelled(views[0], classes[0]), Labelled(views[1], classes[1])


HOW = FineTuning(after="cut", epochs=30, patience=30, learning_rate=1e-2, dropout=0.0, averaging=0.9, share=1)


def fit(how: FineTuning, data: tuple[Labelled, Labelled], file: Path) -> tuple[keras.Model, list[float]]:
    network = backbone()
    top = trainable_top(network, how.after, HEAD, how.dropout)
    history = Trainer(top, how, 0, file).fit(*data)
    return network, [epoch.validation_loss for epoch in history]


def test_blocks_learn_what_a_head_alone_cannot(data: tuple[Labelled, Labelled], tmp_path: Path) -> None:
    network, losses = fit(HOW, data, tmp_path / "state.npz")

    assert losses[-1] < 0.4
    assert losses[0] > 0.6
    untouched = backbone()
    for layer in ("kept", "norm", "features"):
        for before, after in zip(
            untouched.get_layer(layer).get_weights(), network.get_layer(layer).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(before, after)
    before, after = (each.get_layer("learnt").get_weights()[0] for each in (untouched, network))
    assert np.abs(before - after).max() > 0.01


def test_it_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best(
    data: tuple[Labelled, Labelled], tmp_path: Path
) -> None:
    training, validation = data
    wrong = Labelled(validation.views, 1 - validation.classes)
    network = backbone()
    top = trainable_top(network, HOW.after, HEAD, HOW.dropout)
    how = HOW.model_copy(update={"patience": 2})

    history = Trainer(top, how, 0, tmp_path / "state.npz").fit(training, wrong)

    losses = [epoch.validation_loss for epoch in history]
    assert len(losses) < 30
    assert losses.index(min(losses)) == len(losses) - 3
    scores = logits_of(top, wrong.views[0])
    reached = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(scores)), wrong.classes]
    assert reached.mean() == pytest.approx(min(losses), abs=0.05)


def test_it_goes_on_from_the_last_epoch_as_if_nothing_had_been(
    data: tuple[Labelled, Labelled], tmp_path: Path
) -> None:
    short = HOW.model_copy(update={"epochs": 4, "dropout": 0.2})
    _, losses = fit(short, data, tmp_path / "whole.npz")

    class Stop(BaseException):
        pass

    class Once(Trainer):
        def _save(self, *arguments: object) -> None:
            super()._save(*arguments)  # type: ignore[arg-type]
            raise Stop

    for _ in range(2):
        network = backbone()
        top = trainable_top(network, short.after, HEAD, short.dropout)
        with pytest.raises(Stop):
            Once(top, short, 0, tmp_path / "parts.npz").fit(*data)
    _, again = fit(short, data, tmp_path / "parts.npz")

    assert again[:2] == losses[:2]
    assert len(again) == len(losses)
    assert not (tmp_path / "parts.unfinished").exists()


def test_few_of_a_class_count_as_much_as_many() -> None:
    weights = class_weights(np.array([0] * 8 + [1] * 2))

    assert weights[0] * 8 == pytest.approx(weights[1] * 2)
    assert (weights[0] * 8 + weights[1] * 2) / 10 == pytest.approx(1)


def test_another_way_around_the_layer_is_refused() -> None:
    inputs = keras.Input((2,))
    cut = keras.layers.ReLU(name="cut")(inputs)
    around = keras.Model(inputs, keras.layers.Add(name="features")([cut, inputs]))

    with pytest.raises(ValueError, match=r"(?i)disconnected|not connected"):
        trainable_top(around, "cut", Head(np.zeros((2, 2), np.float32), np.zeros(2, np.float32)), 0.0)


def test_the_weights_that_are_kept_lie_between_the_first_and_the_last(
    data: tuple[Labelled, Labelled], tmp_path: Path
) -> None:
    short = HOW.model_copy(update={"epochs": 2})
    halfway = short.model_copy(update={"share": 0.5})

    (end, _), (half, _) = (fit(how, data, tmp_path / f"{how.share}.npz") for how in (short, halfway))

    first, middle, last = (each.get_layer("learnt").get_weights()[0] for each in (backbone(), half, end))
    np.testing.assert_allclose(middle, (first + last) / 2, atol=1e-6)
