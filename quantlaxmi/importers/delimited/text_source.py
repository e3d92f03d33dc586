"""Bounded reading of a file of text: plain, gzip or a zip of one member, in pieces.

A thread reads, hashes and unpacks while the caller parses; both keep only a few pieces, whatever
the file unpacks to.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quantlaxmi.errors import InputError
from quantlaxmi.files import open_regular
from quantlaxmi.importers.delimited.zip_member import unzip

PIECE_BYTES: Final = 1 << 21
_RAW_BYTES: Final = 1 << 19
_GZIP: Final = b"\x1f\x8b"
_MARK: Final = b"\xef\xbb\xbf"
_ZIP: Final = b"PK\x03\x04"
_FOREIGN: Final = (
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (_ZIP, "zip"),
    (b"PK\x05\x06", "empty zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
)


class TextSource:
    """One file of text.

    Parameters
    ----------
    path : Path
    expected : str
        What its lines should be, for errors.
    zipped : bool
        A zip archive with one member is taken, too.
    together : int
        How many files are read side by side: more than two share the memory of two.

    Attributes
    ----------
    raw_bytes, text_bytes : int
        Read so far, as stored and unpacked.
    size : int
        Length of the file on disk.

    Raises
    ------
    InputError
        The file is missing, empty, not a regular file or packed in another way.
    """

    def __init__(
        self,
        path: Path,
        expected: str = "'<receive time> <json>'",
        zipped: bool = False,
        together: int = 1,
    ) -> None:
        self.path = Path(path)
        self._piece = max(2 * PIECE_BYTES // max(together, 2), 1)
        self.raw_bytes = self.text_bytes = 0
        self._digest = hashlib.sha256()
        self._file = open_regular(self.path, InputError, "a capture file")
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            if self.size == 0:
                raise InputError(path, f"is empty; expected lines of {expected}")
            start = self._file.read(8)
            self.zipped = zipped and start.startswith(_ZIP)
            for magic, name in () if self.zipped else _FOREIGN:
                if start.startswith(magic):
                    forms = "plain text, gzip or zip" if zipped else "plain text or gzip"
                    raise InputError(path, f"is {name} data; expected {forms}")
            self._file.seek(0)
            self.gzipped = start.startswith(_GZIP)
        except BaseException:
            self._file.close()
            raise
        self._queue: queue.Queue[tuple[bytes, bool] | BaseException] = queue.Queue(maxsize=2)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"read {path}", daemon=True)
        self._thread.start()

    @property
    def sha256(self) -> str:
        """SHA-256 of the file as stored; whole once the last piece was handed out."""
        return self._digest.hexdigest()

    def read(self) -> tuple[bytes, bool]:
        """Next piece of the text.

        Returns
        -------
        text : bytes
            It may end anywhere, also inside a character.
        end : bool
            This was the last piece; it is empty.

        Raises
        ------
        InputError
            The file cannot be read on, its gzip data are corrupt or cut, or it is not text.
        """
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        """Stop reading and close the file."""
        self._stopped.set()
        while self._thread.is_alive():
            # The thread may wait for room; what it hands over is no longer wanted.
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()
        self._file.close()

    def __enter__(self) -> TextSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            for text in _unmarked(self._texts()):
                if self._stopped.is_set():
                    return
                self.text_bytes += len(text)
                self._queue.put((text, False))
            self._queue.put((b"", True))
        except BaseException as error:
            self._queue.put(error)

    def _texts(self) -> Iterator[bytes]:
        if self.zipped:
            yield from unzip(self.path, self._file, self._piece)
            self._file.seek(0)
            for _ in self._raw():  # the archive is hashed as it is stored
                pass
        elif self.gzipped:
            yield from self._gunzip(self._raw())
        else:
            yield from self._raw()

    def _raw(self) -> Iterator[bytes]:
        n = min(_RAW_BYTES, self._piece) if self.gzipped else self._piece
        while True:
            try:
                data = self._file.read(n)
            except OSError as error:
                place = f"byte {self.raw_bytes}"
                raise InputError(self.path, f"cannot be read: {error.strerror}", place) from None
            if not data:
                return
            self._digest.update(data)
            self.raw_bytes += len(data)
            yield data

    def _gunzip(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        member, n_members = None, 0
        for piece in pieces:
            data = piece
            while data:
                if member is None:
                    # Further members may follow, and tape blocks are padded with zeros.
                    data = data.lstrip(b"\0") if n_members else data
                    if not data:
                        break
                    member = zlib.decompressobj(31)
                try:
                    text = member.decompress(data, self._piece)
                except zlib.error as error:
                    place = f"before byte {self.raw_bytes}"
                    raise InputError(self.path, f"is corrupt gzip: {error}", place) from None
                if text:
                    yield text
                if member.eof:
                    data, member, n_members = member.unused_data, None, n_members + 1
                else:
                    data = member.unconsumed_tail
        if member is not None:
            text = member.flush()
            if text:
                yield text
            if not member.eof:
                problem = "is truncated gzip; it ends inside its data"
                raise InputError(self.path, problem, f"byte {self.raw_bytes}")


def _unmarked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of a text without the byte order mark that some tools put first."""
    start: bytes | None = b""
    for piece in pieces:
        if start is None:
            yield piece
            continue
        start += piece
        if len(start) >= len(_MARK):
            if text := start.removeprefix(_MARK):
                yield text
            start = None
    if start:
        yield start
