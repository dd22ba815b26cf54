"""A bundle in a ``.zip`` or a ``.whl``, which may come from anywhere and is trusted in nothing."""

import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ...errors import InvalidBundle, ModelNotFound
from ..bundle import is_plain
from .fetching import MAX_FILES
from .places import bundle_root, too_large

ARCHIVES = (".zip", ".whl")

_DAMAGE = (BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)
"""What ``zipfile`` raises on archives that are damaged, or of a kind that it does not read."""

_ENCRYPTED = 0x1  # APPNOTE.TXT of the ZIP format, section 4.4.4
_CHUNK = 1024**2


class Archive:
    """An open archive: its bundle's files by the names that the manifest gives them."""

    def __init__(self, archive: ZipFile, name: str) -> None:
        """Take an archive that goes by ``name`` in messages, and check all its members.

        Raises:
            InvalidBundle: a member could be written where it should not be, or there is no one bundle.
        """
        self._archive = archive
        self._name = name
        self._members = _checked(archive, name)
        self._root = bundle_root(self._members, name)

    def label(self, name: str) -> str:
        """The archive and the member in it."""
        return f"{self._name}: {self._root}{name}"

    def fetch(self, name: str, target: Path, limit: int) -> None:
        """Unpack one file; see ``Place``."""
        member = self._members.get(self._root + name)
        if member is None:
            raise FileNotFoundError
        written = 0
        with target.open("wb") as file:
            for chunk in self._chunks(member):
                written += len(chunk)
                if written > limit:
                    raise too_large(self.label(name), limit)
                file.write(chunk)

    def _chunks(self, member: ZipInfo) -> Iterator[bytes]:
        try:
            with self._archive.open(member) as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except _DAMAGE as error:
            raise InvalidBundle(f"{self._name}: {member.filename}: is damaged ({error}).") from error


@contextmanager
def open_archive(path: Path, name: str) -> Iterator[Archive]:
    """Open an archive that goes by ``name`` in messages.

    Raises:
        ModelNotFound: there is no such file.
        InvalidBundle: it is no archive, or one that is not trusted.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ModelNotFound(f"{name}: cannot be read ({error.strerror}).") from error
    with file:
        try:
            archive = ZipFile(file)
        except _DAMAGE as error:
            raise InvalidBundle(f"{name}: is no zip archive, or a damaged one ({error}).") from error
        with archive:
            yield Archive(archive, name)


def _checked(archive: ZipFile, name: str) -> dict[str, ZipInfo]:
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise InvalidBundle(f"{name}: holds {len(members)} files; at most {MAX_FILES} are looked at.")
    checked: dict[str, ZipInfo] = {}
    for member in members:
        path = member.orig_filename.removesuffix("/")  # as it stands there: `filename` is already tidied up
        reason = "is there twice" if path in checked else _refusal(member, path)
        if reason is not None:
            raise InvalidBundle(f"{name}: {path!r} {reason}; the archive is not unpacked.")
        checked[path] = member
    return checked


def _refusal(member: ZipInfo, path: str) -> str | None:
    if not is_plain(path):
        return "is not a path inside the archive"
    if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or a device"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    # The only two that wheels and zip programs write, and whose unpacking can be stopped at any byte.
    if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        return "is compressed in a way that is not read here"
    return None
