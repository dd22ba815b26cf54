"""What native libraries say of processors and delegates when they start, kept from whoever reads the log."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

_STDERR = 2
_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IWE]\d{4} \d\d:\d\d:\d\d"
    rb"|INFO: Created TensorFlow Lite"
)
"""Abseil's lines, which come before any of its settings is read, and TensorFlow Lite's."""


@contextmanager
def without_chatter() -> Iterator[None]:
    """Inside, standard error is a file, also for C++; what is no chatter is written to it at the end."""
    sys.stderr.flush()
    with TemporaryFile() as said:
        stderr = os.dup(_STDERR)
        os.dup2(said.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, _STDERR)
            os.close(stderr)
            said.seek(0)
            os.write(_STDERR, b"".join(line for line in said if not _CHATTER.match(line)))
