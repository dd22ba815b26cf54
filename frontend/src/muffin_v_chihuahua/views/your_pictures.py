"""The second page: the visitor's own pictures, hundreds of them if need be."""

from collections.abc import Sequence
from itertools import chain

import streamlit as st

from muffin_v_chihuahua.batch import Batch
from muffin_v_chihuahua.facts import limits_of
from muffin_v_chihuahua.handed_in import HandedIn, handed_in
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.language import number, tr, tr_n
from muffin_v_chihuahua.memory import give_back
from muffin_v_chihuahua.views import ways_in
from muffin_v_chihuahua.views.at_work import draw_at_work
from muffin_v_chihuahua.views.problems import draw_failure
from muffin_v_chihuahua.views.results import draw_results, forget_results
from muffin_v_chihuahua.wire import Limits

BATCH = "your_batch"  # in st.session_state: the pictures and their answers
TOO_MANY = "your_too_many"  # in st.session_state: how many pictures there was no room for


def draw(client: InferenceClient, most: int) -> None:
    """Draw the page, for so many pictures at most."""
    st.title(tr("Your pictures"), anchor=False)
    batch: Batch = st.session_state.setdefault(BATCH, Batch(client))
    limits = limits_of(client)
    if files := ways_in.draw(limits, most):
        if pictures := _pictures_in(files, limits):
            _hand_over(pictures, batch, most)
            st.rerun()
        st.info(tr("There is nothing in it that could be a picture."), icon="🖼️")
    if left_out := st.session_state.get(TOO_MANY, 0):
        _draw_left_out(left_out, most)
    if batch:
        draw_at_work(batch)
        draw_results(client, batch, _clear)
    else:
        _draw_health(client)


def _pictures_in(files: Sequence[tuple[str, bytes]], limits: Limits) -> list[HandedIn]:
    return list(chain.from_iterable(handed_in(*file, limits.picture_bytes) for file in files))


def _hand_over(pictures: Sequence[HandedIn], batch: Batch, most: int) -> None:
    room = max(most - len(batch), 0)
    if room:
        batch.add(pictures[:room])
    st.session_state[TOO_MANY] = len(pictures[room:])
    ways_in.next_round()


def _draw_left_out(left_out: int, most: int) -> None:
    st.warning(
        tr_n(
            "{n} picture was left out: there is room for {most}. Clear the list for the next ones.",
            "{n} pictures were left out: there is room for {most}. Clear the list for the next ones.",
            left_out,
            most=number(most),
        ),
        icon="✋",
    )


def _clear() -> None:
    st.session_state.pop(BATCH).forget()
    st.session_state.pop(TOO_MANY, None)
    forget_results()
    ways_in.next_round()
    give_back()


def _draw_health(client: InferenceClient) -> None:
    try:
        with st.spinner(tr("Looking for the service …")):
            client.health()
    except InferenceError as error:
        draw_failure(error)
