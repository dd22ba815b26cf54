"""A bundle as one file: a zip to be put anywhere, and a wheel to be installed beside the service."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..model.bundle import CARD, MANIFEST, ModelBundle
from ..model.sources import ENTRY_POINTS
from .checks import check_engines
from .judging.gate.gate import check_bundle

_FIXED_DATE = {"SOURCE_DATE_EPOCH": "315532800"}
"""1980, where a zip's time begins: the same bundle gives the same file."""


def package_bundle(bundle: ModelBundle, out: Path) -> list[Path]:
    """Write ``<name>-<version>.zip`` and the model's wheel to the folder ``out``.

    Raises:
        GateFailed: the bundle does not reach what its manifest asks for.
        InvalidBundle: an engine does not answer as the manifest's golden pictures say.
        EngineUnavailable: an engine that the bundle has an artefact for is not installed.
    """
    check_bundle(bundle)
    check_engines(bundle)
    out.mkdir(parents=True, exist_ok=True)
    return [_zip(bundle, out), _wheel(bundle, out)]


def _zip(bundle: ModelBundle, out: Path) -> Path:
    path = out / f"{bundle.manifest.name}-{bundle.manifest.version}.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name in (MANIFEST, *sorted(bundle.manifest.files)):
            entry = ZipInfo(name)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, (bundle.folder / name).read_bytes())
    return path


def _wheel(bundle: ModelBundle, out: Path) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        project, built = Path(folder) / "project", Path(folder) / "built"
        package = re.sub("[-.]+", "_", bundle.manifest.name) + "_model"
        for name in (MANIFEST, *bundle.manifest.files):
            (project / package / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / name, project / package / name)
        (project / "pyproject.toml").write_text(_project(bundle, package), encoding="utf-8")
        subprocess.run(  # noqa: S603 - hatchling, on a folder that was just written
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
            cwd=project,
            env=os.environ | _FIXED_DATE,
            check=True,
            capture_output=True,
        )
        [wheel] = built.glob("*.whl")
        return Path(shutil.copy(wheel, out))


def _project(bundle: ModelBundle, package: str) -> str:
    """The wheel's ``pyproject.toml``: data only, found by its entry point."""
    name, manifest = json.dumps(bundle.manifest.name), bundle.manifest
    return f"""[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = {json.dumps(f"{manifest.name}-model")}
version = {json.dumps(manifest.version)}
description = {json.dumps(" ".join(manifest.description.split()))}
readme = "{package}/{CARD}"
requires-python = ">=3.11"

[project.entry-points."{ENTRY_POINTS}"]
{name} = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""
