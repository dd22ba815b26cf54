"""What the pages know about the service beside its answers, asked for at most every few seconds."""

import streamlit as st

from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError, UnexpectedAnswer
from muffin_v_chihuahua.measured import Measured, NotMetrics, measured
from muffin_v_chihuahua.wire import Limits, ModelDescription

KEPT_S = 5
LIMITS_KEPT_S = 60  # so that a service which hangs does not hold up the page each time that it is drawn


def described(client: InferenceClient) -> ModelDescription:
    """The model that answers now, or did a few seconds ago.

    Raises:
        InferenceError: The service does not say.
    """
    return _described(client, client.base_url)


def limits_of(client: InferenceClient) -> Limits:
    """What a picture may be; where the service does not say, what it is unless somebody changed it."""
    return _limits(client, client.base_url)


def takes_feedback(client: InferenceClient) -> bool:
    """Whether the service remembers its predictions, so that it can be told that one was wrong."""
    return _takes_feedback(client, client.base_url)


def measured_by(client: InferenceClient) -> Measured:
    """What the service has counted until now.

    Raises:
        InferenceError: The service does not say.
    """
    try:
        return measured(client.metrics())
    except NotMetrics as error:
        raise UnexpectedAnswer(client.base_url, "Its numbers make no sense here.") from error


@st.cache_resource(ttl=KEPT_S, show_spinner=False)
def _described(_client: InferenceClient, base_url: str) -> ModelDescription:  # noqa: ARG001 - the cache's key
    return _client.model()


@st.cache_resource(ttl=LIMITS_KEPT_S, show_spinner=False)
def _limits(_client: InferenceClient, base_url: str) -> Limits:  # noqa: ARG001 - the cache's key
    try:
        return described(_client).limits
    except InferenceError:
        return Limits()


@st.cache_resource(ttl=KEPT_S, show_spinner=False)
def _takes_feedback(_client: InferenceClient, base_url: str) -> bool:  # noqa: ARG001 - the cache's key
    try:
        _client.feedback_summary()
    except InferenceError:
        return False
    return True
