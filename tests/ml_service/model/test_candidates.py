"""Which engine comes first; no runtime is needed to say so."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.errors import EngineUnavailable
from muffin_v_chihuahua_ml_service.model.bundle import EngineName, ModelBundle
from muffin_v_chihuahua_ml_service.model.engines import RUNTIMES, candidates, find_candidates
from muffin_v_chihuahua_ml_service.settings import EngineChoice, PrecisionChoice

Write = Callable[..., ModelBundle]

QUANTISED = {
    "file": "model.int8.onnx",
    "tolerance": 0.1,
    "calibrated_on": 9,
    "pictures": 9,
    "largest_difference": 0.05,
    "changed_verdicts": 0,
}


@pytest.fixture(autouse=True)
def processor(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Every engine is installed; say whether the processor has bf16, which it has until then."""
    for engine in list(RUNTIMES):
        monkeypatch.setitem(RUNTIMES, engine, "json")

    def has(bf16: bool) -> None:  # noqa: FBT001 - it is the answer
        monkeypatch.setattr(candidates, "_has_bf16", lambda: bf16)

    has(bf16=True)
    return has


def names(
    bundle: ModelBundle, choice: EngineChoice = "auto", precision: PrecisionChoice = "auto"
) -> list[str]:
    return [str(each) for each in find_candidates(bundle, choice, precision).candidates]


def test_the_fastest_comes_first(fake_bundle: Write) -> None:
    assert names(fake_bundle(quantised=QUANTISED)) == [
        "openvino in int8",
        "openvino in bf16",
        "onnxruntime in int8",
        "openvino in f32",
        "onnxruntime in f32",
        "litert in f32",
        "tensorflow in f32",
    ]
    speeds = [each.speed for each in candidates.CANDIDATES]
    assert speeds == sorted(speeds, reverse=True)


def test_without_a_network_in_int8_there_is_no_int8(fake_bundle: Write) -> None:
    found = find_candidates(fake_bundle())

    assert [str(each) for each in found.candidates if each.precision == "int8"] == []
    assert found.faster_than(found.candidates[0]) == [
        "openvino in int8 (the bundle fake-model has no artefact for openvino in int8)"
    ]


def test_bf16_is_for_processors_that_have_it(fake_bundle: Write, processor: Callable[[bool], None]) -> None:
    assert names(fake_bundle())[0] == "openvino in bf16"
    processor(False)  # noqa: FBT003 - it is the answer
    found = find_candidates(fake_bundle())

    assert str(found.candidates[0]) == "openvino in f32"
    assert "openvino in bf16 (this processor has no bf16)" in found.faster_than(found.candidates[0])


@pytest.mark.parametrize(
    ("choice", "precision", "expected"),
    [
        ("openvino", "auto", ["openvino in int8", "openvino in bf16", "openvino in f32"]),
        ("openvino", "bf16", ["openvino in bf16"]),
        ("auto", "int8", ["openvino in int8", "onnxruntime in int8"]),
        ("auto", "bf16", ["openvino in bf16"]),
        ("litert", "auto", ["litert in f32"]),
    ],
)
def test_what_is_asked_for_by_name_is_all_there_is(
    fake_bundle: Write, choice: EngineChoice, precision: PrecisionChoice, expected: list[str]
) -> None:
    assert names(fake_bundle(quantised=QUANTISED), choice, precision) == expected


@pytest.mark.parametrize(
    ("not_installed", "first"),
    [
        (["openvino"], "onnxruntime in f32"),
        (["openvino", "onnxruntime"], "litert in f32"),
        (["openvino", "onnxruntime", "litert"], "tensorflow in f32"),
    ],
)
def test_what_is_not_installed_is_left_out(
    fake_bundle: Write, monkeypatch: pytest.MonkeyPatch, not_installed: list[EngineName], first: str
) -> None:
    for engine in not_installed:
        monkeypatch.setitem(RUNTIMES, engine, "a_runtime_that_is_not_installed")

    assert names(fake_bundle())[0] == first


def test_an_engine_that_the_bundle_has_nothing_for_is_left_out(fake_bundle: Write) -> None:
    bundle = fake_bundle(artefacts={"tensorflow": "model.keras"})

    assert names(bundle) == ["tensorflow in f32"]
    with pytest.raises(
        EngineUnavailable,
        match=r"No engine for 'litert': the bundle fake-model has no artefact for litert\. `build` adds",
    ):
        find_candidates(bundle, "litert")


@pytest.mark.parametrize(
    ("choice", "precision", "reason"),
    [
        ("litert", "bf16", "No engine for 'litert' in 'bf16': it does not run in that precision. "),
        ("openvino", "bf16", "No engine for 'openvino' in 'bf16': this processor has no bf16. "),
        (
            "auto",
            "int8",
            r"'auto' in 'int8': the bundle fake-model has no artefact for openvino in int8 and ",
        ),
    ],
)
def test_a_precision_that_nothing_runs_in_is_refused(
    fake_bundle: Write,
    processor: Callable[[bool], None],
    choice: EngineChoice,
    precision: PrecisionChoice,
    reason: str,
) -> None:
    processor(False)  # noqa: FBT003 - it is the answer

    with pytest.raises(EngineUnavailable, match=reason):
        find_candidates(fake_bundle(), choice, precision)


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("litert", "No engine for 'litert': no_litert is not installed"),
        ("onnxruntime", r"no_onnxruntime is not installed\. .+ pip install '.+\[onnxruntime,tensorflow\]'"),
        ("tensorflow", "No engine for 'tensorflow': no_tensorflow is not installed"),
        ("openvino", "No engine for 'openvino': no_openvino is not installed. "),
        (
            "auto",
            "'auto': no_openvino is not installed and no_onnxruntime .+ no_litert .+ no_tensorflow is not",
        ),
    ],
)
def test_an_engine_that_is_not_installed_is_refused(
    fake_bundle: Write, monkeypatch: pytest.MonkeyPatch, choice: EngineChoice, reason: str
) -> None:
    for engine in list(RUNTIMES):
        monkeypatch.setitem(RUNTIMES, engine, f"no_{engine}")

    with pytest.raises(EngineUnavailable, match=reason):
        find_candidates(fake_bundle(quantised=QUANTISED), choice)


def test_an_engine_that_is_installed_and_cannot_be_imported_is_passed_over(
    default_bundle: ModelBundle, tmp_path: Path
) -> None:
    broken = tmp_path / "openvino/__init__.py"
    broken.parent.mkdir()
    broken.write_text("raise ImportError('libtbb.so.12: cannot open shared object file')")
    picture = default_bundle.folder / default_bundle.manifest.golden[0].file
    line = [sys.executable, "-m", "muffin_v_chihuahua_ml_service", "predict", str(picture)]

    def predict(engine: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - ourselves
            [*line, "--model", str(default_bundle.folder), "--engine", engine],
            env=os.environ | {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert predict("auto").returncode == 0
    assert "openvino is installed and cannot be imported (libtbb.so.12" in predict("openvino").stderr
