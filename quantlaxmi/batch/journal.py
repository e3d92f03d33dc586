"""The journal of a catalog: one append-only, hash-chained file a sweep process.

A line is canonical JSON: ``{"hash": hex, "index": n, "previous": hex, "record": {...}}``, where
``hash`` is SHA-256 over a tag and the line with its hash left empty, and ``previous`` the hash of
the line before (64 zeros at the start). What stands after the last line's end was being written
when a sweep was stopped; it counts for nothing, and the next sweep cuts it off.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid
import warnings
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec

from quantlaxmi.batch.records import Record, Sha256, Writer, encoded
from quantlaxmi.counted import counted
from quantlaxmi.errors import CatalogError, LeftoverRemoved
from quantlaxmi.files import one_line_errors, opened_chain, read_exactly, sync_folder
from quantlaxmi.system.flags import APPEND, NEW, NO_LINK, READ, UPDATE
from quantlaxmi.system.locks import lock

__all__ = [
    "FOLDER",
    "MAX_FILE_BYTES",
    "MAX_LINE_BYTES",
    "START",
    "JournalFile",
    "JournalWriter",
    "Line",
    "cut_torn",
    "journal_names",
]

#: Its folder in that of the catalog.
FOLDER: Final = "journal"
MAX_LINE_BYTES: Final = 1 << 16
MAX_FILE_BYTES: Final = 1 << 30
MAX_FILES: Final = 100_000
_PIECE_BYTES: Final = 1 << 20
START: Final = "0" * 64
#: Lines and seconds after which what waits is made durable.
_MOST_WAITING: Final = 64
_LONGEST_WAIT_S: Final = 1.0
_TAG: Final = b"quantlaxmi.journal/1\n"
_NAME: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl")
#: How every line begins, and where its hash ends.
_BARE: Final = b'{"hash":""'
_HASH_END: Final = len('{"hash":"') + 64


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a chain.

    Attributes
    ----------
    index : int
        Number of the line, from 0.
    previous : str
        Hash of the line before.
    record : Writer, Planned, Finished, Drawn or Family
    hash : str
        SHA-256 over the line without this field.
    """

    index: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    previous: Sha256
    record: Record
    hash: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]


_DECODER: Final = msgspec.json.Decoder(Line)


def _line(index: int, previous: str, record: Record) -> tuple[str, bytes]:
    """Hash and text of the line that follows one with a hash."""
    bare = encoded(Line(index=index, previous=previous, record=record, hash="")) + b"\n"
    found = hashlib.sha256(_TAG + bare).hexdigest()
    return found, b'{"hash":"' + found.encode() + bare[len(_BARE) - 1 :]


def journal_names(folder: Path) -> list[str]:
    """Names of the journal's files in the folder of a catalog, sorted.

    Raises
    ------
    CatalogError
        The journal is no folder of its own, or a file is named as no writer names one.
    """
    place, names = folder / FOLDER, []
    if place.is_symlink():
        raise CatalogError(place, "is a symbolic link")
    with one_line_errors(place, "cannot be read", CatalogError), os.scandir(place) as entries:
        for entry in entries:
            if not _NAME.fullmatch(entry.name):
                raise CatalogError(
                    place / entry.name, "is not named as a journal's file, <uuid>.jsonl"
                )
            names.append(entry.name)
            if len(names) > MAX_FILES:
                raise CatalogError(place, f"has over {MAX_FILES} files")
    return sorted(names)


class JournalFile:
    """A sweep's file as far as it was read; `refresh` reads what was added since.

    Parameters
    ----------
    path : Path
    catalog : str
        Id of the catalog.

    Attributes
    ----------
    lines : int
    last : str
        Hash of the last line.
    size : int
        Bytes of the whole lines.
    torn : int
        Bytes after them.
    """

    def __init__(self, path: Path, catalog: str) -> None:
        self.path, self._catalog = path, catalog
        self.lines, self.last = 0, START
        self.size = self.torn = 0

    def refresh(self) -> list[Record]:
        """Read and check the lines that were added.

        Returns
        -------
        list of Record
            Of these lines, without the first, which names the catalog.

        Raises
        ------
        CatalogError
            The chain is broken, naming the line; or the file is of another catalog, is no regular
            file, is too long, or became shorter.
        """
        with opened_chain(self.path, READ, CatalogError) as fd:
            size = os.fstat(fd).st_size
            if size > MAX_FILE_BYTES:
                raise CatalogError(self.path, f"is longer than {MAX_FILE_BYTES} bytes")
            if size < self.size:
                raise CatalogError(self.path, "became shorter: lines were removed")
            with one_line_errors(self.path, "cannot be read", CatalogError):
                os.lseek(fd, self.size, os.SEEK_SET)
            return self._read(fd, size - self.size)

    def _read(self, fd: int, left: int) -> list[Record]:
        """Take what is left, a piece at a time: a file without lines takes no memory."""
        found: list[Record] = []
        data = b""
        while left:
            with one_line_errors(self.path, "cannot be read", CatalogError):
                piece = read_exactly(fd, min(left, _PIECE_BYTES))
            left = left - len(piece) if piece else 0
            data, start = data + piece, 0
            while end := data.find(b"\n", start) + 1:
                record = self._take(data[start:end])
                if not isinstance(record, Writer):
                    found.append(record)
                start = end
            data = data[start:]
            self._check_length(data)
        self.torn = len(data)
        return found

    def _check_length(self, text: bytes) -> None:
        if len(text) > MAX_LINE_BYTES:
            place = f"line {self.lines + 1}"
            raise CatalogError(self.path, f"is longer than {MAX_LINE_BYTES} bytes", place)

    def _take(self, text: bytes) -> Record:
        """Check one line against the ones before."""
        place = f"line {self.lines + 1}"
        self._check_length(text)
        try:
            line = _DECODER.decode(text)
            canonical = encoded(line) + b"\n"
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise CatalogError(self.path, f"the chain is broken: {error}", place) from None
        if canonical != text:
            raise CatalogError(self.path, "the chain is broken: not in canonical form", place)
        if (line.index, line.previous) != (self.lines, self.last):
            raise CatalogError(self.path, "the chain is broken: a line was removed or moved", place)
        bare = _BARE[:-1] + text[_HASH_END:]
        if line.hash != hashlib.sha256(_TAG + bare).hexdigest():
            raise CatalogError(self.path, "the chain is broken: the line was changed", place)
        record = line.record
        if isinstance(record, Writer) != (line.index == 0):
            raise CatalogError(
                self.path, "the chain is broken: its first line alone names the catalog", place
            )
        if isinstance(record, Writer) and record.catalog != self._catalog:
            raise CatalogError(self.path, f"is of catalog {record.catalog}, not this one", place)
        self.lines, self.last = self.lines + 1, line.hash
        self.size += len(text)
        return record


def cut_torn(file: JournalFile) -> None:
    """Take off what a stopped sweep left after the last whole line, and say so.

    A sweep that runs has the file's lock: its line is not torn but under way, and stays.
    """
    if not file.torn:
        return
    with opened_chain(file.path, UPDATE, CatalogError) as fd:
        try:
            lock(fd, wait=False)
        except OSError:
            return
        with one_line_errors(file.path, "cannot be written", CatalogError):
            os.ftruncate(fd, file.size)
            os.fsync(fd)
    warnings.warn(
        f"{file.path} (after line {file.lines}): removed {counted(file.torn, 'byte[s]')} of "
        "a line that a "
        "stopped sweep had not finished",
        LeftoverRemoved,
        stacklevel=2,
    )
    file.torn = 0


class JournalWriter:
    """Appends to a new file of a journal; made by a sweep's main process alone.

    Parameters
    ----------
    folder : Path
        The catalog's.
    first : Writer
        The first line.

    Attributes
    ----------
    path : Path
    lines : int
        Lines that are durable.
    """

    def __init__(self, folder: Path, first: Writer) -> None:
        self.path = folder / FOLDER / f"{uuid.uuid4()}.jsonl"
        self._first: Record | None = first
        self._fd = -1
        self._last, self.lines, self._size = START, 0, 0
        self._waiting: list[Record] = []
        self._since = 0.0

    @property
    def is_durable(self) -> bool:
        """Whether nothing waits to be written."""
        return not self._waiting

    def add(self, records: Iterable[Record]) -> None:
        """Append records; they are durable after 64 of them, at `tick` a second later, or `flush`.

        Raises
        ------
        CatalogError
            The file cannot be written; nothing of it is torn.
        """
        for record in records:
            if not self._waiting:
                self._since = time.monotonic()
            self._waiting.append(record)
            if len(self._waiting) >= _MOST_WAITING:
                self.flush()

    def tick(self) -> None:
        """Make durable what has waited for a second."""
        if self._waiting and time.monotonic() - self._since >= _LONGEST_WAIT_S:
            self.flush()

    def flush(self) -> None:
        """Make durable what was added.

        Raises
        ------
        CatalogError
            The file cannot be written; nothing of it is torn.
        """
        if not self._waiting:
            return
        if self._fd < 0:
            self._begin()
        waiting = [*([self._first] if self._first is not None else []), *self._waiting]
        index, last, texts = self.lines, self._last, []
        for record in waiting:
            last, text = _line(index, last, record)
            if len(text) > MAX_LINE_BYTES:
                raise CatalogError(self.path, f"a line must be shorter than {MAX_LINE_BYTES} bytes")
            texts.append(text)
            index += 1
        data = b"".join(texts)
        if self._size + len(data) > MAX_FILE_BYTES:
            raise CatalogError(self.path, f"would be longer than {MAX_FILE_BYTES} bytes")
        self._write(data)
        self.lines, self._last, self._size = index, last, self._size + len(data)
        self._first = None
        self._waiting.clear()

    def _begin(self) -> None:
        flags = UPDATE | APPEND | NEW | NO_LINK
        with one_line_errors(self.path, "cannot be written", CatalogError):
            self._fd = os.open(self.path, flags, 0o666)
            with suppress(OSError):  # a new name is nobody else's, lock or none
                lock(self._fd, wait=False)
            sync_folder(self.path.parent)

    def _write(self, data: bytes) -> None:
        with one_line_errors(self.path, "cannot be written", CatalogError):
            try:
                left = memoryview(data)
                while left:  # where the disk gets full the next one says so
                    left = left[os.write(self._fd, left) :]
                os.fsync(self._fd)
            except BaseException:
                os.ftruncate(self._fd, self._size)  # no part of it shall be taken for a line
                raise

    def close(self) -> None:
        """Give the file back; what was added and not flushed is lost."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
