"""Whether the model is as right as it says: its probabilities beside how often it was right."""

from collections.abc import Sequence
from math import floor
from typing import Any

import altair as alt
import streamlit as st

from muffin_v_chihuahua.language import number, percent, tr
from muffin_v_chihuahua.measures import Bin, Measures
from muffin_v_chihuahua.views.model_sections.curves import AXIS, BLUE, BROWN, HEIGHT, rows_of
from muffin_v_chihuahua.views.shares import with_interval


def draw_reliability(measures: Measures) -> None:
    """Draw the curve, and the same as a table."""
    st.markdown("**" + tr("Is it as right as it says?") + "**")
    said, right = tr("It said"), tr("It was right")
    curve = _curve(measures.reliability, said, right)
    st.altair_chart(curve, height=HEIGHT, alt=tr("A curve; the table below has its numbers."))
    same = tr("On the dashed line the two are the same.")
    apart = "" if measures.ece is None else tr("They are {ece} apart on average.", ece=percent(measures.ece))
    st.caption(f"{same} {apart}")
    with st.expander(tr("The same as a table")):
        st.table([_row(each, said, right) for each in measures.reliability], hide_index=True)


def _row(each: Bin, said: str, right: str) -> dict[str, str]:
    return {
        said: percent(each.probability),
        right: with_interval(each.accuracy, each.accuracy_interval),
        tr("Pictures"): number(each.pictures),
    }


def _curve(bins: Sequence[Bin], said: str, right: str) -> Any:
    start = floor(min(each.probability for each in bins) * 10) / 10
    x = alt.X("said:Q", title=said, axis=AXIS, scale=alt.Scale(domain=[min(start, 0.9), 1]))
    y = alt.Y("right:Q", title=right, axis=AXIS, scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(rows_of([_point(each) for each in bins])).encode(x=x)
    ends = rows_of([{"said": end, "right": end} for end in (start, 1)])
    return alt.layer(
        alt.Chart(ends).mark_line(strokeDash=[4, 4], color=BLUE).encode(x=x, y=y),
        base.mark_rule(color=BROWN).encode(y=alt.Y("low:Q", title=right), y2="high:Q"),
        base.mark_point(filled=True, size=70, color=BROWN, opacity=1).encode(
            y=y, tooltip=[alt.Tooltip("pictures:Q", title=tr("Pictures"))]
        ),
    )


def _point(each: Bin) -> dict[str, float]:
    low, high = each.accuracy_interval or (each.accuracy, each.accuracy)
    return {
        "said": each.probability,
        "right": each.accuracy,
        "low": low,
        "high": high,
        "pictures": each.pictures,
    }
