"""The wire contract: what goes out, with the examples that ``/docs`` shows."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from ..model.bundle import ModelBundle


class ModelReference(BaseModel):
    """Which model answers."""

    name: str = Field(examples=["muffin-v-chihuahua"])
    version: str = Field(examples=["1.0.0"])


class Health(BaseModel):
    """The service is up, its model loaded and checked."""

    Status: Literal["UP"] = "UP"
    status: Literal["alive"] = "alive"
    model: ModelReference


class Liveness(BaseModel):
    """The process answers, whatever its model does."""

    status: Literal["ok"] = "ok"


class DigestedModel(ModelReference):
    """Which model answered, to the byte."""

    digest: str = Field(examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])

    @classmethod
    def of(cls, bundle: ModelBundle) -> "DigestedModel":
        """The one in this bundle."""
        return DigestedModel(name=bundle.manifest.name, version=bundle.manifest.version, digest=bundle.digest)


class LabelProbability(BaseModel):
    """A class with its calibrated probability."""

    label: str = Field(examples=["chihuahua"])
    probability: float = Field(ge=0, le=1, examples=[0.983])


class Timings(BaseModel):
    """Where the time went, in milliseconds."""

    decode: float = Field(examples=[1.9])
    queue: float = Field(examples=[0.2])
    inference: float = Field(examples=[4.6])


class PredictionAnswer(BaseModel):
    """The answer for one picture; ``predictions`` best first."""

    prediction_id: str = Field(
        examples=["01KAGSZ6M0Q6DTFVZ5DPQ8J3WB"], description="Random, new for each answer."
    )
    filename: str | None = Field(
        examples=["rex.jpg"], description="As sent with the form; null for a bare body."
    )
    verdict: str = Field(examples=["chihuahua"], description="The winner's label, or `unsure`.")
    predictions: list[LabelProbability] = Field(
        examples=[
            [
                {"label": "chihuahua", "probability": 0.983},
                {"label": "muffin", "probability": 0.011},
                {"label": "other", "probability": 0.006},
            ]
        ]
    )
    model: DigestedModel
    timings_ms: Timings


class ExplainedLabel(LabelProbability):
    """A class with what speaks for it in the picture."""

    overlay: str = Field(
        examples=["iVBORw0KGgo…"], description="PNG in base64: what the model saw, and the heat over it."
    )


class ExplainTimings(BaseModel):
    """Where the time went, in milliseconds."""

    decode: float = Field(examples=[1.9])
    explain: float = Field(examples=[8.2])
    draw: float = Field(examples=[55.1])


class ExplanationAnswer(BaseModel):
    """Why one picture is what it is; ``explanations`` best first, on one scale of heat."""

    method: Literal["cam", "occlusion"] = Field(
        examples=["cam"], description="From the network's activation maps, or by hiding parts of the picture."
    )
    verdict: str = Field(examples=["chihuahua"], description="The winner's label, or `unsure`.")
    input: str = Field(examples=["iVBORw0KGgo…"], description="PNG in base64: what the model saw.")
    explanations: list[ExplainedLabel]
    model: DigestedModel
    timings_ms: ExplainTimings


class ErrorAnswer(BaseModel):
    """What went wrong, in a sentence for a person and a code for a program."""

    error: str
    code: str
    request_id: str


def error_answer(description: str, code: str, error: str) -> dict[str, Any]:
    """OpenAPI of an error, with an example of its own."""
    example = {"error": error, "code": code, "request_id": "01KAGSZ6M0Q6DTFVZ5DPQ8J3WB"}
    content = {"application/json": {"example": example}}
    return {"model": ErrorAnswer, "description": description, "content": content}


_PICTURE = {"type": "string", "format": "binary"}

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A form with the picture in its field `file`, or the picture itself.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {**_PICTURE, "description": "JPEG, PNG, WebP, GIF or BMP."}},
                },
                "encoding": {"file": {"contentType": "image/*"}},
            },
            "image/jpeg": {"schema": _PICTURE},
            "image/png": {"schema": _PICTURE},
            "image/webp": {"schema": _PICTURE},
            "image/gif": {"schema": _PICTURE},
            "image/bmp": {"schema": _PICTURE},
            "application/octet-stream": {"schema": _PICTURE},
        },
    }
}
"""OpenAPI of a body that FastAPI cannot derive from a signature: two shapes behind one route."""
