"""What the clients of other machines raise, and what of it may be said in the log and to callers."""

import re
import sys

_ADDRESS = re.compile(r"(?<=//)\S+|\?\S*")
"""What comes after an address's scheme, or a query alone."""

_HOST = re.compile(r"\S*//[\w\[][^\s/]*")
_FOLDERS = re.compile(r"(?<![\w:./])/(?:[^\s'\"]*/)?")
_DETAILS = re.compile(r" \(.*\)", re.DOTALL)
"""In parentheses our sentences have what others said."""

_TREES = (
    ("aiohttp", "ClientError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("mlflow.exceptions", "MlflowException"),
)
"""Clients' errors that are no ``OSError``."""


def client_errors() -> tuple[type[Exception], ...]:
    """All that the clients raise where they do not reach what they were sent for."""
    # A client that was never imported has raised nothing.
    trees = (getattr(sys.modules[module], name) for module, name in _TREES if module in sys.modules)
    return (OSError, ValueError, *trees)


def one_line(error: Exception) -> str:
    """The first line of what an error says, without secrets."""
    return without_secrets(str(error).partition("\n")[0]) or type(error).__name__


def without_secrets(text: str) -> str:
    """A text whose addresses have neither user nor password, nor a query, which may hold a signature."""
    return _ADDRESS.sub(lambda found: _without_secrets(found[0]), text)


def _without_secrets(address: str) -> str:
    """What is left of an address; where an @ may belong to a password, all before it is taken for one."""
    user, at, rest = address.rpartition("@")
    if at and (":" in user.partition("/")[0] or "/" not in user):
        address = "" if "?" in user else rest
    return address.partition("?")[0]


def for_callers(message: str) -> str:
    """What failed and why, with a file's name but no address, no folder and none of others' words."""
    sentence = _FOLDERS.sub("", _HOST.sub("/", _DETAILS.sub("", message))).lstrip()
    where, colon, why = sentence.partition(": ")
    return f"{where.rpartition('/')[2]}: {why}" if colon else sentence
