"""The second page: the visitor's own pictures, from files or from the camera."""

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from muffin_v_chihuahua.answers import Answer, ask
from muffin_v_chihuahua.inference_client import InferenceClient, InferenceError
from muffin_v_chihuahua.views.answer import draw_answer, draw_failure, draw_models, draw_try_again
from muffin_v_chihuahua.views.text import plain

COLUMNS = 3
TYPES = ("jpg", "jpeg", "png", "webp", "gif", "bmp")
ANSWERS = "your_answers"  # in st.session_state: what is known, by the upload's id


def draw(client: InferenceClient) -> None:
    """Draw the page."""
    st.title("Your pictures", anchor=False)
    pictures = _chosen_pictures()
    answers = _known_answers(pictures)
    failure = _ask_about_new(client, pictures, answers) if pictures else _ask_for_health(client)
    if failure:
        draw_failure(failure)
    if missing := len(pictures) - len(answers):
        st.caption(f"{missing} of {len(pictures)} pictures still have no answer.")
    _draw_answers([answers[picture.file_id] for picture in pictures if picture.file_id in answers])
    if not failure and not all(answer.is_final for answer in answers.values()):
        draw_try_again()


def _chosen_pictures() -> list[UploadedFile]:
    files = st.file_uploader("Pictures from your device", TYPES, accept_multiple_files=True)
    # The browser asks for the camera as soon as the camera is drawn: not before somebody wants it.
    wants_camera = st.toggle("📷 Use the camera")
    photo = st.camera_input("A picture from your camera") if wants_camera else None
    return [*files, *([photo] if photo else [])]


def _known_answers(pictures: Sequence[UploadedFile]) -> dict[str, Answer]:
    """The answers given before; what the visitor has taken away is forgotten here too."""
    known = st.session_state.get(ANSWERS, {})
    answers = {picture.file_id: known[picture.file_id] for picture in pictures if picture.file_id in known}
    st.session_state[ANSWERS] = answers
    return answers


def _ask_for_health(client: InferenceClient) -> InferenceError | None:
    try:
        with st.spinner("Looking for the service …"):
            client.health()
    except InferenceError as error:
        return error
    return None


def _ask_about_new(
    client: InferenceClient, pictures: Sequence[UploadedFile], answers: dict[str, Answer]
) -> InferenceError | None:
    """Ask about what has no answer yet; stop at a failure that the next picture would meet too."""
    new = [picture for picture in pictures if not _is_answered(picture, answers)]
    progress = st.empty()
    try:
        for number, picture in enumerate(new, start=1):
            text = f"Picture {number} of {len(new)}: {plain(picture.name)}"
            progress.progress((number - 1) / len(new), text=text)
            answers[picture.file_id] = ask(client, picture.getvalue(), picture.name)
    except InferenceError as error:
        return error
    finally:
        progress.empty()
    return None


def _is_answered(picture: UploadedFile, answers: dict[str, Answer]) -> bool:
    return picture.file_id in answers and answers[picture.file_id].is_final


def _draw_answers(answers: Sequence[Answer]) -> None:
    grid = st.grid(COLUMNS, border=True)
    for number, answer in enumerate(answers, start=1):
        with grid.cell():
            draw_answer(
                answer, alt=f"Your picture {number} of {len(answers)}: {answer.name}", title=answer.name
            )
    draw_models(answers)
