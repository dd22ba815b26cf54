"""The prediction service, as it is seen from here.

InferenceError          there is no answer; the text says why, in a sentence for a person
├── ServiceUnreachable  no connection: refused, no such host, cut off again and again
├── ServiceTimeout      connected, but no answer in time; 504 is the same from the other side
├── ServiceNotReady     503: it loads its model, or is about to stop
├── ServiceBusy         429: too many are asking
├── PredictionRejected  4xx: it does not want this picture, and says why in its own words
└── UnexpectedAnswer    anything else: not JSON, JSON of another shape, a status nobody promised
"""

from typing import Any, TypeVar

import requests
from pydantic import TypeAdapter, ValidationError

from muffin_v_chihuahua.wire import HEALTH, PREDICTION, REFUSAL, Health, Prediction, Refusal

CONNECT_TIMEOUT_S = 2.0
CLIENT_ERRORS = range(400, 500)

Answer = TypeVar("Answer")


class InferenceError(Exception):
    """There is no answer; the text is a sentence for a person, with the address that was tried."""

    sentence = "The prediction service at {address} gave no answer."

    def __init__(self, address: str, detail: str = "") -> None:
        super().__init__(f"{self.sentence.format(address=address)} {detail}".strip())


class ServiceUnreachable(InferenceError):
    """No connection: refused, no such host, cut off again and again."""

    sentence = "The prediction service at {address} cannot be reached."


class ServiceTimeout(InferenceError):
    """Connected, but no answer in time."""

    sentence = "The prediction service at {address} takes too long to answer."


class ServiceNotReady(InferenceError):
    """It loads its model, or is about to stop."""

    sentence = "The prediction service at {address} is there, but not ready yet."


class ServiceBusy(InferenceError):
    """Too many are asking."""

    sentence = "The prediction service at {address} has too much to do just now."


class UnexpectedAnswer(InferenceError):
    """Not JSON, JSON of another shape, a status nobody promised."""

    sentence = "Something answers at {address}, but not as the prediction service should."


class PredictionRejected(InferenceError):
    """The service does not want this picture; the text is its own sentence, as the address helps nobody."""

    sentence = ""

    def __init__(self, address: str, refusal: Refusal) -> None:
        super().__init__(address, refusal.error)
        self.code = refusal.code
        self.request_id = refusal.request_id


class InferenceClient:
    """Asks the service at `base_url` and gives it `timeout_s` for each answer.

    Every method raises an `InferenceError` where there is no answer.
    """

    def __init__(self, session: requests.Session, base_url: str, timeout_s: float = 10) -> None:
        self.base_url = base_url
        self._session = session
        self._timeout_s = timeout_s

    def health(self) -> Health:
        """Whether the service is up, and with which model."""
        return self._understand(HEALTH, self._send("GET", "/"))

    def predict(self, picture: bytes, filename: str) -> Prediction:
        """What the service says about a picture, given as the bytes of its file."""
        response = self._send("POST", "/predict", files={"file": (filename, picture)})
        return self._understand(PREDICTION, response)

    def _send(self, method: str, path: str, **body: Any) -> requests.Response:
        try:
            return self._session.request(
                method,
                self.base_url + path,
                timeout=(CONNECT_TIMEOUT_S, self._timeout_s),
                # so that the service does not begin what nobody waits for any more
                headers={"X-Request-Timeout-Ms": str(int(self._timeout_s * 1000))},
                # a redirect would be followed with a GET; it is a login page more often than the service
                allow_redirects=False,
                **body,
            )
        except requests.ConnectionError as error:
            raise ServiceUnreachable(self.base_url) from error
        except requests.Timeout as error:
            raise ServiceTimeout(self.base_url) from error
        except requests.RequestException as error:
            raise UnexpectedAnswer(self.base_url, "The answer could not be read.") from error

    def _understand(self, shape: TypeAdapter[Answer], response: requests.Response) -> Answer:
        if response.status_code != requests.codes.ok:
            raise self._error_of(response)
        try:
            return shape.validate_json(response.content)
        except ValidationError as error:
            raise UnexpectedAnswer(self.base_url, "Its answer makes no sense here.") from error

    def _error_of(self, response: requests.Response) -> InferenceError:
        refusal = _refusal_in(response)
        own_words = refusal.error if refusal else ""
        match response.status_code:
            case 429:
                return ServiceBusy(self.base_url, own_words)
            case 503:
                return ServiceNotReady(self.base_url, own_words)
            case 504:
                return ServiceTimeout(self.base_url, own_words)
            case status if refusal and status in CLIENT_ERRORS:
                return PredictionRejected(self.base_url, refusal)
            case status:
                return UnexpectedAnswer(self.base_url, f"It answers with status {status}. {own_words}")


def _refusal_in(response: requests.Response) -> Refusal | None:
    try:
        return REFUSAL.validate_json(response.content)
    except ValidationError:  # the service always sends one; what stands before it may send a page
        return None
