"""Ask a service about all files of a folder at once; print their statuses and by how much memory grew.

Run by itself, because a process's peak is its own: python peak.py BUNDLE PICTURES
"""

import gc
import json
import os
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from starlette.testclient import TestClient

from muffin_v_chihuahua_ml_service.model.bundle import EngineName, Precision
from muffin_v_chihuahua_ml_service.model.engines import Engine
from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.model.sources import open_bundle
from muffin_v_chihuahua_ml_service.serving.app import create_app
from muffin_v_chihuahua_ml_service.settings import Settings


class NoNetwork:
    """An engine that answers the same for every picture."""

    name: Final[EngineName] = "litert"
    precision: Final[Precision] = "f32"
    streams = 1
    max_batch = 1

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tile(np.array([0.25, 0.75], dtype=np.float32), (len(batch), 1))


def memory(line: str) -> int:
    """Bytes, from a line of the kernel's account of this process."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(each.split()[1]) * 1024 for each in status if each.startswith(line))


def main(bundle: str, folder: str) -> None:
    os.sched_setaffinity(
        0, sorted(os.sched_getaffinity(0))[:2]
    )  # a decoder for each core, and each keeps a bit
    predictor = Predictor(open_bundle(bundle), cast("Engine", NoNetwork()))  # nobody asks why
    pictures = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    smallest = min(pictures.values(), key=len)
    with TestClient(
        create_app(Settings(max_wait_ms=600_000, timeout_ms=600_000), lambda: predictor),
        raise_server_exceptions=False,
    ) as client:
        while not client.get("/").is_success:
            time.sleep(0.01)
        client.post("/predict", content=smallest)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
        resting = memory("VmRSS")
        with ThreadPoolExecutor(32) as pool:
            answers = pool.map(lambda data: client.post("/predict", content=data), pictures.values())
            statuses = {name: answer.status_code for name, answer in zip(pictures, answers, strict=True)}
        print(json.dumps({"statuses": statuses, "growth": memory("VmHWM") - resting}))  # noqa: T201


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
