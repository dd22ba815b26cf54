"""The prediction service, as it is seen from here.

InferenceError          there is no answer; the text says why, in a sentence for a person
├── ServiceUnreachable  no connection: refused, no such host, cut off
├── ServiceTimeout      connected, but no answer in time; 504 is the same from the other side
├── ServiceNotReady     503: it loads its model, is about to stop, or misses something that it needs
├── ServiceBusy         429: too many are asking; it says when to come back
├── Rejected            4xx: it does not want what was sent, and says why in its own words
└── UnexpectedAnswer    anything else: not JSON, JSON of another shape, a status nobody promised
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import requests
from pydantic import TypeAdapter, ValidationError

from muffin_v_chihuahua.language import mark
from muffin_v_chihuahua.wire import (
    EXPLANATION,
    FEEDBACK,
    FEEDBACK_SUMMARY,
    HEALTH,
    MODEL,
    PREDICTION,
    REFUSAL,
    Explanation,
    Feedback,
    FeedbackSummary,
    Health,
    ModelDescription,
    Prediction,
    Refusal,
)

CONNECT_TIMEOUT_S = 2.0
CLIENT_ERRORS = range(400, 500)
LONGEST_WAIT_S = 30.0

Answer = TypeVar("Answer")


class InferenceError(Exception):
    """There is no answer; the text is a sentence for a person, with the address that was tried.

    `sentence` is that of the class, to be translated; `detail` is what the service itself said, if anything,
    `code` is its name for that, and `request_id` what its log calls the request.
    """

    sentence = mark("The prediction service at {address} gave no answer.")

    def __init__(self, address: str, detail: str = "", refusal: Refusal | None = None) -> None:
        detail = f"{detail} {refusal.error if refusal else ''}".strip()
        super().__init__(f"{self.sentence.format(address=address)} {detail}".strip())
        self.address = address
        self.detail = detail
        self.code = refusal.code if refusal else ""
        self.request_id = refusal.request_id if refusal else ""


class ServiceUnreachable(InferenceError):
    """No connection: refused, no such host, cut off."""

    sentence = mark("The prediction service at {address} cannot be reached.")


class ServiceTimeout(InferenceError):
    """Connected, but no answer in time."""

    sentence = mark("The prediction service at {address} takes too long to answer.")


class ServiceNotReady(InferenceError):
    """It loads its model, is about to stop, or misses something that it needs."""

    sentence = mark("The prediction service at {address} is there, but not ready yet.")


class ServiceBusy(InferenceError):
    """Too many are asking; after `retry_after_s` it may be worth to ask again."""

    sentence = mark("The prediction service at {address} has too much to do just now.")

    def __init__(self, address: str, refusal: Refusal | None = None, retry_after_s: float = 1) -> None:
        super().__init__(address, refusal=refusal)
        self.retry_after_s = retry_after_s


class UnexpectedAnswer(InferenceError):
    """Not JSON, JSON of another shape, a status nobody promised."""

    sentence = mark("Something answers at {address}, but not as the prediction service should.")


class Rejected(InferenceError):
    """The service does not want what was sent; the text is its own sentence, as the address helps nobody."""

    sentence = ""


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

    def model(self) -> ModelDescription:
        """The model that answers now."""
        return self._understand(MODEL, self._send("GET", "/model"))

    def metrics(self) -> str:
        """What the service has counted, in Prometheus' text format."""
        response = self._send("GET", "/metrics")
        if response.status_code != requests.codes.ok:
            raise self._error_of(response)
        return response.text

    def predict(self, picture: bytes, filename: str) -> Prediction:
        """What the service says about a picture, given as the bytes of its file."""
        response = self._send("POST", "/predict", files={"file": (filename, picture)})
        return self._understand(PREDICTION, response)

    def explain(self, picture: bytes, filename: str, top_k: int = 3) -> Explanation:
        """What in a picture spoke for each of the `top_k` most likely classes."""
        response = self._send(
            "POST",
            f"/explain?top_k={top_k}",
            headers={"Accept": "application/json"},
            files={"file": (filename, picture)},
        )
        return self._understand(EXPLANATION, response)

    def give_feedback(self, prediction_id: str, label: str) -> Feedback:
        """Tell what the picture of a prediction really shows; the last word about it counts."""
        response = self._send("POST", "/feedback", json={"prediction_id": prediction_id, "label": label})
        return self._understand(FEEDBACK, response)

    def feedback_summary(self) -> FeedbackSummary:
        """What people said about the predictions of the model that answers now."""
        return self._understand(FEEDBACK_SUMMARY, self._send("GET", "/feedback"))

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] = MappingProxyType({}), **body: Any
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                self.base_url + path,
                timeout=(CONNECT_TIMEOUT_S, self._timeout_s),
                # so that the service does not begin what nobody waits for any more
                headers={"X-Request-Timeout-Ms": str(int(self._timeout_s * 1000)), **headers},
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
        match response.status_code:
            case 429:
                return ServiceBusy(self.base_url, refusal, _retry_after_s(response))
            case 503:
                return ServiceNotReady(self.base_url, refusal=refusal)
            case 504:
                return ServiceTimeout(self.base_url, refusal=refusal)
            case status if refusal and status in CLIENT_ERRORS:
                return Rejected(self.base_url, refusal=refusal)
            case status:
                return UnexpectedAnswer(self.base_url, f"It answers with status {status}.", refusal)


def _retry_after_s(response: requests.Response) -> float:
    """The seconds that the service asks to wait; a date, which HTTP allows too, counts as one second."""
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isdecimal() else 1.0


def _refusal_in(response: requests.Response) -> Refusal | None:
    try:
        return REFUSAL.validate_json(response.content)
    except ValidationError:  # the service always sends one; what stands before it may send a page
        return None
