"""`serve --workers 2`: one port, and what is said to one reaches both."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle

Serve = Callable[..., Any]
Until = Callable[[Callable[[], bool]], None]
Bundle = Callable[[str], ModelBundle]

KEY = "an admin's key"


def is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def digests(service: Any, red: bytes) -> set[str]:
    """What twenty callers, each with a connection of its own, hear of the model."""
    return {service.ask("POST", "/predict", red).content["model"]["digest"] for _ in range(20)}


def test_a_reload_and_a_rollback_over_http_reach_both(
    serve: Serve, bundle: Bundle, red: bytes, until: Until
) -> None:
    service = serve("--workers", 2, workers=2, admin_key=KEY)
    old, new = digests(service, red), bundle("2.0.0").digest

    reloaded = service.ask("POST", "/admin/reload", key=KEY)
    until(lambda: service.times("Serving fake-model 2.0.0") == 2)
    after_the_reload = digests(service, red)
    rolled_back = service.ask("POST", "/admin/rollback", key=KEY)
    until(lambda: service.times("Rolled back to fake-model 1.0.0") == 2)

    assert (reloaded.status, rolled_back.status) == (200, 200)
    assert after_the_reload == {new}
    assert digests(service, red) == old


def test_what_all_have_to_say_is_said_once(launch: Serve, bundle: Bundle, until: Until) -> None:
    service = launch("--model", bundle("1.0.0").folder, workers=3, log_level="info")
    until(lambda: service.times("Serving fake-model 1.0.0") > 0)

    service.tell(signal.SIGTERM)

    assert service.ends() == 0
    until(lambda: service.times("Ending") > 0)
    assert [service.times(each) for each in ("Listening", "Serving fake-model", "Ending")] == [1, 1, 1]


def test_a_signal_to_the_parent_reaches_both(serve: Serve, bundle: Bundle, red: bytes, until: Until) -> None:
    service = serve(workers=2)
    old, new = digests(service, red), bundle("2.0.0").digest

    service.tell(signal.SIGHUP)
    until(lambda: service.times("Serving fake-model 2.0.0") == 2)
    after_the_reload = digests(service, red)
    service.tell(signal.SIGUSR1)
    until(lambda: service.times("Rolled back to fake-model 1.0.0") == 2)
    service.tell(signal.SIGUSR1)
    until(lambda: service.times("The model was not rolled back: No earlier model is kept") == 2)

    assert after_the_reload == {new}
    assert digests(service, red) == old


def test_a_failed_reload_is_answered_and_told_to_nobody(
    serve: Serve, bundle: Bundle, red: bytes, until: Until
) -> None:
    service = serve(workers=2, admin_key=KEY)
    served = bundle("2.0.0")
    (served.folder / "model.onnx").write_bytes(b"damaged")

    reply = service.ask("POST", "/admin/reload", key=KEY)

    assert (reply.status, reply.content["code"]) == (502, "reload_failed")
    assert "model.onnx: is not the file that the manifest lists" in reply.content["error"]
    until(lambda: service.times("The model was not replaced") > 0)  # a line may come after the answer
    assert served.digest not in digests(service, red)
    assert service.times("The model was not replaced") == 1


def test_a_worker_that_dies_is_replaced_and_its_place_is_cleared(
    serve: Serve, red: bytes, until: Until
) -> None:
    service = serve(workers=2)
    first, second = service.workers()

    os.kill(first, signal.SIGKILL)
    until(lambda: service.times("Serving fake-model 1.0.0") == 3)

    assert service.times(f"Worker {first} ended with status -9.") == 1
    assert len(service.workers()) == 2
    assert second in service.workers()
    assert len(digests(service, red)) == 1


def test_workers_do_not_outlive_their_parent(serve: Serve, until: Until) -> None:
    service = serve(workers=2)
    workers = service.workers()

    service.tell(signal.SIGKILL)

    until(lambda: not any(map(is_alive, workers)))


def metrics_folder(worker: int) -> Path:
    variables = Path(f"/proc/{worker}/environ").read_text().split("\0")
    [folder] = [each for each in variables if each.startswith("PROMETHEUS_MULTIPROC_DIR=")]
    return Path(folder.partition("=")[2])


def test_all_end_together_and_leave_nothing(serve: Serve) -> None:
    service = serve(workers=2)
    workers = service.workers()
    metrics = metrics_folder(workers[0])
    assert metrics == metrics_folder(workers[1])
    assert metrics.is_dir()

    service.tell(signal.SIGTERM)

    assert service.ends() == 0
    assert not any(map(is_alive, workers))
    assert not metrics.exists()


def test_one_process_alone_counts_for_itself(serve: Serve) -> None:
    service = serve()

    assert "PROMETHEUS_MULTIPROC_DIR" not in Path(f"/proc/{service.process.pid}/environ").read_text()
    assert service.workers() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_cannot_be_loaded_ends_all_with_its_sentence(
    launch: Serve, fake_bundle: Callable[..., ModelBundle], until: Until, workers: int
) -> None:
    service = launch("--model", fake_bundle().folder, "--engine", "onnxruntime", workers=workers)

    assert service.ends() == 1
    until(lambda: service.times("Error: ") == 1)
    assert service.said[-1].startswith("Error: ")
    assert "the network cannot be loaded or run" in service.said[-1]
    assert service.times("Traceback") == 0
