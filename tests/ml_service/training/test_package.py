import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.errors import InvalidBundle
from muffin_v_chihuahua_ml_service.model.bundle import MANIFEST, ModelBundle
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.training.package import package_bundle


@pytest.fixture(scope="module")
def packaged(tiny_bundle: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return package_bundle(tiny_bundle, tmp_path_factory.mktemp("dist"))


def test_a_bundle_becomes_a_zip_and_a_wheel(packaged: list[Path]) -> None:
    assert [path.name for path in packaged] == ["tiny-0.1.0.zip", "tiny_model-0.1.0-py3-none-any.whl"]


@pytest.mark.parametrize("index", [0, 1])
def test_each_is_a_source_of_the_same_bundle(
    packaged: list[Path], tiny_bundle: ModelBundle, index: int, tmp_path: Path
) -> None:
    assert open_bundle(str(packaged[index]), cache=tmp_path).digest == tiny_bundle.digest


def test_the_same_bundle_gives_the_same_files(
    packaged: list[Path], tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    again = package_bundle(tiny_bundle, tmp_path)

    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in packaged]


def test_the_wheel_installs_and_the_service_finds_it(
    packaged: list[Path], tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    with zipfile.ZipFile(packaged[1]) as wheel:
        wheel.extractall(tmp_path)  # what pip does with a wheel of data
    script = (
        "from muffin_v_chihuahua_ml_service.model.sources import open_bundle\n"
        "print(open_bundle('tiny').digest)"
    )

    found = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        check=True,
        capture_output=True,
        text=True,
    )

    assert found.stdout.strip() == tiny_bundle.digest
    assert not [name for name in zipfile.ZipFile(packaged[1]).namelist() if name.endswith(".py")]


def test_a_bundle_that_answers_otherwise_than_its_manifest_is_not_packaged(
    tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("0.1.0", "9.9.9"))
    first, _ = tiny_bundle.manifest.golden
    text = (folder / MANIFEST).read_text()
    for value in first.probabilities:
        text = text.replace(repr(value), "0.5")
    (folder / MANIFEST).write_text(text)

    with pytest.raises(InvalidBundle, match="do not belong together"):
        package_bundle(ModelBundle.read(folder), tmp_path / "dist")


def test_the_command_names_what_it_wrote(
    command: Callable[..., object], tiny_bundle: ModelBundle, tmp_path: Path
) -> None:
    outcome = command("package", tiny_bundle.folder, "--out", tmp_path)

    assert [Path(line).name for line in outcome.out.splitlines()] == [  # type: ignore[attr-defined]
        "tiny-0.1.0.zip",
        "tiny_model-0.1.0-py3-none-any.whl",
    ]
