"""The installer, with the pips that the supported systems bring, and a lock that is older than the index.

pip before 23.3 takes the newest version of what something asks for with an extra, whatever the lock pins, and
in hash mode refuses it: so it may install nothing but the installer.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.left_out import leave_out

ROOT = Path(__file__).parents[2]
OLD_PIPS = [
    pytest.param(version, marks=pytest.mark.needs("python3.11")) for version in ("22.3", "23.0", "23.2")
]
"""Those of CPython 3.11.0, Debian 12 and CPython 3.11.7."""

PYTHON = """\
#!/bin/sh
# A Python whose environments come with another pip.
case "$1 $2" in
    "-c "*) echo "whole {version} $0" ;;
    "-m venv")
        shift 2
        "{python}" -m venv --without-pip "$@"
        for environment; do :; done
        cp -r {pip}/* "$environment"/lib/python*/site-packages/ ;;
    *) exec "{python}" "$@" ;;
esac
"""


def run(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own commands
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def pips(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of an unpacked pip of a version, from the package index."""
    folder = tmp_path_factory.mktemp("pips")

    def fetch(version: str) -> Path:
        target = folder / (version or "newest")
        wanted = f"pip=={version}" if version else "pip"
        fetched = run(
            "tools/uv", "pip", "install", "--python", sys.executable, "--target", str(target), wanted
        )
        if "error sending request" in fetched.stderr:
            leave_out("package-index")
        assert fetched.returncode == 0, fetched.stderr
        return target

    return fetch


def wheel(folder: Path, name: str, version: str, *metadata: str) -> str:
    """Write a wheel without any code to the folder's simple index, and return its line in a lock."""
    path = folder / name / f"{name}-{version}-py3-none-any.whl"
    path.parent.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with ZipFile(path, "w") as archive:
        lines = ("Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata)
        archive.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", "".join(f"{info}/{file},,\n" for file in ("METADATA", "WHEEL", "RECORD"))
        )
    return f"{name}=={version} --hash=sha256:{list_in_index(path)}\n"


def list_in_index(path: Path) -> str:
    """Add a file to its project's page, and return its digest."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with (path.parent / "index.html").open("a") as page:
        page.write(f'<a href="{path.name}#sha256={digest}">{path.name}</a>\n')
    return digest


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a package index, and a lock that it has outgrown: `asked[extra]` is not the newest."""
    folder = tmp_path_factory.mktemp("index")
    lock = wheel(folder, "asks", "1.0", "Requires-Dist: asked[extra]>=1")
    lock += wheel(folder, "asked", "1.0", "Provides-Extra: extra")
    wheel(folder, "asked", "2.0", "Provides-Extra: extra")
    (folder / "uv").mkdir()
    options = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", "requirements/installer.txt")
    fetched = run("build/uv/bin/python", "-m", "pip", "download", *options, "--dest", str(folder / "uv"))
    assert fetched.returncode == 0, fetched.stderr
    list_in_index(next((folder / "uv").glob("*.whl")))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", lock
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("version", [*OLD_PIPS, pytest.param("", id="newest")])
def test_any_pip_installs_exactly_what_an_outgrown_lock_says(
    pips: Callable[[str], Path], index: tuple[str, str], tmp_path: Path, version: str
) -> None:
    address, lock = index
    for part in ("Makefile", "tools", "requirements"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    for name in ("service", "app"):
        (tmp_path / f"requirements/{name}.txt").write_text(lock)
    python = tmp_path / "python"
    python.write_text(PYTHON.format(python=sys.executable, version="3.11", pip=pips(version)))
    python.chmod(0o755)
    set_outside = ("PIP_", "UV_", "MAKE", "MFLAGS", "PYTHON")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(set_outside)}

    made = subprocess.run(  # noqa: S603
        ["make", ".venv/.locked", f"PYTHON={python}"],  # noqa: S607 - make is the user's
        cwd=tmp_path,
        env=outside | {"PIP_INDEX_URL": address, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.count("\n") == 2  # a line for the installer, and one for what the lock says
    [used] = (tmp_path / "build/uv").glob("lib/python*/site-packages/pip-*.dist-info")
    assert used.name.startswith(f"pip-{version}")
    installed = {path.name for path in (tmp_path / ".venv").glob("lib/python*/site-packages/*.dist-info")}
    assert installed == {"asks-1.0.dist-info", "asked-1.0.dist-info"}


@pytest.mark.parametrize("version", OLD_PIPS)
def test_those_pips_would_refuse_that_lock(
    pips: Callable[[str], Path], index: tuple[str, str], tmp_path: Path, version: str
) -> None:
    address, lock = index
    (tmp_path / "lock.txt").write_text(lock)
    options = (
        "--no-cache-dir",
        "--index-url",
        address,
        "--require-hashes",
        "--target",
        str(tmp_path / "there"),
    )

    ended = run(
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        "-r",
        str(tmp_path / "lock.txt"),
        PYTHONPATH=str(pips(version)),
        PIP_CONFIG_FILE=os.devnull,
    )

    assert ended.returncode == 1
    assert "asked" in ended.stderr
    assert "hash" in ended.stderr.lower()
