"""What pictures really show: said once the answer is seen, and counted."""

from datetime import datetime

from sqlalchemy import Connection, and_, case, func, select

from ..errors import UnknownLabel, UnknownModel
from .engines import insert_into
from .rows import AnsweringModel, FeedbackCounts, GivenFeedback, LabelCount, unknown_prediction
from .tables import feedback, models, predictions


def give_feedback(connection: Connection, prediction_id: str, label: str, now: datetime) -> GivenFeedback:
    """Note that a prediction's picture really shows ``label``, instead of what was noted before.

    Raises:
        UnknownPrediction: there is none of that id.
        UnknownLabel: the model that answered does not have it.
    """
    answered = select(predictions.c.label, predictions.c.verdict, models.c.labels).join_from(
        predictions, models, predictions.c.model_digest == models.c.digest
    )
    row = connection.execute(answered.where(predictions.c.id == prediction_id)).one_or_none()
    if row is None:
        raise unknown_prediction(prediction_id)
    if label not in row.labels:
        known = ", ".join(row.labels[:10]) + (", …" if len(row.labels) > 10 else "")  # noqa: PLR2004
        raise UnknownLabel(f"The model that answered has no label {label!r}; it has {known}.")
    insert = insert_into(connection, feedback).values(prediction_id=prediction_id, label=label, given_at=now)
    told = {"label": label, "given_at": now}
    connection.execute(insert.on_conflict_do_update(index_elements=["prediction_id"], set_=told))
    return GivenFeedback(row.label, row.verdict)


def count_feedback(connection: Connection, digest: str, answering: AnsweringModel | None) -> FeedbackCounts:
    """How the model of this digest did, as far as it was told.

    Args:
        connection: to the database.
        digest: which model.
        answering: the model that answers now, which may not have answered anything yet.

    Raises:
        UnknownModel: no model of that digest has answered, nor does it now.
    """
    row = connection.execute(select(models).where(models.c.digest == digest)).one_or_none()
    if row is not None:
        model = AnsweringModel(row.name, row.version, row.digest, tuple(row.labels))
    elif answering is not None and answering.digest == digest:
        model = answering
    else:
        raise UnknownModel(f"No model with the digest {digest} has answered here.")
    of_the_model = predictions.c.model_digest == digest
    asked = connection.scalar(select(func.count()).select_from(predictions).where(of_the_model))
    right = func.sum(case((predictions.c.label == feedback.c.label, 1), else_=0))
    told = (
        select(feedback.c.label, func.count(), right)
        .join(predictions, and_(predictions.c.id == feedback.c.prediction_id, of_the_model))
        .group_by(feedback.c.label)
    )
    found = {label: LabelCount(count, right) for label, count, right in connection.execute(told)}
    nothing = LabelCount(0, 0)
    return FeedbackCounts(model, asked or 0, {each: found.get(each, nothing) for each in model.labels})
