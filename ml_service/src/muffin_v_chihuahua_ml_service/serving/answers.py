"""What went wrong, in the contract's words: the one table of errors and their statuses."""

from collections.abc import Mapping
from http import HTTPStatus

from .. import errors
from .schemas import ErrorAnswer

STATUSES: Mapping[type[errors.MLServiceError], int] = {
    errors.EmptyBody: 400,
    errors.MissingField: 400,
    errors.MalformedBody: 400,
    errors.InvalidTimeout: 400,
    errors.NotAPicture: 400,
    errors.BrokenPicture: 400,
    errors.NotAuthorised: 401,
    errors.RecordsOff: 404,
    errors.UnknownPrediction: 404,
    errors.UnknownLabel: 404,
    errors.UnknownModel: 404,
    errors.SlowBody: 408,
    errors.NothingToRollBackTo: 409,
    errors.BodyTooLarge: 413,
    errors.UnsupportedContentType: 415,
    errors.UnsupportedPictureFormat: 415,
    errors.TooManyPixels: 422,
    errors.TooManyFrames: 422,
    errors.TooManyParts: 422,
    errors.Overloaded: 429,
    errors.EngineFailed: 500,
    errors.ReloadFailed: 502,
    errors.ModelNotReady: 503,
    errors.Draining: 503,
    errors.RecordsUnavailable: 503,
    errors.DeadlineExceeded: 504,
    errors.EngineStuck: 504,
}
"""The contract's error table; an error that is not here is a fault of ours and answers 500."""


def error_body(message: str, code: str, request_id: str) -> bytes:
    """The JSON that every error answers with."""
    return ErrorAnswer(error=message, code=code, request_id=request_id).model_dump_json().encode()


def error_headers(error: errors.MLServiceError) -> dict[str, str]:
    """The headers that an error's answer has beside its body."""
    if isinstance(error, errors.Overloaded):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, errors.RecordsUnavailable):
        return {"Retry-After": "5"}  # the database is tried again about as often
    if STATUSES.get(type(error)) == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": "1"}
    if isinstance(error, errors.SlowBody):
        return {"Connection": "close"}  # RFC 9110, 15.5.9: the rest is not waited for
    if isinstance(error, errors.NotAuthorised):
        return {"WWW-Authenticate": "Bearer"}
    return {}
