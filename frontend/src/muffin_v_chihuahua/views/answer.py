"""How one answer is drawn, and how the lack of any."""

from collections.abc import Iterable

import streamlit as st

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.inference_client import InferenceError
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.wire import Prediction

BARS = 3


def draw_answer(answer: Answer, *, alt: str, title: str = "") -> None:
    """The picture, its title, and below it what came of it."""
    if answer.thumbnail:
        st.image(answer.thumbnail, alt=alt, width="stretch")
    else:
        st.caption("🖼️ This picture cannot be shown here.")
    if title:
        st.caption(plain(title))
    if answer.prediction:
        draw_bars(answer.prediction)
    else:
        st.warning(plain(answer.refusal), icon="⚠️")


def draw_bars(prediction: Prediction) -> None:
    """The best classes, each a bar with its name and percentage; the trophy is for an answer that is sure."""
    for place, score in enumerate(prediction.predictions[:BARS]):
        label = plain(score.label)
        name = f"🏆 **{label}**" if place == 0 and prediction.is_sure else label
        st.progress(min(score.probability, 1.0), text=f"{name} · {score.probability:.1%}")
    if not prediction.is_sure:
        st.badge("Not sure", icon="🤔", color="orange")


def draw_models(answers: Iterable[Answer]) -> None:
    """Who has answered: a model's name and version, more than one while a new one comes in."""
    models = {answer.prediction.model for answer in answers if answer.prediction}
    names = sorted(f"{model.name} {model.version}" for model in models)
    if names:
        st.caption(f"Answered by {plain(', '.join(names))}")


def draw_failure(error: InferenceError) -> None:
    """Why there are no answers, and a way to ask for them again."""
    st.error(plain(str(error)), icon="🔌")
    draw_try_again()


def draw_try_again() -> None:
    """A button that does nothing but run the page again, which asks for all answers that are missing."""
    st.button("🔄 Try again", type="primary", key="try_again")
