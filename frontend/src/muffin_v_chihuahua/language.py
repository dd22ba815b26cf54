"""The pages' words in the visitor's language: English in the sources, the others in `locales/*.po`.

The catalogues are those of GNU gettext, read by Babel, which also knows how a language writes numbers.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

import streamlit as st
from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LANGUAGES: Mapping[str, str] = {"en": "English", "fr": "Français"}
CHOSEN = "lang"
"""The chooser's key: in `st.session_state`, and in the page's address."""

_CATALOGUES = Path(__file__).with_name("locales")


def chosen_language() -> str:
    """The language that the visitor has chosen, or else the browser's; English where we do not have it."""
    for wish in (st.session_state.get(CHOSEN), st.query_params.get(CHOSEN)):
        if wish in LANGUAGES:
            return str(wish)
    return browsers_language()


def browsers_language() -> str:
    """The language that the browser asks for; English where we do not have it."""
    language = str(st.context.locale or "").partition("-")[0].lower()
    return language if language in LANGUAGES else "en"


def tr(text: str, **values: object) -> str:
    """The text in the visitor's language, with the `{names}` in it replaced by values."""
    words = _catalogue(chosen_language()).gettext(text)
    return words.format(**values) if values else words


def tr_n(one: str, many: str, n: int, **values: object) -> str:
    """The text for so many things, `{n}` in it being their number."""
    return _catalogue(chosen_language()).ngettext(one, many, n).format(n=number(n), **values)


def mark(text: str) -> str:
    """The text itself, which is translated where it is drawn; the mark is for those who write catalogues."""
    return text


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 as the language writes it: 98.3% or 98,3 %."""
    locale = Locale(chosen_language())
    whole = locale.percent_formats[None].pattern
    return format_percent(share, whole.replace("0", _with_digits(digits)), locale=locale)


def number(value: float, digits: int = 0) -> str:
    """A number as the language writes it, with so many digits behind the point or comma."""
    return format_decimal(value, f"#,##{_with_digits(digits)}", locale=chosen_language())


def moment(when: datetime) -> str:
    """A date and a time of day, in the time zone of the date itself."""
    return format_datetime(when, "medium", locale=chosen_language())


def _with_digits(digits: int) -> str:
    return "0." + "0" * digits if digits else "0"


@cache
def _catalogue(language: str) -> NullTranslations:
    path = _CATALOGUES / f"{language}.po"
    if not path.is_file():  # English is what the sources say
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
