from email import message_from_bytes

import pytest
from benchmarks.connection import Address, Answer, form_request, read_answer


def test_a_request_is_a_form_with_the_picture_in_its_field_file() -> None:
    picture = bytes(range(256))

    head, _, body = form_request(picture, Address("localhost", 8000)).partition(b"\r\n\r\n")

    first, *fields = head.split(b"\r\n")
    assert first == b"POST /predict HTTP/1.1"
    assert b"Host: localhost:8000" in fields
    assert f"Content-Length: {len(body)}".encode() in fields
    form = message_from_bytes(b"\r\n".join(fields) + b"\r\n\r\n" + body)
    (part,) = list(form.walk())[1:]
    assert part.get_param("name", header="content-disposition") == "file"
    assert part.get_payload(decode=True) == picture


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Answer("200", None, last=False)),
        (b"HTTP/1.1 429 X\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n", Answer("429", 3.0, last=False)),
        (
            b"HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n",
            Answer("503", None, last=False),
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n",
            Answer("200", None, last=True),
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Answer("broken", None, last=True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", None),
        (b"", None),
    ],
)
def test_an_answer_is_read_once_all_of_it_is_there(received: bytes, answer: Answer | None) -> None:
    assert read_answer(received) == answer
