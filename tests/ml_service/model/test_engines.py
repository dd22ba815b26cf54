import itertools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from muffin_v_chihuahua_ml_service.model.bundle import EngineName, ModelBundle
from muffin_v_chihuahua_ml_service.model.engines import (
    RUNTIMES,
    Candidate,
    find_candidates,
    load_candidate,
    load_engine,
)
from muffin_v_chihuahua_ml_service.model.explaining.activation import read_head

NEAR = 1e-4
"""How far two engines' probabilities may be apart."""


def noise(bundle: ModelBundle, count: int) -> NDArray[np.float32]:
    how = bundle.manifest.preprocessing
    shape = (count, how.height, how.width, 3)
    return np.random.default_rng(count).uniform(0, 255, shape).astype(np.float32)


@pytest.fixture(params=["tiny_bundle", "rebuilt_bundle"], scope="module")
def bundle(request: pytest.FixtureRequest) -> ModelBundle:
    built: ModelBundle = request.getfixturevalue(request.param)
    return built


def test_the_engines_answer_alike_for_every_size_of_batch_and_each_picture_as_if_alone(
    bundle: ModelBundle,
) -> None:
    engines = [load_engine(bundle, engine, "f32", threads=2) for engine in RUNTIMES]
    reference = engines[-1]
    assert [engine.name for engine in engines] == ["litert", "onnxruntime", "openvino", "tensorflow"]
    assert {engine.precision for engine in engines} == {"f32"}

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


def test_the_engines_see_the_same_and_answer_as_they_do_without_being_asked_why(bundle: ModelBundle) -> None:
    engines = [load_engine(bundle, engine, "f32", threads=2) for engine in RUNTIMES]
    head = read_head(bundle)
    assert head is not None

    for count in (2, 1):
        pictures = noise(bundle, count)
        _, expected = engines[-1].explain(pictures)
        for engine in engines:
            probabilities, features = engine.explain(pictures)
            np.testing.assert_allclose(probabilities, engine.run(pictures), atol=1e-6, rtol=0)
            assert features.shape == (count, *expected.shape[1:3], len(head) - 1)
            np.testing.assert_allclose(features, expected, atol=1e-3 * np.abs(expected).max(), rtol=0)


def test_openvino_tells_nobody_that_it_was_imported_and_leaves_nothing_at_home(tmp_path: Path) -> None:
    """Its telemetry is on by default but in CI; `findings/openvino-import-telemetry.sh` shows it."""
    program = "import sys, muffin_v_chihuahua_ml_service.model.engines.openvino; print(*sys.modules)"
    at_home = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}

    imported = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", program], env=at_home, capture_output=True, text=True, check=True
    )

    assert "openvino.tools.ovc" in imported.stdout.split()  # what would tell
    assert "openvino_telemetry.main" not in imported.stdout.split()
    assert list(tmp_path.iterdir()) == []


def test_in_other_precisions_they_see_nearly_the_same(int8_bundle: ModelBundle) -> None:
    pictures = noise(int8_bundle, 2)
    _, expected = load_engine(int8_bundle, "tensorflow", threads=1).explain(pictures)

    for candidate in here(int8_bundle):
        engine = load_candidate(int8_bundle, candidate, threads=1, streams=1)
        probabilities, features = engine.explain(pictures)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(features, expected, atol=0.05 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("engine", RUNTIMES)
def test_explanations_and_answers_at_once_do_not_disturb_each_other(
    tiny_bundle: ModelBundle, engine: EngineName
) -> None:
    loaded = load_engine(tiny_bundle, engine, "f32", threads=1, streams=2)
    batches = [noise(tiny_bundle, count) for count in (1, 2, 4)]
    answers, maps = [loaded.run(batch) for batch in batches], [loaded.explain(batch)[1] for batch in batches]

    with ThreadPoolExecutor(6) as threads:
        for _ in range(5):
            running, explaining = threads.map(loaded.run, batches), threads.map(loaded.explain, batches)
            for found, alone in zip(running, answers, strict=True):
                np.testing.assert_allclose(found, alone, atol=1e-6, rtol=0)
            for (_, seen), alone in zip(explaining, maps, strict=True):
                np.testing.assert_allclose(seen, alone, atol=1e-5, rtol=0)


def here(bundle: ModelBundle) -> list[Candidate]:
    return list(find_candidates(bundle).candidates)


def test_in_other_precisions_they_answer_nearly_alike(int8_bundle: ModelBundle) -> None:
    exact = load_engine(int8_bundle, "onnxruntime", "f32", threads=1)
    rounded = [each for each in here(int8_bundle) if each.precision != "f32"]
    assert {each.precision for each in rounded} >= {"int8"}

    for count, candidate in itertools.product((1, 4, 7, 2), rounded):
        engine = load_candidate(int8_bundle, candidate, threads=1, streams=2)
        pictures = noise(int8_bundle, count)
        off = np.abs(engine.run(pictures) - exact.run(pictures))
        assert 0 < off.max() < 0.05, candidate
        np.testing.assert_allclose(engine.run(pictures).sum(axis=1), 1, atol=1e-5)
        assert (engine.precision, engine.streams) == (candidate.precision, 2)
        assert engine.max_batch == 4


@pytest.mark.parametrize("engine", RUNTIMES)
def test_the_answers_do_not_depend_on_how_many_run_at_once(
    tiny_bundle: ModelBundle, engine: EngineName
) -> None:
    """More threads than streams, each with pictures and sizes of batch of its own, again and again."""
    loaded = load_engine(tiny_bundle, engine, "f32", threads=1, streams=2)
    batches = [noise(tiny_bundle, count) for count in (1, 2, 4, 5, 1, 3)]
    expected = [loaded.run(batch) for batch in batches]

    with ThreadPoolExecutor(6) as threads:
        for _ in range(5):
            for found, alone in zip(threads.map(loaded.run, batches), expected, strict=True):
                np.testing.assert_allclose(found, alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("engine", ["litert", "openvino"])
def test_a_batch_that_fails_takes_no_stream_with_it(tiny_bundle: ModelBundle, engine: EngineName) -> None:
    loaded = load_engine(tiny_bundle, engine, "f32", threads=1, streams=1)
    expected = loaded.run(noise(tiny_bundle, 1))

    for _ in range(3):
        with pytest.raises((RuntimeError, ValueError)):
            loaded.run(np.zeros((1, 5, 5, 3), dtype=np.float32))

    np.testing.assert_array_equal(loaded.run(noise(tiny_bundle, 1)), expected)


def test_openvino_says_what_is_wrong_and_not_where_in_its_sources(tiny_bundle: ModelBundle) -> None:
    loaded = load_engine(tiny_bundle, "openvino", "f32", threads=1)

    with pytest.raises(RuntimeError, match=r"^Can't set the input tensor .+ are incompatible$"):
        loaded.run(np.zeros((1, 5, 5, 3), dtype=np.float32))


@pytest.mark.parametrize("engine", RUNTIMES)
def test_pictures_may_lie_in_memory_as_they_like(tiny_bundle: ModelBundle, engine: EngineName) -> None:
    loaded = load_engine(tiny_bundle, engine, "f32", threads=1)
    pictures = noise(tiny_bundle, 4)
    turned = np.asfortranarray(pictures)
    turned.flags.writeable = False

    np.testing.assert_array_equal(loaded.run(turned), loaded.run(pictures))


@pytest.mark.parametrize("engine", RUNTIMES)
def test_the_answers_of_one_run_outlive_the_next(tiny_bundle: ModelBundle, engine: EngineName) -> None:
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
    tiny_bundle: ModelBundle, engine: EngineName
) -> None:
    pictures = noise(tiny_bundle, 2)

    load_engine(tiny_bundle, engine, threads=1).run(pictures)

    np.testing.assert_array_equal(pictures, noise(tiny_bundle, 2))


FREED_IN_ANOTHER_THREAD = """
import signal, sys, threading
from pathlib import Path
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.engines import load_engine

signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
engines = [load_engine(ModelBundle.read(Path(sys.argv[1])), sys.argv[2], "f32", threads=1)]
freeing = threading.Thread(target=engines.clear)
freeing.start()
freeing.join()
signal.raise_signal(signal.SIGUSR1)
"""


@pytest.mark.parametrize("engine", RUNTIMES)
def test_an_engine_that_another_thread_frees_leaves_one_that_hears_signals(
    tiny_bundle: ModelBundle, engine: EngineName
) -> None:
    """A stack for signals that goes with the engine would end the process, where the processor has AMX."""
    ran = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", FREED_IN_ANOTHER_THREAD, str(tiny_bundle.folder), engine],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (0, "heard\n"), ran.stderr
