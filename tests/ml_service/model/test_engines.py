from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.errors import EngineUnavailable
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.engines import RUNTIMES, load_engine
from muffin_v_chihuahua_ml_service.settings import EngineChoice

NEAR = 1e-4
"""How far two engines' probabilities may be apart."""


def noise(bundle: ModelBundle, count: int) -> NDArray[np.float32]:
    how = bundle.manifest.preprocessing
    shape = (count, how.height, how.width, 3)
    return np.random.default_rng(count).uniform(0, 255, shape).astype(np.float32)


@pytest.fixture(params=["tiny_bundle", "default_bundle"], scope="module")
def bundle(request: pytest.FixtureRequest) -> ModelBundle:
    built: ModelBundle = request.getfixturevalue(request.param)
    return built


def test_the_engines_answer_alike_for_every_size_of_batch_and_each_picture_as_if_alone(
    bundle: ModelBundle,
) -> None:
    litert, tensorflow = (load_engine(bundle, engine, threads=2) for engine in ("litert", "tensorflow"))

    # back to 1 at the end: a batch must leave nothing behind
    for count in (1, 3, 8, 1):
        pictures = noise(bundle, count)
        found = litert.run(pictures)
        assert found.shape == (count, len(bundle.manifest.labels))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(found, tensorflow.run(pictures), atol=NEAR, rtol=0)
        for engine in (litert, tensorflow):
            alone = np.concatenate([engine.run(picture[np.newaxis]) for picture in pictures])
            np.testing.assert_allclose(engine.run(pictures), alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_the_answers_of_one_run_outlive_the_next(tiny_bundle: ModelBundle, engine: EngineChoice) -> None:
    loaded = load_engine(tiny_bundle, engine, threads=1)
    first = loaded.run(noise(tiny_bundle, 3))
    kept = first.copy()

    loaded.run(noise(tiny_bundle, 3)[::-1].copy())

    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_an_engine_does_not_change_the_pictures_it_is_given(
    tiny_bundle: ModelBundle, engine: EngineChoice
) -> None:
    pictures = noise(tiny_bundle, 2)

    load_engine(tiny_bundle, engine, threads=1).run(pictures)

    np.testing.assert_array_equal(pictures, noise(tiny_bundle, 2))


def test_litert_is_taken_where_it_can_be(tiny_bundle: ModelBundle) -> None:
    assert load_engine(tiny_bundle, "auto", threads=1).name == "litert"


def test_tensorflow_is_taken_where_the_bundle_has_nothing_for_litert(tiny_source: ModelBundle) -> None:
    assert load_engine(tiny_source, "auto", threads=1).name == "tensorflow"


def test_tensorflow_is_taken_where_litert_is_not_installed(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNTIMES, "litert", "a_runtime_that_is_not_installed")

    assert load_engine(tiny_bundle, "auto", threads=1).name == "tensorflow"


def test_an_engine_that_the_bundle_has_nothing_for_is_refused(
    fake_bundle: Callable[..., ModelBundle],
) -> None:
    bundle = fake_bundle(artefacts={"tensorflow": "model.keras"})

    with pytest.raises(
        EngineUnavailable, match="No engine for 'litert': the bundle fake-model has no artefact"
    ):
        load_engine(bundle, "litert", threads=1)


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("litert", "No engine for 'litert': no_litert is not installed"),
        ("tensorflow", "No engine for 'tensorflow': no_tensorflow is not installed"),
        ("auto", "No engine for 'auto': no_litert is not installed and no_tensorflow is not installed"),
    ],
)
def test_an_engine_that_is_not_installed_is_refused(
    fake_bundle: Callable[..., ModelBundle],
    monkeypatch: pytest.MonkeyPatch,
    choice: EngineChoice,
    reason: str,
) -> None:
    for engine in ("litert", "tensorflow"):
        monkeypatch.setitem(RUNTIMES, engine, f"no_{engine}")

    with pytest.raises(EngineUnavailable, match=reason):
        load_engine(fake_bundle(), choice, threads=1)
