"""The first page: three pictures drawn at random, each with what the service says about it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import SystemRandom

import streamlit as st

from muffin_v_chihuahua.answers import Answer, NotSent, ask
from muffin_v_chihuahua.gallery import class_of, draw_others, find_pictures, named, title_of
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.language import tr
from muffin_v_chihuahua.views.answer import draw_answer, draw_models
from muffin_v_chihuahua.views.problems import draw_failure, draw_try_again
from muffin_v_chihuahua.views.text import plain

COUNT = 3
SMALLEST = 240  # pixels of a card; on a telephone one stands below the other
SHOWN = "gallery_shown"  # in st.session_state: the pictures' paths
ANSWERS = "gallery_answers"  # in st.session_state: what is known about them
LINKED = "picture"  # in the page's address: the pictures' titles
CLASS = "class"  # in st.session_state and in the page's address: the folder that pictures are drawn from
LISTED_S = 5  # seconds that the folder's list is used again

list_pictures = st.cache_data(ttl=LISTED_S, show_spinner=False)(find_pictures)


def draw(client: InferenceClient, folder: Path, title: str | None) -> None:
    """Draw the page, with pictures from the folder, under a title of somebody's own or the demo's."""
    st.title(plain(title) if title else tr("Muffin 🍪 or chihuahua 🐶 ?"), anchor=False)
    pictures = list_pictures(folder)
    if not pictures:
        st.info(plain(tr("There are no pictures in {folder}.", folder=folder)), icon="🖼️")
        return
    _choose(pictures)
    try:
        answers = _answers(client, st.session_state[SHOWN])
    except InferenceError as error:
        draw_failure(error)
    else:
        _draw_answers(client, answers)


def _choose(pictures: Sequence[Path]) -> None:
    """Draw what the visitor chooses pictures with, and see to it that some are chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shuffle = st.button(tr("👉 Shuffle & predict 👈"), type="primary", key="shuffle")
        chosen = _chosen_class(pictures)
    some = [path for path in pictures if chosen in {None, class_of(path)}]
    if SHOWN not in st.session_state:
        _show(named(pictures, st.query_params.get_all(LINKED))[:COUNT])
    shown = st.session_state[SHOWN]
    if shuffle or not shown or (chosen and not set(shown) & set(some)):
        _show(draw_others(some, shown, COUNT, SystemRandom()))
    st.query_params[LINKED] = [title_of(path) for path in st.session_state[SHOWN]]


def _chosen_class(pictures: Sequence[Path]) -> str | None:
    classes = sorted({class_of(path) for path in pictures})
    if len(classes) < 2:  # noqa: PLR2004 - one is no choice
        return None
    return st.selectbox(
        tr("Only pictures of"),
        classes,
        index=None,
        placeholder=tr("All classes"),
        key=CLASS,
        bind="query-params",
        width=200,
    )


def _show(pictures: Sequence[Path]) -> None:
    st.session_state[SHOWN] = list(pictures)
    st.session_state[ANSWERS] = []


def _answers(client: InferenceClient, shown: Sequence[Path]) -> list[Answer]:
    """Those that were given before, if all of them were."""
    answers: list[Answer] = st.session_state[ANSWERS]
    if not answers or not all(answer.is_final for answer in answers):
        with st.spinner(tr("Asking the service …")), ThreadPoolExecutor(COUNT) as threads:
            answers = list(threads.map(partial(_ask_about, client), shown))
        st.session_state[ANSWERS] = answers
    return answers


def _ask_about(client: InferenceClient, path: Path) -> Answer:
    return ask(client, partial(_read, path), path.name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotSent(f"It cannot be read: {error.strerror}.") from error


def _draw_answers(client: InferenceClient, answers: Sequence[Answer]) -> None:
    grid = st.grid(COUNT, min_column_width=SMALLEST, border=True)
    for number, (path, answer) in enumerate(zip(st.session_state[SHOWN], answers, strict=True), start=1):
        alt = tr(
            "Gallery picture {number} of {count}: {title}",
            number=number,
            count=len(answers),
            title=title_of(path),
        )
        with grid.cell():
            draw_answer(client, answer, key=f"gallery{number}", alt=alt)
    draw_models(answers)
    if not all(answer.is_final for answer in answers):
        draw_try_again()
    st.caption("🔗 " + tr("The address of this page leads to these pictures again."))
