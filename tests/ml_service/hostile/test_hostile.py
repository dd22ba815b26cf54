from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's word on what is damaged


def test_each_gets_the_answer_that_is_meant_for_it_and_the_next_is_answered(
    start: Callable[..., TestClient], red: bytes, group: dict[str, Any]
) -> None:
    client = start()

    answers = {name: client.post("/predict", content=case.data) for name, case in group.items()}

    assert {name: (answer.status_code, answer.json().get("code")) for name, answer in answers.items()} == {
        name: case.expected for name, case in group.items()
    }
    assert client.post("/predict", content=red).json()["verdict"] == "red"
