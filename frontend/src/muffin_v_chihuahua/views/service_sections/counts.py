"""What the service has answered since it began, and what it has turned away."""

from collections.abc import Mapping
from http import HTTPStatus

import streamlit as st

from muffin_v_chihuahua.language import mark, number, percent, tr
from muffin_v_chihuahua.measured import Measured
from muffin_v_chihuahua.views.problems import SENTENCES
from muffin_v_chihuahua.views.shares import Share, list_of

REASONS = {
    "wait": mark("The picture would have waited too long"),
    "bytes": mark("The pictures under way were too large together"),
}
COLUMN = 340  # pixels at least
MOST = 10  # lines; with a thousand classes the rest is one


def draw_counts(measured: Measured) -> None:
    """Draw the section."""
    st.header(tr("What it has done since it began"), anchor=False)
    reasons = {
        tr(REASONS[reason]) if reason in REASONS else reason: n for reason, n in measured.rejected.items()
    }
    statuses = {_status(status): count for status, count in measured.statuses.items()}
    errors = {_error(code): count for code, count in measured.errors.items()}
    grid = st.grid(min_column_width=COLUMN, gap="large")
    for heading, counts, none in (
        (tr("Verdicts"), measured.verdicts, tr("No picture was predicted yet.")),
        (tr("Answers"), statuses, tr("Nothing was sent yet.")),
        (tr("Turned away"), reasons, tr("Nobody was turned away.")),
        (tr("Errors"), errors, tr("No answer was an error.")),
    ):
        with grid.cell():
            st.markdown(f"**{heading}**")
            if shares := _shares(counts):
                st.html(list_of(shares))
            else:
                st.caption(none)


def _shares(counts: Mapping[str, float]) -> list[Share]:
    total = sum(counts.values())
    if total <= 0:
        return []
    best = dict(list(counts.items())[:MOST])
    if rest := total - sum(best.values()):
        best[tr("All others")] = rest
    return [
        Share(name, count / total, text=f"{number(count)} · {percent(count / total)}")
        for name, count in best.items()
    ]


def _status(status: str) -> str:
    known = {str(each.value): each.phrase for each in HTTPStatus}
    return f"{status} {known.get(status, '')}".strip() or tr("The caller had left")


def _error(code: str) -> str:
    return tr(SENTENCES[code]) if code in SENTENCES else code
