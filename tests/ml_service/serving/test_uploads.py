import pytest
from anyio import run
from starlette.requests import Request
from starlette.types import Message

from muffin_v_chihuahua_ml_service.errors import BodyTooLarge
from muffin_v_chihuahua_ml_service.serving.uploads import read_upload

CHUNK = 1024
LIMIT = 10 * CHUNK


class Sender:
    """Sends zeros, far more than the limit."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self) -> Message:
        self.sent += CHUNK
        return {"type": "http.request", "body": bytes(CHUNK), "more_body": self.sent < 100 * LIMIT}


def refuse(sender: Sender, *headers: tuple[bytes, bytes]) -> None:
    request = Request({"type": "http", "method": "POST", "headers": list(headers)}, sender)
    with pytest.raises(BodyTooLarge, match=str(LIMIT)):
        run(read_upload, request, LIMIT)


def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    sender = Sender()

    refuse(sender, (b"content-length", b"10000000"))

    assert sender.sent == 0


@pytest.mark.parametrize("declared", [(), ((b"content-length", b"not a number"),)])
def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(
    declared: tuple[tuple[bytes, bytes], ...],
) -> None:
    sender = Sender()

    refuse(sender, *declared)

    assert sender.sent == LIMIT + CHUNK
