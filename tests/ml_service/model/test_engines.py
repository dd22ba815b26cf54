import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.errors import EngineUnavailable
from muffin_v_chihuahua_ml_service.model.bundle import EngineName, ModelBundle
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
    engines = [load_engine(bundle, engine, threads=2) for engine in RUNTIMES]
    reference = engines[-1]
    assert [engine.name for engine in engines] == ["litert", "onnxruntime", "tensorflow"]

    # back to 1 at the end: a batch must leave nothing behind
    for count, engine in itertools.product((1, 3, 8, 1), engines):
        pictures = noise(bundle, count)
        found = engine.run(pictures)
        assert found.shape == (count, len(bundle.manifest.labels))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(found, reference.run(pictures), atol=NEAR, rtol=0)
        alone = np.concatenate([engine.run(picture[np.newaxis]) for picture in pictures])
        np.testing.assert_allclose(found, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("engine", RUNTIMES)
def test_the_answers_of_one_run_outlive_the_next(tiny_bundle: ModelBundle, engine: EngineChoice) -> None:
    loaded = load_engine(tiny_bundle, engine, threads=1)
    first = loaded.run(noise(tiny_bundle, 3))
    kept = first.copy()

    loaded.run(noise(tiny_bundle, 3)[::-1].copy())

    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("engine", RUNTIMES)
def test_a_file_that_is_written_over_later_changes_no_answer(
    tiny_bundle: ModelBundle, tmp_path: Path, engine: EngineName
) -> None:
    """A service that cannot take a new model goes on with the old one, whose files the new one replaced."""
    copy = replace(tiny_bundle, folder=tmp_path / "bundle")
    shutil.copytree(tiny_bundle.folder, copy.folder)
    loaded = load_engine(copy, engine, threads=1)
    expected = loaded.run(noise(copy, 1)).copy()

    artefact = copy.artefact(engine)
    assert artefact
    artefact.write_bytes(bytes(artefact.stat().st_size))

    np.testing.assert_array_equal(loaded.run(noise(copy, 1)), expected)


@pytest.mark.parametrize("engine", RUNTIMES)
def test_an_engine_does_not_change_the_pictures_it_is_given(
    tiny_bundle: ModelBundle, engine: EngineChoice
) -> None:
    pictures = noise(tiny_bundle, 2)

    load_engine(tiny_bundle, engine, threads=1).run(pictures)

    np.testing.assert_array_equal(pictures, noise(tiny_bundle, 2))


@pytest.mark.parametrize(
    ("not_installed", "taken"),
    [([], "litert"), (["litert"], "onnxruntime"), (["litert", "onnxruntime"], "tensorflow")],
)
def test_the_first_engine_that_is_installed_is_taken(
    tiny_bundle: ModelBundle,
    monkeypatch: pytest.MonkeyPatch,
    not_installed: list[EngineName],
    taken: EngineName,
) -> None:
    for engine in not_installed:
        monkeypatch.setitem(RUNTIMES, engine, "a_runtime_that_is_not_installed")

    assert load_engine(tiny_bundle, "auto", threads=1).name == taken


def test_tensorflow_is_taken_where_the_bundle_has_nothing_for_the_others(tiny_source: ModelBundle) -> None:
    assert load_engine(tiny_source, "auto", threads=1).name == "tensorflow"


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
        ("onnxruntime", r"no_onnxruntime is not installed\. .+ pip install '.+\[onnxruntime,tensorflow\]'"),
        ("tensorflow", "No engine for 'tensorflow': no_tensorflow is not installed"),
        (
            "auto",
            "'auto': no_litert is not installed and no_onnxruntime is not .+ and no_tensorflow is not",
        ),
    ],
)
def test_an_engine_that_is_not_installed_is_refused(
    fake_bundle: Callable[..., ModelBundle],
    monkeypatch: pytest.MonkeyPatch,
    choice: EngineChoice,
    reason: str,
) -> None:
    for engine in list(RUNTIMES):
        monkeypatch.setitem(RUNTIMES, engine, f"no_{engine}")

    with pytest.raises(EngineUnavailable, match=reason):
        load_engine(fake_bundle(), choice, threads=1)
