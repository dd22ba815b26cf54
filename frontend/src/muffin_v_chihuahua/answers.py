"""What came of one picture: the service's prediction, or the error that says why there is none."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from muffin_v_chihuahua.inference_client import (
    InferenceClient,
    InferenceError,
    Rejected,
    UnexpectedAnswer,
)
from muffin_v_chihuahua.language import mark
from muffin_v_chihuahua.thumbnails import is_small, thumbnail
from muffin_v_chihuahua.wire import Prediction

logger = logging.getLogger(__name__)


class NotSent(InferenceError):
    """The picture never got as far as the service; `detail` says why."""

    sentence = mark("This file was not sent.")

    def __init__(self, detail: str = "") -> None:
        super().__init__("", detail)


class InternalError(InferenceError):
    """An unforeseen error of the page's own; the log has its traceback."""

    sentence = mark("This page failed on this picture. It is not your fault, and it is in the log.")


@dataclass(frozen=True)
class Answer:
    """One picture with what came of it: either `prediction` is there, or `error` says why not.

    `thumbnail` is a small copy of the picture, or itself if it is small, None where it cannot be shown;
    `took_ms` is how long the answer took, seen from here.
    """

    name: str
    thumbnail: bytes | None
    prediction: Prediction | None = None
    error: InferenceError | None = None
    took_ms: float = 0

    @property
    def is_final(self) -> bool:
        """Whether asking again would not help."""
        return self.error is None or isinstance(self.error, Rejected | NotSent | InternalError)


def ask(client: InferenceClient, read: Callable[[], bytes], name: str) -> Answer:
    """Ask the service about a picture, of which `read` gives the bytes or raises NotSent.

    Raises:
        InferenceError: There is no answer, and that is not this picture's fault; nothing else is raised.
    """
    try:
        return _ask(client, read(), name)
    except NotSent as error:
        return Answer(name, None, error=error)
    except InferenceError:
        raise
    except Exception:
        logger.exception("A picture has no answer:")
        return Answer(name, None, error=InternalError(""))


def _ask(client: InferenceClient, picture: bytes, name: str) -> Answer:
    began = perf_counter()
    try:
        prediction = client.predict(picture, name)
    except (Rejected, UnexpectedAnswer) as error:
        return Answer(name, thumbnail(picture), error=error)
    took_ms = (perf_counter() - began) * 1000
    return Answer(name, picture if is_small(picture) else thumbnail(picture), prediction, took_ms=took_ms)
