from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, ModelBundle
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
    assert set(verified.engines) == set(tiny_bundle.manifest.artefacts)


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
