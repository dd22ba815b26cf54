"""Where bundles come from: folders, archives, installed wheels, addresses, an MLflow registry.

Folders and installed wheels are read where they lie. Everything else is brought into a cache first, file by
file, each checked against the manifest, so that a model is fetched once and is still there without a network.
"""

import re
from pathlib import Path

from ...errors import InvalidBundle
from ...foreign_errors import without_secrets
from ...settings import default_cache
from ..bundle import MANIFEST, ModelBundle
from .archives import ARCHIVES, open_archive
from .cache import BundleCache
from .fetching import check_pin, fetch_bundle
from .installed import ENTRY_POINTS, open_installed

__all__ = ["ENTRY_POINTS", "open_bundle"]

_PINNED = re.compile(r"(?P<address>.*?)(#sha256=(?P<digest>[0-9a-fA-F]{64}))?")
_REGISTERED = "models:/"


def open_bundle(source: str | None, cache: Path | None = None) -> ModelBundle:
    """The bundle that ``source`` leads to, all its files checked.

    Args:
        source: a folder, a ``.zip`` or ``.whl``, an address, the name of an installed model, or None for the
            only model that is installed; with ``#sha256=`` and the bundle's digest at its end, that one only.
        cache: where what is fetched is kept; by default the user's cache folder.

    Raises:
        ModelNotFound: there is none, or None was given and several are installed.
        InvalidBundle: what was found cannot be trusted, or is not the one that was asked for.
    """
    address, pin = _split(source or "")
    bundle = _open(address, pin, BundleCache(cache or default_cache()))
    check_pin(address or bundle.manifest.name, bundle.digest, pin)
    return bundle


def _split(source: str) -> tuple[str, str | None]:
    """The source without its pin, and the pin as bundles have their digests."""
    found = _PINNED.fullmatch(source)
    is_pin = "#" if _is_remote(source) else "#sha256"  # a folder's name may well have a # in it
    if found is None or is_pin in found["address"]:
        raise InvalidBundle(
            f"{without_secrets(source)}: what follows the # is no digest; "
            "a pin is #sha256= and 64 hexadecimal digits."
        )
    return found["address"], found["digest"] and f"sha256:{found['digest'].lower()}"


def _is_remote(address: str) -> bool:
    return address.startswith(_REGISTERED) or "://" in address


def _open(address: str, pin: str | None, cache: BundleCache) -> ModelBundle:
    path = Path(address)
    if not address:
        return open_installed(None)
    if _is_remote(address):
        return (cache.find(pin) if pin else None) or _open_remote(address, pin, cache)
    if (path / MANIFEST).is_file():
        return ModelBundle.read(path)
    if path.suffix.lower() in ARCHIVES:
        with open_archive(path, address) as archive:
            return fetch_bundle(archive, cache, pin)
    return open_installed(address)


def _open_remote(address: str, pin: str | None, cache: BundleCache) -> ModelBundle:
    # Imported here, so that who serves a folder waits for no HTTP client.
    if address.startswith(_REGISTERED):
        from .registry import open_registered  # noqa: PLC0415

        return open_registered(address, pin, cache)
    from .downloads import open_address  # noqa: PLC0415

    return open_address(address, pin, cache)
