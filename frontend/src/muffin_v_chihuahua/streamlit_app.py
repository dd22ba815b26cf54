"""The page that Streamlit runs for each visitor: settings, client, navigation."""

import streamlit as st

from muffin_v_chihuahua.gallery import OUR_PICTURES
from muffin_v_chihuahua.http_session import new_session
from muffin_v_chihuahua.inference_client import InferenceClient
from muffin_v_chihuahua.settings import InvalidSettings, load_settings
from muffin_v_chihuahua.views import gallery, your_pictures
from muffin_v_chihuahua.views.text import plain


@st.cache_resource(show_spinner=False)
def client_for(base_url: str, timeout_s: float) -> InferenceClient:
    """One client, and with it one pool of connections, for all visitors."""
    return InferenceClient(new_session(), base_url, timeout_s)


def main() -> None:
    """Draw the page that the visitor has chosen."""
    st.set_page_config(page_title="Muffin or chihuahua?", page_icon="🐶")
    try:
        settings = load_settings()
    except InvalidSettings as invalid:
        st.error(f"This page's settings cannot be used. {plain(str(invalid))}")
        return
    client = client_for(settings.inference_url, settings.inference_timeout_s)

    def draw_first() -> None:
        gallery.draw(client, settings.gallery_dir or OUR_PICTURES)
        # on a telephone the navigation is folded away
        st.page_link(second, label="Now with your own pictures", icon="📤")

    def draw_second() -> None:
        your_pictures.draw(client)

    first = st.Page(draw_first, title="Gallery", icon="🖼️", default=True)
    second = st.Page(draw_second, title="Your pictures", icon="📤", url_path="your-pictures")
    st.navigation([first, second], position="top").run()


if __name__ == "__main__":
    main()
