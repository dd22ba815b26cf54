"""One of several processes behind a port.

It is run as ``python -m … <listening socket> <shares> <number> <socket to the parent>``.
Its settings are those of its environment.
"""

import signal
import socket
import sys
from functools import partial

from ...errors import ModelNotReady
from ...model.loading import load_model
from ...settings import Settings
from ..logs import set_up_logging
from .head_start import HeadStart


def main() -> None:
    """Answer until told to end; status 1 where the model cannot be loaded."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the parent as well, which then ends this one
    settings = Settings()
    listener, shares, number, connection = (int(each) for each in sys.argv[1:])
    set_up_logging(settings, is_one_of_several=number > 0)
    load = HeadStart(partial(load_model, settings))
    from .parent import Parent  # noqa: PLC0415 - FastAPI is imported while the model loads
    from .process import Process  # noqa: PLC0415
    from .shares import Share  # noqa: PLC0415

    parent = Parent(socket.socket(fileno=connection))
    load.wait()  # one that cannot answer yet takes no caller from another that can
    try:
        Process(settings, load, parent, Share(shares, number)).run(socket.socket(fileno=listener))
    except ModelNotReady as error:
        parent.fail(str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
