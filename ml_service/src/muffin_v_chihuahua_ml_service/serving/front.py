"""The first and the last to see a request: its id, its clock, and whether it is let in at all."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Overloaded
from .answers import STATUSES, error_body, error_headers
from .exchange import Exchange, new_id
from .inference import InferenceService

REQUEST_ID_HEADER = "X-Request-Id"

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")

_PREDICTING_PATHS = frozenset({"/predict", "/predict/"})
_EXPLAINING_PATHS = frozenset({"/explain", "/explain/"})

Headers = Iterable[tuple[bytes, bytes]]

Observer = Callable[[Exchange], None]


class Front:
    """ASGI around the application; plain, because a busy service refuses requests here by the thousand."""

    def __init__(self, app: ASGIApp, observers: Sequence[Observer] = ()) -> None:
        """Tell each of ``observers`` about every request when it has been answered."""
        self._app = app
        self._observers = observers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service: InferenceService = scope["state"]["service"]
        exchange = Exchange(_request_id(scope["headers"]), scope["method"], scope["path"])
        scope["state"]["exchange"] = exchange
        if exchange.method == "HEAD":  # RFC 9110, section 9.3.2: a GET whose body the server leaves out
            scope = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *_headers(exchange, service)]
            await send(message)

        try:
            overloaded = _overload(service, exchange.method, exchange.path)
            if overloaded is None:
                await self._app(scope, receive, answer)
            else:
                refusal = _refusal(overloaded, exchange)
                await answer(
                    {"type": "http.response.start", "status": refusal.status, "headers": refusal.headers}
                )
                await answer({"type": "http.response.body", "body": refusal.body})
        finally:
            if "route" in scope:
                exchange.route = scope["route"].path
            self._tell(exchange)

    def turn_away(
        self, service: InferenceService, method: str, path: str, headers: Headers
    ) -> "Refusal | None":
        """What a request is answered that is not let in, from no more than its head; None where it is let in.

        Twice as many are refused as let in by a service that is asked for three times what it can do, so this
        is worth a way of its own: to refuse through the application costs half as much again.
        """
        if service.is_draining:
            return None  # the application says more
        overloaded = _overload(service, method, path)
        if overloaded is None:
            return None
        exchange = Exchange(_request_id(headers), method, path)
        refusal = _refusal(overloaded, exchange)
        exchange.status = refusal.status
        refusal.headers.extend(_headers(exchange, service))
        self._tell(exchange)
        return refusal

    def _tell(self, exchange: Exchange) -> None:
        for observer in self._observers:
            observer(exchange)


class Refusal(NamedTuple):
    """An answer to who is not let in."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def _overload(service: InferenceService, method: str, path: str) -> Overloaded | None:
    """Why a request is not let in, if it is not."""
    if method != "POST":
        return None
    try:
        if path in _PREDICTING_PATHS:
            service.admission.check()
        elif path in _EXPLAINING_PATHS:
            service.explainer.check()
    except Overloaded as error:
        return error
    return None


def _refusal(error: Overloaded, exchange: Exchange) -> Refusal:
    exchange.route, exchange.error, exchange.rejected_because = exchange.path, error.code, error.reason
    body = error_body(str(error), error.code, exchange.request_id)
    length = {"content-length": str(len(body))}
    headers = {"content-type": "application/json", **length, **error_headers(error)}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Refusal(STATUSES[type(error)], raw, body)


def _request_id(headers: Headers) -> str:
    """The caller's own, if it sent a sane one; otherwise a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _SANE_REQUEST_ID.fullmatch(value):
            return value.decode()
    return new_id()


def _headers(exchange: Exchange, service: InferenceService) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", exchange.request_id.encode())]
    if exchange.stages_ms:
        timing = ", ".join(f"{stage};dur={ms:.3f}" for stage, ms in exchange.stages_ms.items())
        headers.append((b"server-timing", timing.encode()))
    if service.is_draining:
        headers.append((b"connection", b"close"))  # the caller's next request finds another service
    return headers
