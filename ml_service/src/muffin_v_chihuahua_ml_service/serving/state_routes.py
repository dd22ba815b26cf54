"""What the service says of itself: which model answers, and its numbers."""

import hashlib
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from ..model.bundle import CARD, Calibration, ModelBundle
from ..model.pictures.opening import FORMATS
from ..model.preprocessing import Preprocessing
from ..settings import Settings
from .explaining import Method, method_of
from .live_model import LiveModel
from .routes import NOT_READY, ServiceDep
from .schemas import DigestedModel

router = APIRouter()


class Limits(BaseModel):
    """What a picture may be at most, and what it may be packed as."""

    picture_bytes: int = Field(examples=[10485760])
    pixels: int = Field(examples=[50000000])
    formats: tuple[str, ...] = Field(examples=[FORMATS])


class ModelAnswer(DigestedModel):
    """The manifest's public part, and how the model is run."""

    description: str = Field(examples=["Tells chihuahuas from muffins."])
    labels: tuple[str, ...] = Field(examples=[["chihuahua", "muffin", "other"]])
    input: Preprocessing = Field(description="What is done to a picture before the network sees it.")
    calibration: Calibration
    metrics: dict[str, Any] = Field(description="What the model reached on its test pictures.")
    training: dict[str, Any] = Field(
        examples=[{"pictures": {"train": 5451, "test": 1189}}],
        description="What the model was trained on, and how.",
    )
    card: str | None = Field(
        examples=["# Muffin v chihuahua"],
        description="Markdown; null where the bundle has none, or another one by now.",
    )
    engine: str = Field(examples=["litert"])
    precision: str = Field(examples=["f32"])
    streams: int = Field(examples=[1], description="How many batches run at once.")
    explanation: Method = Field(
        examples=["cam"],
        description="How `POST /explain` finds out: from activation maps, or by hiding parts.",
    )
    limits: Limits
    loaded_at: datetime = Field(examples=["2025-11-21T03:44:51Z"])
    previous: DigestedModel | None = Field(description="The one that a rollback brings back.")
    last_failure: str | None = Field(
        examples=["model.tflite: is not the file that the manifest lists; changed or damaged."],
        description="Why the last load failed; null where it did not.",
    )


@router.get("/model", summary="The model that answers", responses=NOT_READY)
async def model(service: ServiceDep) -> ModelAnswer:
    """Describe the model that answers now: its labels, how well it does, and its card."""
    models = service.models
    live = models.current
    return ModelAnswer(
        **DigestedModel.of(live.predictor.bundle).model_dump(),
        **_described(live),
        limits=_limits(service.settings),
        previous=None if models.previous is None else DigestedModel.of(models.previous.predictor.bundle),
        last_failure=models.told_failure,
    )


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"example": 'mvc_predictions_total{label="muffin"} 3.0'}}}},
)
async def metrics(request: Request) -> Response:
    """Answer in Prometheus' text format, or in OpenMetrics' where the header Accept asks for it."""
    numbers = request.state.metrics
    numbers.refresh(request.state.service)
    accept = request.headers.get("accept", "")
    content, content_type = await run_in_threadpool(numbers.exposition, accept)
    return Response(content, headers={"content-type": content_type})


def _described(live: LiveModel) -> dict[str, Any]:
    predictor, manifest = live.predictor, live.predictor.bundle.manifest
    return {
        "description": manifest.description,
        "labels": manifest.labels,
        "input": manifest.preprocessing,
        "calibration": manifest.calibration,
        "metrics": manifest.metrics,
        "training": manifest.training,
        "card": _card(predictor.bundle),
        "engine": predictor.engine_name,
        "precision": predictor.precision,
        "streams": predictor.streams,
        "explanation": method_of(predictor),
        "loaded_at": live.loaded_at,
    }


def _limits(settings: Settings) -> Limits:
    return Limits(
        picture_bytes=settings.max_picture_bytes, pixels=settings.max_picture_pixels, formats=FORMATS
    )


def _card(bundle: ModelBundle) -> str | None:
    """The card that the manifest lists; where somebody builds into the folder, another one may lie there."""
    entry, path = bundle.manifest.files.get(CARD), bundle.folder / CARD
    if entry is None or not path.is_file():
        return None
    content = path.read_bytes()
    return content.decode() if hashlib.sha256(content).hexdigest() == entry.sha256 else None
