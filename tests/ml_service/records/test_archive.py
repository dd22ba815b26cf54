from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ulid import ULID

from muffin_v_chihuahua_ml_service.errors import (
    RecordsUnavailable,
    UnknownLabel,
    UnknownModel,
    UnknownPrediction,
)
from muffin_v_chihuahua_ml_service.records import forgetting
from muffin_v_chihuahua_ml_service.records.archive import Archive, Written
from muffin_v_chihuahua_ml_service.records.rows import AnsweringModel, LabelCount, PredictionRow

Look = Callable[[Archive, str], list[tuple[Any, ...]]]
Row = Callable[..., PredictionRow]
Open = Callable[..., Archive]

NOW = datetime(2025, 11, 21, 3, 44, 51, tzinfo=UTC)


def test_what_is_written_is_there(
    archive: Archive, make_row: Row, look: Look, tmp_path: Path, red: bytes
) -> None:
    row = make_row(asked_at=NOW, picture=red)

    assert archive.write([row]) == Written()

    found = "SELECT id, model_digest, verdict, label, probability, filename, sha256, picture FROM predictions"
    place = f"2025-11-21/{row.id}.png"
    assert look(archive, found) == [
        (row.id, row.model.digest, "red", "red", 0.98, "rex.png", "0" * 64, place)
    ]
    assert look(archive, "SELECT name, version FROM models") == [("fake-model", "9.9.9")]
    assert (tmp_path / "kept" / place).read_bytes() == red


def test_a_row_that_is_written_twice_is_there_once(archive: Archive, make_row: Row, look: Look) -> None:
    row = make_row()

    for _ in range(2):
        assert archive.write([row]) == Written()

    assert look(archive, "SELECT count(*) FROM predictions") == [(1,)]


def test_a_row_that_the_database_refuses_takes_no_other_with_it(
    archive: Archive, make_row: Row, look: Look
) -> None:
    good = [make_row() for _ in range(5)]
    bad = make_row(label=None)

    assert archive.write([*good[:2], bad, *good[2:]]) == Written(refused=1)

    assert look(archive, "SELECT id FROM predictions ORDER BY id") == [
        (each,) for each in sorted(r.id for r in good)
    ]


def test_a_text_that_no_encoding_can_spell_is_refused(archive: Archive, make_row: Row) -> None:
    assert archive.write([make_row(filename="\ud800")]) == Written(refused=1)


def test_feedback_says_what_had_been_answered_and_the_last_one_counts(
    archive: Archive, make_row: Row
) -> None:
    row = make_row(verdict="unsure")
    archive.write([row])

    for label in ("blue", "red", "blue"):
        given = archive.give_feedback(row.id, label)
        assert (given.predicted, given.verdict) == ("red", "unsure")

    counts = archive.count_feedback(row.model.digest, None)
    assert counts.labels == {"blue": LabelCount(1, 0), "red": LabelCount(0, 0)}


def test_a_model_is_counted_by_what_its_pictures_really_showed(archive: Archive, make_row: Row) -> None:
    rows = [make_row(label=label) for label in ("red", "red", "blue", "blue", "red")]
    other = make_row(model=make_row().model._replace(digest=f"sha256:{'1' * 64}"))
    archive.write([*rows, other])
    for row, label in zip(rows, ("red", "blue", "blue", "blue"), strict=False):
        archive.give_feedback(row.id, label)
    archive.give_feedback(other.id, "red")

    counts = archive.count_feedback(rows[0].model.digest, None)

    assert counts.model == rows[0].model
    assert (counts.predictions, counts.feedback, counts.right) == (5, 4, 3)
    assert counts.labels == {"blue": LabelCount(3, 2), "red": LabelCount(1, 1)}
    assert list(counts.labels) == ["blue", "red"]


def test_feedback_on_what_is_not_there_is_refused(archive: Archive, make_row: Row) -> None:
    row = make_row(model=AnsweringModel("many", "1.0.0", "sha256:many", tuple(map(str, range(1000)))))
    archive.write([row])

    with pytest.raises(UnknownPrediction, match="There is no prediction"):
        archive.give_feedback(str(ULID()), "red")
    with pytest.raises(UnknownLabel, match="no label 'cat'; it has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"):
        archive.give_feedback(row.id, "cat")


def test_a_model_without_a_prediction_is_known_only_where_it_answers(archive: Archive, make_row: Row) -> None:
    model = make_row().model

    counts = archive.count_feedback(model.digest, model)

    assert (counts.model, counts.predictions, counts.feedback) == (model, 0, 0)
    for answering in (None, model._replace(digest="sha256:1")):
        with pytest.raises(UnknownModel, match=model.digest):
            archive.count_feedback(model.digest, answering)


def test_a_prediction_is_deleted_with_its_feedback_and_its_picture(
    archive: Archive, make_row: Row, look: Look, tmp_path: Path, red: bytes
) -> None:
    row, other = make_row(picture=red), make_row()
    archive.write([row, other])
    archive.give_feedback(row.id, "red")

    archive.forget(row.id)
    archive.forget(other.id)

    for table in ("predictions", "feedback"):
        assert look(archive, f"SELECT * FROM {table}") == []  # noqa: S608 - our own tables
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    with pytest.raises(UnknownPrediction):
        archive.forget(row.id)


def test_where_the_picture_cannot_be_deleted_nothing_is(
    open_archive: Open, sqlite_url: str, make_row: Row, look: Look, red: bytes
) -> None:
    row = make_row(picture=red)
    open_archive(sqlite_url).write([row])
    elsewhere = open_archive(sqlite_url, keep_pictures=None)

    with pytest.raises(RecordsUnavailable, match="no longer says where"):
        elsewhere.forget(row.id)

    assert len(look(elsewhere, "SELECT * FROM predictions")) == 1


def test_a_picture_that_has_gone_is_no_obstacle(
    archive: Archive, make_row: Row, tmp_path: Path, red: bytes
) -> None:
    row = make_row(picture=red)
    archive.write([row])
    [path] = (tmp_path / "kept").glob("*/*")
    path.unlink()

    archive.forget(row.id)

    with pytest.raises(UnknownPrediction):
        archive.forget(row.id)


@pytest.fixture
def _in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "OLD_AT_ONCE", 2)


@pytest.mark.usefixtures("_in_small_steps")
def test_what_is_old_is_deleted_with_its_picture_and_nothing_else(
    archive: Archive, make_row: Row, look: Look, tmp_path: Path, red: bytes
) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    limit = midnight - timedelta(days=90)
    old = [make_row(asked_at=limit - timedelta(seconds=each), picture=red) for each in range(1, 6)]
    kept = [make_row(asked_at=limit, picture=red), make_row(picture=red)]
    archive.write([*old, *kept])
    archive.give_feedback(old[0].id, "red")
    archive.give_feedback(kept[0].id, "red")
    for name in ("2020-01-01/holiday.jpg", "1999-12-31.txt", "notes/todo.txt"):
        path = tmp_path / "kept" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("somebody else's")

    turns = [archive.forget_some_old() for _ in range(3)]

    assert turns == [True, True, False]
    assert look(archive, "SELECT id FROM predictions ORDER BY id") == [(row.id,) for row in kept]
    assert look(archive, "SELECT prediction_id FROM feedback") == [(kept[0].id,)]
    names = {path.name for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert names == {f"{row.id}.png" for row in kept} | {"holiday.jpg", "1999-12-31.txt", "todo.txt"}
    assert not (tmp_path / "kept" / f"{limit - timedelta(seconds=1):%Y-%m-%d}").exists()


def test_where_no_picture_was_ever_kept_there_is_none_to_delete(archive: Archive) -> None:
    assert archive.forget_some_old() is False


def test_one_process_an_hour_deletes(open_archive: Open, database_url: str) -> None:
    here, there = open_archive(database_url), open_archive(database_url)

    assert [here.take_turn_to_forget(), there.take_turn_to_forget()] == [True, False]
    with here.database.begin() as connection:
        later = datetime.now(UTC) + timedelta(hours=1)
        assert forgetting.take_turn(connection, later)


def test_what_is_kept_for_ever_is_never_deleted(open_archive: Open, sqlite_url: str) -> None:
    assert not open_archive(sqlite_url, keep_days=0).take_turn_to_forget()


def test_pictures_that_cannot_be_kept_are_counted_and_their_predictions_are_kept(
    open_archive: Open, sqlite_url: str, make_row: Row, tmp_path: Path, red: bytes
) -> None:
    (tmp_path / "file").touch()
    archive = open_archive(sqlite_url, keep_pictures=str(tmp_path / "file" / "kept"))

    rows = [make_row(picture=red), make_row()]
    written = archive.write(rows)

    assert (written.refused, written.pictures_lost) == (0, 1)
    assert str(written.failure).startswith(f"{tmp_path}/file/kept: cannot be used (")
    assert archive.count_feedback(rows[0].model.digest, None).predictions == 2
