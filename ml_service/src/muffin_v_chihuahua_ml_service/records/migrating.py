"""The database's tables brought to what this version knows: ``python -m …records.migrating``.

A process of its own, because Alembic is needed once in a while, and would stay in memory for ever.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from ..errors import MLServiceError
from ..settings import Settings
from .addresses import sqlalchemy_url
from .engines import make_engine

_LOCK = 5_201_747_002
"""Of PostgreSQL's advisory locks, the one that our migrations take: any number that nobody else takes."""


def migrate(url: str) -> None:
    """Run the steps that are missing, one process at a time, all of them or none.

    SQLite's transactions here begin with the lock on the file; PostgreSQL is asked for one.
    """
    config = Config()
    steps = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", steps.replace("%", "%%"))  # it is read like an INI file
    engine = make_engine(url)
    with engine.begin() as connection:
        _lock(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # somebody else's steps may take long
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def main() -> None:
    """Migrate the database that is set; the reason is the one line on standard error where that fails."""
    try:
        migrate(sqlalchemy_url(Settings()))
    except (SQLAlchemyError, OSError, CommandError, MLServiceError) as error:
        sys.exit(str(error).partition("\n")[0])


if __name__ == "__main__":
    main()
