"""An archive on each kind of database, and a way to look into it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from muffin_v_chihuahua_ml_service.records.archive import Archive
from muffin_v_chihuahua_ml_service.settings import Settings


@pytest.fixture
def open_archive(tmp_path: Path) -> Iterator[Callable[..., Archive]]:
    """Open the archive at this address, with pictures in a folder `kept`; other settings where given."""
    with ExitStack() as opened:

        def begin(url: str, **settings: Any) -> Archive:
            told = {"database_url": url, "keep_pictures": str(tmp_path / "kept"), **settings}
            archive = Archive(Settings(**told))
            opened.callback(archive.close)
            return archive

        yield begin


@pytest.fixture
def archive(open_archive: Callable[..., Archive], database_url: str) -> Archive:
    """An archive with nothing in it, once on SQLite and once on PostgreSQL."""
    return open_archive(database_url)


@pytest.fixture
def look() -> Callable[[Archive, str], list[tuple[Any, ...]]]:
    """What a query finds."""

    def find(archive: Archive, query: str) -> list[tuple[Any, ...]]:
        with archive.database.begin() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    return find
