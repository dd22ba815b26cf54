"""It was wrong: the visitor says what a picture really shows, and the service writes it down."""

from collections.abc import Sequence

import streamlit as st

from muffin_v_chihuahua.facts import described, takes_feedback
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.language import tr
from muffin_v_chihuahua.views.problems import in_words
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.wire import Feedback, Prediction

MOST_BUTTONS = 6
"""With more classes than these, the most likely ones are buttons, and a list has all."""

OUTCOMES = "feedback_outcomes"
"""In st.session_state: what came of the visitor's feedback, by the prediction's id."""


@st.fragment
def draw_feedback(client: InferenceClient, prediction: Prediction, key: str) -> None:
    """The classes as buttons, where the service wants to know which one it really was."""
    if not takes_feedback(client):
        return
    labels = _all_labels(client, prediction)
    if len(labels) <= MOST_BUTTONS:
        chosen = _pills(labels, key)
    else:
        chosen = _pills([score.label for score in prediction.predictions], key) or _list(labels, key)
    if chosen:
        _draw_outcome(_outcome(client, prediction.prediction_id, chosen))


def _all_labels(client: InferenceClient, prediction: Prediction) -> Sequence[str]:
    """Those of the model that answers now; another may answer by now than the one that predicted."""
    likely = [score.label for score in prediction.predictions]
    try:
        model = described(client)
    except InferenceError:
        return likely
    return model.labels if set(likely) <= set(model.labels) else likely


def _pills(labels: Sequence[str], key: str) -> str | None:
    return st.pills(tr("What is it really?"), labels, format_func=plain, key=f"really_{key}")


def _list(labels: Sequence[str], key: str) -> str | None:
    return st.selectbox(
        tr("Another class"),
        labels,
        index=None,
        placeholder=tr("All {n} classes", n=len(labels)),
        key=f"other_{key}",
    )


def _outcome(client: InferenceClient, prediction_id: str, label: str) -> Feedback | InferenceError:
    """What the service says to this; it is told once, unless that failed."""
    outcomes: dict[str, Feedback] = st.session_state.setdefault(OUTCOMES, {})
    told = outcomes.get(prediction_id)
    if told is not None and told.label == label:
        return told
    try:
        outcomes[prediction_id] = client.give_feedback(prediction_id, label)
    except InferenceError as error:
        return error
    return outcomes[prediction_id]


def _draw_outcome(outcome: Feedback | InferenceError) -> None:
    if isinstance(outcome, InferenceError):
        st.warning(in_words(outcome), icon="⚠️")
    elif outcome.agrees:
        st.caption("✔️ " + tr("Noted: the model was right. Thank you."))
    else:
        st.caption("✏️ " + plain(tr("Noted: it is {label}. Thank you.", label=outcome.label)))
