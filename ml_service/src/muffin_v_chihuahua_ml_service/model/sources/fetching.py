"""A bundle from somewhere else into the cache: the manifest first, then each file that it lists, checked."""

import logging
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ...errors import InvalidBundle, ModelNotFound, SourceUnreachable
from ..bundle import MANIFEST, FileEntry, Manifest, ModelBundle, digest_of, file_entry, parse_manifest
from .cache import BundleCache
from .places import Place, too_large

_log = logging.getLogger(__name__)

MAX_MANIFEST_BYTES = 16 * 1024**2
MAX_BYTES = 2 * 1024**3
"""Most bytes of one bundle, and of one archive."""
MAX_FILES = 10_000
"""Most files of one bundle, and of one archive."""


def check_pin(where: str, digest: str, pin: str | None) -> None:
    """Compare a bundle's digest with the one that was asked for, if one was.

    Raises:
        InvalidBundle: it is another one.
    """
    if pin not in {None, digest}:
        raise InvalidBundle(f"{where}: its digest is {digest}, but {pin} was asked for.")


def fetch_or_fall_back(
    source: str, pin: str | None, cache: BundleCache, fetch: Callable[[], ModelBundle]
) -> ModelBundle:
    """What ``fetch`` returns, or where nobody answers and any will do, what the source led to the last time.

    Raises:
        SourceUnreachable: nobody answers, and there is no last time, or it had to be the one that is pinned.
    """
    try:
        bundle = fetch()
    except SourceUnreachable as error:
        last = None if pin else cache.last_from(source)
        if last is None:
            raise
        _log.warning("%s The model that it led to the last time is used, %s.", error, last.digest)
        return last
    cache.remember(source, bundle.digest)
    return bundle


def fetch_bundle(place: Place, cache: BundleCache, pin: str | None) -> ModelBundle:
    """The bundle at a place, from the cache where it is there already.

    Raises:
        ModelNotFound: the place has no manifest.
        SourceUnreachable: nobody answered.
        InvalidBundle: a file is missing, changed, too large or not understood; the message names it.
    """
    with cache.scratch() as scratch:
        folder = scratch / "bundle"
        folder.mkdir()
        content = _fetch_manifest(place, folder)
        digest = digest_of(content)
        check_pin(place.label(MANIFEST), digest, pin)
        if kept := cache.find(digest):
            return kept
        manifest = parse_manifest(content, place.label(MANIFEST))
        _check_extent(place, manifest)
        for name, entry in manifest.files.items():
            _fetch_file(place, folder, name, entry)
        return cache.keep(ModelBundle.read(folder))


def _fetch_manifest(place: Place, folder: Path) -> bytes:
    target = folder / MANIFEST
    try:
        place.fetch(MANIFEST, target, MAX_MANIFEST_BYTES)
    except FileNotFoundError as error:
        raise ModelNotFound(f"{place.label(MANIFEST)}: there is no such file.") from error
    if target.stat().st_size > MAX_MANIFEST_BYTES:
        raise too_large(place.label(MANIFEST), MAX_MANIFEST_BYTES)
    return target.read_bytes()


def _check_extent(place: Place, manifest: Manifest) -> None:
    """Refuse what would be too much, and names that no folder can hold, before anything is fetched."""
    size = sum(entry.size for entry in manifest.files.values())
    if size > MAX_BYTES or len(manifest.files) > MAX_FILES:
        raise InvalidBundle(
            f"{place.label(MANIFEST)}: lists {len(manifest.files)} files of {size} bytes; "
            f"at most {MAX_FILES} of {MAX_BYTES} are fetched."
        )
    folders = {str(parent) for name in manifest.files for parent in PurePosixPath(name).parents}
    if clashes := folders & {MANIFEST, *manifest.files}:
        raise InvalidBundle(f"{place.label(MANIFEST)}: {min(clashes)} is both a file and a folder.")


def _fetch_file(place: Place, folder: Path, name: str, entry: FileEntry) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.fetch(name, target, entry.size)
    except FileNotFoundError as error:
        raise InvalidBundle(f"{place.label(name)}: the manifest lists it, but it is not there.") from error
    if file_entry(target) != entry:
        raise InvalidBundle(
            f"{place.label(name)}: is not the file that the manifest lists; changed or damaged."
        )
