import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.errors import EngineUnavailable, InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, ModelBundle, write_manifest
from muffin_v_chihuahua_ml_service.model.engines import RUNTIMES
from muffin_v_chihuahua_ml_service.model.engines.litert import LiteRTEngine
from muffin_v_chihuahua_ml_service.model.predictor import load_predictor
from muffin_v_chihuahua_ml_service.model.preprocessing import preprocess
from muffin_v_chihuahua_ml_service.training.checks import check_engines
from muffin_v_chihuahua_ml_service.training.export import _write_head, build_bundle


def test_a_built_bundle_is_its_source_with_an_artefact_for_every_engine(
    tiny_source: ModelBundle, tiny_bundle: ModelBundle
) -> None:
    source, built = tiny_source.manifest, tiny_bundle.manifest

    assert built.artefacts == {
        "tensorflow": "model.keras",
        "litert": "model.tflite",
        "onnxruntime": "model.onnx",
        "openvino": "model.onnx",
    }
    assert built.artefacts.keys() == RUNTIMES.keys()
    assert built.activation_maps is not None
    without = {"artefacts", "files", "activation_maps", "format_version"}
    assert built.model_dump(exclude=without) == source.model_dump(exclude=without)
    assert built.files.keys() - source.files.keys() == {"model.tflite", "model.onnx", "head.npy"}
    assert {name: built.files[name] for name in source.files} == source.files


def test_building_the_default_model_from_its_weights_gives_the_committed_artefacts_answers(
    default_bundle: ModelBundle, rebuilt_bundle: ModelBundle
) -> None:
    committed, rebuilt = (
        load_predictor(each, "onnxruntime", "f32", threads=1) for each in (default_bundle, rebuilt_bundle)
    )
    golden = [(default_bundle.folder / each.file).read_bytes() for each in default_bundle.manifest.golden]
    noise = np.random.default_rng(0).uniform(0, 255, (8, 224, 224, 3)).astype(np.float32)

    for array in (*map(committed.preprocess, golden), *noise):
        [found], [expected] = committed.predict_batch([array]), rebuilt.predict_batch([array])
        assert found.verdict == expected.verdict
        assert {each.label: each.probability for each in found.predictions} == pytest.approx(
            {each.label: each.probability for each in expected.predictions}, abs=1e-5
        )
    assert {*rebuilt_bundle.manifest.files} - {*default_bundle.manifest.files} == {"model.tflite"}


def test_a_build_for_some_engines_has_their_artefacts_alone(tiny_source: ModelBundle, tmp_path: Path) -> None:
    built = build_bundle(tiny_source, tmp_path / "bundle", engines=["openvino"])

    assert built.manifest.artefacts == {"tensorflow": "model.keras", "openvino": "model.onnx"}
    assert not (built.folder / "model.tflite").exists()


def test_a_build_replaces_what_was_there_and_leaves_nothing_beside_it(
    tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    out = tmp_path / "deeper" / "bundle"
    out.mkdir(parents=True)
    (out / "old.txt").write_text("from before")

    built = build_bundle(tiny_bundle, out)

    assert built.folder == out
    assert built.digest == tiny_bundle.digest  # the same source, the same bytes
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {MANIFEST, *built.manifest.files}


def test_a_network_without_global_pooling_is_built_without_activation_maps(
    tiny_source: ModelBundle, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(tiny_source.folder, source)
    keras.utils.set_random_seed(1)
    picture = keras.Input((224, 224, 3))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(32)(picture))
    network = keras.Model(picture, keras.layers.Dense(2, activation="softmax")(x))
    network.save(source / "model.keras")
    manifest = json.loads((source / MANIFEST).read_bytes())
    manifest |= {"gate": None, "metrics": {}}
    for golden in manifest["golden"]:
        array = preprocess((source / golden["file"]).read_bytes(), tiny_source.manifest.preprocessing)
        golden["label"] = None
        golden["probabilities"] = network.predict(array[np.newaxis], verbose=0)[0].tolist()

    built = build_bundle(write_manifest(source, manifest), tmp_path / "bundle")

    assert built.manifest.activation_maps is None
    assert not (built.folder / "head.npy").exists()
    assert not load_predictor(built, threads=1).has_activation_maps


@pytest.mark.parametrize("bias", [True, False])
def test_the_head_is_the_kernel_over_the_bias(tmp_path: Path, *, bias: bool) -> None:
    picture = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(picture)
    dense = keras.layers.Dense(2, use_bias=bias, bias_initializer="ones")

    assert _write_head(keras.Model(picture, dense(pooled)), tmp_path / "head.npy")

    head = np.load(tmp_path / "head.npy")
    np.testing.assert_array_equal(head[:-1], dense.get_weights()[0])
    np.testing.assert_array_equal(head[-1], [float(bias)] * 2)


def test_an_engine_that_looks_elsewhere_is_refused(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = LiteRTEngine.explain

    def turned(engine: LiteRTEngine, batch: Any) -> tuple[Any, Any]:
        probabilities, features = found(engine, batch)
        return probabilities, features[:, ::-1]

    monkeypatch.setattr(LiteRTEngine, "explain", turned)

    with pytest.raises(InvalidBundle, match="litert makes other activation maps than tensorflow"):
        check_engines(tiny_bundle)


def test_a_build_whose_engines_answer_otherwise_leaves_what_was_there(
    tiny_source: ModelBundle, tmp_path: Path
) -> None:
    source, out = tmp_path / "source", tmp_path / "bundle"
    shutil.copytree(tiny_source.folder, source)
    manifest = json.loads((source / MANIFEST).read_bytes())
    manifest["golden"][0]["probabilities"] = [0.5, 0.5]
    out.mkdir()
    (out / "old.txt").write_text("from before")

    with pytest.raises(InvalidBundle, match="openvino in f32 answers"):
        build_bundle(write_manifest(source, manifest), out)

    assert [path.name for path in out.iterdir()] == ["old.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"source", "bundle"}


def test_an_engine_that_is_not_installed_is_not_left_out_unchecked(
    tiny_source: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNTIMES, "onnxruntime", "no_onnxruntime")

    with pytest.raises(EngineUnavailable, match=r"no_onnxruntime is not installed\. .+ pip install"):
        build_bundle(tiny_source, tmp_path / "bundle")

    assert list(tmp_path.iterdir()) == []
