import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from muffin_v_chihuahua_ml_service.errors import RecordsUnavailable, UnknownPrediction
from muffin_v_chihuahua_ml_service.records.archive import Archive, Written
from muffin_v_chihuahua_ml_service.records.rows import PredictionRow
from muffin_v_chihuahua_ml_service.serving import recording
from muffin_v_chihuahua_ml_service.serving.inference import InferenceService
from muffin_v_chihuahua_ml_service.serving.recording import Recorder, recorder_of
from muffin_v_chihuahua_ml_service.serving.unwritten import NOTHING, Unwritten
from muffin_v_chihuahua_ml_service.settings import Settings

Row = Callable[..., PredictionRow]


class FakeArchive:
    """An archive that can be away, hang, or fail in another way."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.opened = 0
        self.is_closed = False
        self.batches: list[list[PredictionRow]] = []
        self.result = Written()
        self.old = 0
        self.turns = [True]

    def _work(self) -> None:
        self.goes_on.wait(timeout=30)
        if self.failure is not None:
            raise self.failure

    def open(self) -> None:
        self._work()
        self.opened += 1

    def close(self) -> None:
        self.is_closed = True

    def write(self, rows: list[PredictionRow]) -> Written:
        self._work()
        self.batches.append(rows)
        return self.result

    def take_turn_to_forget(self) -> bool:
        self._work()
        return self.turns.pop()

    def forget_some_old(self) -> bool:
        self._work()
        self.old -= 1
        return self.old > 0

    @property
    def rows(self) -> list[PredictionRow]:
        return [row for batch in self.batches for row in batch]


class Models:
    def __init__(self) -> None:
        self.first_load_ended = asyncio.Event()
        self.first_load_ended.set()


class Loaded:
    """A service whose model has been loaded."""

    def __init__(self) -> None:
        self.models = Models()


@pytest.fixture
def fake() -> FakeArchive:
    return FakeArchive()


@pytest.fixture
def dropped() -> Counter[str]:
    return Counter()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_AFTER_START_S", "_GATHER_S", "_LONGEST_PAUSE_S"):
        monkeypatch.setattr(recording, name, 0.01)
    monkeypatch.setattr(recording, "give_back_freed_memory", lambda: None)  # of all that the tests have here
    monkeypatch.setattr(recording, "_LAST_CHANCE_S", 0.3)
    monkeypatch.setattr(recording, "_CLEAN_EVERY_S", 0.05)


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(2000):
        if is_so():
            return
        await asyncio.sleep(0.005)
    pytest.fail("It never came to be.")


Play = Callable[[Callable[[Recorder], Coroutine[Any, Any, None]]], Recorder]


@pytest.fixture
def play(fake: FakeArchive, dropped: Counter[str]) -> Iterator[Play]:
    """Run a scene with a recorder that writes to the fake archive."""

    def run(scene: Callable[[Recorder], Coroutine[Any, Any, None]]) -> Recorder:
        async def begin() -> Recorder:
            recorder = Recorder(
                lambda: cast("Archive", fake),
                lambda reason, count: dropped.update({reason: count}),
                Unwritten(),
            )
            service = cast("InferenceService", Loaded())
            writing = asyncio.create_task(recorder.keep_writing(service))
            await scene(recorder)
            writing.cancel()
            await asyncio.wait([writing])
            assert writing.cancelled()
            await recorder.finish()
            return recorder

        return asyncio.run(begin())

    yield run
    fake.goes_on.set()


def test_what_comes_in_a_moment_is_written_at_once_and_in_its_order(
    play: Play, fake: FakeArchive, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "BATCH", 3)
    rows = [make_row() for _ in range(7)]

    async def scene(recorder: Recorder) -> None:
        for row in rows:
            recorder.remember(row)
        await until(lambda: len(fake.rows) == 7)

    play(scene)

    assert fake.rows == rows
    assert [len(batch) for batch in fake.batches] == [3, 3, 1]
    assert (fake.opened, fake.is_closed) == (1, True)


def test_a_database_is_opened_though_nobody_asks_so_that_the_log_says_what_is_wrong_with_it(
    play: Play, fake: FakeArchive, caplog: pytest.LogCaptureFixture
) -> None:
    fake.failure = RecordsUnavailable("nobody listens there")

    async def scene(_: Recorder) -> None:
        await until(lambda: "nobody listens there" in caplog.text)

    play(scene)


def test_whoever_asks_finds_what_this_process_has_remembered(
    play: Play, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_GATHER_S", 60)
    row = make_row()

    async def scene(recorder: Recorder) -> None:
        recorder.remember(row)
        found = await recorder.ask(lambda archive: cast("FakeArchive", archive).rows)
        assert found == [row]

    play(scene)


def test_tables_that_are_being_made_are_waited_for_however_long_that_takes(
    play: Play, fake: FakeArchive, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience_s = recording._PATIENCE_S
    monkeypatch.setattr(recording, "_PATIENCE_S", 0)
    row = make_row()
    begun = threading.Event()

    def open_slowly() -> None:
        begun.set()
        fake.goes_on.wait(timeout=30)
        monkeypatch.setattr(recording, "_PATIENCE_S", patience_s)

    monkeypatch.setattr(fake, "open", open_slowly)
    fake.goes_on.clear()

    async def scene(recorder: Recorder) -> None:
        recorder.remember(row)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await recorder.ask(lambda archive: cast("FakeArchive", archive).rows)
        asking = asyncio.create_task(recorder.ask(lambda archive: cast("FakeArchive", archive).rows))
        await until(begun.is_set)
        fake.goes_on.set()
        assert await asking == [row]

    play(scene)


def test_the_oldest_prediction_that_is_not_written_is_known_to_the_others(
    play: Play, fake: FakeArchive, make_row: Row
) -> None:
    old, new = (make_row(asked_at=datetime(2025, 11, day, tzinfo=UTC)) for day in (20, 21))

    async def scene(recorder: Recorder) -> None:
        assert recorder.unwritten.oldest_ms == NOTHING
        fake.failure = RecordsUnavailable("away")
        for row in (old, new):
            recorder.remember(row)
        with pytest.raises(RecordsUnavailable):
            await recorder.ask(lambda archive: archive.open())
        assert recorder.unwritten.oldest_ms == int(old.asked_at.timestamp()) * 1000
        fake.failure = None
        await until(lambda: fake.rows == [old, new])
        await until(lambda: recorder.unwritten.oldest_ms == NOTHING)

    play(scene)


def test_what_an_archive_refuses_is_told_to_who_asks(play: Play, make_row: Row, fake: FakeArchive) -> None:
    def refuse(_: Archive) -> None:
        raise UnknownPrediction("There is none.")

    async def scene(recorder: Recorder) -> None:
        with pytest.raises(UnknownPrediction):
            await recorder.ask(refuse)
        recorder.remember(make_row())
        await until(lambda: len(fake.rows) == 1)

    play(scene)


def test_a_full_queue_drops_what_comes_and_counts_it(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_ROWS", 2)
    rows = [make_row() for _ in range(5)]
    fake.goes_on.clear()

    async def scene(recorder: Recorder) -> None:
        for row in rows:
            recorder.remember(row)
        fake.goes_on.set()
        await until(lambda: len(fake.rows) == 2)

    play(scene)

    assert fake.rows == rows[:2]
    assert dropped == {"queue_full": 3}


def test_pictures_that_are_too_much_to_hold_are_dropped_and_their_predictions_are_kept(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_PICTURE_BYTES", 10)

    async def scene(recorder: Recorder) -> None:
        for _ in range(2):  # there is room again once they are written
            before = len(fake.rows)
            for size in (6, 6, 4):
                recorder.remember(make_row(picture=bytes(size)))
            await until(lambda: len(fake.rows) == before + 3)  # noqa: B023 - waited for in the loop
            await asyncio.sleep(0.02)

    play(scene)

    assert [row.picture and len(row.picture) for row in fake.rows] == [6, None, 4] * 2
    assert dropped == {"picture_bytes": 2}


def test_a_database_that_is_away_keeps_rows_waiting_and_callers_not(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rows = [make_row() for _ in range(3)]

    async def scene(recorder: Recorder) -> None:
        recorder.remember(rows[0])
        await until(lambda: len(fake.rows) == 1)
        fake.failure = RecordsUnavailable("somebody else's machine")
        for row in rows[1:]:
            recorder.remember(row)
        await until(lambda: "somebody else's machine" in caplog.text)
        for _ in range(2):
            with pytest.raises(RecordsUnavailable, match="cannot be read or changed now") as caught:
                await recorder.ask(lambda archive: archive.open())
            assert "machine" not in str(caught.value)
        await asyncio.sleep(0.05)
        fake.failure = None
        await until(lambda: len(fake.rows) == 3)
        await recorder.ask(lambda archive: archive.open())

    play(scene)

    assert fake.rows == rows
    assert not dropped
    said = [record.getMessage() for record in caplog.records]
    assert said.count("The records can be used again.") == 1
    assert len([each for each in said if "predictions go on without" in each]) == 1


def test_a_database_that_hangs_keeps_nobody_waiting_for_long_and_loses_nothing(
    play: Play, fake: FakeArchive, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_PATIENCE_S", 0.3)
    row = make_row()

    async def scene(recorder: Recorder) -> None:
        await recorder.ask(lambda archive: archive.open())
        await asyncio.sleep(0.1)  # the writer has nothing to do any more
        fake.goes_on.clear()
        recorder.remember(row)
        began = time.monotonic()
        with pytest.raises(RecordsUnavailable):
            await recorder.ask(lambda archive: archive.open())
        assert 0.2 < time.monotonic() - began < 5
        fake.goes_on.set()
        await until(lambda: row in fake.rows)

    play(scene)

    assert set(fake.rows) == {row}


def test_rows_that_a_database_refuses_are_counted(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    fake.result = Written(refused=1)

    async def scene(recorder: Recorder) -> None:
        recorder.remember(make_row())
        await until(lambda: bool(dropped))

    play(scene)

    assert dropped == {"refused": 1}
    assert "The database refused 1 predictions." in caplog.text


def test_pictures_that_cannot_be_kept_are_counted_and_said_once(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    fake.result = Written(pictures_lost=1, failure="the disk is full")

    async def scene(recorder: Recorder) -> None:
        for number in (1, 2):
            recorder.remember(make_row())
            await until(lambda: dropped["picture_failed"] == number)  # noqa: B023 - waited for in the loop

    play(scene)

    assert caplog.text.count("Pictures are not kept: the disk is full") == 1


def test_what_nobody_foresaw_loses_the_rows_that_it_came_with_and_nothing_else(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(recorder: Recorder) -> None:
        await recorder.ask(lambda archive: archive.open())
        fake.failure = KeyError("unforeseen")
        recorder.remember(make_row())
        await until(lambda: bool(dropped))
        with pytest.raises(RecordsUnavailable):
            await recorder.ask(lambda archive: archive.open())
        fake.failure = None
        recorder.remember(make_row())
        await until(lambda: len(fake.rows) == 1)

    play(scene)

    assert dropped == {"refused": 1}
    assert "KeyError" in caplog.text


def test_at_the_end_what_waits_is_written(
    play: Play, fake: FakeArchive, make_row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_GATHER_S", 60)

    async def scene(recorder: Recorder) -> None:
        recorder.remember(make_row())

    play(scene)

    assert len(fake.rows) == 1
    assert fake.is_closed


@pytest.mark.parametrize("fault", ["away", "hangs"])
def test_at_the_end_what_cannot_be_written_is_counted_and_not_waited_for(
    play: Play, fake: FakeArchive, dropped: Counter[str], make_row: Row, fault: str
) -> None:
    if fault == "away":
        fake.failure = RecordsUnavailable("away")
    else:
        fake.goes_on.clear()

    async def scene(recorder: Recorder) -> None:
        recorder.remember(make_row())

    play(scene)

    assert dropped == {"ended": 1}


def test_a_recorder_that_was_never_used_ends_at_once(fake: FakeArchive) -> None:
    async def end() -> None:
        await Recorder(lambda: cast("Archive", fake), lambda *_: None, Unwritten()).finish()

    asyncio.run(end())

    assert not fake.opened


def test_what_is_old_is_deleted_by_who_takes_the_turn_until_none_is_left(fake: FakeArchive) -> None:
    fake.old, fake.turns = 3, [True, False, True]

    async def clean() -> None:
        recorder = Recorder(lambda: cast("Archive", fake), lambda *_: None, Unwritten())
        cleaning = asyncio.create_task(recorder.keep_clean(cast("InferenceService", Loaded())))
        await until(lambda: not fake.turns)
        fake.failure = RecordsUnavailable("away")  # it goes on all the same
        await asyncio.sleep(0.1)
        assert not cleaning.done()
        cleaning.cancel()
        await asyncio.wait([cleaning])
        fake.failure = None
        await recorder.finish()

    asyncio.run(clean())

    assert fake.old <= 0


def test_nothing_is_kept_where_that_is_off() -> None:
    assert recorder_of(Settings(), lambda *_: None, Unwritten()) is None
