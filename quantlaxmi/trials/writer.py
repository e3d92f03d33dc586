"""The one writer of a file of a trial ledger.

A file belongs to one machine, user and folder, by a hash in its first line, and to one process at a
time, by a lock. A copy of a folder has another hash, so that two machines never append to files of
one name.
"""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
import warnings
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from quantlaxmi.counted import counted
from quantlaxmi.errors import LeftoverRemoved, TrialError
from quantlaxmi.files import one_line_errors, opened_chain, sync_folder
from quantlaxmi.system.flags import APPEND, CREATE, NEW, UPDATE
from quantlaxmi.system.locks import lock
from quantlaxmi.system.processes import user_name
from quantlaxmi.trials.chain import MAX_FILE_BYTES, MAX_LINE_BYTES, ChainFile, Line
from quantlaxmi.trials.records import Record, Writer, encoded

__all__ = ["TrialWriter", "writer_place"]

_PLACE_TAG: Final = b"quantlaxmi.trials-place/1\0"
_FLAGS: Final = UPDATE | APPEND


def writer_place(folder: Path) -> str:
    """Hash of this machine, this user and a folder, hexadecimal."""
    with one_line_errors(folder, "cannot be read", TrialError):
        status = folder.stat()
    words = (platform.node(), user_name(), str(status.st_dev), str(status.st_ino))
    return hashlib.sha256(_PLACE_TAG + "\0".join(words).encode()).hexdigest()


class TrialWriter:
    """Appends to a file of its own: one that it had before, or a new one.

    Parameters
    ----------
    folder : Path
        The ledger's.
    files : sequence of ChainFile
        Of the ledger, as they were read.

    Attributes
    ----------
    file : ChainFile
    close : callable
        Gives the file back, so that another process may go on in it; so does the end of this one.
    """

    def __init__(self, folder: Path, files: Sequence[ChainFile]) -> None:
        self._folder = folder
        self._pid = os.getpid()
        self._place = writer_place(folder)
        self.file, self._fd = self._own(files)
        self.close = weakref.finalize(self, os.close, self._fd)

    def is_usable(self) -> bool:
        """Whether this process made it, and its file is still there under its name."""
        if self._pid != os.getpid():
            return False
        try:
            mine, there = os.fstat(self._fd), os.lstat(self.file.path)
        except OSError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def _own(self, files: Sequence[ChainFile]) -> tuple[ChainFile, int]:
        """A file of this place that nobody writes to, or a new one, with its lock."""
        for file in sorted(files, key=lambda one: one.path.name):
            if file.place == self._place and file.size < MAX_FILE_BYTES // 2:
                fd = self._locked(file.path, _FLAGS)
                if fd is None:
                    continue
                file.refresh()  # whoever had it may have added lines
                self._cut_torn(file, fd)
                return file, fd
        path = self._folder / f"{uuid.uuid4()}.jsonl"
        fd = self._locked(path, _FLAGS | NEW)
        if fd is None:
            raise TrialError(path, "was taken by another writer")
        with one_line_errors(path, "cannot be written", TrialError):
            sync_folder(self._folder)
        return ChainFile(path), fd

    @staticmethod
    def _locked(path: Path, flags: int) -> int | None:
        """An open file with its lock; None where another process has it, or locks are not known."""
        with opened_chain(path, flags, TrialError) as found:
            fd = os.dup(found)
        try:
            lock(fd, wait=False)
        except OSError:
            if flags & CREATE:
                return fd  # a new name is nobody else's, lock or none
            os.close(fd)
            return None
        return fd

    @staticmethod
    def _cut_torn(file: ChainFile, fd: int) -> None:
        """Take off what a stopped writer left after the last whole line, and say so."""
        if not file.torn:
            return
        with one_line_errors(file.path, "cannot be written", TrialError):
            os.ftruncate(fd, file.size)
            os.fsync(fd)
        place = f"after line {len(file.hashes)}"
        warnings.warn(
            f"{file.path} ({place}): removed {counted(file.torn, 'byte[s]')} of a line that "
            "a stopped run had "
            "not finished",
            LeftoverRemoved,
            stacklevel=2,
        )
        file.torn = 0

    def append(self, records: Iterable[Record]) -> None:
        """Append records; they are durable when this returns, all of them or none.

        Raises
        ------
        TrialError
            A record is too long, or the file cannot be written or has no room left.
        """
        file, made = self.file, []
        waiting: list[Record] = list(records)
        if not file.hashes:
            waiting.insert(0, Writer(place=self._place))
        index, previous = len(file.hashes), file.last
        for record in waiting:
            line = Line.after(index, previous, record)
            text = encoded(line) + b"\n"
            if len(text) > MAX_LINE_BYTES:
                raise TrialError(file.path, f"a record must be shorter than {MAX_LINE_BYTES} bytes")
            made.append((line, text))
            index, previous = index + 1, line.hash
        data = b"".join(text for _, text in made)
        if file.size + len(data) > MAX_FILE_BYTES:
            raise TrialError(file.path, f"would be longer than {MAX_FILE_BYTES} bytes")
        self._write(data)
        for line, text in made:
            file.added(line, len(text))
        file.note(os.fstat(self._fd))

    def _write(self, data: bytes) -> None:
        path = self.file.path
        with one_line_errors(path, "cannot be written", TrialError):
            if os.fstat(self._fd).st_size != self.file.size:
                raise TrialError(path, "was changed by somebody else while it was written to")
            try:
                if os.write(self._fd, data) != len(data):
                    raise OSError("the line was written in part")
                os.fsync(self._fd)
            except BaseException:
                os.ftruncate(self._fd, self.file.size)  # no part of it shall be taken for a line
                raise
