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
    """Repeats what could not connect and a GET that was cut off, never what was slow: it stays slow."""

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
        # a POST that was cut off is not among allowed_methods: it may have been answered, and recorded
        backoff_factor=0.1,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=retries))
    return session
