"""What the model answers to pictures that it is not for."""

from collections.abc import Mapping

import streamlit as st

from muffin_v_chihuahua.language import tr, tr_n
from muffin_v_chihuahua.measures import Outside
from muffin_v_chihuahua.views.shares import Share, list_of
from muffin_v_chihuahua.views.text import plain

COLUMN = 340  # pixels at least
MOST = 5  # verdicts


def draw_outside(outside: Mapping[str, Outside]) -> None:
    """Draw the section."""
    said = {kind: each for kind, each in outside.items() if each.verdicts}
    if not said:
        return
    st.subheader(tr("Pictures that it is not for"), anchor=False)
    st.caption(tr("What it answers to pictures that show none of its classes."))
    grid = st.grid(min_column_width=COLUMN, gap="large")
    for kind, each in said.items():
        with grid.cell():
            count = "" if each.pictures is None else tr_n("{n} picture", "{n} pictures", each.pictures)
            st.markdown(f"**{plain(kind)}** {plain(count)}")
            st.html(list_of(_most_frequent(each)))


def _most_frequent(each: Outside) -> list[Share]:
    verdicts = sorted(each.verdicts.items(), key=lambda item: -item[1])
    return [Share(verdict, share) for verdict, share in verdicts[:MOST] if share or verdict == verdicts[0][0]]
