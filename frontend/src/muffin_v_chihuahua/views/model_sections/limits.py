"""What the model does not do, and its card, which is somebody else's text."""

import streamlit as st

from muffin_v_chihuahua.language import number, percent, tr, tr_n
from muffin_v_chihuahua.measures import Calibration, Threshold
from muffin_v_chihuahua.model_card import below, on_limits, text_of
from muffin_v_chihuahua.views.model_sections.classes import FEW
from muffin_v_chihuahua.views.pairs import pairs_of
from muffin_v_chihuahua.views.shares import Share, list_of
from muffin_v_chihuahua.wire import ModelDescription

MEGABYTE = 1024**2


def draw_limits(model: ModelDescription, calibration: Calibration) -> None:
    """Draw the section."""
    st.subheader(tr("Its limits"), anchor=False)
    if calibration.thresholds:
        st.markdown(tr("It is “unsure” where the most likely class has less than that class's threshold."))
    if calibration.thresholds and len(model.labels) <= FEW:
        st.html(list_of([_of_threshold(*each) for each in calibration.thresholds.items()]))
    limits = model.limits
    st.html(
        pairs_of(
            {
                tr("Pictures that keep their class at its threshold"): _share(calibration.coverage),
                tr("Temperature of the probabilities"): _number(calibration.temperature),
                tr("A picture's file"): tr("at most {mb} MB", mb=number(limits.picture_bytes / MEGABYTE, 1)),
                tr("A picture's pixels"): tr("at most {n}", n=number(limits.pixels)),
                tr("A picture's format"): ", ".join(limits.formats),
            }
        )
    )
    if model.card and (text := on_limits(model.card)):
        with st.container(border=True):
            st.markdown(below(text, 2))
            st.caption(tr("From the model's card."))


def _of_threshold(label: str, threshold: Threshold) -> Share:
    said = percent(threshold.at_least)
    if threshold.pictures is not None:
        said += " · " + tr_n("from {n} picture", "from {n} pictures", threshold.pictures)
    return Share(label, threshold.at_least, text=said)


def _share(share: float | None) -> str | None:
    return None if share is None else percent(share)


def _number(value: float | None) -> str | None:
    return None if value is None else number(value, 3)


def draw_card(model: ModelDescription) -> None:
    """Draw the whole card, which is opened by who wants to read it."""
    if model.card and (text := text_of(model.card)):
        with st.expander(tr("The model's card, in full"), icon="📄"):
            st.markdown(below(text, 2))
