"""The connections to the service: shared by all visitors, repeated where they break."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry
from urllib3.exceptions import ReadTimeoutError

REPEATS = 2
CONNECTIONS = 32  # kept open, for as many visitors at once


class _RepeatUnlessSlow(Retry):
    """Repeats what could not connect or was cut off, never what was slow: to wait twice helps nobody."""

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        if isinstance(error := kwargs.get("error"), ReadTimeoutError):
            raise error
        return super().increment(*args, **kwargs)


def new_session() -> requests.Session:
    """A session that the threads of all visitors may share.

    urllib3's pool is made for threads. A session's cookies are not, and would be shared between visitors:
    none are taken.
    """
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    retries = _RepeatUnlessSlow(
        total=REPEATS,
        redirect=0,
        status=0,
        other=0,
        respect_retry_after_header=False,  # a status with that header is an answer, and the page shows it
        allowed_methods=None,  # a POST too: a prediction changes nothing in the service
        backoff_factor=0.1,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=retries))
    return session
