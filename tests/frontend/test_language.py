import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import muffin_v_chihuahua
from muffin_v_chihuahua import language
from muffin_v_chihuahua.inference_client import ServiceUnreachable
from muffin_v_chihuahua.language import LANGUAGES, chosen_language, moment, number, percent, tr, tr_n

if TYPE_CHECKING:
    from tests.frontend.conftest import FakeService, Visitor

SOURCES = Path(muffin_v_chihuahua.__file__).parent
KEYWORDS = {"tr": None, "mark": None, "tr_n": (1, 2)}


@pytest.fixture(params=[each for each in LANGUAGES if each != "en"])
def catalogue(request: pytest.FixtureRequest) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The messages of a language with their translations, each once for each of its forms."""
    with (SOURCES / "locales" / f"{request.param}.po").open("rb") as source:
        messages = [message for message in read_po(source, locale=request.param) if message.id]
    assert not [message.id for message in messages if message.fuzzy or not message.string]
    return {_forms(message.id): _forms(message.string) for message in messages}


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    assert text
    return (text,) if isinstance(text, str) else tuple(text)


def messages_of_the_sources() -> Iterator[tuple[str, ...]]:
    for _file, _line, message, _comments, _context in extract_from_dir(
        SOURCES, [("**.py", "python")], keywords=KEYWORDS
    ):
        yield _forms(message)


def test_every_word_of_the_pages_is_translated_and_nothing_else(
    catalogue: dict[tuple[str, ...], tuple[str, ...]],
) -> None:
    said = set(messages_of_the_sources())
    assert all(all(forms) for forms in catalogue.values())
    assert sorted(said - catalogue.keys()) == []
    assert sorted(catalogue.keys() - said) == []


def words_in_f_strings(source: str) -> list[str]:
    strings = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    calls = [node for each in strings for node in ast.walk(each) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in KEYWORDS]
    return [ast.unparse(call) for call in named if isinstance(call.args[0], ast.Constant)]


def test_no_word_hides_inside_of_an_f_string_where_the_extraction_does_not_look() -> None:
    assert words_in_f_strings("f'{tr(\"a word\")}'") == ["tr('a word')"]
    assert [
        word for path in SOURCES.rglob("*.py") for word in words_in_f_strings(path.read_text("utf-8"))
    ] == []


def test_a_translation_names_the_values_that_the_english_text_names(
    catalogue: dict[tuple[str, ...], tuple[str, ...]],
) -> None:
    for english, translated in catalogue.items():
        wanted = set(re.findall(r"{(\w+)}", english[-1]))
        assert all(set(re.findall(r"{(\w+)}", form)) == wanted for form in translated), english


@pytest.fixture
def in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "chosen_language", lambda: "fr")


@pytest.mark.usefixtures("in_french")
def test_french_writes_numbers_as_the_french_do() -> None:
    assert percent(0.983) == "98,3\u00a0%"
    assert percent(0.5, digits=0) == "50\u00a0%"
    assert number(1234.5, digits=1) == "1\u202f234,5"
    assert moment(datetime(2026, 11, 21, 9, 5, tzinfo=UTC)).startswith("21 nov. 2026")


@pytest.mark.usefixtures("in_french")
@pytest.mark.parametrize(
    ("n", "wanted"),
    [(0, "0 image"), (1, "1 image"), (2, "2 images"), (1_000_000, "1\u202f000\u202f000 images")],
)
def test_french_has_two_forms_of_a_word_for_every_number(n: int, wanted: str) -> None:
    assert tr_n("{n} picture", "{n} pictures", n) == wanted


def test_a_catalogue_says_itself_how_many_forms_there_are() -> None:
    # Without that line Babel asks its own tables: French has two forms there up to 2.18, three from 2.19 on.
    header = 'msgid ""\nmsgstr "Plural-Forms: nplurals='
    catalogues = {path.name: path.read_text("utf-8") for path in SOURCES.glob("locales/*.po")}
    assert [name for name, text in catalogues.items() if not text.startswith(header)] == []


def test_english_writes_numbers_as_the_english_do() -> None:
    assert percent(0.983) == "98.3%"
    assert number(1234.5, digits=1) == "1,234.5"
    assert moment(datetime(2026, 11, 21, 9, 5, tzinfo=UTC)).startswith("Nov 21, 2026")


def test_a_text_without_values_may_have_braces() -> None:
    assert tr("{not a value}") == "{not a value}"


class FakeContext:
    def __init__(self, locale: str | None) -> None:
        self.locale = locale


@pytest.mark.parametrize(
    ("locale", "wanted"), [("fr-CA", "fr"), ("fr", "fr"), ("de-DE", "en"), ("en-GB", "en"), (None, "en")]
)
def test_the_browser_says_the_language_until_somebody_chooses(
    monkeypatch: pytest.MonkeyPatch, locale: str | None, wanted: str
) -> None:
    monkeypatch.setattr(st, "context", FakeContext(locale))
    assert chosen_language() == wanted


def test_an_address_with_a_language_opens_in_it(visitor: "Visitor") -> None:
    visitor.app.query_params["lang"] = "fr"
    visitor.sees_the_page()
    assert "Galerie" in visitor.titles
    assert visitor.bars[0] == "🏆 chihuahua · 98,3\u00a0%"


def test_an_address_with_a_language_that_we_do_not_have_opens_in_english(visitor: "Visitor") -> None:
    visitor.app.query_params["lang"] = "tlh"
    visitor.sees_the_page()
    assert "Gallery" in visitor.titles


def test_the_language_can_be_chosen_on_every_page(visitor: "Visitor") -> None:
    visitor.sees_the_page()
    visitor.app.segmented_control(key="lang").set_value("fr")
    visitor.sees_the_page()
    assert "Galerie" in visitor.titles
    visitor.goes_to("model")
    assert "Modèle" in visitor.words


def test_in_french_an_error_is_french_with_the_services_name_for_it_translated(
    visitor: "Visitor", service: "FakeService"
) -> None:
    service.is_broken(service.refusal(503, "The model is loading.", code="model_not_ready"))
    visitor.app.query_params["lang"] = "fr"
    visitor.sees_the_page()
    assert (
        f"Le service de prédiction à l'adresse {service.url} est là, mais pas encore prêt." in visitor.words
    )
    assert "Le modèle est encore en cours de chargement." in visitor.words
    assert "loading" not in visitor.words


def test_what_the_service_calls_by_a_name_that_we_do_not_know_is_said_in_its_own_words(
    visitor: "Visitor", service: "FakeService"
) -> None:
    service.is_broken(service.refusal(429, "Come back on Tuesday.", code="closed_on_mondays"))
    visitor.app.query_params["lang"] = "fr"
    visitor.sees_the_page()
    assert "a trop à faire" in visitor.words
    assert "Come back on Tuesday." in visitor.words


def test_the_sentence_of_an_error_is_whole_in_english_wherever_it_is_read() -> None:
    assert str(ServiceUnreachable("http://x:1")) == "The prediction service at http://x:1 cannot be reached."
