"""The first page: three pictures drawn at random, each with what the service says about it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import SystemRandom

import streamlit as st

from muffin_v_chihuahua.answers import Answer, ask
from muffin_v_chihuahua.gallery import draw_others, find_pictures, title_of
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.views.answer import draw_answer, draw_failure, draw_models, draw_try_again
from muffin_v_chihuahua.views.text import plain

COUNT = 3
SHOWN = "gallery_shown"  # in st.session_state: the pictures' paths
ANSWERS = "gallery_answers"  # in st.session_state: what is known about them


def draw(client: InferenceClient, folder: Path) -> None:
    """Draw the page, with pictures from the folder."""
    st.title("Muffin 🍪 or chihuahua 🐶 ?", anchor=False)
    pictures = find_pictures(folder)
    if not pictures:
        st.info(f"There are no pictures in {plain(str(folder))}.", icon="🖼️")
        return
    if st.button("👉 Shuffle & predict 👈", type="primary") or SHOWN not in st.session_state:
        _shuffle(pictures)
    try:
        answers = _answers(client, st.session_state[SHOWN])
    except InferenceError as error:
        draw_failure(error)
    else:
        _draw_answers(answers)


def _shuffle(pictures: Sequence[Path]) -> None:
    shown = st.session_state.get(SHOWN, [])
    st.session_state[SHOWN] = draw_others(pictures, shown, COUNT, SystemRandom())
    st.session_state[ANSWERS] = []


def _answers(client: InferenceClient, shown: Sequence[Path]) -> list[Answer]:
    """Those that were given before, if all of them were."""
    answers: list[Answer] = st.session_state[ANSWERS]
    if not answers or not all(answer.is_final for answer in answers):
        with st.spinner("Asking the service …"), ThreadPoolExecutor(COUNT) as threads:
            answers = list(threads.map(partial(_ask_about, client), shown))
        st.session_state[ANSWERS] = answers
    return answers


def _ask_about(client: InferenceClient, path: Path) -> Answer:
    try:
        picture = path.read_bytes()
    except OSError as error:
        return Answer(title_of(path), None, refusal=f"The file cannot be read: {error.strerror}.")
    return ask(client, picture, path.name)


def _draw_answers(answers: Sequence[Answer]) -> None:
    grid = st.grid(COUNT, border=True)
    for number, (path, answer) in enumerate(zip(st.session_state[SHOWN], answers, strict=True), start=1):
        with grid.cell():
            draw_answer(answer, alt=f"Gallery picture {number} of {len(answers)}: {title_of(path)}")
    draw_models(answers)
    if not all(answer.is_final for answer in answers):
        draw_try_again()
