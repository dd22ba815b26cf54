"""The ways in which a visitor hands in pictures; what has come is taken out of Streamlit's own store."""

from collections.abc import Mapping, Sequence
from math import ceil

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from muffin_v_chihuahua.language import mark, number, tr
from muffin_v_chihuahua.wire import Limits

ICONS: Mapping[str, str] = {
    mark("Files"): ":material/photo_library:",
    mark("Folder"): ":material/folder:",
    mark("Zip"): ":material/folder_zip:",
    mark("Camera"): ":material/photo_camera:",
}
WAYS = tuple(ICONS)
ROUND = "way_in_round"
"""In st.session_state: how often something was handed in; each time the widget is a new one, and empty."""

MB = 1024**2


def draw(limits: Limits, most: int) -> list[tuple[str, bytes]]:
    """Draw the ways in; the names and bytes of what has come now, which are kept nowhere else any more."""
    way = st.segmented_control(
        tr("Where the pictures are"),
        WAYS,
        default=WAYS[0],
        format_func=lambda way: f"{ICONS[way]} {tr(way)}",
        required=True,
        label_visibility="collapsed",
        key="way_in",
    )
    largest_mb = min(ceil(limits.picture_bytes / MB), zip_mb())
    with st.container():  # else the last one would stick to the foot of the window
        files = [*_from_widget(way, largest_mb), *_pasted(largest_mb)]
        st.caption(_bounds(limits, most))
    return [(file.name, _taken_out(file)) for file in files]


def next_round() -> None:
    """From the next drawing on, have empty widgets."""
    st.session_state[ROUND] = _round() + 1


def zip_mb() -> int:
    """How many megabytes Streamlit lets through, whatever it is."""
    return int(st.get_option("server.maxUploadSize"))


def _round() -> int:
    return int(st.session_state.get(ROUND, 0))


def _from_widget(way: str, largest_mb: int) -> Sequence[UploadedFile]:
    key = f"{way}_{_round()}"
    match way:
        case "Camera":  # the browser asks for it as soon as it is drawn
            photo = st.camera_input(tr("A picture from your camera"), key=key)
            return [photo] if photo else []
        case "Folder":
            return st.file_uploader(
                tr("Drop a folder of pictures here, or choose one"),
                accept_multiple_files="directory",
                max_upload_size=largest_mb,
                key=key,
            )
        case "Zip":
            return st.file_uploader(
                tr("Drop zips of pictures here, or choose them"),
                "zip",
                accept_multiple_files=True,
                key=key,
            )
        case _:  # of any kind: what is no picture stays in the list with a sentence
            return st.file_uploader(
                tr("Drop pictures here, or choose them"),
                accept_multiple_files=True,
                max_upload_size=largest_mb,
                key=key,
            )


def _pasted(largest_mb: int) -> Sequence[UploadedFile]:
    pasted = st.chat_input(
        tr("Or paste a picture here"),
        accept_file="multiple",
        max_upload_size=largest_mb,
        key="paste",
    )
    if pasted and not pasted.files:
        st.toast(tr("That was no picture: paste a copied picture or a file."), icon="📋")
    return pasted.files if pasted else []


def _bounds(limits: Limits, most: int) -> str:
    return tr(
        "At most {most} pictures at a time, each of up to {picture_mb} MB; a zip may have {zip_mb} MB.",
        most=number(most),
        picture_mb=number(limits.picture_bytes / MB, digits=0 if limits.picture_bytes % MB == 0 else 1),
        zip_mb=number(zip_mb()),
    )


def _taken_out(file: UploadedFile) -> bytes:
    """The file's bytes, which Streamlit would keep until another visitor's session ends."""
    context = get_script_run_ctx(suppress_warning=True)
    store = context.uploaded_file_mgr if context else None
    if context and isinstance(store, MemoryUploadedFileManager):
        store.remove_file(context.session_id, file.file_id)
    return file.getvalue()
