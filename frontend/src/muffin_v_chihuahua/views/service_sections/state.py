"""Whether the service is up, since when, and with which model."""

from datetime import datetime

import streamlit as st

from muffin_v_chihuahua.facts import described
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.language import number, tr
from muffin_v_chihuahua.measured import Measured
from muffin_v_chihuahua.views.pairs import pairs_of
from muffin_v_chihuahua.views.problems import in_words
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.views.times import local


def draw_down(error: InferenceError, since: datetime) -> None:
    """Why it does not answer, and since when."""
    st.error(in_words(error), icon="🔌")
    seen = tr("This page has seen it like this since {when}.", when=local(since))
    going_on = tr("It goes on asking, and draws the rest as soon as there is an answer.")
    st.caption(plain(f"{seen} {going_on}"))


def draw_up(since: datetime, measured: Measured | None) -> None:
    """That it answers, and since when: by its own word, or else `since`, as this page has seen it."""
    began = measured.began if measured else None
    if began is not None:
        said = tr("The service is up. It began on {when}.", when=local(began))
    else:
        said = tr("The service is up. This page has seen it up since {when}.", when=local(since))
    st.success(plain(said), icon="✅")


def draw_model(client: InferenceClient, measured: Measured | None) -> None:
    """Which model answers, where there is one, and what became of the last one that was loaded."""
    try:
        model = described(client)
    except InferenceError:  # why, is said above
        return
    load_s = measured.load_s if measured else None
    st.html(
        pairs_of(
            {
                tr("Model"): f"{model.name} {model.version}",
                tr("Runs with"): f"{model.engine}, {model.precision}",
                tr("Loaded"): local(model.loaded_at),
                tr("Took to load"): None if load_s is None else tr("{s} s", s=number(load_s, 1)),
            }
        )
    )
    if model.last_failure:
        failed = tr("The last model that was to be loaded could not be: {why}", why=model.last_failure)
        st.warning(plain(failed), icon="⚠️")
