"""Our own API: the healthcheck and the prediction of one picture."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from ..model.bundle import ModelBundle
from ..records.rows import AnsweringModel, PredictionRow
from ..settings import Settings
from .callers import TIMEOUT_HEADER, Deadline, limit_s, while_connected
from .exchange import Exchange, new_id
from .inference import Answer, InferenceService
from .numbers import WholeNumber
from .schemas import (
    PICTURE_BODY,
    DigestedModel,
    Health,
    LabelProbability,
    Liveness,
    ModelReference,
    PredictionAnswer,
    Timings,
    error_answer,
)
from .uploads import Upload, declared_bytes, read_upload

router = APIRouter()

Responses = dict[int | str, dict[str, Any]]


def _service(request: Request) -> InferenceService:
    service: InferenceService = request.state.service
    return service


ServiceDep = Annotated[InferenceService, Depends(_service)]

NOT_READY: Responses = {
    503: error_answer(
        "The model is loading or could not be loaded.", "model_not_ready", "The model is still loading."
    ),
}

_TOO_BUSY: Responses = {
    429: error_answer(
        "The picture would wait too long; the header Retry-After says when to try again.",
        "overloaded",
        "The service is busy: this picture would wait 730 ms, and 500 ms are allowed; "
        "try again after Retry-After seconds.",
    ),
}

_TOO_LATE: Responses = {
    504: error_answer(
        "The caller's time limit, or the service's, is over.",
        "deadline_exceeded",
        "There was no answer within 200 ms, so the picture was dropped.",
    ),
}

_FAILED: Responses = {
    500: error_answer(
        "The engine failed on this picture.",
        "engine_failed",
        "The engine failed on this picture; the log has the details.",
    ),
}

REJECTED: Responses = {
    400: error_answer(
        "Not a picture, truncated, or a field missing.",
        "not_a_picture",
        "These 1024 bytes are not a picture; send one of JPEG, PNG, WEBP, GIF, BMP.",
    ),
    408: error_answer(
        "The body took too long to arrive.",
        "slow_body",
        "The body has not all come within 30 seconds; send it again.",
    ),
    413: error_answer(
        "More bytes than the limit.", "body_too_large", "The body is larger than the limit of 10485760 bytes."
    ),
    415: error_answer(
        "A content type or a picture format that is not accepted.",
        "unsupported_picture_format",
        "TIFF is not accepted; send one of JPEG, PNG, WEBP, GIF, BMP.",
    ),
    422: error_answer(
        "More pixels, frames or parts than the limit, or than there is memory for.",
        "too_many_pixels",
        "The picture has 30000 x 30000 pixels; at most 50000000 are accepted.",
    ),
}


REFUSALS: Responses = {**REJECTED, **_TOO_BUSY, **_FAILED, **NOT_READY, **_TOO_LATE}
"""What whoever sends a picture may get instead of an answer."""


@router.get("/livez", summary="Liveness")
async def livez() -> Liveness:
    """Answer 200 for as long as the process answers, even while the model loads or the service ends."""
    return Liveness()


@router.get("/readyz", summary="Readiness", responses=NOT_READY)
@router.get("/", summary="Healthcheck", responses=NOT_READY)
async def health(service: ServiceDep) -> Health:
    """Answer 200 once the model is loaded, warmed up and checked; 503 before that, and while ending."""
    manifest = service.ready_model.predictor.bundle.manifest
    return Health(model=ModelReference(name=manifest.name, version=manifest.version))


@router.post("/predict/", include_in_schema=False)
@router.post(
    "/predict",
    summary="Predict one picture",
    response_model=PredictionAnswer,
    responses=REFUSALS,
    openapi_extra=PICTURE_BODY,
)
async def predict(
    request: Request,
    top_k: Annotated[WholeNumber, Query(ge=1, description="How many classes to answer, best first.")] = 3,
) -> Response:
    """Take a form with the picture in its field `file`, or the picture itself as the body.

    JPEG, PNG, WebP, GIF (first frame) and BMP, in any colour mode, upright as its EXIF orientation says.
    The header `X-Request-Timeout-Ms` limits how long it may take.
    """
    service, exchange = request.state.service, request.state.exchange
    async with sent_picture(request) as (upload, deadline):
        answer = await service.predict(upload.content, deadline)
    wire = _to_wire(answer, upload.filename, top_k)
    content = wire.model_dump_json()
    exchange.answered(answer)
    if request.state.recorder is not None:
        request.state.recorder.remember(_to_row(wire, answer, upload, service.settings))
    return Response(content, media_type="application/json")


@asynccontextmanager
async def sent_picture(request: Request) -> AsyncIterator[tuple[Upload, Deadline]]:
    """The picture in a request, held for as long as its caller waits and has time."""
    service: InferenceService = request.state.service
    exchange: Exchange = request.state.exchange
    settings = service.settings
    deadline = Deadline.after(limit_s(request.headers.get(TIMEOUT_HEADER), settings.timeout_ms))
    async with deadline.enforced():
        _ = service.answering_model  # without one, no body is read
        declared = min(declared_bytes(request) or 0, settings.max_picture_bytes)
        with service.admission.bytes_held(declared) as hold:
            upload = await read_upload(
                request, settings.max_picture_bytes, settings.body_timeout_ms / 1000, hold
            )
            exchange.has_read(len(upload.content))
            async with while_connected(request.receive):
                yield upload, deadline


def _to_wire(answer: Answer, filename: str | None, top_k: int) -> PredictionAnswer:
    return PredictionAnswer(
        prediction_id=new_id(),
        filename=filename,
        verdict=answer.prediction.verdict,
        predictions=[
            LabelProbability(label=each.label, probability=each.probability)
            for each in answer.prediction.predictions[:top_k]
        ],
        model=DigestedModel.of(answer.predictor.bundle),
        timings_ms=Timings(
            decode=round(answer.decode_ms, 3),
            queue=round(answer.queue_ms, 3),
            inference=round(answer.inference_ms, 3),
        ),
    )


def _to_row(wire: PredictionAnswer, answer: Answer, upload: Upload, settings: Settings) -> PredictionRow:
    winner = answer.prediction.predictions[0]
    return PredictionRow(
        id=wire.prediction_id,
        asked_at=datetime.now(UTC),
        model=answering_model(answer.predictor.bundle),
        verdict=wire.verdict,
        label=winner.label,
        probability=winner.probability,
        filename=upload.filename,
        sha256=answer.sha256,
        picture=None if settings.keep_pictures is None else upload.content,
    )


def answering_model(bundle: ModelBundle) -> AnsweringModel:
    """The model in this bundle, as the records know it."""
    manifest = bundle.manifest
    return AnsweringModel(manifest.name, manifest.version, bundle.digest, manifest.labels)
