"""Numbers of signals that Windows does not know, as exit codes have them."""

from __future__ import annotations

import signal
from typing import Final

__all__ = ["KILLED", "PIPE_CLOSED"]

KILLED: Final[int] = getattr(signal, "SIGKILL", 9)
#: Nobody reads what is written to a pipe.
PIPE_CLOSED: Final[int] = getattr(signal, "SIGPIPE", 13)
