"""The answers as a table on the page: a tiny picture, the verdict, how sure it is, the error."""

from base64 import b64encode
from collections.abc import Sequence

import pyarrow as pa
import streamlit as st

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.language import tr, tr_n
from muffin_v_chihuahua.selection import Placed, confidence
from muffin_v_chihuahua.thumbnails import TINY_EDGE, thumbnail
from muffin_v_chihuahua.views.problems import sentence_of

ROW_HEIGHT = 72
MOST_ROWS = 8  # in sight at once; the rest by scrolling
TINY = "your_tiny_pictures"  # in st.session_state: data URIs, by the picture's place


def draw_table(shown: Sequence[Placed]) -> None:
    """Draw the answers, in their order, a row each."""
    answers = [answer for _, answer in shown]
    columns = {
        "picture": [_data_uri(place, answer) for place, answer in shown],
        "verdict": [_verdict(answer) for answer in answers],
        "confidence": [confidence(answer) for answer in answers],
        "name": [answer.name for answer in answers],
        "ms": [answer.took_ms if answer.prediction else None for answer in answers],
    }
    if any(answer.error for answer in answers):
        columns["error"] = [sentence_of(answer.error) if answer.error else "" for answer in answers]
    st.dataframe(
        pa.table(columns),
        height=(min(len(answers), MOST_ROWS) + 1) * ROW_HEIGHT,
        hide_index=True,
        row_height=ROW_HEIGHT,
        alt=tr_n("{n} picture with what came of it", "{n} pictures with what came of each", len(answers)),
        column_config={
            "picture": st.column_config.ImageColumn(tr("Picture"), width="small"),
            "verdict": st.column_config.TextColumn(tr("Verdict")),
            "confidence": st.column_config.ProgressColumn(
                tr("Confidence"), format="percent", min_value=0, max_value=1
            ),
            "name": st.column_config.TextColumn(tr("Name")),
            "ms": st.column_config.NumberColumn("ms", format="%.0f", width="small"),
            "error": st.column_config.TextColumn(tr("Error"), width="large"),
        },
    )


def forget_table() -> None:
    """Let go of the tiny pictures."""
    st.session_state.pop(TINY, None)


def _verdict(answer: Answer) -> str:
    if answer.prediction is None:
        return "⚠️ " + tr("Failed")
    label = answer.prediction.winner.label
    return "🏆 " + label if answer.prediction.is_sure else "🤔 " + tr("Not sure") + f" ({label})"


def _data_uri(place: int, answer: Answer) -> str | None:
    """The picture in the page itself, so that no copy of the page behind a load balancer is asked for it."""
    if answer.thumbnail is None:
        return None
    known: dict[int, str] = st.session_state.setdefault(TINY, {})
    if place not in known:
        tiny = thumbnail(answer.thumbnail, TINY_EDGE) or b""
        known[place] = f"data:image/jpeg;base64,{b64encode(tiny).decode()}"
    return known[place]
