"""The third page: the model that the service serves now, and what its bundle says of it."""

import streamlit as st

from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.language import number, tr
from muffin_v_chihuahua.measures import CALIBRATION, METRICS, Measures
from muffin_v_chihuahua.views.model_sections.accuracy import draw_accuracy
from muffin_v_chihuahua.views.model_sections.classes import draw_classes
from muffin_v_chihuahua.views.model_sections.confusion import draw_confusion
from muffin_v_chihuahua.views.model_sections.coverage import draw_coverage
from muffin_v_chihuahua.views.model_sections.limits import draw_card, draw_limits
from muffin_v_chihuahua.views.model_sections.origin import draw_origin
from muffin_v_chihuahua.views.model_sections.outside import draw_outside
from muffin_v_chihuahua.views.model_sections.reliability import draw_reliability
from muffin_v_chihuahua.views.pairs import pairs_of
from muffin_v_chihuahua.views.problems import draw_failure
from muffin_v_chihuahua.views.text import plain
from muffin_v_chihuahua.views.times import local
from muffin_v_chihuahua.wire import ModelDescription

COLUMN = 340  # pixels at least; on a telephone one stands below the other


def draw(client: InferenceClient) -> None:
    """Draw the page."""
    st.title(tr("Model"), anchor=False)
    try:
        model = client.model()
    except InferenceError as error:
        draw_failure(error)
        return
    metrics, calibration = (
        METRICS.validate_python(model.metrics),
        CALIBRATION.validate_python(model.calibration),
    )
    _draw_head(model)
    draw_accuracy(client, model, metrics)
    draw_classes(model.labels, metrics.all, calibration)
    draw_confusion(model.labels, metrics.all.confusion)
    _draw_probabilities(metrics.all)
    draw_outside(metrics.outside)
    draw_origin(model)
    draw_limits(model, calibration)
    draw_card(model)


def _draw_head(model: ModelDescription) -> None:
    st.header(plain(f"{model.name} {model.version}"), anchor=False)
    st.markdown(plain(model.description))
    st.html(
        pairs_of(
            {
                tr("Classes"): number(len(model.labels)),
                tr("Runs with"): f"{model.engine}, {model.precision}",
                tr("Loaded"): local(model.loaded_at),
                tr("Digest"): model.digest,
            }
        )
    )


def _draw_probabilities(measures: Measures) -> None:
    if not measures.reliability and not measures.coverage:
        return
    st.subheader(tr("What its probabilities are worth"), anchor=False)
    grid = st.grid(min_column_width=COLUMN, gap="large")
    if measures.reliability:
        with grid.cell():
            draw_reliability(measures)
    if measures.coverage:
        with grid.cell():
            draw_coverage(measures.coverage)
