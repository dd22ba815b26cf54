"""Moments as the visitor's clock shows them."""

from datetime import datetime, timedelta, timezone

import streamlit as st

from muffin_v_chihuahua.language import moment


def local(when: datetime) -> str:
    """A moment in the visitor's time zone, as the browser tells it; else in that of the moment itself."""
    minutes_behind = st.context.timezone_offset
    if minutes_behind is None:
        return moment(when)
    return moment(when.astimezone(timezone(timedelta(minutes=-minutes_behind))))
