"""Why a picture is what it is: the heat map of a class over what the model saw."""

from base64 import b64encode
from time import perf_counter
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from ..errors import UnknownLabel
from ..model.explaining.drawing import heat_map, overlay, png, seen
from ..model.predictor import LabelProbability
from .exchange import Exchange
from .explaining import Explanation
from .inference import InferenceService
from .live_model import LiveModel
from .numbers import WholeNumber
from .routes import REFUSALS, sent_picture
from .schemas import (
    PICTURE_BODY,
    DigestedModel,
    ExplainedLabel,
    ExplainTimings,
    ExplanationAnswer,
    error_answer,
)

router = APIRouter()

View = Literal["overlay", "heat", "input"]

_JSON, _PNG = "application/json", "image/png"

_MOST_OVERLAYS = 20
"""Each is a third of a megabyte in base64."""


@router.post("/explain/", include_in_schema=False)
@router.post(
    "/explain",
    summary="Show why",
    response_class=Response,
    responses={
        200: {
            "description": "The picture with the heat map, or JSON where the header Accept asks for it.",
            "content": {_PNG: {"schema": {"type": "string", "format": "binary"}}},
            "model": ExplanationAnswer,
            "headers": {
                "X-Explained-Label": {"description": "Percent-encoded.", "schema": {"type": "string"}},
                "X-Explained-Method": {"schema": {"enum": ["cam", "occlusion"]}},
            },
        },
        404: error_answer(
            "The model has no such label.",
            "unknown_label",
            "The model has no label 'cat'; GET /model lists those that it has.",
        ),
        **REFUSALS,
    },
    openapi_extra=PICTURE_BODY,
)
async def explain(
    request: Request,
    label: Annotated[
        str | None, Query(description="The class to explain; unset: the winner.", examples=["muffin"])
    ] = None,
    view: Annotated[
        View, Query(description="The heat over the picture, the heat alone, or what the model saw.")
    ] = "overlay",
    top_k: Annotated[
        WholeNumber,
        Query(ge=1, le=_MOST_OVERLAYS, description="How many classes to draw, best first; in JSON only."),
    ] = 3,
) -> Response:
    """Draw where in the picture a class is seen: the warmer a place, the more speaks for the class there.

    The body is that of `/predict`; with `Accept: application/json` the answer has the maps of some classes.
    """
    service: InferenceService = request.state.service
    exchange: Exchange = request.state.exchange
    as_json = _prefers_json(request.headers.get("accept", ""))

    def draw(explanation: Explanation) -> Response:
        exchange.explained(explanation)
        if as_json:
            return _as_json(explanation, label, top_k)
        return _as_picture(explanation, label, view)

    async with sent_picture(request) as (upload, deadline):
        model = service.models.current
        _check(label, model)
        with_heat = as_json or view != "input"
        return await service.explainer.explain(model, upload.content, deadline, draw, with_heat=with_heat)


def _check(label: str | None, model: LiveModel) -> None:
    if label is not None and label not in model.predictor.bundle.manifest.labels:
        raise UnknownLabel(f"The model has no label {label!r}; GET /model lists those that it has.")


def _prefers_json(accept: str) -> bool:
    """Whether JSON is the first of the two that the header Accept names."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((kind == _JSON for kind in named if kind in {_JSON, _PNG, "image/*", "*/*"}), False)


def _as_picture(explanation: Explanation, label: str | None, view: View) -> Response:
    chosen = explanation.prediction.predictions[0].label if label is None else label
    image = seen(explanation.picture)
    if view == "overlay":
        image = overlay(image, explanation.heat_of(chosen))
    elif view == "heat":
        image = heat_map(explanation.heat_of(chosen), image.size)
    headers = {"X-Explained-Label": quote(chosen, safe=""), "X-Explained-Method": explanation.method}
    return Response(png(image), headers=headers, media_type=_PNG)


def _as_json(explanation: Explanation, label: str | None, top_k: int) -> Response:
    began = perf_counter()
    image = seen(explanation.picture)
    explained = [
        ExplainedLabel(
            label=each.label,
            probability=each.probability,
            overlay=_base64(png(overlay(image, explanation.heat_of(each.label)))),
        )
        for each in _chosen(explanation, label, top_k)
    ]
    answer = ExplanationAnswer(
        method=explanation.method,
        verdict=explanation.prediction.verdict,
        input=_base64(png(image)),
        explanations=explained,
        model=DigestedModel.of(explanation.predictor.bundle),
        timings_ms=ExplainTimings(
            decode=round(explanation.decode_ms, 3),
            explain=round(explanation.explain_ms, 3),
            draw=round((perf_counter() - began) * 1000, 3),
        ),
    )
    return Response(answer.model_dump_json(), media_type=_JSON)


def _chosen(explanation: Explanation, label: str | None, top_k: int) -> list[LabelProbability]:
    """The best, with the one that was asked for in the last place where it is not among them."""
    best_first = explanation.prediction.predictions
    asked = [each for each in best_first[top_k:] if each.label == label]
    return [*best_first[: top_k - len(asked)], *asked]


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
