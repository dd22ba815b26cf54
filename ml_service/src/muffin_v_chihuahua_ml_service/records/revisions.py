"""The revision that a database's tables have; where there are none, they are made as this version knows them.

A new database needs no history: https://alembic.sqlalchemy.org/en/latest/cookbook.html#building-uptodate
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    inspect,
    select,
    text,
)

from .tables import HEAD, chores, metadata

_LOCK = 5_201_747_002
"""Of PostgreSQL's advisory locks, the one that our migrations take: any number that nobody else takes."""

_alembic_version: Final = Table(
    "alembic_version",
    MetaData(),  # Alembic's own, and none of the tables that it compares
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def revision_of(connection: Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    if not inspect(connection).has_table(_alembic_version.name):
        return None
    return connection.scalar(select(_alembic_version.c.version_num))


def lock_tables(connection: Connection) -> None:
    """Let one process at a time change tables, until its transaction ends.

    SQLite's transactions here begin with the lock on the file; PostgreSQL is asked for one.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def make_tables(connection: Connection) -> str:
    """Make the tables, unless another process has just done so; return the revision that they have."""
    lock_tables(connection)
    revision = revision_of(connection)
    if revision is not None:
        return revision
    metadata.create_all(connection, checkfirst=False)  # tables of these names are not ours to write to
    connection.execute(chores.insert(), {"name": "retention", "done_at": _LONG_AGO})
    _alembic_version.create(connection, checkfirst=True)  # it stays where every migration is taken back
    connection.execute(_alembic_version.insert(), {"version_num": HEAD})
    return HEAD
