"""What the clients of other machines raise, and what of it may be said."""

import re
import sys

SECRETS = re.compile(r"(?<=//)[^/?@\s]*@|\?\S*")
"""Of an address, the user with the password, and the query, which may hold a signature."""

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
    return SECRETS.sub("", str(error).partition("\n")[0]) or type(error).__name__
