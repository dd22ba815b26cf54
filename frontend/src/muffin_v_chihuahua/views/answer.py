"""How one answer is drawn: the picture, what it shows, why, and whether that is right."""

from collections.abc import Iterable

import streamlit as st

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.inference_client import InferenceClient
from muffin_v_chihuahua.language import number, tr
from muffin_v_chihuahua.views.bars import bars_of
from muffin_v_chihuahua.views.feedback import draw_feedback
from muffin_v_chihuahua.views.problems import in_words
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.views.why import draw_why_button
from muffin_v_chihuahua.wire import Prediction


def draw_answer(client: InferenceClient, answer: Answer, *, key: str, alt: str, title: str = "") -> None:
    """The picture, its title, and below it what came of it.

    Args:
        client: asks why, and takes what the visitor says about it.
        answer: what to draw.
        key: tells this card from any other on the page.
        alt: what the picture is, for those who do not see it.
        title: written under the picture.
    """
    if answer.thumbnail:
        with st.container(key=f"picture_{key}"):
            st.image(answer.thumbnail, alt=alt, width="stretch")
    else:
        st.caption("🖼️ " + tr("This picture cannot be shown here."))
    if title:
        st.caption(plain(title))
    if answer.prediction:
        # what was chosen on a card must not be taken for the next picture's
        _draw_prediction(client, answer, answer.prediction, f"{key}_{answer.prediction.prediction_id}")
    elif answer.error is not None:
        st.warning(in_words(answer.error), icon="⚠️")


def _draw_prediction(client: InferenceClient, answer: Answer, prediction: Prediction, key: str) -> None:
    st.html(bars_of(prediction))
    with st.container(horizontal=True, vertical_alignment="center"):
        if not prediction.is_sure:
            st.badge(tr("Not sure"), icon="🤔", color="orange")
        if answer.thumbnail:
            draw_why_button(client, answer, key)
        st.caption(tr("Answered in {ms} ms", ms=number(answer.took_ms)), width="content")
    draw_feedback(client, prediction, key)


def draw_models(answers: Iterable[Answer]) -> None:
    """Who has answered: a model's name and version, more than one while a new one comes in."""
    models = {answer.prediction.model for answer in answers if answer.prediction}
    names = sorted({f"{model.name} {model.version}" for model in models})
    if names:
        st.caption(plain(tr("Answered by {models}", models=", ".join(names))))
