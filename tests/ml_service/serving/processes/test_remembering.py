"""Processes that share one database."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from muffin_v_chihuahua_ml_service.model.bundle import ModelBundle
from muffin_v_chihuahua_ml_service.records.archive import Archive
from muffin_v_chihuahua_ml_service.settings import Settings

Serve = Callable[..., Any]


def test_feedback_finds_the_predictions_of_every_process_and_the_end_loses_none(
    serve: Serve, red: bytes, empty_url: str
) -> None:
    service = serve(workers=2, database_url=empty_url)  # both find a database without tables

    def tell(prediction_id: str) -> Any:
        body = json.dumps({"prediction_id": prediction_id, "label": "red"}).encode()
        return service.ask("POST", "/feedback", body)

    answers = [service.ask("POST", "/predict", red).content for _ in range(10)]
    told = [tell(answer["prediction_id"]).status for answer in answers]
    service.ask("POST", "/predict", red)
    service.tell(signal.SIGTERM)

    assert told == [200] * 10
    assert service.ends() == 0
    archive = Archive(Settings.model_validate({"database_url": empty_url}))
    counts = archive.count_feedback(answers[0]["model"]["digest"], None)
    archive.close()
    assert (counts.predictions, counts.feedback, counts.right) == (11, 10, 10)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_makes_no_sense_is_one_line_before_anything_begins(
    launch: Serve, bundle: Callable[..., ModelBundle], workers: int
) -> None:
    service = launch("--model", bundle("1.0.0").folder, workers=workers, database_url="mysql://host/db")

    assert service.ends() == 1
    [line] = service.said
    assert line.startswith("Error: ML_SERVICE_DATABASE_URL is neither `sqlite:///` and the path of a file")


IMPORTED = """
import sys
import {module}
{work}
print(sorted({{"alembic", "sqlalchemy"}} & sys.modules.keys()))
"""
OPEN = "from muffin_v_chihuahua_ml_service.settings import Settings; {module}.Archive(Settings()).open()"


@pytest.mark.parametrize(
    ("module", "work", "expected"),
    [
        ("muffin_v_chihuahua_ml_service.serving.processes.process", "", []),
        ("muffin_v_chihuahua_ml_service.records.archive", OPEN, ["sqlalchemy"]),
        ("muffin_v_chihuahua_ml_service.records.migrating", "{module}.main()", ["sqlalchemy"]),
    ],
)
def test_the_start_waits_for_no_database_and_a_database_that_is_up_to_date_for_no_alembic(
    sqlite_url: str, module: str, work: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ML_SERVICE_DATABASE_URL", sqlite_url)
    script = IMPORTED.format(module=module, work=work.format(module=module))

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout  # noqa: S603

    assert said == f"{expected}\n"
