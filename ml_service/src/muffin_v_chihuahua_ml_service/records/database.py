"""The database: connected to when it is needed, brought up to date once, and let go where it fails."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from ..errors import RecordsUnavailable
from .engines import ONLY_READS, make_engine
from .revisions import make_tables, revision_of
from .tables import HEAD, REVISIONS

MIGRATE: Final = (sys.executable, "-m", f"{__package__}.migrating")

_MIGRATING_S = 600.0


class Database:
    """Transactions in one database; for one thread."""

    def __init__(self, url: str) -> None:
        """Connect to ``url`` later."""
        self._url = url
        self._engine: Engine | None = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction, which ends with the block; undone where the block raises.

        Raises:
            RecordsUnavailable: the database cannot be used now; the next transaction connects anew.
        """
        with self._letting_go():
            if self._engine is None:
                self._engine = self._opened()
            with self._engine.begin() as connection:
                yield connection

    def close(self) -> None:
        """Let go of the connection."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    @contextmanager
    def _letting_go(self) -> Iterator[None]:
        """What says that the database is not there, as our error; what it says of a row stays as it is."""
        try:
            yield
        except (IntegrityError, DataError):
            raise
        except (SQLAlchemyError, OSError) as error:
            self.close()
            raise RecordsUnavailable(_first_line(error)) from error

    def _opened(self) -> Engine:
        engine = make_engine(self._url)
        with ExitStack() as unless_all_is_well:
            unless_all_is_well.callback(engine.dispose)
            revision = _revision(engine)
            if revision not in REVISIONS:
                raise RecordsUnavailable(
                    f"The tables are of a newer version (revision {revision}) and left alone."
                )
            if revision != HEAD:
                _migrate(self._url)
            unless_all_is_well.pop_all()
        return engine


def _revision(engine: Engine) -> str:
    """The revision of the tables, which are there afterwards."""
    with engine.execution_options(**ONLY_READS).begin() as connection:
        revision = revision_of(connection)
    if revision is not None:
        return revision
    with engine.begin() as connection:
        return make_tables(connection)


def _migrate(url: str) -> None:
    environment = {**os.environ, "ML_SERVICE_DATABASE_URL": url}
    try:
        subprocess.run(  # noqa: S603 - ourselves
            MIGRATE, env=environment, capture_output=True, text=True, timeout=_MIGRATING_S, check=True
        )
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or str(error)
        raise RecordsUnavailable(f"The tables were not brought up to date: {said.strip()}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
