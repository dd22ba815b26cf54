"""The fourth page: whether the service is up, and what it has done; it looks again while it is open."""

from datetime import UTC, datetime

import streamlit as st

from muffin_v_chihuahua.facts import measured_by
from muffin_v_chihuahua.history import History
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError, ServiceNotReady
from muffin_v_chihuahua.language import number, tr
from muffin_v_chihuahua.measured import Measured
from muffin_v_chihuahua.views.problems import in_words
from muffin_v_chihuahua.views.service_sections.counts import draw_counts
from muffin_v_chihuahua.views.service_sections.latency import draw_latency
from muffin_v_chihuahua.views.service_sections.now import draw_now
from muffin_v_chihuahua.views.service_sections.state import draw_down, draw_model, draw_up

EVERY_S = 2
HISTORY = "service_history"
"""In st.session_state: what the open page has seen."""


def draw(client: InferenceClient) -> None:
    """Draw the page."""
    st.title(tr("Service"), anchor=False)
    st.caption(tr("This page looks again every {n} seconds.", n=number(EVERY_S)))
    _watch(client)


@st.fragment(run_every=EVERY_S)
def _watch(client: InferenceClient) -> None:
    history: History = st.session_state.setdefault(HISTORY, History())
    now = datetime.now(UTC)
    try:
        client.health()
    except InferenceError as error:
        draw_down(error, history.saw(now, is_up=False))
        if isinstance(error, ServiceNotReady):  # one that only loads its model can be asked for the rest
            _draw_rest(client, history, now, _measured(client))
    else:
        measured = _measured(client)
        draw_up(history.saw(now, is_up=True), measured)
        _draw_rest(client, history, now, measured)


def _measured(client: InferenceClient) -> Measured | None:
    try:
        return measured_by(client)
    except InferenceError as error:
        st.warning(in_words(error), icon="⚠️")
        return None


def _draw_rest(client: InferenceClient, history: History, now: datetime, measured: Measured | None) -> None:
    draw_model(client, measured)
    if measured:
        history.read(now, measured)
        draw_now(measured, history)
        draw_latency(measured, history)
        draw_counts(measured)
