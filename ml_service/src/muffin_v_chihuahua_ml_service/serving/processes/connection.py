"""A caller's connection: uvicorn's, with limits on a request's head, and no caller cut off at the end."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ..answers import error_body
from ..exchange import new_id
from ..front import Refusal

MAX_HEAD_BYTES = 32 * 1024
"""Most bytes of a request's line and headers; nginx and Node.js allow 32 and 16 KiB."""

_HEAD_S = 10.0
"""A head that takes longer is not sent by anybody who wants an answer."""

_LAST_CHANCE_S = 0.5
"""At the end, how long an idle connection stays: what its caller has just sent may not have been read yet."""


class _Over:
    """Instead of what uvicorn keeps of a request under way: this one is answered, the rest of it ignored."""

    response_complete = True
    message_event = asyncio.Event()  # nobody waits for it


class Connection(HttpToolsProtocol):
    """One connection over HTTP/1.1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn gives."""
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._has_completed = self._is_behind = False
        """Of the bytes that are parsed now: whether a request ended in them, and the head began behind it."""
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; whoever says nothing is not waited for longer than between two requests."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what waits for this caller."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn leaves it where the caller broke off
        self._end_of_head()

    def data_received(self, data: bytes) -> None:
        """Parse, and refuse a head that does not end."""
        self._has_completed = self._is_behind = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head:
            self._watch_what_is_ignored()
            return
        if not self._is_behind:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, _TOO_LARGE, "headers_too_large")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(_HEAD_S, self.timeout_keep_alive_handler)

    def _watch_what_is_ignored(self) -> None:
        """A body that comes after its answer counts as silence; uvicorn would wait for its end for ever."""
        if self.cycle.response_complete and self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._is_behind = self._has_completed

    def on_headers_complete(self) -> None:
        """Its body begins, or another request."""
        self._end_of_head()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self._refuse(431, _TOO_LARGE, "headers_too_large")
            raise ValueError(_TOO_LARGE)  # the parser stops
        if not self._turns_away():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request has come whole."""
        super().on_message_complete()
        self._has_completed = True

    def _turns_away(self) -> bool:
        """Whether this request was refused already; nothing is made for it that is made for the others."""
        turn_away: Callable[..., Refusal | None] | None = self.app_state.get("turn_away")
        is_idle = self.cycle is None or self.cycle.response_complete
        if (
            turn_away is None
            or not is_idle
            or self.expect_100_continue
            or not self.parser.should_keep_alive()
        ):
            return False
        path = self.url.partition(b"?")[0].decode("latin-1")
        refusal = turn_away(self.parser.get_method().decode(), path, self.headers)
        if refusal is None:
            return False
        head = (b"%s: %s\r\n" % header for header in (*self.server_state.default_headers, *refusal.headers))
        self.transport.write(b"".join((STATUS_LINE[refusal.status], *head, b"\r\n", refusal.body)))
        self.cycle = _Over()  # type: ignore[assignment]
        self.on_response_complete()
        if self.flow.write_paused:  # who reads no answers is asked for no more requests
            self.flow.pause_reading()
        return True

    def resume_writing(self) -> None:
        """The caller has read its answers."""
        super().resume_writing()
        if isinstance(self.cycle, _Over):
            self.flow.resume_reading()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls where the parser stopped."""
        if not self.transport.is_closing():
            self._refuse(400, f"{msg.removesuffix('.')}: it does not follow HTTP/1.1.", "malformed_request")

    def shutdown(self) -> None:
        """End after the request that is under way, be it only a part of its head."""
        self.loop.call_later(_LAST_CHANCE_S, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._in_head:  # otherwise its answer closes the connection, or the head's time does
            super().shutdown()

    def _end_of_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, sentence: str, code: str) -> None:
        body = error_body(sentence, code, new_id())
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(
            body
        )
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


_TOO_LARGE = f"The request's headers are larger than the limit of {MAX_HEAD_BYTES} bytes."
