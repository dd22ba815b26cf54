import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAM = """
import sys
from pathlib import Path

from test_keras_file import network, save_reproducibly
from test_onnx_export import export_onnx, six_limits

folder = Path(sys.argv[1])
save_reproducibly(network(), folder / "network.keras")
(folder / "six_limits.onnx").write_bytes(export_onnx(six_limits()))
"""


@pytest.fixture(scope="session")
def written_elsewhere(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A folder with what another process writes, in which hashes are others."""
    path = os.pathsep.join([str(HERE), str(HERE / "networks"), os.environ.get("PYTHONPATH", "")])

    def write(folder: Path) -> None:
        line = [sys.executable, "-c", PROGRAM, str(folder)]
        subprocess.run(line, env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "1"}, check=True)  # noqa: S603

    return made_once("written-elsewhere", write)
