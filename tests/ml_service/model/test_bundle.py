import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import CARD, MANIFEST, ModelBundle, manifest_schema

Write = Callable[..., ModelBundle]


def test_a_bundle_is_read_as_it_was_written(fake_bundle: Write) -> None:
    written = fake_bundle(name="other-name", version="1.2.3")

    read = ModelBundle.read(written.folder)

    assert read == written
    assert (read.manifest.name, read.manifest.version) == ("other-name", "1.2.3")
    assert read.manifest.labels == ("blue", "red")
    assert read.manifest.files.keys() == {CARD, "golden/red.png", "model.keras", "model.onnx", "model.tflite"}


def test_the_digest_follows_from_the_manifest_and_through_it_from_every_file(fake_bundle: Write) -> None:
    same, again = fake_bundle().digest, fake_bundle().digest
    other = fake_bundle(version="9.9.8").digest

    assert re.fullmatch("sha256:[0-9a-f]{64}", same)
    assert same == again != other


def test_an_engine_without_an_artefact_has_no_path(fake_bundle: Write) -> None:
    bundle = fake_bundle(artefacts={"litert": "model.tflite"})

    assert bundle.artefact("litert") == bundle.folder / "model.tflite"
    assert bundle.artefact("tensorflow") is None


@pytest.mark.parametrize("name", [CARD, "golden/red.png", "model.keras", "model.onnx", "model.tflite"])
def test_a_flipped_byte_is_found_and_its_file_named(fake_bundle: Write, name: str) -> None:
    path = fake_bundle().folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(InvalidBundle, match=re.escape(f"{path}: is not the file")):
        ModelBundle.read(path.parent if path.parent.name == "bundle" else path.parent.parent)


@pytest.mark.parametrize("name", [CARD, "golden/red.png", "model.keras", "model.onnx", "model.tflite"])
def test_a_missing_file_is_named(fake_bundle: Write, name: str) -> None:
    bundle = fake_bundle()
    (bundle.folder / name).unlink()

    with pytest.raises(InvalidBundle, match=re.escape(f"{bundle.folder / name}: the manifest lists it")):
        ModelBundle.read(bundle.folder)


def test_a_network_in_int8_is_a_file_of_the_bundle_for_the_engines_that_it_has_an_artefact_for(
    fake_bundle: Write,
) -> None:
    bundle = fake_bundle(
        artefacts={"onnxruntime": "model.onnx", "tensorflow": "model.keras"}, quantised=QUANTISED
    )

    assert bundle.artefact("onnxruntime") == bundle.folder / "model.onnx"
    assert bundle.artefact("onnxruntime", "bf16") == bundle.folder / "model.onnx"
    assert bundle.artefact("onnxruntime", "int8") == bundle.folder / "model.int8.onnx"
    assert bundle.artefact("openvino", "int8") is None
    assert "model.int8.onnx" in bundle.manifest.files
    (bundle.folder / "model.int8.onnx").write_bytes(b"another")
    with pytest.raises(InvalidBundle, match=r"model\.int8\.onnx: is not the file"):
        ModelBundle.read(bundle.folder)


def test_without_one_there_is_no_file_for_int8(fake_bundle: Write) -> None:
    assert fake_bundle().artefact("onnxruntime", "int8") is None


def test_the_head_for_activation_maps_is_one_of_the_bundles_files(fake_bundle: Write) -> None:
    bundle = fake_bundle(activation_maps={"head": "head.npy"})

    assert "head.npy" in bundle.manifest.files
    (bundle.folder / "head.npy").write_bytes(b"another")
    with pytest.raises(InvalidBundle, match=r"head\.npy: is not the file"):
        ModelBundle.read(bundle.folder)


@pytest.mark.parametrize("version", [2, 3])
def test_a_bundle_of_an_earlier_format_has_no_activation_maps(fake_bundle: Write, version: int) -> None:
    assert fake_bundle(format_version=version).manifest.activation_maps is None


def test_a_head_that_is_not_listed_is_refused(fake_bundle: Write) -> None:
    bundle = fake_bundle()
    manifest = json.loads((bundle.folder / MANIFEST).read_bytes()) | {"activation_maps": {"head": "head.npy"}}

    refuse(bundle.folder, json.dumps(manifest).encode(), r"head\.npy is used but not listed under files")


def test_a_bundle_of_the_format_before_is_read(fake_bundle: Write) -> None:
    artefacts = {"onnxruntime": "model.onnx", "litert": "model.tflite"}

    bundle = fake_bundle(format_version=2, artefacts=artefacts)

    assert bundle.manifest.format_version == 2
    assert bundle.artefact("openvino") is None


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match=re.escape(f"{tmp_path / MANIFEST}: cannot be read")):
        ModelBundle.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"not JSON", b"\xff\xfe\0", b"[" * 100_000])
def test_a_manifest_that_is_not_json_is_refused(fake_bundle: Write, content: bytes) -> None:
    refuse(fake_bundle().folder, content, "not JSON")


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"3", b"{}", b'{"format_version": 1}', b'{"format_version": 5}']
)
def test_an_unknown_format_says_what_to_do(fake_bundle: Write, content: bytes) -> None:
    refuse(
        fake_bundle().folder,
        content,
        r"format_version .+ is unknown, this release reads 2, 3 and 4; use a release",
    )


def refuse(folder: Path, content: bytes, reason: str) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(InvalidBundle, match=f"^{re.escape(str(folder / MANIFEST))}: .*{reason}"):
        ModelBundle.read(folder)


EDGE = {"familiar_from": 0.5, "unknown_below": 0.4, "pictures": 9}
FAMILIARITY = {"layer": "features", "bank": 9, "neighbours": 3, "becomes": "red", "classes": {"blue": EDGE}}
ENTRY = {"sha256": "0" * 64, "size": 0}
QUANTISED = {
    "file": "model.int8.onnx",
    "tolerance": 0.1,
    "calibrated_on": 9,
    "pictures": 9,
    "largest_difference": 0.05,
    "changed_verdicts": 0,
}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": ["red", "red"]}, "two labels are the same"),
        ({"labels": ["red"]}, "labels"),
        ({"labels": ["a", "b"]}, "'blue' is none of the labels"),
        ({"golden": [{"file": "g.png", "label": "green", "probabilities": [0, 1]}]}, "'green' is none"),
        (
            {"calibration": {"temperature": 1, "familiarity": FAMILIARITY | {"becomes": "dog"}}},
            "'dog' is none of the labels",
        ),
        (
            {"calibration": {"temperature": 1, "familiarity": FAMILIARITY | {"classes": {"cat": EDGE}}}},
            "'cat' is none of the labels",
        ),
        (
            {"labels": ["a", "b", "c"], "calibration": {"temperature": 1}},
            "golden/red.png does not have one probability for each of 3 labels",
        ),
        ({"golden": []}, "golden"),
        ({"golden": [{"file": "golden/red.png", "probabilities": [1.0]}]}, "one probability for each of 2"),
        ({"golden": [{"file": "golden/red.png", "probabilities": [1.5, 0]}]}, "less than or equal to 1"),
        ({"golden": [{"file": "other.png", "probabilities": [1, 0]}]}, "other.png is used but not listed"),
        ({"artefacts": {}}, "artefacts"),
        ({"artefacts": {"litert": "other.tflite"}}, "other.tflite is used but not listed"),
        ({"artefacts": {"abacus": "model.tflite"}}, "artefacts"),
        ({"artefacts": {"litert": "../model.tflite"}}, "not a path inside the bundle"),
        ({"quantised": QUANTISED}, r"model\.int8\.onnx is used but not listed"),
        ({"quantised": QUANTISED | {"file": "../model.onnx"}}, "not a path inside the bundle"),
        ({"quantised": QUANTISED | {"tolerance": 1.1}}, r"quantised\.tolerance"),
        ({"files": {"../outside": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"a/../../outside": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"/etc/hostname": ENTRY}}, "not a path inside the bundle"),
        ({"files": {r"..\outside": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"C:outside": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"./a": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"a//b": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"": ENTRY}}, "not a path inside the bundle"),
        ({"files": {"a\nb": ENTRY}}, r"files\.'a\\nb'\.\[key\]: .*not a path inside the bundle"),
        ({"files": {"\ud800": ENTRY}}, "not a path inside the bundle"),
        ({"files": {MANIFEST: ENTRY}}, "not a path inside the bundle"),
        ({"files": {"a": {"sha256": "short", "size": 0}}}, "sha256"),
        ({"files": {"a": {"sha256": "0" * 64, "size": -1}}}, "size"),
        ({"name": "Not A Name"}, "name"),
        ({"version": "one"}, "version"),
        ({"preprocessing": {"width": 0, "height": 1, "resize_shorter_side": 1}}, "width"),
        ({"preprocessing": {"width": 1, "height": 1, "resize_shorter_side": 1, "tint": "red"}}, "tint"),
        ({"calibration": {"temperature": 0, "unsure_below": 0.5}}, "temperature"),
        ({"golden_tolerance": 2}, "golden_tolerance"),
        ({"something": "else"}, "something"),
    ],
)
def test_a_manifest_that_contradicts_itself_or_the_format_is_refused(
    fake_bundle: Write, changes: dict[str, Any], reason: str
) -> None:
    folder = fake_bundle().folder
    manifest = json.loads((folder / MANIFEST).read_bytes())

    refuse(folder, json.dumps(manifest | changes).encode(), reason)


def test_a_manifest_without_one_of_its_fields_is_refused(fake_bundle: Write) -> None:
    folder = fake_bundle().folder
    manifest = json.loads((folder / MANIFEST).read_bytes())

    for name in manifest.keys() - {"format_version"}:
        less = {field: value for field, value in manifest.items() if field != name}
        refuse(folder, json.dumps(less).encode(), f"{name}: Field required")


def test_the_published_schema_is_that_of_the_manifest() -> None:
    published = files("muffin_v_chihuahua_ml_service.model").joinpath("model.schema.json").read_text()

    assert json.loads(published) == manifest_schema()


def test_the_schema_takes_what_is_written_and_refuses_what_is_not_a_manifest(fake_bundle: Write) -> None:
    manifest = json.loads((fake_bundle().folder / MANIFEST).read_text())
    validator = jsonschema.Draft202012Validator(manifest_schema())

    assert not list(validator.iter_errors(manifest))
    assert list(validator.iter_errors(manifest | {"format_version": 1}))
    assert list(validator.iter_errors(manifest | {"surprise": 1}))
    assert list(validator.iter_errors({name: manifest[name] for name in manifest if name != "labels"}))
