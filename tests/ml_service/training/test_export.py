import json
import shutil
from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.errors import EngineUnavailable, InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, ModelBundle, write_manifest
from muffin_v_chihuahua_ml_service.model.engines import RUNTIMES
from muffin_v_chihuahua_ml_service.training.export import build_bundle


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
    without = {"artefacts", "files"}
    assert built.model_dump(exclude=without) == source.model_dump(exclude=without)
    assert built.files.keys() - source.files.keys() == {"model.tflite", "model.onnx"}
    assert {name: built.files[name] for name in source.files} == source.files


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
