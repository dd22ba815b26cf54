"""Our own API: the healthcheck and the prediction of one picture."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from ulid import ULID

from ..model.predictor import Predictor
from ..settings import Settings
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
from .uploads import Upload, read_upload

router = APIRouter()

Responses = dict[int | str, dict[str, Any]]


def _service(request: Request) -> InferenceService:
    service: InferenceService = request.state.service
    return service


def _predictor(request: Request) -> Predictor:
    return _service(request).predictor


async def _upload(request: Request) -> Upload:
    settings: Settings = request.state.settings
    return await read_upload(request, settings.max_picture_bytes)


ServiceDep = Annotated[InferenceService, Depends(_service)]
PredictorDep = Annotated[Predictor, Depends(_predictor)]
UploadDep = Annotated[Upload, Depends(_upload)]

_NOT_READY: Responses = {
    503: error_answer(
        "The model is loading or could not be loaded.", "model_not_ready", "The model is still loading."
    ),
}

_REJECTED: Responses = {
    400: error_answer(
        "Not a picture, truncated, or a field missing.",
        "not_a_picture",
        "These 1024 bytes are not a picture; send one of JPEG, PNG, WEBP, GIF, BMP.",
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
        "More pixels than the limit.",
        "too_many_pixels",
        "The picture has 30000 x 30000 pixels; at most 50000000 are accepted.",
    ),
}


@router.get("/", summary="Healthcheck", responses=_NOT_READY)
async def health(predictor: PredictorDep) -> Health:
    """Answer 200 once the model is loaded, warmed up and checked; 503 before that."""
    manifest = predictor.bundle.manifest
    return Health(model=ModelReference(name=manifest.name, version=manifest.version))


@router.post("/predict/", include_in_schema=False)
@router.post(
    "/predict",
    summary="Predict one picture",
    responses={**_REJECTED, **_NOT_READY},
    openapi_extra=PICTURE_BODY,
)
async def predict(
    service: ServiceDep,
    _ready: PredictorDep,
    upload: UploadDep,
    top_k: Annotated[int, Query(ge=1, description="How many classes to answer, best first.")] = 3,
) -> PredictionAnswer:
    """Take a form with the picture in its field `file`, or the picture itself as the body.

    JPEG, PNG, WebP, GIF (first frame) and BMP, in any colour mode, upright as its EXIF orientation says.
    """
    answer = await service.predict(upload.content)
    return _to_wire(answer, upload.filename, top_k)


def _to_wire(answer: Answer, filename: str | None, top_k: int) -> PredictionAnswer:
    bundle = answer.predictor.bundle
    return PredictionAnswer(
        prediction_id=str(ULID()),
        filename=filename,
        verdict=answer.prediction.verdict,
        predictions=[
            LabelProbability(label=each.label, probability=each.probability)
            for each in answer.prediction.predictions[:top_k]
        ],
        model=DigestedModel(name=bundle.manifest.name, version=bundle.manifest.version, digest=bundle.digest),
        timings_ms=Timings(
            decode=round(answer.decode_ms, 3),
            queue=round(answer.queue_ms, 3),
            inference=round(answer.inference_ms, 3),
        ),
    )
