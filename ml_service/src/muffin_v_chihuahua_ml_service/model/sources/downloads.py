"""Bundles at an address: ``https://``, ``s3://``, and whatever else fsspec has a filesystem for.

An address that ends in ``.zip`` or ``.whl`` is an archive, any other one is a bundle's folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote, urljoin

import aiohttp
import fsspec
from fsspec.callbacks import Callback

from ...errors import ModelNotFound
from ...foreign_errors import without_secrets
from ..bundle import ModelBundle
from .archives import ARCHIVES, open_archive
from .cache import BundleCache
from .fetching import MAX_BYTES, fetch_bundle, fetch_or_fall_back
from .places import reaching, too_large

_WEB: Final = ("http", "https")
_EXTRAS: Final = {"s3": "s3", "s3a": "s3"}
_WAIT_S: Final = 20
"""How long a web server may take to answer, and then to send its next bytes; the whole may take longer."""


@dataclass(frozen=True)
class Remote:
    """What lies at an address, as one of fsspec's filesystems sees it."""

    files: Any
    path: str
    query: str
    """What belongs at the end of each path, or nothing."""
    shown: str
    """The address without its secrets."""

    def label(self, name: str) -> str:
        """The file's address."""
        return f"{self.shown}/{name}"

    def fetch(self, name: str, target: Path, limit: int) -> None:
        """Download one file of a folder; see ``Place``."""
        step = quote(name) if self.shown.startswith(_WEB) else name
        self._download(f"{self.path}/{step}{self.query}", target, limit, self.label(name))

    def fetch_itself(self, target: Path) -> None:
        """Download an archive; raises as ``fetch`` does."""
        self._download(f"{self.path}{self.query}", target, MAX_BYTES, self.shown)

    def _download(self, path: str, target: Path, limit: int, label: str) -> None:
        def stop(_size: int | None, written: int, **_: object) -> None:
            if written > limit:
                raise too_large(label, limit)

        with reaching(label):
            self.files.get_file(path, str(target), callback=Callback(hooks={"stop": stop}))


def open_address(address: str, pin: str | None, cache: BundleCache) -> ModelBundle:
    """The bundle at an address; the last one from there where nobody answers.

    Raises:
        ModelNotFound: there is none, or nobody answers, or it cannot be asked safely.
        InvalidBundle: what came cannot be trusted.
    """
    if pin is None and re.match("http://|.*::http://", address):
        raise ModelNotFound(
            f"{without_secrets(address)}: on its way over plain http anybody can change a model; "
            "use https://, or pin the model's digest with #sha256=."
        )
    return fetch_or_fall_back(address, pin, cache, lambda: _fetch(_remote(address), cache, pin))


def _fetch(remote: Remote, cache: BundleCache, pin: str | None) -> ModelBundle:
    if PurePosixPath(remote.path).suffix.lower() not in ARCHIVES:
        return fetch_bundle(remote, cache, pin)
    with cache.scratch() as scratch:
        path = scratch / "archive"
        try:
            remote.fetch_itself(path)
        except FileNotFoundError as error:
            raise ModelNotFound(f"{remote.shown}: there is no such file.") from error
        with open_archive(path, remote.shown) as archive:
            return fetch_bundle(archive, cache, pin)


def _remote(address: str) -> Remote:
    base, _, query = address.partition("?")
    shown = without_secrets(address).rstrip("/")
    scheme = base.partition("://")[0]
    try:
        with reaching(shown):
            files, path = _filesystem(scheme, base)
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        how = f"pip install 'muffin-v-chihuahua-ml-service[{extra}]'" if extra else str(error)
        raise ModelNotFound(f"{shown} needs a package that is not installed: {how}") from error
    return Remote(files, path.rstrip("/"), f"?{query}" if query else "", shown)


def _filesystem(scheme: str, base: str) -> tuple[Any, str]:
    # A new instance each time: its sessions and credentials are of now, and go with it.
    if scheme in _WEB:
        return fsspec.filesystem(scheme, skip_instance_cache=True, client_kwargs=_client(scheme)), base
    files, path = fsspec.url_to_fs(base, skip_instance_cache=True)
    return files, path


def _client(scheme: str) -> dict[str, Any]:
    trace = aiohttp.TraceConfig()
    if scheme == "https":
        trace.on_request_redirect.append(_stay_on_https)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_WAIT_S, sock_read=_WAIT_S)
    return {"trust_env": True, "timeout": timeout, "trace_configs": [trace]}


async def _stay_on_https(
    _session: object, _context: object, step: aiohttp.TraceRequestRedirectParams
) -> None:
    goal = urljoin(str(step.url), step.response.headers.get("Location", ""))
    if not goal.startswith("https://"):
        raise ModelNotFound(
            f"{without_secrets(str(step.url))}: leads on to plain http, where anybody can change it."
        )
