import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from muffin_v_chihuahua_ml_service.errors import GateFailed, InvalidDataset
from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.training import int8
from muffin_v_chihuahua_ml_service.training.data.dataset import by_split, read_dataset
from muffin_v_chihuahua_ml_service.training.export import build_bundle
from muffin_v_chihuahua_ml_service.training.int8 import add_int8


def test_a_bundle_built_with_int8_has_its_network_and_what_was_measured(
    tiny_bundle: ModelBundle, int8_bundle: ModelBundle, workshop: Any
) -> None:
    sides = by_split(read_dataset([workshop.data]))

    quantised = int8_bundle.manifest.quantised

    assert quantised is not None
    assert quantised.file == "model.int8.onnx"
    assert (quantised.calibrated_on, quantised.pictures) == (len(sides["calibration"]), len(sides["test"]))
    assert 0 < quantised.largest_difference < quantised.tolerance < 0.2
    assert quantised.changed_verdicts == 0
    other = {"quantised", "files"}
    assert int8_bundle.manifest.model_dump(exclude=other) == tiny_bundle.manifest.model_dump(exclude=other)


def test_without_it_a_build_leaves_int8_out_also_where_the_source_has_it(
    int8_bundle: ModelBundle, tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    built = build_bundle(int8_bundle, tmp_path / "bundle")

    assert built.digest == tiny_bundle.digest
    assert not (tmp_path / "bundle" / "model.int8.onnx").exists()


@pytest.fixture
def copy(tiny_bundle: ModelBundle, tmp_path: Path) -> ModelBundle:
    shutil.copytree(tiny_bundle.folder, tmp_path / "copy")
    return ModelBundle.read(tmp_path / "copy")


def bad_network(network: Path, _: object) -> bytes:
    """One that takes everything for the other class."""
    model = onnx.load(network)
    turned = onnx.helper.make_node("Sub", ["one", "straight"], ["probabilities"])
    model.graph.node[-1].output[0] = "straight"
    model.graph.node.append(turned)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1, np.float32), "one"))
    content: bytes = model.SerializeToString()
    return content


def test_int8_that_changes_more_verdicts_than_the_gate_allows_is_refused_with_its_numbers(
    copy: ModelBundle, workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8, "quantise", bad_network)
    count = len(by_split(read_dataset([workshop.data]))["test"])

    with pytest.raises(
        GateFailed, match=rf"^int8 changes \d+ of {count} verdicts, .+% and so more than 2\.0%"
    ):
        add_int8(copy, [workshop.data])


def test_a_gate_may_allow_more(copy: ModelBundle, workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = json.loads((copy.folder / "model.json").read_text())
    (copy.folder / "model.json").write_text(json.dumps(manifest | {"gate": {"changed_verdicts": 1}}))
    monkeypatch.setattr(int8, "quantise", bad_network)

    measured = add_int8(ModelBundle.read(copy.folder), [workshop.data]).manifest.quantised

    assert measured is not None
    assert measured.tolerance == 1
    assert measured.changed_verdicts > 0


def test_int8_needs_pictures_to_calibrate_and_to_measure_on(
    copy: ModelBundle, pictures: Callable[..., Path], tmp_path: Path
) -> None:
    few = pictures(tmp_path / "few", 1, seed=7)

    with pytest.raises(InvalidDataset, match=r"No picture falls on the side '\w+'; int8 needs more pictures"):
        add_int8(copy, [few])


def test_the_command_says_what_was_measured(
    command: Callable[..., Any], tiny_source: ModelBundle, workshop: Any, tmp_path: Path
) -> None:
    outcome = command("build", tiny_source.folder, "--out", tmp_path / "bundle", "--int8", workshop.data)

    measured = ModelBundle.read(tmp_path / "bundle").manifest.quantised
    assert measured is not None
    assert outcome.status == 0
    assert (
        f"int8 on {measured.pictures} pictures: 0 verdicts changed, probabilities at most 0.0" in outcome.out
    )
