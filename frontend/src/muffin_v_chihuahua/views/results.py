"""What came of many pictures: counted, chosen, in an order, as cards or as a table, and to take away."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from muffin_v_chihuahua.answers import Answer
from muffin_v_chihuahua.batch import Batch
from muffin_v_chihuahua.exports import as_csv, as_parquet
from muffin_v_chihuahua.inference_client import InferenceClient
from muffin_v_chihuahua.language import mark, number, tr, tr_n
from muffin_v_chihuahua.selection import FAILED, ORDERS, UNSURE, Outcome, Placed, selected, tally
from muffin_v_chihuahua.views.answer import draw_answer, draw_models
from muffin_v_chihuahua.views.results_table import draw_table, forget_table
from muffin_v_chihuahua.views.text import plain

SMALLEST = 240  # pixels of a card; on a telephone one stands below the other
CARDS = 24  # a page: hundreds of them are slow
MOST_COUNTED = 5  # classes in the summary
MOST_PILLS = 8  # with more outcomes than these, a list to choose from
VIEWS: Mapping[str, str] = {mark("Cards"): ":material/grid_view:", mark("Table"): ":material/table_rows:"}


def draw_results(client: InferenceClient, batch: Batch, on_clear: Callable[[], None]) -> None:
    """Draw everything that is known about the pictures, and a button to forget them."""
    placed = batch.answers()
    counted = tally(placed)
    if placed:
        st.markdown(_summary(len(placed), counted))
    if not batch.is_running:  # while it is, there is a button to cancel
        _draw_to_take_away([answer for _, answer in placed], on_clear)
    if placed:
        _draw_answers(client, placed, counted, len(batch))


def _draw_answers(
    client: InferenceClient, placed: Sequence[Placed], counted: Mapping[Outcome, int], count: int
) -> None:
    view, shown = _draw_choices(placed, counted) if len(placed) > 1 else ("Cards", placed)
    if not shown:
        st.info(tr("None of the pictures is like that."), icon="🔎")
    elif view == "Table":
        draw_table(shown)
    else:
        _draw_cards(client, shown, count)
    draw_models(answer for _, answer in placed)


def forget_results() -> None:
    """Let go of what was kept to draw them."""
    forget_table()


def _summary(total: int, counted: Mapping[Outcome, int]) -> str:
    sure = [outcome for outcome in counted if outcome.label]
    named = [*sure[:MOST_COUNTED], *(outcome for outcome in counted if not outcome.label)]
    parts = [f"{_named(outcome)} **{number(counted[outcome])}**" for outcome in named]
    if others := sure[MOST_COUNTED:]:
        rest = number(sum(counted[outcome] for outcome in others))
        many = tr_n("{n} other class", "{n} other classes", len(others))
        parts.insert(MOST_COUNTED, f"{plain(many)} **{rest}**")
    count = plain(tr_n("{n} picture", "{n} pictures", total))
    return " · ".join([f"**{count}**", *parts])


def _named(outcome: Outcome) -> str:
    return {UNSURE: "🤔 " + tr("Not sure"), FAILED: "⚠️ " + tr("Failed")}.get(outcome) or plain(outcome.label)


def _draw_choices(placed: Sequence[Placed], counted: Mapping[Outcome, int]) -> tuple[str, list[Placed]]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.segmented_control(
            tr("Shown as"),
            list(VIEWS),
            default="Cards",
            required=True,
            format_func=lambda view: f"{VIEWS[view]} {tr(view)}",
            key="results_view",
        )
        order = st.selectbox(tr("Order"), list(ORDERS), format_func=tr, key="results_order", width=165)
        outcomes = _draw_outcomes(list(counted)) if len(counted) > 1 else []
        lowest, highest = st.slider(
            tr("Confidence"), 0, 100, (0, 100), format="%d%%", key="results_confidence", width=220
        )
    shown = selected(placed, outcomes, lowest / 100, highest / 100)
    return view, sorted(shown, key=ORDERS[order])


def _draw_outcomes(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    if len(outcomes) > MOST_PILLS:
        return st.multiselect(
            tr("Only"), outcomes, format_func=_named, placeholder=tr("All"), key="results_list", width=320
        )
    return st.pills(tr("Only"), outcomes, selection_mode="multi", format_func=_named, key="results_outcomes")


def _draw_cards(client: InferenceClient, shown: Sequence[Placed], count: int) -> None:
    pages = -(-len(shown) // CARDS)
    slot = st.container()
    page = st.pagination(pages, key=f"results_page_of_{pages}") if pages > 1 else 1
    with slot, st.container(key="results_cards"):
        grid = st.grid(min_column_width=SMALLEST, border=True)
    for place, answer in shown[(page - 1) * CARDS : page * CARDS]:
        alt = tr("Your picture {number} of {count}: {name}", number=place + 1, count=count, name=answer.name)
        with grid.cell():
            draw_answer(client, answer, key=f"yours{place}", alt=alt, title=answer.name)


def _draw_to_take_away(answers: Sequence[Answer], on_clear: Callable[[], None]) -> None:
    with st.container(horizontal=True):
        if answers:
            _draw_downloads(answers)
        st.button("🗑️ " + tr("Clear"), on_click=on_clear, help=tr("Forget these pictures"), key="clear")


def _draw_downloads(answers: Sequence[Answer]) -> None:
    st.download_button(
        "CSV",
        partial(as_csv, answers),
        "predictions.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        help=tr("One row a picture, for a spreadsheet"),
        key="as_csv",
    )
    st.download_button(
        "Parquet",
        partial(as_parquet, answers),
        "predictions.parquet",
        "application/vnd.apache.parquet",
        icon=":material/download:",
        on_click="ignore",
        help=tr("One row a picture, for a program"),
        key="as_parquet",
    )
