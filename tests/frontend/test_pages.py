from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from muffin_v_chihuahua.views.text import plain

if TYPE_CHECKING:
    from tests.frontend.conftest import Visitor


def test_wrong_settings_are_a_sentence_on_the_page(
    visitor: "Visitor", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_HOST", "ftp://x")
    visitor.sees_the_page()
    assert "INFERENCE_HOST: 'ftp://' is not a scheme" in visitor.words


def test_a_bug_of_our_own_is_an_apology_without_a_traceback() -> None:
    def page() -> None:
        from muffin_v_chihuahua.__main__ import apologise  # noqa: PLC0415 - AppTest runs only this body

        assert apologise(ZeroDivisionError("secret"))

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert "Something went wrong" in app.error[0].value
    assert "secret" not in app.error[0].value


def test_outside_words_are_no_markdown() -> None:
    assert plain("a_b *c*\n\n# d") == r"a\_b \*c\* \# d"
