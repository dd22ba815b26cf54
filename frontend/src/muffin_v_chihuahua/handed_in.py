"""What a visitor hands in: files, and the files in zips, each of them read when its turn comes.

NotSent              it is not sent to the service; the text says why
├── TooLarge         more bytes than the service takes
├── BrokenZip        the zip cannot be read
├── EmptyZip         nothing is in it, or nothing but what computers leave there for themselves
├── CrowdedZip       more files are in it than anybody wants to have listed
├── BrokenMember     one file of a zip cannot be read
├── LockedMember     one file of a zip needs a password
└── OddMember        one file of a zip is packed in a way that is not read here

Nothing is written to a disk, and nothing that a zip says about the sizes of its files is believed.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from muffin_v_chihuahua.answers import NotSent
from muffin_v_chihuahua.language import mark

LONGEST_NAME = 200
MOST_MEMBERS = 10_000
FOR_COMPUTERS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second is one with nothing in it
_DIRECTORY_ENTRY = b"PK\x01\x02"
_LOCKED = 0x1
# What zipfile raises at bytes that were made to be read by nobody.
_UNREADABLE = (
    BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    OverflowError,
)


class TooLarge(NotSent):
    """More bytes than the service takes."""

    sentence = mark("This file is larger than the service takes, so it was not sent.")


class BrokenZip(NotSent):
    """The zip cannot be read."""

    sentence = mark("This zip is damaged, or no zip at all.")


class EmptyZip(NotSent):
    """Nothing is in the zip, or nothing but what computers leave there for themselves."""

    sentence = mark("There are no files in this zip.")


class CrowdedZip(NotSent):
    """More files are in the zip than anybody wants to have listed."""

    sentence = mark("There are too many files in this zip.")


class BrokenMember(NotSent):
    """One file of a zip cannot be read."""

    sentence = mark("This file is damaged in its zip.")


class LockedMember(NotSent):
    """One file of a zip needs a password."""

    sentence = mark("This file has a password in its zip; zip it again without one.")


class OddMember(NotSent):
    """One file of a zip is packed in a way that is not read here."""

    sentence = mark("This file is packed in its zip in an unusual way; zip it again in the usual one.")


@dataclass(frozen=True)
class HandedIn:
    """One file of the visitor's; `read` gives its bytes, or raises NotSent."""

    name: str
    read: Callable[[], bytes]


def handed_in(name: str, content: bytes, largest: int) -> Iterator[HandedIn]:
    """The file itself or, if it is a zip, each file in it.

    Args:
        name: what the visitor calls it, with the folders before it.
        content: its bytes.
        largest: how many bytes a picture may have; a zip may have more.
    """
    if not is_for_people(name):
        return
    if content.startswith(_ZIP) or name.lower().endswith(".zip"):
        yield from _members(name, content, largest)
    else:
        yield HandedIn(name[-LONGEST_NAME:], partial(_no_more_than, largest, content))


def is_for_people(name: str) -> bool:
    """Whether a file is one that a person put there: hidden ones are not, nor what a Mac adds to a zip."""
    parts = [part for part in PurePosixPath(name.lower()).parts if part != ".."]
    return bool(parts) and not any(part.startswith(".") or part in FOR_COMPUTERS for part in parts)


def _members(name: str, content: bytes, largest: int) -> Iterator[HandedIn]:
    try:
        archive, members = _opened(content)
    except NotSent as error:
        yield HandedIn(name[-LONGEST_NAME:], partial(_refuse, error))
        return
    for member in members:
        yield HandedIn(member.filename[-LONGEST_NAME:], partial(_read, archive, member, largest))


def _opened(content: bytes) -> tuple[ZipFile, list[ZipInfo]]:
    # counted before zipfile makes an object for each, which takes ten times the bytes
    if content.count(_DIRECTORY_ENTRY) > MOST_MEMBERS:
        raise CrowdedZip
    try:
        archive = ZipFile(BytesIO(content))
    except _UNREADABLE as error:
        raise BrokenZip from error
    # not is_dir(), which stumbles over a file without a name
    files = [member for member in archive.infolist() if not member.filename.endswith("/")]
    members = [member for member in files if is_for_people(member.filename)]
    if not members:
        raise EmptyZip
    return archive, members


def _read(archive: ZipFile, member: ZipInfo, largest: int) -> bytes:
    if member.flag_bits & _LOCKED:
        raise LockedMember
    if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise OddMember
    try:
        with archive.open(member) as opened:
            return _no_more_than(largest, opened.read(largest + 1))
    except _UNREADABLE as error:
        raise BrokenMember from error


def _no_more_than(largest: int, content: bytes) -> bytes:
    if len(content) > largest:
        raise TooLarge
    return content


def _refuse(error: NotSent) -> bytes:
    raise error
