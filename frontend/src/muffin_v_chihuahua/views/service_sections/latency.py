"""How long the service takes for a picture, and where that time goes."""

from collections.abc import Mapping

import streamlit as st

from muffin_v_chihuahua.histogram import Histogram
from muffin_v_chihuahua.history import History
from muffin_v_chihuahua.language import mark, number, tr, tr_n
from muffin_v_chihuahua.measured import Measured
from muffin_v_chihuahua.views.shares import Share, list_of

STAGES = {
    "read": mark("Read what is sent"),
    "decode": mark("Unpack the picture"),
    "queue": mark("Wait for the model"),
    "inference": mark("The model"),
    "postprocess": mark("Write the answer"),
}
QUANTILES = (0.5, 0.95, 0.99)
UNKNOWN = "-"


def draw_latency(measured: Measured, history: History) -> None:
    """Draw the section; nothing where no picture was answered yet."""
    everything = {tr("The whole request"): measured.latency, **_named(measured.stages)}
    shares = _shares(everything)
    if not shares:
        return
    st.header(tr("How long it takes"), anchor=False)
    st.html(list_of(shares))
    st.caption(
        tr(
            "Half of the pictures take as long as the bar, 99 of 100 at most as long as the line. "
            "Since the service began; estimated from counts, as Prometheus does."
        )
    )
    if count := round(history.latency.count):
        recently = tr_n("In the last minutes, {n} picture:", "In the last minutes, {n} pictures:", count)
        st.caption(f"{recently} {_in_words(history.latency)}")


def _named(stages: Mapping[str, Histogram]) -> dict[str, Histogram]:
    """In the order that a request goes through them; those that this page has no words for at the end."""
    order = sorted(stages, key=lambda stage: list(STAGES).index(stage) if stage in STAGES else len(STAGES))
    return {tr(STAGES[stage]) if stage in STAGES else stage: stages[stage] for stage in order}


def _shares(histograms: Mapping[str, Histogram]) -> list[Share]:
    longest = max((each.quantile(QUANTILES[-1]) or 0 for each in histograms.values()), default=0)
    shares = []
    for name, each in histograms.items():
        half, _, nearly_all = (each.quantile(q) for q in QUANTILES)
        if half is not None and nearly_all is not None and longest:
            ends = (half / longest, nearly_all / longest)
            shares.append(Share(name, ends[0], ends, _in_words(each)))
    return shares


def _in_words(histogram: Histogram) -> str:
    half, most, nearly_all = (in_ms(histogram.quantile(q)) for q in QUANTILES)
    return tr(
        "half {half} · 95 of 100 {most} · 99 of 100 {nearly_all}", half=half, most=most, nearly_all=nearly_all
    )


def in_ms(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    return UNKNOWN if seconds is None else tr("{ms} ms", ms=number(seconds * 1000, 1))
