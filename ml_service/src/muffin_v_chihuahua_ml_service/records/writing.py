"""Rows into the tables, many at once; one that is refused takes no other with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from .database import Database
from .engines import insert_into
from .rows import PredictionRow
from .tables import models, predictions


def write(database: Database, rows: Sequence[PredictionRow], kept: Mapping[str, str]) -> int:
    """Write rows that may be there already, since nobody knows what a connection that broke did at its end.

    Args:
        database: where to.
        rows: what to write.
        kept: where the pictures of some of them are kept, by the rows' ids.

    Returns:
        How many the database refused.

    Raises:
        RecordsUnavailable: none of those that remain was written.
    """
    try:
        with database.begin() as connection:
            _insert(connection, rows, kept)
    except (IntegrityError, DataError, ValueError):  # the last is a text that no encoding can spell
        if len(rows) == 1:
            return 1
        middle = len(rows) // 2
        return write(database, rows[:middle], kept) + write(database, rows[middle:], kept)
    return 0


def _insert(connection: Connection, rows: Sequence[PredictionRow], kept: Mapping[str, str]) -> None:
    answering = {row.model.digest: row.model for row in rows}
    new_models = [{**each._asdict(), "labels": list(each.labels)} for each in answering.values()]
    connection.execute(insert_into(connection, models).on_conflict_do_nothing(), new_models)
    new_rows = [_columns(each, kept) for each in rows]
    connection.execute(insert_into(connection, predictions).on_conflict_do_nothing(), new_rows)


def _columns(row: PredictionRow, kept: Mapping[str, str]) -> dict[str, Any]:
    values = {**row._asdict(), "model_digest": row.model.digest, "picture": kept.get(row.id)}
    del values["model"]
    return values
