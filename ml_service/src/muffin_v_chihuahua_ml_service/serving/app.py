"""The application: loads the model beside the event loop, and turns errors into answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from anyio import create_task_group
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from .. import __version__, errors
from ..model.pictures.memory import give_memory_back
from ..settings import Settings
from . import admin
from .answers import STATUSES, error_body, error_headers
from .exchange import Exchange
from .explain_routes import router as explain_router
from .feedback_routes import router as feedback_router
from .front import Front, Observer
from .inference import InferenceService
from .metrics import Metrics
from .models import LoadPredictor
from .recording import recorder_of
from .reloading import Beside
from .routes import router
from .state_routes import router as state_router
from .tracing import TELEMETRY
from .unwritten import Unwritten

_CALLER_LEFT = 499
"""What nginx calls it; nobody reads it, but the metrics and the log tell it from a fault of either side."""


def create_app(  # noqa: PLR0913 - all but two are for who starts processes
    settings: Settings,
    load_predictor: LoadPredictor,
    *,
    beside: Sequence[Beside] = (),
    observers: Sequence[Observer] = (),
    tell_others: admin.TellOthers = lambda _: None,
    loading_since: float | None = None,
    unwritten: Unwritten | None = None,
) -> FastAPI:
    """The inference service.

    Args:
        settings: limits of what is taken and for how long.
        load_predictor: called in a thread after the start, and for each reload; until it has returned once,
            every call answers 503.
        beside: run from the start until the service stops, such as what waits for a new model.
        observers: told about every request once it has been answered, after the metrics.
        tell_others: told about every change that somebody asked for over HTTP.
        loading_since: when the first load began, on ``perf_counter``, if that is before the start.
        unwritten: what the processes behind one port know of each other's records; unset: this one is alone.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        give_memory_back()
        service = InferenceService(settings, batch_ran=metrics.batch_ran)
        recorder = recorder_of(settings, metrics.record_dropped, unwritten or Unwritten())
        try:
            async with create_task_group() as tasks:
                if recorder is not None:
                    tasks.start_soon(recorder.keep_writing, service)
                    tasks.start_soon(recorder.keep_clean, service)
                tasks.start_soon(metrics.keep_fresh, service)
                tasks.start_soon(service.models.load, load_predictor, loading_since)
                for each in beside:
                    tasks.start_soon(each, service)
                yield {
                    "turn_away": partial(front.turn_away, service),
                    "service": service,
                    "recorder": recorder,
                    "settings": settings,
                    "load_predictor": load_predictor,
                    "metrics": metrics,
                    "tell_others": tell_others,
                }
                tasks.cancel_scope.cancel()
        finally:
            if recorder is not None:
                await recorder.finish()
            service.abandon()

    app = FastAPIOffline(
        title="Muffin v chihuahua: ML service",
        description="A picture in, the classes with their probabilities out.",
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        telemetry=TELEMETRY,
        exception_handlers={
            errors.MLServiceError: _answer_our_error,
            RequestValidationError: _answer_invalid_parameter,
            HTTPException: _answer_http_error,
            ClientDisconnect: _answer_nobody,
            Exception: _answer_unexpected,
        },
    )
    app.include_router(router)
    app.include_router(explain_router)
    app.include_router(state_router)
    app.include_router(feedback_router)
    if settings.admin_key is not None:
        app.include_router(admin.router)
    # Outside of everything, where an error that nobody foresaw has already become an answer.
    app.middleware_stack = front = Front(app.build_middleware_stack(), (metrics, *observers))
    return app


def _answer(request: Request, status: int, message: str, code: str, headers: dict[str, str]) -> Response:
    exchange: Exchange = request.state.exchange
    exchange.error = code
    body = error_body(message, code, exchange.request_id)
    return Response(body, status, headers, "application/json")


def _answer_our_error(request: Request, error: errors.MLServiceError) -> Response:
    if type(error) not in STATUSES:
        raise error
    if isinstance(error, errors.Overloaded):
        request.state.exchange.rejected_because = error.reason
    return _answer(request, STATUSES[type(error)], str(error), error.code, error_headers(error))


def _answer_invalid_parameter(request: Request, error: RequestValidationError) -> Response:
    sentence = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
    message = f"A parameter is not valid: {sentence}."
    return _answer(request, HTTPStatus.BAD_REQUEST, message, "invalid_parameter", {})


def _answer_http_error(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    sentence = (
        f"{request.method} {request.url.path}: {status.phrase.lower()}; see GET /docs for what there is."
    )
    headers = dict(error.headers or {})
    if "GET" in headers.get("Allow", ""):
        headers["Allow"] += ", HEAD"  # Front answers it, and FastAPI knows nothing of that
    return _answer(request, status, sentence, status.name.lower(), headers)


def _answer_nobody(request: Request, _: ClientDisconnect) -> Response:
    request.state.exchange.error = "caller_left"
    return Response(status_code=_CALLER_LEFT)


def _answer_unexpected(request: Request, _: Exception) -> Response:
    # Starlette logs the traceback.
    message = "Something in the service failed; its log has the details."
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, message, "internal_error", {})
