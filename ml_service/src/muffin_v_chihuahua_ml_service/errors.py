"""Everything that this package raises on purpose.

    MLServiceError
    ├── InvalidBundle             a model bundle that cannot be trusted: says which file and why
    ├── ModelNotFound             a model source that leads to no bundle
    │   └── SourceUnreachable     it may lead to one, but nobody answers there now
    ├── EngineUnavailable         no installed engine can run the bundle
    ├── InvalidDataset            training or evaluation data that cannot be used
    ├── InvalidConfiguration      a configuration or a recipe that cannot be understood or followed
    ├── InvalidWeights            a recipe's weights that cannot be had, are others, or fit another network
    ├── TrackingFailed            MLflow did not take a training
    ├── GateFailed                a bundle that is not worth what is asked of it
    ├── NotComparable             two bundles that do not tell the same labels apart
    ├── CannotListen              an address or a port that cannot be listened on
    ├── WorkersFailed             none of several processes can answer
    ├── ModelNotReady             the service has no model to answer with yet
    ├── Draining                  the service is about to end
    ├── Overloaded                a newcomer would wait too long, or there is no memory for its body
    ├── DeadlineExceeded          the caller's time, or the service's own, is over
    ├── EngineFailed              the engine raised on one picture
    ├── EngineStuck               the engine did not come back from one picture
    ├── NothingToRollBackTo       no earlier model is kept
    ├── ReloadFailed              a reload that somebody asked for did not go well
    ├── NotAuthorised             no admin key, or a wrong one
    ├── RecordsOff                this service keeps no predictions and no feedback
    ├── RecordsUnavailable        the database, or what keeps the pictures, cannot be used now
    │   └── PicturesElsewhere     a picture was kept where this service no longer looks
    ├── UnknownPrediction         no prediction of that id is kept
    ├── UnknownLabel              a label that the model does not have
    ├── UnknownModel              a digest that no model here has
    └── RejectedPicture           what the caller sent cannot be answered: its message is for the caller
        ├── EmptyBody
        ├── MissingField
        ├── MalformedBody
        ├── InvalidTimeout
        ├── UnsupportedContentType
        ├── BodyTooLarge
        ├── SlowBody
        ├── NotAPicture
        ├── BrokenPicture
        ├── UnsupportedPictureFormat
        ├── TooManyPixels
        ├── TooManyFrames
        └── TooManyParts

``code`` is the stable name of the error on the wire; ``serving/answers.py`` says which status it gets.
"""

from typing import Literal


class MLServiceError(Exception):
    """Base of all; its message is one sentence that a person can act on."""

    code = "ml_service_error"


class InvalidBundle(MLServiceError):
    """A bundle with a missing, changed or unreadable file, or an unknown format."""

    code = "invalid_bundle"


class ModelNotFound(MLServiceError):
    """Nothing that can be opened as a model: no such folder, archive, address or installed wheel."""

    code = "model_not_found"


class SourceUnreachable(ModelNotFound):
    """A remote source that does not answer, or whose answer is an error of its own."""

    code = "source_unreachable"


class EngineUnavailable(MLServiceError):
    """The engine asked for is not installed, or the bundle has no artefact for it."""

    code = "engine_unavailable"


class InvalidDataset(MLServiceError):
    """A data folder without class folders, without pictures, or with classes that the model does not know."""

    code = "invalid_dataset"


class InvalidConfiguration(MLServiceError):
    """A configuration or a recipe that cannot be read, says what there is not, or does not fit a network."""

    code = "invalid_configuration"


class TrackingFailed(MLServiceError):
    """The tracking server cannot be reached, or refuses what it is told."""

    code = "tracking_failed"


class GateFailed(MLServiceError):
    """A bundle that its manifest's requirements or its own golden pictures refuse; a line for each reason."""

    code = "gate_failed"


class NotComparable(MLServiceError):
    """Two bundles of which one has a label that the other does not have."""

    code = "not_comparable"


class InvalidWeights(MLServiceError):
    """Weights that are not there, could not be downloaded, have another digest, or fit another network."""

    code = "invalid_weights"


class CannotListen(MLServiceError):
    """The port is taken or needs rights, or the machine does not have the address."""

    code = "cannot_listen"


class WorkersFailed(MLServiceError):
    """No process answers, and starting more of them does not help; the message is why the last one ended."""

    code = "workers_failed"


class ModelNotReady(MLServiceError):
    """The model is loading, or could not be loaded, or its engine is being replaced."""

    code = "model_not_ready"


class Draining(MLServiceError):
    """The service has been told to end; what it has begun it still answers."""

    code = "draining"


class Overloaded(MLServiceError):
    """Nobody else is let in now; trying again after ``retry_after_s`` whole seconds makes sense."""

    code = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int, reason: Literal["wait", "bytes"]) -> None:
        """Say for how long, and what there is not enough of."""
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.reason = reason


class DeadlineExceeded(MLServiceError):
    """The caller's time limit, or the service's own, passed before there was an answer."""

    code = "deadline_exceeded"


class EngineFailed(MLServiceError):
    """The engine raised on this picture, alone in its batch."""

    code = "engine_failed"


class EngineStuck(MLServiceError):
    """The engine did not come back from this picture, alone in its batch, and was replaced."""

    code = "engine_stuck"


class NothingToRollBackTo(MLServiceError):
    """There was no reload, its predecessor has been freed, or it is already back."""

    code = "nothing_to_roll_back_to"


class ReloadFailed(MLServiceError):
    """The model was not replaced; the message is that of the load."""

    code = "reload_failed"


class NotAuthorised(MLServiceError):
    """A call that needs a key came with none, or with a wrong one."""

    code = "not_authorised"


class RecordsOff(MLServiceError):
    """The service was told to keep nothing, so there is nothing to add to or to delete."""

    code = "records_off"


class RecordsUnavailable(MLServiceError):
    """The database does not answer, or the disk or the bucket with the pictures; predictions go on."""

    code = "records_unavailable"


class PicturesElsewhere(RecordsUnavailable):
    """A picture was kept where this service is no longer told to keep any; the database does answer."""

    code = "pictures_elsewhere"


class UnknownPrediction(MLServiceError):
    """No prediction of that id: never made, never kept, or deleted."""

    code = "unknown_prediction"


class UnknownLabel(MLServiceError):
    """A label that the model which is asked about does not have."""

    code = "unknown_label"


class UnknownModel(MLServiceError):
    """A digest that no model has which answers here, or did."""

    code = "unknown_model"


class RejectedPicture(MLServiceError):
    """Base of what is wrong with the picture or with the request that carries it."""

    code = "rejected_picture"


class EmptyBody(RejectedPicture):
    """Zero bytes where a picture should be."""

    code = "empty_body"


class MissingField(RejectedPicture):
    """A form without the field ``file``."""

    code = "missing_field"


class MalformedBody(RejectedPicture):
    """A form that does not follow RFC 7578."""

    code = "malformed_body"


class InvalidTimeout(RejectedPicture):
    """A time limit that is no whole number of milliseconds."""

    code = "invalid_timeout"


class UnsupportedContentType(RejectedPicture):
    """Neither a form nor a picture, by the Content-Type header."""

    code = "unsupported_content_type"


class BodyTooLarge(RejectedPicture):
    """More bytes than the limit."""

    code = "body_too_large"


class SlowBody(RejectedPicture):
    """A body that took longer to arrive than the limit."""

    code = "slow_body"


class NotAPicture(RejectedPicture):
    """Bytes that begin like no picture."""

    code = "not_a_picture"


class BrokenPicture(RejectedPicture):
    """A picture that begins well and then is truncated or damaged."""

    code = "broken_picture"


class UnsupportedPictureFormat(RejectedPicture):
    """A picture or document of a known format that is not on the list."""

    code = "unsupported_picture_format"


class TooManyPixels(RejectedPicture):
    """More pixels than the limit, or than the memory for decoding holds, by the picture's header."""

    code = "too_many_pixels"


class TooManyFrames(RejectedPicture):
    """An animation with more frames than the limit, counted without decoding them."""

    code = "too_many_frames"


class TooManyParts(RejectedPicture):
    """More segments, chunks, blocks or scans than any encoder writes, counted without decoding them."""

    code = "too_many_parts"
