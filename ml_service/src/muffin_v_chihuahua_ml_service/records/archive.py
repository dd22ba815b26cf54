"""All that is remembered: written, asked for, and taken out again, in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from ..errors import PicturesElsewhere, RecordsUnavailable
from ..settings import Settings
from . import feedback, forgetting
from .addresses import sqlalchemy_url
from .database import Database
from .pictures import KeptPictures, place_of
from .rows import AnsweringModel, FeedbackCounts, GivenFeedback, PredictionRow
from .writing import write


@dataclass(frozen=True)
class Written:
    """What became of some rows."""

    refused: int = 0
    """Rows that the database would not have."""
    pictures_lost: int = 0
    failure: str | None = None
    """Why pictures were lost."""


class Archive:
    """The database and the pictures beside it; for one thread.

    Every method raises RecordsUnavailable where they cannot be used now.
    """

    def __init__(self, settings: Settings) -> None:
        """Find both where they are set to be; nothing is opened yet."""
        self.database = Database(sqlalchemy_url(settings))
        place = settings.keep_pictures
        self.pictures = None if place is None else KeptPictures(place)
        self._keep_days = settings.keep_days

    def open(self) -> None:
        """Connect, and bring the tables up to date, where that has not been done."""
        with self.database.begin():
            pass

    def close(self) -> None:
        """Let go of the connection."""
        self.database.close()

    def write(self, rows: Sequence[PredictionRow]) -> Written:
        """Write rows, and the pictures that they have.

        Where pictures cannot be written, their places are noted all the same, because some may be there: so
        whoever deletes the prediction deletes them, too.
        """
        pictures = {
            row.id: (place_of(row.id, row.asked_at, row.picture), row.picture)
            for row in rows
            if row.picture is not None
        }
        failure = self._keep(dict(pictures.values()))
        refused = write(self.database, rows, {id_: place for id_, (place, _) in pictures.items()})
        return Written(refused, 0 if failure is None else len(pictures), failure)

    def give_feedback(self, prediction_id: str, label: str) -> GivenFeedback:
        """Note what a prediction's picture really shows; raises what ``feedback.give_feedback`` raises."""
        with self.database.begin() as connection:
            return feedback.give_feedback(connection, prediction_id, label, datetime.now(UTC))

    def count_feedback(self, digest: str, answering: AnsweringModel | None) -> FeedbackCounts:
        """How a model did, as far as it was told; raises what ``feedback.count_feedback`` raises."""
        with self.database.begin() as connection:
            return feedback.count_feedback(connection, digest, answering)

    def forget(self, prediction_id: str) -> None:
        """Delete a prediction: its picture first, so that nothing is left where that fails.

        Raises:
            UnknownPrediction: there is none of that id.
        """
        with self.database.begin() as connection:
            place = forgetting.picture_of(connection, prediction_id)
        if place is not None:
            self._pictures_of(place).delete(place)
        with self.database.begin() as connection:
            forgetting.forget(connection, prediction_id)

    def take_turn_to_forget(self) -> bool:
        """Whether what is old is this process's to delete now."""
        if not self._keep_days:
            return False
        with self.database.begin() as connection:
            return forgetting.take_turn(connection, datetime.now(UTC))

    def forget_some_old(self) -> bool:
        """Delete some of the predictions that are older than they are kept for; whether more may be left.

        Days go as a whole, so that the pictures' folders do, too.
        """
        day = datetime.now(UTC).date() - timedelta(days=self._keep_days)
        with self.database.begin() as connection:
            more = forgetting.forget_some_before(connection, datetime.combine(day, time(), UTC))
        if not more and self.pictures is not None:
            self.pictures.delete_before(day)
        return more

    def _keep(self, pictures: dict[str, bytes]) -> str | None:
        """Why they could not be kept, if they could not."""
        if self.pictures is None or not pictures:
            return None
        try:
            self.pictures.keep(pictures)
        except RecordsUnavailable as error:
            return str(error)
        return None

    def _pictures_of(self, place: str) -> KeptPictures:
        if self.pictures is None:
            raise PicturesElsewhere(
                f"The picture {place} was kept, but ML_SERVICE_KEEP_PICTURES no longer says where."
            )
        return self.pictures
