import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle

MOST_BYTES = 300_000_000


@pytest.mark.needs("linux")  # which tells a process its peak
def test_all_of_them_at_once_take_no_more_memory_than_is_allowed(
    fake_bundle: Callable[..., ModelBundle],
    corpus: dict[str, Any],
    heavyweights: dict[str, Any],
    tmp_path: Path,
) -> None:
    expected, folder = {}, tmp_path / "pictures"
    folder.mkdir()
    for number, case in enumerate([*heavyweights.values(), *corpus.values()]):
        (folder / f"{number:03}").write_bytes(case.data)
        expected[f"{number:03}"] = case.expected[0]

    line = [sys.executable, str(Path(__file__).with_name("peak.py")), str(fake_bundle().folder), str(folder)]
    ran = subprocess.run(line, capture_output=True, text=True, check=True)  # noqa: S603 - our own script

    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["statuses"] == expected
    assert told["growth"] < MOST_BYTES
