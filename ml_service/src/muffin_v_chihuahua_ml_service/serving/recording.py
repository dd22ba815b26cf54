"""Predictions on their way to the records: a queue that nobody waits for, written from time to time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeVar

from ..errors import MLServiceError, PicturesElsewhere, RecordsUnavailable
from ..records.rows import PredictionRow
from ..settings import Settings
from .inference import InferenceService
from .memory import give_back_freed_memory
from .threads import WorkerThreads
from .unwritten import NOTHING, Unwritten

if TYPE_CHECKING:
    from ..records.archive import Archive, Written

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

DropReason = Literal["queue_full", "picture_bytes", "refused", "picture_failed", "ended"]

Dropped = Callable[[DropReason, int], None]
"""Told how many predictions, or only their pictures, were not kept."""

MOST_ROWS = 10_000
"""Predictions that wait to be written: those of a minute at full speed, in about 10 MB."""

MOST_PICTURE_BYTES = 32 * 1024**2
"""Of the pictures that wait with them."""

BATCH = 500

_GATHER_S = 0.2
"""One transaction for all that comes in this time costs little more than one for each prediction would."""

_AFTER_START_S = 1.0
"""The first callers come first: to import SQLAlchemy takes a tenth of a second of a core."""

_PATIENCE_S = 5.0
"""Longest wait for an answer of a database that is connected and has its tables, in seconds."""

_LONGEST_PAUSE_S = 5.0
"""Between two tries to reach the database; the first pause is a sixteenth of it."""

_LAST_CHANCE_S = 4.0
"""Time for what still waits at the end, in seconds: less than a worker gets beyond its grace."""

_CLEAN_EVERY_S = 3600.0


class Recorder:
    """Keeps predictions, and answers about them; all that takes time is done in a thread of its own.

    Its methods are for the event loop. While the database is away, rows wait for it, as many as there is
    room for, and whoever asks for something is told at once.
    """

    def __init__(self, open_archive: "Callable[[], Archive]", dropped: Dropped, unwritten: Unwritten) -> None:
        """Write to what ``open_archive`` returns; it is called in the thread, later."""
        self._open_archive = open_archive
        self._archive: Archive | None = None
        self._dropped = dropped
        self.unwritten = unwritten
        self._rows: deque[PredictionRow] = deque()
        self._picture_bytes = 0
        self._thread = WorkerThreads(1, "records")
        self._writing = asyncio.Lock()
        self._something_to_do = asyncio.Event()
        self._is_open = False
        self._is_away = False
        self._picture_failure: str | None = None

    def remember(self, row: PredictionRow) -> None:
        """Take a prediction; never waits, and never fails."""
        if len(self._rows) >= MOST_ROWS:
            self._dropped("queue_full", 1)
            return
        size = len(row.picture or b"")
        if self._picture_bytes + size > MOST_PICTURE_BYTES:
            self._dropped("picture_bytes", 1)
            row, size = row._replace(picture=None), 0
        self._picture_bytes += size
        self._rows.append(row)
        if self.unwritten.oldest_ms == NOTHING:
            self.unwritten.oldest_ms = _made_ms(row)
        self._something_to_do.set()

    async def ask(self, question: "Callable[[Archive], _T]") -> _T:
        """What ``question`` returns or raises in the thread, once this process has written its predictions.

        After a start, the connection and the tables are waited for: they come, however slow the machine is.
        The caller's deadline ends that.

        Raises:
            RecordsUnavailable: the records cannot be used now, or not soon enough.
        """
        if self._is_away:
            raise _unavailable()
        if not self._is_open:
            async with self._writing:
                await self._open()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._write_all()
                return await self._run(question)
        except TimeoutError as error:
            raise _unavailable() from error

    async def keep_writing(self, service: InferenceService) -> None:
        """Write what comes, from when the model is loaded until this is cancelled."""
        await service.models.first_load_ended.wait()
        await asyncio.sleep(_AFTER_START_S)
        with suppress(RecordsUnavailable):  # which is then in the log from the start, and tried again below
            await self._write_all()
        await self._thread.run(give_back_freed_memory)  # what importing took, and the model's load before it
        pause_s = shortest = _LONGEST_PAUSE_S / 16
        while True:
            await self._something_to_do.wait()
            await asyncio.sleep(_GATHER_S)
            try:
                await self._write_all()
                pause_s = shortest
            except RecordsUnavailable:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def keep_clean(self, service: InferenceService) -> None:
        """Delete what is old once an hour, where no other process has done so, until this is cancelled."""
        await service.models.first_load_ended.wait()
        while True:
            await asyncio.sleep(_AFTER_START_S)
            with suppress(RecordsUnavailable):  # it is in the log, and there is another hour
                if await self.ask(lambda archive: archive.take_turn_to_forget()):
                    while await self.ask(lambda archive: archive.forget_some_old()):
                        pass
            await asyncio.sleep(_CLEAN_EVERY_S)

    async def finish(self) -> None:
        """Write what still waits, if that can be done soon, and let go of everything."""
        with suppress(RecordsUnavailable, TimeoutError):
            async with asyncio.timeout(_LAST_CHANCE_S):
                if self._rows:
                    await self._write_all()
                await self._thread.run(self._close)
        if self._rows:
            _log.warning("%d predictions were not kept: the records could not be reached.", len(self._rows))
            self._dropped("ended", len(self._rows))
        self._thread.abandon()

    async def _write_all(self) -> None:
        async with self._writing:
            self._something_to_do.clear()
            await self._open()
            while self._rows:
                await self._write([self._rows.popleft() for _ in range(min(BATCH, len(self._rows)))])

    async def _open(self) -> None:
        if not self._is_open:
            await self._run(lambda archive: archive.open())
            self._is_open = True

    async def _write(self, rows: list[PredictionRow]) -> None:
        try:
            written = await self._run(lambda archive: archive.write(rows))
        except _Unforeseen:
            self._dropped("refused", len(rows))  # they would be in the way of all others for ever
        except (RecordsUnavailable, asyncio.CancelledError):
            self._rows.extendleft(reversed(rows))  # a row that is written twice is there once
            raise
        else:
            self._account_for(written)
        self._picture_bytes -= sum(len(row.picture or b"") for row in rows)
        self.unwritten.oldest_ms = _made_ms(self._rows[0]) if self._rows else NOTHING

    def _account_for(self, written: "Written") -> None:
        if written.refused:
            _log.warning("The database refused %d predictions.", written.refused)
            self._dropped("refused", written.refused)
        if written.failure is not None:
            self._dropped("picture_failed", written.pictures_lost)
            if self._picture_failure is None:
                _log.warning("Pictures are not kept: %s", written.failure)
        self._picture_failure = written.failure

    async def _run(self, work: "Callable[[Archive], _T]") -> _T:
        """What ``work`` returns or raises in the thread; the log says when the records go, and come back."""
        try:
            result = await self._thread.run(lambda: work(self._opened()))
        except PicturesElsewhere as error:
            _log.warning("%s", error)
            raise _unavailable() from error
        except RecordsUnavailable as error:
            if not self._is_away:
                _log.warning("The records cannot be used, and predictions go on without: %s", error)
            self._is_open, self._is_away = False, True
            self._something_to_do.set()  # somebody has to find out when they are back
            raise _unavailable() from error
        except MLServiceError:
            raise
        except Exception as error:
            _log.exception("The records failed in a way that nobody foresaw:")
            raise _Unforeseen(_SENTENCE) from error
        if self._is_away:
            _log.info("The records can be used again.")
        self._is_away = False
        return result

    def _opened(self) -> "Archive":
        if self._archive is None:
            self._archive = self._open_archive()
        return self._archive

    def _close(self) -> None:
        if self._archive is not None:
            self._archive.close()


class _Unforeseen(RecordsUnavailable):
    """The records are there, and something in this package is wrong."""


_SENTENCE = "Predictions and feedback cannot be read or changed now; try again after Retry-After seconds."


def _unavailable() -> RecordsUnavailable:
    """What callers are told: why is in the log, and may name machines that are not theirs to know."""
    return RecordsUnavailable(_SENTENCE)


def _made_ms(row: PredictionRow) -> int:
    return int(row.asked_at.timestamp() * 1000)


def recorder_of(settings: Settings, dropped: Dropped, unwritten: Unwritten) -> Recorder | None:
    """What keeps predictions as it is set; None where nothing is kept."""

    def open_archive() -> "Archive":
        from ..records.archive import Archive  # noqa: PLC0415 - SQLAlchemy takes its time

        return Archive(settings)

    return Recorder(open_archive, dropped, unwritten) if settings.keeps_records else None
