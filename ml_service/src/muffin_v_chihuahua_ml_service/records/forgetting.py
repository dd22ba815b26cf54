"""Predictions taken out again: one that somebody asks for, and all that are old."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from .rows import unknown_prediction
from .tables import chores, feedback, predictions

OLD_AT_ONCE = 1000
"""Rows in one transaction, so that whoever writes waits for milliseconds."""

_EVERY = timedelta(hours=1)


def picture_of(connection: Connection, prediction_id: str) -> str | None:
    """Where the picture of a prediction is kept, None where it is not.

    Raises:
        UnknownPrediction: there is none of that id.
    """
    row = connection.execute(
        select(predictions.c.picture).where(predictions.c.id == prediction_id)
    ).one_or_none()
    if row is None:
        raise unknown_prediction(prediction_id)
    picture: str | None = row.picture
    return picture


def forget(connection: Connection, prediction_id: str) -> None:
    """Delete one prediction with its feedback, if it is there."""
    connection.execute(delete(feedback).where(feedback.c.prediction_id == prediction_id))
    connection.execute(delete(predictions).where(predictions.c.id == prediction_id))


def take_turn(connection: Connection, now: datetime) -> bool:
    """Whether what is old is this process's to delete now: no other one has taken it on within the hour."""
    mine = (
        update(chores)
        .where(chores.c.name == "retention", chores.c.done_at <= now - _EVERY)
        .values(done_at=now)
    )
    return connection.execute(mine).rowcount == 1


def forget_some_before(connection: Connection, limit: datetime) -> bool:
    """Delete up to ``OLD_AT_ONCE`` predictions from before, with their feedback; whether more may be left."""
    old = select(predictions.c.id).where(predictions.c.asked_at < limit).limit(OLD_AT_ONCE)
    ids = connection.scalars(old).all()
    connection.execute(delete(feedback).where(feedback.c.prediction_id.in_(ids)))
    connection.execute(delete(predictions).where(predictions.c.id.in_(ids)))
    return len(ids) == OLD_AT_ONCE
