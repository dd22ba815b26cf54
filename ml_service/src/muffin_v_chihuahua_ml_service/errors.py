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
    ├── ModelNotReady             the service has no model to answer with yet, or no more
    └── RejectedPicture           what the caller sent cannot be answered: its message is for the caller
        ├── EmptyBody
        ├── MissingField
        ├── MalformedBody
        ├── UnsupportedContentType
        ├── BodyTooLarge
        ├── NotAPicture
        ├── BrokenPicture
        ├── UnsupportedPictureFormat
        └── TooManyPixels

``code`` is the stable name of the error on the wire; ``serving/app.py`` says which status it gets.
"""


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


class ModelNotReady(MLServiceError):
    """The model is loading, or could not be loaded."""

    code = "model_not_ready"


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


class UnsupportedContentType(RejectedPicture):
    """Neither a form nor a picture, by the Content-Type header."""

    code = "unsupported_content_type"


class BodyTooLarge(RejectedPicture):
    """More bytes than the limit."""

    code = "body_too_large"


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
    """More pixels than the limit, by the picture's header."""

    code = "too_many_pixels"
