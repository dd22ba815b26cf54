import os
import subprocess
import sys
from pathlib import Path

import pytest

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.model.engines.chatter import without_chatter


def test_what_is_no_chatter_arrives_in_its_order_also_where_something_fails(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="bad"), without_chatter():  # noqa: PT012 - what is said before it
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nI met a problem.\n")
        os.write(2, b"I0000 00:00:1795831867.308449   19238 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"The model is damaged.\n")
        raise ValueError("bad")
    os.write(2, b"E0000 00:00:1 outside\n")

    assert capfd.readouterr().err == "I met a problem.\nThe model is damaged.\nE0000 00:00:1 outside\n"


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_an_engine_that_starts_says_nothing(tiny_bundle: ModelBundle, engine: str, tmp_path: Path) -> None:
    picture = tiny_bundle.folder / tiny_bundle.manifest.golden[0].file
    line = (sys.executable, "-m", "muffin_v_chihuahua_ml_service", "predict", str(picture))
    outside = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}

    said = subprocess.run(  # noqa: S603 - ourselves
        [*line, "--model", str(tiny_bundle.folder), "--engine", engine, "--precision", "f32"],
        env=outside | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stderr == ""
    assert len(said.stdout.splitlines()) == 1
