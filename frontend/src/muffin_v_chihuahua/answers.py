"""What came of one picture: the service's prediction, or the sentence why there is none."""

from dataclasses import dataclass

from muffin_v_chihuahua.inference_client import (
    InferenceClient,
    PredictionRejected,
    UnexpectedAnswer,
)
from muffin_v_chihuahua.thumbnails import thumbnail
from muffin_v_chihuahua.wire import Prediction


@dataclass(frozen=True)
class Answer:
    """One picture with what came of it: either `prediction` is there, or `refusal` says why not.

    Where `is_final` is false, asking again may help.
    """

    name: str
    thumbnail: bytes | None
    prediction: Prediction | None = None
    refusal: str = ""
    is_final: bool = True


def ask(client: InferenceClient, picture: bytes, name: str) -> Answer:
    """Ask the service about a picture.

    Raises:
        InferenceError: There is no answer, and that is not this picture's fault.
    """
    small = thumbnail(picture)
    try:
        return Answer(name, small, prediction=client.predict(picture, name))
    except PredictionRejected as rejected:
        return Answer(name, small, refusal=str(rejected))
    except UnexpectedAnswer as unexpected:
        return Answer(name, small, refusal=str(unexpected), is_final=False)
