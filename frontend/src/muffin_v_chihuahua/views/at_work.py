"""How far a batch is, and what to do about it: cancel, go on, try again."""

from math import ceil

import streamlit as st

from muffin_v_chihuahua.batch import Batch, Progress
from muffin_v_chihuahua.language import number, tr, tr_n
from muffin_v_chihuahua.views.problems import in_words

POLL_S = 0.3
NEARLY = 50  # pictures are answered by the next time, as a rule: their end is waited for
STAY_S = 15  # between two signs to a batch which waits that its visitor is still there


def draw_at_work(batch: Batch) -> None:
    """Draw the batch's progress while it runs; where it does not but could, how to make it."""
    if batch.is_running:
        _draw_running(batch)
    elif batch.may_go_on:
        _draw_standing(batch)
        _stay(batch)


@st.fragment(run_every=POLL_S)
def _draw_running(batch: Batch) -> None:
    """Drawn again and again, alone, until the batch has ended: then the whole page is, once."""
    progress = batch.look()
    if progress.total - progress.done <= NEARLY:
        batch.wait(POLL_S)
    if not batch.is_running:
        st.rerun()
    st.progress(progress.done / max(progress.total, 1), text=_in_words(progress))
    st.button("✋ " + tr("Cancel"), on_click=batch.stop, key="cancel")


def _in_words(progress: Progress) -> str:
    counted = tr("{done} of {total}", done=number(progress.done), total=number(progress.total))
    if not progress.pause_s:
        return counted
    seconds = ceil(progress.pause_s)
    return (
        counted
        + " · "
        + tr_n(
            "The service has too much to do; it goes on in {n} second.",
            "The service has too much to do; it goes on in {n} seconds.",
            seconds,
        )
    )


def _draw_standing(batch: Batch) -> None:
    waiting = len(batch) - len(batch.answers())
    if batch.failure:
        st.error(in_words(batch.failure), icon="🔌")
    if waiting:
        st.info(tr_n("{n} picture has no answer yet.", "{n} pictures have no answer yet.", waiting), icon="⏸️")
    label = tr("Go on") if waiting and not batch.failure else tr("Try again")
    st.button("🔄 " + label, type="primary", on_click=batch.go_on, key="go_on")


@st.fragment(run_every=STAY_S)
def _stay(batch: Batch) -> None:
    batch.look()
