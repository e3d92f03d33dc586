"""Files opened without leaving their folder, and written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import mmap
import os
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from quantlaxmi.errors import ConfigError, InputError, SegmentCorrupt, SegmentError

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe planted under a known name must not hang.
_NAMED_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_READ_FLAGS = _NAMED_FLAGS | os.O_NOFOLLOW
_PIECE_BYTES = 1 << 20
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
    """What a file is that is not a regular one, in words; empty for a regular one."""
    if stat.S_ISREG(mode):
        return ""
    return f"is not a regular file but {_KINDS.get(stat.S_IFMT(mode), 'of another kind')}"


def check_regular(path: str | Path, error: type[InputError], expected: str) -> None:
    """Refuse a name that stands for something else than a regular file; as `open_regular`.

    That there is nothing is left to the caller, but a link to nothing is refused: what is written
    in its place would not be where it points.
    """
    with _named(path, error):
        try:
            status = os.stat(path)  # noqa: PTH116
        except FileNotFoundError:
            if os.path.islink(path):  # noqa: PTH114
                raise
            return
        _check_mode(path, status.st_mode, error, expected)


def check_writable(path: Path, error: type[InputError]) -> None:
    """Refuse a name under which `write_pieces` could not write; nothing is left behind.

    Raises
    ------
    InputError
        As ``error``: there is no such folder, or no file can be made in it.
    """
    with _named(path, error):
        if not path.parent.is_dir():
            raise error(path, f"cannot be written: there is no folder {path.parent}")
    temporary = _temporary(path)
    with one_line_errors(path, "cannot be written", error):
        os.close(_made(temporary))
        temporary.unlink()


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
    with _named(path, error):
        _check_mode(path, os.stat(path).st_mode, error, expected)  # noqa: PTH116
        file = open(os.open(path, _NAMED_FLAGS), "rb", buffering=0)  # noqa: PTH123, SIM115
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
    with open_regular(path, error, expected) as file, _named(path, error):
        # In pieces, because room for all that is asked for is taken at once.
        while left and (part := os.read(file.fileno(), min(left, _PIECE_BYTES))):
            parts.append(part)
            left -= len(part)
    if not left:
        raise error(path, f"is longer than {limit} bytes; expected {expected}")
    return b"".join(parts)


@contextlib.contextmanager
def _named(path: str | Path, error: type[InputError]) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise error(path, f"cannot be read: {fault.strerror or fault}") from None
    except ValueError as fault:  # a NUL in the name
        raise error(path, f"cannot be read: {fault}") from None


def _check_mode(path: str | Path, mode: int, error: type[InputError], expected: str) -> None:
    if problem := irregular(mode):
        problem = "is a folder" if stat.S_ISDIR(mode) else problem
        raise error(path, f"{problem}; expected {expected}")


def open_inside(folder: Path, name: str) -> int:
    """Open a regular file of a folder for reading, following no link below the folder.

    Parameters
    ----------
    folder : Path
        The segment's folder; it may itself be reached through a link.
    name : str
        Relative name, at most one folder deep, already checked to hold no ``..``.

    Returns
    -------
    int
        An open file descriptor.

    Raises
    ------
    SegmentCorrupt
        The file is missing, a link, or not a regular file.
    """
    path = folder / name
    parts = Path(name).parts
    at = None
    try:
        at = os.open(folder, _FOLDER_FLAGS)
        for part in parts[:-1]:
            below = os.open(part, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        fd = os.open(parts[-1], _READ_FLAGS, dir_fd=at)
    except FileNotFoundError as error:
        raise SegmentCorrupt(path, "is missing") from error
    except OSError as error:
        # ELOOP and ENOTDIR are what O_NOFOLLOW gives for a link.
        # os.path, because Path.is_symlink() fails on a name that is too long.
        is_link = os.path.islink(path)  # noqa: PTH114
        reason = "is a symbolic link" if is_link else f"cannot be opened: {error.strerror}"
        raise SegmentCorrupt(path, reason) from error
    finally:
        if at is not None:
            os.close(at)
    if problem := irregular(os.fstat(fd).st_mode):
        os.close(fd)
        raise SegmentCorrupt(path, problem)
    return fd


def open_sized(folder: Path, name: str, size: int) -> int:
    """Open as `open_inside` does, and refuse a file that is not ``size`` bytes long."""
    fd = open_inside(folder, name)
    found = os.fstat(fd).st_size
    if found != size:
        os.close(fd)
        raise SegmentCorrupt(folder / name, f"is {found} bytes long, the manifest says {size}")
    return fd


def read_exactly(fd: int, n: int) -> bytes:
    """Read ``n`` bytes, or fewer where the file ends."""
    first = os.read(fd, n)
    if len(first) == n or not first:
        return first
    parts, left = [first], n - len(first)
    while left:
        part = os.read(fd, left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_bounded(folder: Path, name: str, limit: int) -> bytes:
    """Content of a small file of a folder.

    Raises
    ------
    SegmentCorrupt
        The file is missing, not regular, or longer than ``limit`` bytes.
    """
    fd = open_inside(folder, name)
    try:
        with one_line_errors(folder / name, "cannot be read"):
            data = read_exactly(fd, limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise SegmentCorrupt(folder / name, f"is longer than {limit} bytes")
    return data


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


def hash_inside(folder: Path, name: str, size: int | None = None) -> tuple[str, int]:
    """SHA-256 in hex and length of a file of a folder, read in bounded memory.

    Raises
    ------
    SegmentCorrupt
        The file is missing, not regular, or not ``size`` bytes long.
    """
    fd = open_inside(folder, name) if size is None else open_sized(folder, name, size)
    with os.fdopen(fd, "rb") as file, one_line_errors(folder / name, "cannot be read"):
        return hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(fd).st_size


def map_sized(folder: Path, name: str, size: int) -> mmap.mmap:
    """Map a file of exactly ``size`` (> 0) bytes read-only."""
    fd = open_sized(folder, name, size)
    try:
        with one_line_errors(folder / name, "cannot be mapped"):
            return mmap.mmap(fd, size, access=mmap.ACCESS_READ)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Make a regular file's bytes durable."""
    _sync(path, _READ_FLAGS)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    _sync(path, _FOLDER_FLAGS)


def _sync(path: Path, flags: int) -> None:
    fd = os.open(path, flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, data: bytes) -> None:
    """Write or replace a file so that a reader or a crash sees the old bytes or the new ones.

    Raises
    ------
    SegmentError
        The file cannot be written.
    """
    write_pieces(path, (data,), SegmentError)


def write_pieces(path: Path, pieces: Iterable[bytes | memoryview], error: type[InputError]) -> None:
    """Write as `write_whole` does, piece by piece; what fails is raised as ``error``."""
    temporary = _temporary(path)
    with one_line_errors(path, "cannot be written", error):
        try:
            with os.fdopen(_made(temporary), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _temporary(path: Path) -> Path:
    """What is written first, in the same folder."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _made(path: Path) -> int:
    """Descriptor of a file that was not there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


@contextlib.contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Hold the one writer's lock of a folder; it ends with the process, leaving nothing behind.

    Raises
    ------
    SegmentError
        Another process writes there.
    """
    with one_line_errors(path, "cannot be opened"):
        fd = os.open(path, _FOLDER_FLAGS)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SegmentError(path, "is being written by another process") from error
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def staged_directory(out: Path | str) -> Iterator[Path]:
    """Build a folder beside its place and move it in when it is whole.

    Parameters
    ----------
    out : Path or str
        The folder to make; it must not exist, its parent must.

    Yields
    ------
    Path
        An empty folder on the same file system. On a normal end it is made durable and renamed
        to ``out``; on any exception it is removed.

    Raises
    ------
    InputError
        ``out`` exists, or cannot be made.
    """
    out = Path(out)
    if os.path.lexists(out):
        raise InputError(out, "exists already; choose another output folder or remove it first")
    parent = out.resolve().parent
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=parent))
    except OSError as error:
        raise InputError(out, f"cannot be made: {error.strerror}") from error
    try:
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        with one_line_errors(out, "cannot be written"):
            for folder, _, names in os.walk(temporary):
                for name in names:
                    sync_file(Path(folder, name))
                sync_folder(Path(folder))
            if os.path.lexists(out):
                raise InputError(out, "was made by somebody else in the meantime")
            temporary.rename(out)
            sync_folder(parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
