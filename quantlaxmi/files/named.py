"""Files that the user named: regular ones, read in bounds; nobody is waited for."""

from __future__ import annotations

import io
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.files.common import NAMED_FLAGS, irregular, named_errors

_PIECE_BYTES = 1 << 20


def check_regular(path: str | Path, error: type[InputError], expected: str) -> None:
    """Refuse a name of anything but a regular file; as `open_regular`.

    That there is nothing is left to the caller, but a link to nothing is refused: what is written
    in its place would not be where it points.
    """
    with named_errors(path, error):
        try:
            status = os.stat(path)  # noqa: PTH116
        except FileNotFoundError:
            if os.path.islink(path):  # noqa: PTH114
                raise
            return
        _check_mode(path, status.st_mode, error, expected)


def open_regular(path: str | Path, error: type[InputError], expected: str) -> io.FileIO:
    """Open a file that the user named, for reading without a buffer; neither waits for anybody.

    Parameters
    ----------
    path : str or Path
        A link is followed.
    error : type of InputError
        Raised.
    expected : str
        What the file should be, such as ``"a gate policy"``.

    Raises
    ------
    InputError
        As ``error``: there is no such file, it cannot be opened, or it is no regular file.
    """
    # Asked before opening, because to open can have effects: it frees the writer of a pipe and
    # rewinds a tape. Asked again, because another file may have come under the name.
    with named_errors(path, error):
        _check_mode(path, os.stat(path).st_mode, error, expected)  # noqa: PTH116
        file = open(os.open(path, NAMED_FLAGS), "rb", buffering=0)  # noqa: PTH123, SIM115
        try:
            _check_mode(path, os.fstat(file.fileno()).st_mode, error, expected)
        except BaseException:
            file.close()
            raise
    return file


def read_regular(path: str | Path, limit: int, error: type[InputError], expected: str) -> bytes:
    """Content of a small file that the user named; opened as `open_regular` does.

    Raises
    ------
    InputError
        As ``error``: it cannot be read, is no regular file, or is longer than ``limit`` bytes.
    """
    parts, left = [], limit + 1
    with open_regular(path, error, expected) as file, named_errors(path, error):
        # In pieces, because room for all that is asked for is taken at once.
        while left and (part := os.read(file.fileno(), min(left, _PIECE_BYTES))):
            parts.append(part)
            left -= len(part)
    if not left:
        raise error(path, f"is longer than {limit} bytes; expected {expected}")
    return b"".join(parts)


def _check_mode(path: str | Path, mode: int, error: type[InputError], expected: str) -> None:
    if problem := irregular(mode):
        problem = "is a folder" if stat.S_ISDIR(mode) else problem
        raise error(path, f"{problem}; expected {expected}")


def read_toml(
    path: str | Path,
    limit: int = 1 << 20,
    *,
    expected: str = "a small TOML file",
    parse_float: Callable[[str], Any] = str,
) -> dict[str, Any]:
    """Content of a small TOML file that the user named; decimals stay text, none becomes a float.

    Parameters
    ----------
    path : str or Path
    limit : int
        Most bytes read.
    expected : str
        What the file should be, for errors.
    parse_float : callable, optional
        What is made of a decimal's text; by default that text.

    Raises
    ------
    ConfigError
        The file cannot be read, is no regular file, is longer than ``limit``, or is no TOML.
    """
    raw = read_regular(path, limit, ConfigError, expected)
    try:
        return tomllib.loads(raw.decode(), parse_float=parse_float)
    # ValueError: not TOML, not UTF-8, or a number of thousands of digits.
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError(path, f"is not TOML: {' '.join(str(error).split())[:200]}") from None
