"""Numbers as callers send them."""

from typing import Annotated

from pydantic import BeforeValidator

_MOST = 10**18
"""Larger ones are this one: no limit is anywhere near, and Python refuses to read thousands of digits."""


def whole_number(text: str) -> int | None:
    """The decimal digits of a header or parameter as a number of at most 10^18; None for anything else.

    ``int`` alone also takes signs, spaces, underscores and other scripts' digits.
    """
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0")
    return int(digits or "0") if len(digits) < len(str(_MOST)) else _MOST


def _strictly(sent: object) -> object:
    if not isinstance(sent, str):
        return sent
    number = whole_number(sent)
    if number is None:
        msg = "must be a whole number in decimal digits"
        raise ValueError(msg)
    return number


WholeNumber = Annotated[int, BeforeValidator(_strictly)]
"""A parameter that is a number."""
