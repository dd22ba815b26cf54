import os
import signal
import threading
from collections.abc import Callable

import pytest

from muffin_v_chihuahua_ml_service.model.predictor import Predictor
from muffin_v_chihuahua_ml_service.serving.processes.head_start import HeadStart
from muffin_v_chihuahua_ml_service.serving.processes.process import Process
from muffin_v_chihuahua_ml_service.serving.processes.starting import listen
from muffin_v_chihuahua_ml_service.settings import Settings


@pytest.mark.parametrize("has_loaded", [False, True])
def test_only_where_a_load_goes_on_is_python_not_waited_for(
    make_predictor: Callable[..., Predictor], monkeypatch: pytest.MonkeyPatch, *, has_loaded: bool
) -> None:
    """What ends it is a signal half a second after its start."""
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    may_load = threading.Event()

    def load() -> Predictor:
        may_load.wait(timeout=30)
        return make_predictor()

    if has_loaded:
        may_load.set()
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with listen("127.0.0.1", 0) as listener:
        Process(Settings(drain_ms=0), HeadStart(load)).run(listener)
    may_load.set()

    assert exits == ([] if has_loaded else [0])
