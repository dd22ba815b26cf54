"""What the service says about itself: lines of JSON for a machine, or of text for a person."""

import io
import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

from ..foreign_errors import without_secrets
from ..settings import Settings
from .lines import LineWriter

STDOUT, STDERR = 1, 2

_OURS = __name__.partition(".")[0]


def set_up_logging(settings: Settings, *, is_one_of_several: bool = False) -> None:
    """Send what is logged to standard error; standard output is for the requests.

    Args:
        settings: format and level.
        is_one_of_several: another worker says what all have to say, so this one only says what is wrong.
    """
    level = level_of(settings)
    if is_one_of_several and level == logging.INFO:
        level = logging.WARNING
    handler = logging.StreamHandler(_LineStream(LineWriter(STDERR)))
    text = _Formatter("%(levelname)-8s %(message)s")
    handler.setFormatter(_JsonFormatter() if wants_json(settings) else text)
    # Others' details are not what `debug` is for: Pillow alone has a line for each part of a picture.
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler])
    logging.getLogger(_OURS).setLevel(level)


def wants_json(settings: Settings) -> bool:
    """Whether the lines are for a machine: as it is set, or because nobody sits before standard output."""
    return settings.log_format == "json" or (settings.log_format == "auto" and not os.isatty(STDOUT))


def level_of(settings: Settings) -> int:
    """The least level that is logged, as the number that ``logging`` has for it."""
    return logging.getLevelNamesMapping()[settings.log_level.upper()]


class _LineStream(io.TextIOBase):
    """A text stream that waits for no reader; each write must be whole lines."""

    def __init__(self, lines: LineWriter) -> None:
        self._lines = lines

    def write(self, text: str, /) -> int:
        self._lines.write(text.encode(errors="backslashreplace"))
        return len(text)


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return without_secrets(super().formatException(ei))


class _JsonFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)
