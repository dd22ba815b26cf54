"""The end of a listening socket: whoever has connected is taken first."""

import ctypes
import logging
import socket
import struct
import sys
from typing import Final

_log = logging.getLogger(__name__)

_SO_ATTACH_FILTER: Final = 26
"""Linux's, which Python does not name; https://www.kernel.org/doc/Documentation/networking/filter.txt"""

_NO_SYN: Final = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte of TCP's flags
        (0x45, 0, 1, 0x02),  # where SYN is among them,
        (0x06, 0, 0, 0),  # drop the packet,
        (0x06, 0, 0, 0xFFFFFFFF),  # and else let it through
    )
)


def close_the_door(listener: socket.socket) -> None:
    """Let nobody connect any more, though whoever has can still be taken.

    When a socket is closed, the kernel resets whoever has connected and was not taken, and between the last
    one taken and the closing there is always time for another. Requests to connect are dropped from now on;
    callers repeat them after a second, and are then refused, or meet the next server. Elsewhere than on
    Linux, and in a sandbox that does not permit the filter, this does nothing.
    """
    if sys.platform != "linux":
        return
    code = ctypes.create_string_buffer(_NO_SYN, len(_NO_SYN))
    program = struct.pack("HP", len(_NO_SYN) // 8, ctypes.addressof(code))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    except OSError as error:
        _log.info(
            "Callers who connect in the moment of the end may be cut off: no socket filter (%s).", error
        )
