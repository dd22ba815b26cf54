"""Lines to standard output and standard error, which nobody may be reading."""

import os
import select

_AT_ONCE = 4096
"""As many bytes POSIX lets Linux write to a pipe that is ready without a wait; more are another turn."""

_SLOW_READER_MS = 100


class LineWriter:
    """Writes whole lines, and rather loses one than waits for a reader who has stopped.

    A pipe that nobody empties holds 64 KiB; whoever writes more to it waits, here with the whole event loop.
    """

    def __init__(self, descriptor: int) -> None:
        """Write to this file descriptor."""
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, line: bytes) -> bool:
        """Write one line with its end; False where it, or what is left of it, was lost."""
        patience_ms = 0
        while line:
            if not self._poll.poll(patience_ms):
                return False
            try:
                written = os.write(self._descriptor, line[:_AT_ONCE])
            except OSError:  # the reader has gone
                return False
            line, patience_ms = line[written:], _SLOW_READER_MS
        return True
