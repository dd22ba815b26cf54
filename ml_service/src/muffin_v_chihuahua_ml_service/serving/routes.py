"""Our own API: the healthcheck and the prediction of one picture."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from ulid import ULID

from .callers import TIMEOUT_HEADER, Deadline, limit_s, while_connected
from .exchange import Exchange
from .inference import Answer, InferenceService
from .schemas import (
    PICTURE_BODY,
    DigestedModel,
    Health,
    LabelProbability,
    ModelReference,
    PredictionAnswer,
    Timings,
    error_answer,
)
from .uploads import declared_bytes, read_upload

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

_REJECTED: Responses = {
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
    responses={**_REJECTED, **_TOO_BUSY, **_FAILED, **NOT_READY, **_TOO_LATE},
    openapi_extra=PICTURE_BODY,
)
async def predict(
    request: Request,
    top_k: Annotated[int, Query(ge=1, description="How many classes to answer, best first.")] = 3,
) -> Response:
    """Take a form with the picture in its field `file`, or the picture itself as the body.

    JPEG, PNG, WebP, GIF (first frame) and BMP, in any colour mode, upright as its EXIF orientation says.
    The header `X-Request-Timeout-Ms` limits how long it may take.
    """
    service, exchange = request.state.service, request.state.exchange
    deadline = Deadline.after(limit_s(request.headers.get(TIMEOUT_HEADER), service.settings.timeout_ms))
    async with deadline.enforced():
        answer, filename = await _predict(request, service, exchange, deadline)
    content = _to_wire(answer, filename, top_k).model_dump_json()
    exchange.answered(answer)
    return Response(content, media_type="application/json")


async def _predict(
    request: Request, service: InferenceService, exchange: Exchange, deadline: Deadline
) -> tuple[Answer, str | None]:
    _ = service.models.current  # without a model, no body is read
    with service.admission.bytes_held(_bytes_to_come(request, service.settings.max_picture_bytes)):
        upload = await read_upload(
            request, service.settings.max_picture_bytes, service.settings.body_timeout_ms / 1000
        )
        exchange.has_read(len(upload.content))
        async with while_connected(request.receive):
            return await service.predict(upload.content, deadline), upload.filename


def _bytes_to_come(request: Request, most: int) -> int:
    """How many bytes a body will have: what it says, or the most that it may have if it says nothing."""
    declared = declared_bytes(request)
    return most if declared is None else min(declared, most)


def _to_wire(answer: Answer, filename: str | None, top_k: int) -> PredictionAnswer:
    return PredictionAnswer(
        prediction_id=str(ULID()),
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
