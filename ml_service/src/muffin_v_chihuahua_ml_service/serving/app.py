"""The application: loads the model beside the event loop, and turns errors into statuses, in one table."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from anyio import create_task_group
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from ulid import ULID

from .. import __version__, errors
from ..model.predictor import Predictor
from ..settings import Settings, usable_cores
from .inference import InferenceService
from .routes import router
from .schemas import ErrorAnswer

_log = logging.getLogger(__name__)

STATUSES: Mapping[type[errors.MLServiceError], int] = {
    errors.EmptyBody: 400,
    errors.MissingField: 400,
    errors.MalformedBody: 400,
    errors.NotAPicture: 400,
    errors.BrokenPicture: 400,
    errors.BodyTooLarge: 413,
    errors.UnsupportedContentType: 415,
    errors.UnsupportedPictureFormat: 415,
    errors.TooManyPixels: 422,
    errors.ModelNotReady: 503,
}
"""The contract's error table; an error that is not here is a fault of ours and answers 500."""

REQUEST_ID_HEADER = "X-Request-Id"

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def create_app(
    settings: Settings,
    load_predictor: Callable[[], Predictor],
    beside: Callable[[InferenceService], Coroutine[Any, Any, None]] | None = None,
) -> FastAPI:
    """The inference service.

    Args:
        settings: limits and the number of threads.
        load_predictor: called once in a thread after the start; until it returns, every call answers 503.
        beside: runs from the start until the service stops, such as what waits for a new model.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        service = InferenceService(decoders=usable_cores())
        async with create_task_group() as tasks:
            tasks.start_soon(service.load, load_predictor)
            if beside is not None:
                tasks.start_soon(beside, service)
            yield {"service": service, "settings": settings}
            tasks.cancel_scope.cancel()

    app = FastAPIOffline(
        title="Muffin v chihuahua: ML service",
        description="A picture in, the classes with their probabilities out.",
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        exception_handlers={
            errors.MLServiceError: _answer_our_error,
            RequestValidationError: _answer_invalid_parameter,
            HTTPException: _answer_http_error,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_unexpected,
        },
    )
    app.include_router(router)
    app.add_middleware(
        CorrelationIdMiddleware,
        header_name=REQUEST_ID_HEADER,
        generator=lambda: str(ULID()),
        validator=_is_sane_request_id,
        transformer=str,
    )
    return app


def _is_sane_request_id(value: str) -> bool:
    return _SANE_REQUEST_ID.fullmatch(value) is not None


def _answer(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = ErrorAnswer(error=message, code=code, request_id=correlation_id.get() or "")
    return JSONResponse(body.model_dump(), status, headers)


def _answer_our_error(_: Request, error: errors.MLServiceError) -> Response:
    if type(error) not in STATUSES:
        raise error
    status = STATUSES[type(error)]
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return _answer(status, str(error), error.code, headers)


def _answer_invalid_parameter(_: Request, error: RequestValidationError) -> Response:
    sentence = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
    return _answer(HTTPStatus.BAD_REQUEST, f"A parameter is not valid: {sentence}.", "invalid_parameter")


def _answer_http_error(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    sentence = (
        f"{request.method} {request.url.path}: {status.phrase.lower()}; see GET /docs for what there is."
    )
    return _answer(status, sentence, status.name.lower(), error.headers)


def _answer_nobody(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)  # the caller hung up, so nobody reads it


def _answer_unexpected(_: Request, __: Exception) -> Response:
    # Starlette logs the traceback; this handler runs outside the middleware that sets the header.
    request_id = {REQUEST_ID_HEADER: correlation_id.get() or ""}
    return _answer(
        500, "Something in the service failed; its log has the details.", "internal_error", request_id
    )
