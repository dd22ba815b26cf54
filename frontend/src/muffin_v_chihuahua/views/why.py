"""Why the model answered what it did: the picture as it saw it, and what spoke for each class."""

from collections.abc import Callable

import streamlit as st

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.language import mark, percent, tr
from muffin_v_chihuahua.views.problems import in_words
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.wire import Explanation

METHODS = {
    "cam": mark("The brighter a place is, the more it spoke for the class (class activation map)."),
    "occlusion": mark("The brighter a place is, the more the class lost when it was covered (occlusion)."),
}
SMALLEST = 220  # pixels of a column; on a telephone one stands below the other


def draw_why_button(client: InferenceClient, answer: Answer, key: str) -> None:
    """A button that opens the explanation of one answer."""
    if st.button("🔍 " + tr("Why?"), key=f"why_{key}", help=tr("What in the picture spoke for each class")):
        _dialog(lambda: _draw(client, answer))


def _dialog(draw: Callable[[], None]) -> None:
    st.dialog(tr("Why?"), width="large")(draw)()


def _draw(client: InferenceClient, answer: Answer) -> None:
    if answer.thumbnail is None:
        return
    try:
        with st.spinner(tr("Asking the service …")):
            explanation = client.explain(answer.thumbnail, answer.name)
    except InferenceError as error:
        st.error(in_words(error), icon="🔌")
    else:
        _draw_explanation(explanation, answer.name)


def _draw_explanation(explanation: Explanation, name: str) -> None:
    grid = st.grid(min_column_width=SMALLEST, gap="medium")
    with grid.cell():
        st.image(explanation.input, alt=tr("What the model saw of {name}", name=name), width="stretch")
        st.markdown("**" + plain(tr("What the model saw")) + "**")
    for each in explanation.explanations:
        with grid.cell():
            alt = tr("What in {name} spoke for {label}", name=name, label=each.label)
            st.image(each.overlay, alt=alt, width="stretch")
            st.markdown(f"**{plain(each.label)}** · {plain(percent(each.probability))}")
    st.caption(tr(METHODS.get(explanation.method, METHODS["cam"])))
    st.caption(tr("It shows where the model looked, not whether it was right."))
