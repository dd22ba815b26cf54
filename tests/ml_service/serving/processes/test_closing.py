import socket

import pytest

from muffin_v_chihuahua_ml_service.serving.processes.closing import close_the_door


@pytest.mark.needs("linux")  # the kernel's filter of packets
def test_who_has_connected_is_heard_and_nobody_else_connects() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:
            early.sendall(b"before")
            close_the_door(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            early.sendall(b" and after")
            early.shutdown(socket.SHUT_WR)
            taken, _ = listener.accept()
            with taken, taken.makefile("rb") as heard:
                assert heard.read() == b"before and after"


def test_where_no_filter_is_permitted_the_end_goes_on_and_says_what_that_means(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Listener(socket.socket):
        def setsockopt(self, *_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

    caplog.set_level("INFO")
    with Listener() as listener:
        close_the_door(listener)

    assert "may be cut off: no socket filter ([Errno 1] Operation not permitted)" in caplog.text
