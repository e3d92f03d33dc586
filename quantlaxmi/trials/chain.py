"""One writer's file of a trial ledger: lines that only grow, each chained to the one before.

A line is canonical JSON: ``{"hash": hex, "index": n, "previous": hex, "record": {...}}``, where
``hash`` is SHA-256 over a tag and the line with its hash left empty, and ``previous`` the hash of
the line before (64 zeros at the start). What stands after the last line's end was being written
when a writer was stopped; it counts for nothing.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Final

import msgspec

from quantlaxmi.errors import TrialError
from quantlaxmi.files import one_line_errors, opened_chain, read_exactly
from quantlaxmi.system.flags import READ
from quantlaxmi.trials.records import Record, Sha256, Trial, Writer, encoded, identity

__all__ = ["MAX_FILE_BYTES", "MAX_LINE_BYTES", "START", "ChainFile", "Line"]

MAX_LINE_BYTES: Final = 1 << 20
MAX_FILE_BYTES: Final = 1 << 28
START: Final = "0" * 64
_TAG: Final = b"quantlaxmi.trials/1\n"


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a chain.

    Attributes
    ----------
    index : int
        Number of the line, from 0.
    previous : str
        Hash of the line before.
    record : Writer, Trial, Seal or Opening
    hash : str
        SHA-256 over the line without this field.
    """

    index: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    previous: Sha256
    record: Record
    hash: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]

    @classmethod
    def after(cls, index: int, previous: str, record: Record) -> Line:
        """The line that follows one with this hash."""
        bare = cls(index=index, previous=previous, record=record, hash="")
        return msgspec.structs.replace(bare, hash=bare.computed_hash())

    def computed_hash(self) -> str:
        """Hash that the content gives."""
        bare = msgspec.structs.replace(self, hash="")
        return hashlib.sha256(_TAG + encoded(bare) + b"\n").hexdigest()


class ChainFile:
    """A writer's file as far as it was read; `refresh` reads what was added since.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    records : list
        Of all whole lines, in order.
    hashes : list of str
    known : set
        `identity` of every record.
    size : int
        Bytes of the whole lines.
    torn : int
        Bytes after them: of a line that was being written when its writer was stopped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self.records: list[Record] = []
        self.hashes: list[str] = []
        self.known: set[object] = set()
        self.size = self.torn = 0
        self._inode: tuple[int, int] | None = None
        self._mtime_ns = 0

    def note(self, status: os.stat_result) -> None:
        """Remember the file as it is: one that is the same is not read again."""
        self._inode = (status.st_dev, status.st_ino)
        self._mtime_ns = status.st_mtime_ns

    @property
    def last(self) -> str:
        """Hash of the last line."""
        return self.hashes[-1] if self.hashes else START

    @property
    def place(self) -> str | None:
        """Whose file it is; None where it has no line."""
        first = self.records[0] if self.records else None
        return first.place if isinstance(first, Writer) else None

    def refresh(self) -> None:
        """Read and check the lines that were added; all, where the file is another one.

        Raises
        ------
        TrialError
            The chain is broken, naming the line; or the file is no regular file or too long.
        """
        with opened_chain(self.path, READ, TrialError) as fd:
            status = os.fstat(fd)
            same = self._inode == (status.st_dev, status.st_ino)
            rewritten = status.st_size == self.size and status.st_mtime_ns != self._mtime_ns
            if not same or rewritten or status.st_size < self.size:
                self._forget()
            self.note(status)
            if status.st_size > MAX_FILE_BYTES:
                raise TrialError(self.path, f"is longer than {MAX_FILE_BYTES} bytes")
            if status.st_size == self.size:
                self.torn = 0
                return
            with one_line_errors(self.path, "cannot be read", TrialError):
                os.lseek(fd, self.size, os.SEEK_SET)
                data = read_exactly(fd, MAX_FILE_BYTES - self.size)
        whole, end, torn = data.rpartition(b"\n")
        self.torn = len(torn)
        for text in (whole + end).splitlines(keepends=True) if end else ():
            self._take(text)

    def _take(self, text: bytes) -> None:
        """Check one line against the ones before, and keep it."""
        place = f"line {len(self.hashes) + 1}"
        if len(text) > MAX_LINE_BYTES:
            raise TrialError(self.path, f"is longer than {MAX_LINE_BYTES} bytes", place)
        try:
            line = msgspec.json.decode(text, type=Line)
            canonical = encoded(line) + b"\n"
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise TrialError(self.path, f"the chain is broken: {error}", place) from None
        if canonical != text:
            raise TrialError(self.path, "the chain is broken: not in canonical form", place)
        if (line.index, line.previous) != (len(self.hashes), self.last):
            raise TrialError(self.path, "the chain is broken: a line was removed or moved", place)
        if line.hash != line.computed_hash():
            raise TrialError(self.path, "the chain is broken: the line was changed", place)
        if isinstance(line.record, Writer) != (line.index == 0):
            raise TrialError(
                self.path, "the chain is broken: its first line alone names the writer", place
            )
        if isinstance(line.record, Trial) and line.record.data.first_ns > line.record.data.last_ns:
            raise TrialError(self.path, "has a trial that ends before it begins", place)
        self.added(line, len(text))

    def added(self, line: Line, size: int) -> None:
        """Keep a line that is known to follow the ones before."""
        self.records.append(line.record)
        self.hashes.append(line.hash)
        self.known.add(identity(line.record))
        self.size += size
