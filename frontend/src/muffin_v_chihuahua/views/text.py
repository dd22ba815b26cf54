"""Other people's words in Streamlit's Markdown."""

import re
from string import punctuation

_PUNCTUATION = re.compile(f"([{re.escape(punctuation)}])")


def plain(text: str) -> str:
    """A label, a name or a sentence from outside, with nothing in it that Markdown would act on."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
