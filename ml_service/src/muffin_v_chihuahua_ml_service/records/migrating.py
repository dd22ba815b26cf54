"""The database's tables brought to what this version knows: ``python -m …records.migrating``.

A process of its own, because Alembic is needed once in a while, and would stay in memory for ever.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from ..errors import MLServiceError, RecordsUnavailable
from ..settings import Settings
from .addresses import sqlalchemy_url
from .engines import make_engine
from .revisions import lock_tables, revision_of
from .tables import HEAD

if TYPE_CHECKING:
    from alembic.config import Config

PATIENCE_S = 600.0
"""Longest wait for another process that migrates, in seconds."""


def migrate(url: str) -> None:
    """Run the steps that are missing, one process at a time, all of them or none.

    Raises:
        RecordsUnavailable: the tables have a revision that is not known here.
    """
    engine = make_engine(url, PATIENCE_S)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))  # another's steps may take long
            lock_tables(connection)
            if revision_of(connection) != HEAD:
                _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    # Imported behind the lock: of all processes that wait for it, only the first one has something to do.
    from alembic import command  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise RecordsUnavailable(str(error)) from error


def alembic_config(connection: Connection) -> "Config":
    """What Alembic's commands take to find our steps, and to run them in this transaction."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    steps = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", steps.replace("%", "%%"))  # it is read like an INI file
    config.attributes["connection"] = connection
    return config


def main() -> None:
    """Migrate the database that is set; the reason is the one line on standard error where that fails."""
    try:
        migrate(sqlalchemy_url(Settings()))
    except (SQLAlchemyError, OSError, MLServiceError) as error:
        sys.exit(str(error).partition("\n")[0])


if __name__ == "__main__":
    main()
