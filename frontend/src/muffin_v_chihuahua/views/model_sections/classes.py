"""The classes: how many pictures of each are found, and how many of its answers are right."""

from collections.abc import Callable, Iterator, Sequence

import streamlit as st

from muffin_v_chihuahua.language import tr, tr_n
from muffin_v_chihuahua.measures import Calibration, Measures, OfLabel
from muffin_v_chihuahua.views.shares import Share, list_of, start_for, with_interval
from muffin_v_chihuahua.views.text import plain

FEW = 12
"""With more classes than these, what is said of each becomes a table that can be searched."""

COLUMN = 340  # pixels at least
HEIGHT = 380  # pixels of the table


def draw_classes(labels: Sequence[str], measures: Measures, calibration: Calibration) -> None:
    """Draw the section."""
    st.subheader(tr_n("{n} class", "{n} classes", len(labels)), anchor=False)
    if len(labels) > FEW:
        _draw_table(labels, measures, calibration)
        return
    st.markdown(" · ".join(plain(label) for label in labels))
    said = [(label, measures.labels[label]) for label in labels if label in measures.labels]
    grid = st.grid(min_column_width=COLUMN, gap="large")
    for heading, shares in (
        (tr("Of its pictures, found (recall)"), list(_recalls(said))),
        (tr("Of its answers, right (precision)"), list(_precisions(said))),
    ):
        if shares:
            with grid.cell():
                st.markdown(f"**{heading}**")
                st.html(list_of(shares, start_for(shares)))


def _recalls(said: Sequence[tuple[str, OfLabel]]) -> Iterator[Share]:
    for label, of_label in said:
        if of_label.recall is not None:
            name = _counted(label, of_label.pictures, lambda n: tr_n("{n} picture", "{n} pictures", n))
            yield Share(name, of_label.recall, of_label.recall_interval)


def _precisions(said: Sequence[tuple[str, OfLabel]]) -> Iterator[Share]:
    for label, of_label in said:
        if of_label.precision is not None:
            name = _counted(label, of_label.won, lambda n: tr_n("{n} answer", "{n} answers", n))
            yield Share(name, of_label.precision, of_label.precision_interval)


def _counted(label: str, n: int | None, words: Callable[[int], str]) -> str:
    return label if n is None else f"{label} · {words(n)}"


def _draw_table(labels: Sequence[str], measures: Measures, calibration: Calibration) -> None:
    wanted = st.text_input(tr("Find a class"), key="find_class").casefold().strip()
    found = [label for label in labels if wanted in label.casefold()]
    rows = [_row(label, measures, calibration) for label in found]
    said = [name for name in (rows[0] if rows else ()) if any(row[name] is not None for row in rows)]
    if not rows:
        st.caption(tr("No class has this in its name."))
        return
    st.dataframe(
        {name: [row[name] for row in rows] for name in said},
        height=min(HEIGHT, 38 + 35 * len(rows)),
        hide_index=True,
        alt=tr("The classes, with what is known of each"),
    )


def _row(label: str, measures: Measures, calibration: Calibration) -> dict[str, str | int | None]:
    of_label = measures.labels.get(label, OfLabel())
    threshold = calibration.thresholds.get(label)
    return {
        tr("Class"): label,
        tr("Pictures"): of_label.pictures,
        tr("Found (recall)"): _said(of_label.recall, of_label.recall_interval),
        tr("Right (precision)"): _said(of_label.precision, of_label.precision_interval),
        tr("Named from"): _said(threshold.at_least, None) if threshold else None,
    }


def _said(share: float | None, interval: tuple[float, float] | None) -> str | None:
    return None if share is None else with_interval(share, interval)
