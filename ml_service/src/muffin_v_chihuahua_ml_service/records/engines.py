"""How a database is spoken to: one connection, short transactions, and no waiting for ever."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_PATIENCE_S = 5
"""Whoever has to wait longer for a lock or an answer tries again later."""

_POSTGRESQL = {
    "connect_timeout": _PATIENCE_S,
    "tcp_user_timeout": _PATIENCE_S * 1000,
    "prepare_threshold": None,  # poolers such as PgBouncer deal each transaction to another connection
}


ONLY_READS: Final = {"only_reads": True}
"""Execution options of a transaction that does not wait for a writer; PostgreSQL's never do."""


def make_engine(url: str, patience_s: float | None = None) -> Engine:
    """The engine for a database; nothing is connected yet, but the folder of a SQLite file is there.

    Args:
        url: as SQLAlchemy takes it.
        patience_s: longest wait for the lock on a SQLite file; unset: as for PostgreSQL's.

    Raises:
        OSError: the folder cannot be made.
    """
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        engine = create_engine(address, connect_args=_POSTGRESQL, pool_size=1, max_overflow=0)
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    assert address.database is not None  # noqa: S101 - `addresses` lets no other pass
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    wait = {"timeout": _PATIENCE_S if patience_s is None else patience_s}
    engine = create_engine(address, connect_args=wait, pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Readers and the writer do not wait for each other, and the disk is waited for at checkpoints only: after
    # a power cut the last rows may be missing, but the file is whole (sqlite.org/wal.html).
    connection.isolation_level = None  # Python's own idea of when a transaction begins leaves the tables out
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # Who writes takes the lock at once: who would take it later may be refused without waiting.
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_PATIENCE_S * 1000}")


def insert_into(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that can say what to do where the key is there already; each dialect has its own."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - in memory only where it is used

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)
