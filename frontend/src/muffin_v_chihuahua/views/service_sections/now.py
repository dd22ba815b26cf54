"""What the service does now: a few numbers, each with a small curve of the last minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import streamlit as st

from muffin_v_chihuahua.history import History, Step
from muffin_v_chihuahua.language import number, tr
from muffin_v_chihuahua.measured import Measured
from muffin_v_chihuahua.views.service_sections.latency import UNKNOWN, in_ms
from muffin_v_chihuahua.views.times import local

SMALLEST = 165  # pixels of a number: two of them beside each other on a telephone
TABLE = 220  # pixels
MEGABYTE = 1024**2


@dataclass(frozen=True)
class _Number:
    label: str
    value: str
    curve: Sequence[float | None]
    what: str


def draw_now(measured: Measured, history: History) -> None:
    """Draw the section."""
    steps = list(history.steps)
    grid = st.grid(min_column_width=SMALLEST, gap="small")
    for each in (
        _requests(measured, steps),
        _rate(history, steps),
        _latency(measured, history, steps),
        _waiting(measured, steps),
        _batch(measured),
        _memory(measured, steps),
    ):
        curve = [value for value in each.curve if value is not None]
        with grid.cell():
            st.metric(
                each.label,
                each.value,
                help=each.what,
                border=True,
                chart_data=curve if len(curve) > 1 else None,
                chart_type="area",
            )
    if steps:
        _draw_table(steps)


def _requests(measured: Measured, steps: Sequence[Step]) -> _Number:
    what = tr("Since it began; who only looks, as this page does, is not counted.")
    return _Number(
        tr("Requests"), number(measured.requests), list(accumulate(s.requests for s in steps)), what
    )


def _rate(history: History, steps: Sequence[Step]) -> _Number:
    average = tr("The average of the last minutes.")
    return _Number(tr("Each second"), _said(history.per_second, 1), [s.per_second for s in steps], average)


def _latency(measured: Measured, history: History, steps: Sequence[Step]) -> _Number:
    latency, what = history.latency, tr("95 of 100 pictures were answered in this time, in the last minutes.")
    if not latency.count:
        latency, what = measured.latency, tr("95 of 100 pictures were answered in this time, since it began.")
    return _Number(tr("95 of 100 in"), in_ms(latency.quantile(0.95)), [_p95(s) for s in steps], what)


def _waiting(measured: Measured, steps: Sequence[Step]) -> _Number:
    what = tr("Pictures that the model has not begun with.")
    if measured.wait_s is not None:
        what += " " + tr("A newcomer would wait {ms} ms.", ms=number(measured.wait_s * 1000))
    return _Number(tr("Waiting"), _said(measured.waiting), [s.waiting for s in steps], what)


def _batch(measured: Measured) -> _Number:
    size = measured.pictures / measured.batches if measured.batches else None
    what = tr("That the model looks at together, on average since it began.")
    return _Number(tr("In a batch"), _said(size, 1), (), what)


def _memory(measured: Measured, steps: Sequence[Step]) -> _Number:
    what = tr("Of all its processes.")
    return _Number(tr("Memory"), _megabytes(measured.memory), [s.memory for s in steps], what)


def _draw_table(steps: Sequence[Step]) -> None:
    newest_first = steps[::-1]
    with st.expander(tr("The curves as a table")):
        st.dataframe(
            {
                tr("When"): [local(step.at) for step in newest_first],
                tr("Requests"): [number(step.requests) for step in newest_first],
                tr("Each second"): [_said(step.per_second, 1) for step in newest_first],
                tr("95 of 100 in"): [in_ms(_p95(step)) for step in newest_first],
                tr("Waiting"): [_said(step.waiting) for step in newest_first],
                tr("Memory"): [_megabytes(step.memory) for step in newest_first],
            },
            height=TABLE,
            hide_index=True,
            alt=tr("The last minutes, the newest first"),
        )


def _p95(step: Step) -> float | None:
    return step.latency.quantile(0.95)


def _said(value: float | None, digits: int = 0) -> str:
    return UNKNOWN if value is None else number(value, digits)


def _megabytes(value: float | None) -> str:
    return UNKNOWN if value is None else tr("{mb} MB", mb=number(value / MEGABYTE))
