"""What a picture really showed: told, counted, and taken back with all that is kept of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from time import time
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ulid import ULID

from ..errors import RecordsOff, UnknownPrediction
from ..intervals import wilson_interval
from ..records.rows import FeedbackCounts, unknown_prediction
from .callers import TIMEOUT_HEADER, Deadline, limit_s
from .recording import Recorder
from .routes import REJECTED, Responses, ServiceDep, answering_model
from .schemas import DigestedModel, ErrorAnswer, error_answer
from .uploads import read_whole

if TYPE_CHECKING:
    from ..records.archive import Archive

_T = TypeVar("_T")

_MOST_BYTES = 16 * 1024
"""Of a body with an id and a label in it."""

_ELSEWHERE_S = 1.0
"""Seconds in which a process that shares no memory with this one has written what it answered."""

_LOOK_AGAIN_S = 0.1

router = APIRouter()


def _recorder(request: Request) -> Recorder:
    recorder: Recorder | None = request.state.recorder
    if recorder is None:
        raise RecordsOff("This service keeps no predictions; ML_SERVICE_DATABASE_URL is `off`.")
    return recorder


RecorderDep = Annotated[Recorder, Depends(_recorder)]


class Feedback(BaseModel):
    """What the picture of a prediction really shows."""

    model_config = ConfigDict(extra="forbid")

    prediction_id: str = Field(examples=["01KAGSZ6M0Q6DTFVZ5DPQ8J3WB"])
    label: str = Field(examples=["muffin"], description="One of the labels of the model that answered.")


class FeedbackAnswer(Feedback):
    """The feedback as it was noted, beside what had been answered."""

    predicted: str = Field(examples=["chihuahua"], description="The winner's label.")
    verdict: str = Field(examples=["unsure"])
    agrees: bool = Field(examples=[False], description="Whether the winner was the truth.")


class LabelFeedback(BaseModel):
    """Of the pictures that really show one label."""

    feedback: int = Field(examples=[31])
    right: int = Field(examples=[30], description="Those whose winner was the truth.")


class FeedbackSummary(BaseModel):
    """How a model did, as far as it was told."""

    model: DigestedModel
    predictions: int = Field(examples=[4711], description="Predictions of this model that are kept.")
    feedback: int = Field(examples=[60], description="Those of them that somebody said the truth about.")
    right: int = Field(examples=[58])
    accuracy: float | None = Field(examples=[0.967], description="Null without feedback.")
    accuracy_interval: tuple[float, float] | None = Field(
        examples=[[0.886, 0.991]], description="Wilson's, 95 %; null without feedback."
    )
    labels: dict[str, LabelFeedback] = Field(
        examples=[{"muffin": {"feedback": 31, "right": 30}}], description="By what the picture really showed."
    )


_OFF = {"records_off": "This service keeps no predictions; ML_SERVICE_DATABASE_URL is `off`."}
_PREDICTION = {
    "unknown_prediction": "There is no prediction '01KAGSZ6M0Q6DTFVZ5DPQ8J3WB'; it may have been deleted, or "
    "never kept."
}
_LABEL = {"unknown_label": "The model that answered has no label 'cat'; it has chihuahua, muffin, other."}
_MODEL = {"unknown_model": "No model with the digest sha256:9f86… has answered here."}

_AWAY = error_answer(
    "The records cannot be used now; the header Retry-After says when to try again.",
    "records_unavailable",
    "Predictions and feedback cannot be read or changed now; try again after Retry-After seconds.",
)


_INVALID = error_answer(
    "A field or a parameter is missing or not valid.",
    "invalid_parameter",
    "A parameter is not valid: label: Field required.",
)

_LATE = error_answer(
    "The caller's time limit, or the service's, is over.",
    "deadline_exceeded",
    "There was no answer within 200 ms; try again.",
)

_COMMON: Responses = {
    503: _AWAY,
    504: _LATE,
    "default": {"model": ErrorAnswer, "description": "Any other error."},
}


def _not_found(sentences: Mapping[str, str]) -> dict[str, Any]:
    answers = {code: error_answer("", code, sentence) for code, sentence in sentences.items()}
    examples = {
        code: {"value": answer["content"]["application/json"]["example"]} for code, answer in answers.items()
    }
    description = "Nothing to find: " + ", ".join(f"`{code}`" for code in sentences) + "."
    content = {"application/json": {"examples": examples}}
    return {"model": ErrorAnswer, "description": description, "content": content}


@router.post(
    "/feedback",
    summary="Say what a picture really shows",
    responses={
        400: _INVALID,
        404: _not_found(_PREDICTION | _LABEL | _OFF),
        408: REJECTED[408],
        413: REJECTED[413],
        **_COMMON,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Feedback.model_json_schema()}},
        }
    },
)
async def give_feedback(request: Request, recorder: RecorderDep, service: ServiceDep) -> FeedbackAnswer:
    """Note which label is the truth about a prediction's picture, instead of what was said before."""
    async with _in_time(request):
        feedback = _parsed(await read_whole(request, _MOST_BYTES, service.settings.body_timeout_ms / 1000))
        prediction_id = _well_formed(feedback.prediction_id)
        given = await _once_written(
            recorder, lambda archive: archive.give_feedback(prediction_id, feedback.label)
        )
    return FeedbackAnswer(
        prediction_id=prediction_id,
        label=feedback.label,
        predicted=given.predicted,
        verdict=given.verdict,
        agrees=given.predicted == feedback.label,
    )


@router.get(
    "/feedback",
    summary="How a model did, as far as it was told",
    responses={400: _INVALID, 404: _not_found(_MODEL | _OFF), **_COMMON},
)
async def count_feedback(
    request: Request,
    recorder: RecorderDep,
    service: ServiceDep,
    digest: Annotated[
        str | None,
        Query(pattern="^sha256:[0-9a-f]{64}$", description="Which model; unset: the one that answers now."),
    ] = None,
) -> FeedbackSummary:
    """Count the predictions that are kept, and how many of those that somebody judged were right."""
    answering = answering_model(service.models.current.predictor.bundle)
    wanted = answering.digest if digest is None else digest
    async with _in_time(request):
        return _summary(await recorder.ask(lambda archive: archive.count_feedback(wanted, answering)))


@router.delete(
    "/predictions/{prediction_id}",
    summary="Delete a prediction",
    status_code=204,
    responses={404: _not_found(_PREDICTION | _OFF), **_COMMON},
)
async def delete_prediction(request: Request, prediction_id: str, recorder: RecorderDep) -> Response:
    """Delete all that is kept of a prediction: its row, its feedback and its picture."""
    found = _well_formed(prediction_id)
    async with _in_time(request):
        await _once_written(recorder, lambda archive: archive.forget(found))
    return Response(status_code=204)


@asynccontextmanager
async def _in_time(request: Request) -> AsyncIterator[None]:
    """Stop what is inside when the caller's time limit, or the service's, is over."""
    most_ms = request.state.settings.timeout_ms
    deadline = Deadline.after(limit_s(request.headers.get(TIMEOUT_HEADER), most_ms))
    async with deadline.enforced("; try again"):
        yield


def _parsed(body: bytes) -> Feedback:
    try:
        return Feedback.model_validate_json(body)
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(problems) from error


def _well_formed(prediction_id: str) -> str:
    """Raises UnknownPrediction where nothing can be kept under it."""
    try:
        return str(ULID.from_str(prediction_id))
    except ValueError as error:
        raise unknown_prediction(prediction_id) from error


async def _once_written(recorder: Recorder, question: "Callable[[Archive], _T]") -> _T:
    """Ask about a prediction, and once more when other processes have written what they had answered."""
    asked_ms = int(time() * 1000)
    try:
        return await recorder.ask(question)
    except UnknownPrediction:
        await asyncio.sleep(_ELSEWHERE_S)
    while recorder.unwritten.may_come(asked_ms):  # noqa: ASYNC110 - memory of several processes wakes nobody
        await asyncio.sleep(_LOOK_AGAIN_S)
    return await recorder.ask(question)


def _summary(counts: FeedbackCounts) -> FeedbackSummary:
    told, right = counts.feedback, counts.right
    return FeedbackSummary(
        model=DigestedModel(name=counts.model.name, version=counts.model.version, digest=counts.model.digest),
        predictions=counts.predictions,
        feedback=told,
        right=right,
        accuracy=right / told if told else None,
        accuracy_interval=wilson_interval(right, told) if told else None,
        labels={
            label: LabelFeedback(feedback=each.feedback, right=each.right)
            for label, each in counts.labels.items()
        },
    )
