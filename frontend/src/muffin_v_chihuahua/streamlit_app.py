"""The page that Streamlit runs for each visitor: settings, client, language, navigation."""

from functools import partial
from pathlib import Path

import streamlit as st

from muffin_v_chihuahua.gallery import OUR_PICTURES
from muffin_v_chihuahua.http_session import new_session
from muffin_v_chihuahua.inference_client import InferenceClient
from muffin_v_chihuahua.language import CHOSEN, LANGUAGES, browsers_language, chosen_language, tr
from muffin_v_chihuahua.settings import InvalidSettings, load_settings
from muffin_v_chihuahua.views import gallery, model, service, your_pictures
from muffin_v_chihuahua.views.text import plain

STYLE = Path(__file__).with_name("style.css")


@st.cache_resource(show_spinner=False)
def client_for(base_url: str, timeout_s: float) -> InferenceClient:
    """One client, and with it one pool of connections, for all visitors."""
    return InferenceClient(new_session(), base_url, timeout_s)


def main() -> None:
    """Draw the page that the visitor has chosen."""
    st.set_page_config(page_title="Muffin or chihuahua?", page_icon="🐶", layout="wide")
    st.html(STYLE)
    try:
        settings = load_settings()
    except InvalidSettings as invalid:
        st.error(plain(tr("This page's settings cannot be used. {why}", why=invalid)))
        return
    client = client_for(settings.inference_url, settings.inference_timeout_s)
    pictures = settings.gallery_dir or OUR_PICTURES

    def draw_first() -> None:
        gallery.draw(client, pictures, settings.page_title)
        # on a telephone the navigation is folded away
        st.page_link(second, label=tr("Now with your own pictures"), icon="📤")

    first = st.Page(draw_first, title=tr("Gallery"), icon="🖼️", default=True)
    second = st.Page(
        partial(your_pictures.draw, client, settings.max_pictures),
        title=tr("Your pictures"),
        icon="📤",
        url_path="your-pictures",
    )
    third = st.Page(partial(model.draw, client), title=tr("Model"), icon="🧠", url_path="model")
    fourth = st.Page(partial(service.draw, client), title=tr("Service"), icon="🩺", url_path="service")
    chosen = st.navigation([first, second, third, fourth], position="top")
    _draw_language_chooser()
    chosen.run()


def _draw_language_chooser() -> None:
    st.session_state.setdefault(CHOSEN, chosen_language())
    with st.container(horizontal=True, horizontal_alignment="right", key="language"):
        st.segmented_control(
            tr("Language"),
            list(LANGUAGES),
            format_func=LANGUAGES.__getitem__,
            required=True,
            label_visibility="collapsed",
            key=CHOSEN,
        )
    # bind="query-params" would write the name of the language there, not its code
    if chosen_language() == browsers_language():
        st.query_params.pop(CHOSEN, None)
    else:
        st.query_params[CHOSEN] = chosen_language()


if __name__ == "__main__":
    main()
