"""Opens files, and turns errors of the system into one line that names the file."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from quantlaxmi.errors import InputError, SegmentError
from quantlaxmi.system.flags import NO_LINK, NO_TERMINAL, NO_WAIT, READ

# Opening a pipe planted under a known name must not hang.
NAMED_FLAGS = READ | NO_WAIT | NO_TERMINAL
READ_FLAGS = NAMED_FLAGS | NO_LINK
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextlib.contextmanager
def one_line_errors(
    path: object, action: str, kind: type[InputError] = SegmentError
) -> Iterator[None]:
    """Turn an ``OSError`` into an error that names the file.

    Parameters
    ----------
    path : object
        The file as the user knows it.
    action : str
        What failed, such as ``"cannot be written"``.
    kind : type of InputError
    """
    try:
        yield
    except OSError as error:
        raise kind(path, f"{action}: {error.strerror or error}") from error


def irregular(mode: int) -> str:
    """Return the kind of a file that is not regular, in words; empty for a regular one."""
    if stat.S_ISREG(mode):
        return ""
    return f"is not a regular file but {_KINDS.get(stat.S_IFMT(mode), 'of another kind')}"


@contextlib.contextmanager
def named_errors(path: str | Path, error: type[InputError]) -> Iterator[None]:
    """Turn what opening a name that the user gave can raise into ``error``."""
    try:
        yield
    except OSError as fault:
        raise error(path, f"cannot be read: {fault.strerror or fault}") from None
    except ValueError as fault:  # a NUL in the name
        raise error(path, f"cannot be read: {fault}") from None
