"""Feedback as a data folder: the kept pictures in a folder for each label, as training reads them."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from sqlalchemy import Connection, select

from ..errors import InvalidConfiguration, InvalidDataset
from ..settings import Settings
from .addresses import check_addresses
from .archive import Archive
from .pictures import KeptPictures
from .tables import feedback, predictions

Outcome = Literal["written", "there already", "moved", "without a picture"]
"""``moved`` is a picture that had been exported with another label."""


def export_feedback(
    settings: Settings, out: Path, since: datetime | None = None, model: str | None = None
) -> Counter[Outcome]:
    """Write ``out/<label>/<prediction's id>.<suffix>`` for all feedback whose picture is kept.

    Args:
        settings: where the records are.
        out: a folder; what is there with the same content stays as it is.
        since: only feedback that was given from then on.
        model: only on what the model of this digest answered.

    Raises:
        InvalidConfiguration: the records are off, or cannot be where they are set to be.
        RecordsUnavailable: they cannot be read.
        InvalidDataset: a picture would take the place of another one, or a label is no name for a folder.
    """
    if not settings.keeps_records:
        raise InvalidConfiguration("ML_SERVICE_DATABASE_URL is `off`, so there is no feedback to export.")
    check_addresses(settings)
    archive = Archive(settings)
    with archive.database.begin() as connection:
        told = _told(connection, since, model)
    archive.close()
    before = {path.name: path for path in out.glob("*/*")}
    return Counter(_export(archive.pictures, place, out / _folder(label), before) for label, place in told)


def _told(connection: Connection, since: datetime | None, model: str | None) -> list[tuple[str, str | None]]:
    """Labels, and where their pictures are, in the order in which the pictures came."""
    query = select(feedback.c.label, predictions.c.picture).join(
        predictions, predictions.c.id == feedback.c.prediction_id
    )
    if since is not None:
        query = query.where(feedback.c.given_at >= since.astimezone(UTC))
    if model is not None:
        query = query.where(predictions.c.model_digest == model)
    in_order = query.order_by(predictions.c.asked_at, predictions.c.id)
    return [(label, picture) for label, picture in connection.execute(in_order)]


def _folder(label: str) -> str:
    if label in {"", ".", ".."} or set(label) & set("/\\\0"):
        raise InvalidDataset(f"The label {label!r} cannot be the name of a folder, so it cannot be exported.")
    return label


def _export(
    pictures: KeptPictures | None, place: str | None, folder: Path, before: dict[str, Path]
) -> Outcome:
    if place is None:
        return "without a picture"
    if pictures is None:
        raise InvalidConfiguration(
            "Pictures were kept, and ML_SERVICE_KEEP_PICTURES does not say where; set it as for the service."
        )
    content = pictures.read(place)
    if content is None:
        return "without a picture"
    target = folder / PurePosixPath(place).name
    there = before.get(target.name)
    if there is not None and there.read_bytes() != content:
        raise InvalidDataset(f"{there}: holds another picture than the one to export; choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    if there is None:
        target.write_bytes(content)
        return "written"
    if there == target:
        return "there already"
    there.rename(target)
    return "moved"
