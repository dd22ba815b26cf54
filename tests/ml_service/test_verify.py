from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from muffin_v_chihuahua_ml_service import verify
from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, EngineName, ModelBundle, Precision
from muffin_v_chihuahua_ml_service.model.engines import CANDIDATES, Found, find_candidates
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.model.preprocessing import array_digest, preprocess
from muffin_v_chihuahua_ml_service.verify import verify_bundle


def test_golden_pictures_are_the_same_array_everywhere(tiny_bundle: ModelBundle) -> None:
    verified = verify_bundle(tiny_bundle)

    expected = {
        golden.file: array_digest(
            preprocess((tiny_bundle.folder / golden.file).read_bytes(), tiny_bundle.manifest.preprocessing)
        )
        for golden in tiny_bundle.manifest.golden
    }
    assert verified.arrays == expected
    assert verified.engines == find_candidates(tiny_bundle).candidates
    assert {each.engine for each in verified.engines} == set(tiny_bundle.manifest.artefacts)
    assert verified.too_coarse == ()


def test_int8_is_proven_where_the_bundle_has_it(int8_bundle: ModelBundle) -> None:
    proven = {str(each) for each in verify_bundle(int8_bundle).engines}

    assert {"openvino in int8", "onnxruntime in int8", "openvino in f32", "litert in f32"} <= proven


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_what_fails_its_golden_pictures_is_a_fault_of_the_bundle_unless_it_is_bf16(
    command: Callable[..., Any],
    tiny_bundle: ModelBundle,
    monkeypatch: pytest.MonkeyPatch,
    precision: Precision,
) -> None:
    two = tuple(each for each in CANDIDATES if each.engine == "openvino" and each.precision != "int8")

    def load(_: ModelBundle, engine: EngineName, asked_for: Precision, *, threads: int) -> None:
        assert threads >= 1
        if asked_for == precision:
            raise InvalidBundle(f"{engine} in {asked_for} answers otherwise.")

    monkeypatch.setattr(verify, "find_candidates", lambda _: Found(two, {}))
    monkeypatch.setattr(verify, "load_predictor", load)

    outcome = command("verify", tiny_bundle.folder)

    said = f"openvino in {precision} answers otherwise."
    if precision == "bf16":
        assert outcome.status == 0
        assert f"Left out: {said}\n" in outcome.out
        assert outcome.out.endswith("all answered as the manifest says by openvino in f32\n")
    else:
        assert outcome.status == 1
        assert said in outcome.err


def test_a_way_that_sees_other_pixels_is_named(
    tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    preprocess_as_before = Predictor.preprocess
    monkeypatch.setattr(Predictor, "preprocess", lambda self, data: preprocess_as_before(self, data) + 1)

    with pytest.raises(
        InvalidBundle, match=r"golden/blue-2-0\.bmp: is not the same array everywhere \(training"
    ):
        verify_bundle(tiny_bundle)


def test_pixels_other_than_those_of_the_training_are_told(fake_bundle: Callable[..., ModelBundle]) -> None:
    golden = {"file": "golden/red.png", "array_sha256": "0" * 64, "probabilities": [0.0, 1.0]}

    with pytest.raises(InvalidBundle, match=r"golden/red\.png: is not the same .* the manifest 000000000000"):
        verify_bundle(fake_bundle(golden=[golden]))


def test_the_command_prints_what_was_proven(command: Callable[..., object], tiny_bundle: ModelBundle) -> None:
    outcome = command("verify", tiny_bundle.folder)

    lines = outcome.out.splitlines()  # type: ignore[attr-defined]
    assert len(lines) == len(tiny_bundle.manifest.golden) + 1
    assert lines[0].startswith("golden/blue-2-0.bmp: the same array in training, service and command line")
    assert lines[-1].startswith(f"{tiny_bundle.digest}: all answered as the manifest says by ")
    assert "litert" in lines[-1]


def test_a_bundle_that_was_tampered_with_is_not_verified(
    command: Callable[..., object], tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    content = (tiny_bundle.folder / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(content)

    outcome = command("verify", tmp_path)

    assert outcome.status == 1  # type: ignore[attr-defined]
    assert "the manifest lists it, but it is not there" in outcome.err  # type: ignore[attr-defined]


def test_the_digest_of_an_array_is_that_of_its_values() -> None:
    array = np.arange(12, dtype=np.float32).reshape(2, 2, 3)

    assert array_digest(array) == array_digest(np.asfortranarray(array))
    assert array_digest(array) != array_digest(array + 1)
