"""What it costs to take only answers that are certain enough: fewer answers, more of them right."""

from collections.abc import Sequence
from math import floor
from typing import Any

import altair as alt
import streamlit as st

from muffin_v_chihuahua.language import percent, tr
from muffin_v_chihuahua.measures import Covered
from muffin_v_chihuahua.views.model_sections.curves import AXIS, BLUE, BROWN, HEIGHT, rows_of


def draw_coverage(coverage: Sequence[Covered]) -> None:
    """Draw the two curves, and the same as a table."""
    st.markdown("**" + tr("If it had to be certain enough to answer") + "**")
    least, names = tr("At least so certain"), (tr("answered"), tr("right, of these"))
    curves = _curves(coverage, least, names)
    st.altair_chart(curves, height=HEIGHT, alt=tr("Two curves; the table below has their numbers."))
    st.caption(
        tr("The more certain it has to be, the fewer pictures it answers, and the more often it is right.")
    )
    with st.expander(tr("The same as a table")):
        st.table([_row(each, least, names) for each in coverage], hide_index=True)


def _row(each: Covered, least: str, names: tuple[str, str]) -> dict[str, str]:
    answered, right = names
    return {
        least: percent(each.at_least, 0),
        answered: percent(each.answered),
        right: "" if each.accuracy is None else percent(each.accuracy),
    }


def _curves(coverage: Sequence[Covered], least: str, names: tuple[str, str]) -> Any:
    points = [
        (each.at_least, share, name)
        for each in coverage
        for name, share in zip(names, (each.answered, each.accuracy), strict=True)
        if share is not None
    ]
    lowest = floor(min(share for _, share, _ in points) * 10) / 10
    base = alt.Chart(rows_of([{"least": x, "share": y, "which": name} for x, y, name in points])).encode(
        x=alt.X("least:Q", title=least, axis=AXIS),
        y=alt.Y("share:Q", title=None, axis=AXIS, scale=alt.Scale(domain=[min(lowest, 0.9), 1])),
        color=alt.Color(
            "which:N",
            title=None,
            scale=alt.Scale(domain=list(names), range=[BLUE, BROWN]),
            legend=alt.Legend(orient="top", symbolType="stroke"),
        ),
        strokeDash=alt.StrokeDash("which:N", scale=alt.Scale(domain=list(names), range=[[6, 3], [1, 0]])),
    )
    return base.mark_line(point=True)
