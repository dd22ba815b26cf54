from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from muffin_v_chihuahua.facts import limits_of
from muffin_v_chihuahua.http_session import new_session
from muffin_v_chihuahua.inference_client import InferenceClient
from muffin_v_chihuahua.wire import Limits

if TYPE_CHECKING:
    from tests.frontend.conftest import FakeService


@pytest.fixture
def client(service: "FakeService") -> Iterator[InferenceClient]:
    with new_session() as session:
        yield InferenceClient(session, service.url)


def test_the_limits_are_the_services(client: InferenceClient) -> None:
    assert limits_of(client) == Limits(1_000_000, 10_000_000, ("JPEG", "PNG"))


def test_a_service_that_does_not_say_its_limits_is_not_asked_each_time(
    client: InferenceClient, service: "FakeService"
) -> None:
    service.by_path["/model"] = service.raw(500)
    assert limits_of(client) == limits_of(client) == Limits()
    assert len(service.asked) == 1
