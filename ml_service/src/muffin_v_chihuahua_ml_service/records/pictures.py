"""Pictures kept beside their rows: a folder a day, on a disk or in a bucket."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from ..errors import RecordsUnavailable
from ..foreign_errors import client_errors, one_line, without_secrets

_SUFFIXES = {b"\xff\xd8": "jpg", b"\x89P": "png", b"GI": "gif", b"BM": "bmp", b"RI": "webp"}
"""By what the formats begin with that the service reads."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OURS = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\.(?:jpg|png|gif|bmp|webp)")
"""Nothing else is ever deleted, for the folder may hold other things."""


def place_of(prediction_id: str, asked_at: datetime, content: bytes) -> str:
    """Where a picture is kept, such as ``2025-11-21/01KAGSZ6M0Q6DTFVZ5DPQ8J3WB.jpg``."""
    return f"{asked_at.astimezone(UTC):%Y-%m-%d}/{prediction_id}.{_SUFFIXES[content[:2]]}"


class KeptPictures:
    """Pictures by their places; each method raises RecordsUnavailable where the disk or the bucket fails."""

    def __init__(self, location: str) -> None:
        """Keep them below ``location``, a folder or an address that fsspec knows."""
        self._location = location

    def keep(self, pictures: Mapping[str, bytes]) -> None:
        """Write pictures to their places; where that fails, some of them may be there all the same."""
        with self._reaching():
            self._disk.pipe({self._path(place): content for place, content in pictures.items()})

    def read(self, place: str) -> bytes | None:
        """A picture's bytes, None where it is not there any more."""
        with self._reaching(), suppress(FileNotFoundError):
            content: bytes = self._disk.cat_file(self._path(place))
            return content
        return None

    def delete(self, place: str) -> None:
        """Take a picture away, if it is there."""
        with self._reaching(), suppress(FileNotFoundError):
            self._disk.rm_file(self._path(place))

    def delete_before(self, day: date) -> None:
        """Take all pictures away that were kept before this day, in UTC."""
        with self._reaching():
            for folder in self._days():
                name = folder.rpartition("/")[2]
                if _DAY.fullmatch(name) and name < day.isoformat():
                    self._empty(folder)

    def _days(self) -> list[str]:
        self._disk.invalidate_cache()  # other processes write there, too
        try:
            return [each["name"] for each in self._disk.ls(self._root, detail=True)]
        except FileNotFoundError:
            return []  # nothing was ever kept

    def _empty(self, folder: str) -> None:
        found = [each for each in self._disk.find(folder) if _OURS.fullmatch(each.rpartition("/")[2])]
        with suppress(FileNotFoundError):  # another process deletes, too
            if found:
                self._disk.rm(found)
        with suppress(OSError):  # somebody else's things are in it
            self._disk.rmdir(folder)

    def _path(self, place: str) -> str:
        return f"{self._root}/{place}"

    @property
    def _root(self) -> str:
        return self._opened[1]

    @property
    def _disk(self) -> Any:
        return self._opened[0]

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from fsspec import url_to_fs  # noqa: PLC0415 - only where pictures are kept

        options = {} if "://" in self._location else {"auto_mkdir": True}
        disk, root = url_to_fs(self._location, **options)
        return disk, root.rstrip("/")

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except client_errors() as error:
            raise RecordsUnavailable(
                f"{without_secrets(self._location)}: cannot be used ({one_line(error)})."
            ) from error
