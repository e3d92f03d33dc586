"""Flags of `os.open`; what a system does not know is 0, and then `quantlaxmi.files` asks itself."""

from __future__ import annotations

import os
from typing import Final

__all__ = [
    "APPEND",
    "CREATE",
    "NEW",
    "NO_LINK",
    "NO_TERMINAL",
    "NO_WAIT",
    "READ",
    "UPDATE",
    "WRITE",
]

# Windows would otherwise change line ends, and hand files on to the processes it starts.
_PLAIN: Final[int] = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

#: Open for reading, for writing, for both: bytes as they are.
READ: Final[int] = os.O_RDONLY | _PLAIN
WRITE: Final[int] = os.O_WRONLY | _PLAIN
UPDATE: Final[int] = os.O_RDWR | _PLAIN

APPEND: Final[int] = os.O_APPEND
#: Make the file where it is missing.
CREATE: Final[int] = os.O_CREAT
#: Make it; one that is there is an error.
NEW: Final[int] = os.O_CREAT | os.O_EXCL

#: Refuse a link.
NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
#: Do not wait for the other end of a pipe.
NO_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)
#: Do not become the owner of a terminal.
NO_TERMINAL: Final[int] = getattr(os, "O_NOCTTY", 0)
