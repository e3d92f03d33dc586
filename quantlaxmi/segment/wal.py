"""The append-only log: Arrow IPC streams, one table a file, batches numbered and checksummed.

A file is ``wal/<table>-NNN.arrows``. Every batch holds whole messages and carries its number in
the table (``batch``) and the CRC-32C over number, row count and column bytes (``crc32c``). A file
that was closed ends in Arrow's end mark; one that was not is cut by recovery at its last whole
batch. ``docs/SEGMENT_FORMAT.md`` is normative.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.ipc
from numpy.typing import NDArray

from quantlaxmi._ext.crc32c import crc32c
from quantlaxmi.counted import counted
from quantlaxmi.errors import SegmentCorrupt
from quantlaxmi.files import one_line_errors, open_inside, open_sized, read_exactly
from quantlaxmi.parallel.threads import Threads
from quantlaxmi.schema import TABLES
from quantlaxmi.segment.arrow_io import (
    ARROW_ERRORS,
    batch_columns,
    make_batch,
    read_batch,
    read_schema,
    table_schema,
)
from quantlaxmi.segment.rows import Columns, RowRules
from quantlaxmi.system.positions import read_at

LOG_FOLDER: Final = "wal"
LOG_NAME: Final = re.compile(rf"({'|'.join(TABLES)})-([0-9]{{3,6}})\.arrows")
#: Most rows of one batch, hence of one message: what a reader must be able to hold.
MAX_BATCH_ROWS: Final = 1 << 20
#: Most bytes a reader asks for at once.
MAX_READ_BYTES: Final = 1 << 27
#: A log file is closed and a new one begun when it is longer than this.
ROLL_BYTES: Final = 1 << 28
#: Bytes that are worth another thread's while.
_HASH_BYTES: Final = 1 << 16
END_MARK: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"


def log_name(table: str, number: int) -> str:
    """Name of a log file, relative to the segment's folder."""
    return f"{LOG_FOLDER}/{table}-{number:03d}.arrows"


def batch_crc(number: int, columns: Mapping[str, NDArray[Any]]) -> int:
    """CRC-32C of a batch: number and row count as ``<q``, then every column's bytes in order."""
    rows = len(next(iter(columns.values())))
    crc = crc32c(struct.pack("<qq", number, rows))
    for column in columns.values():
        crc = crc32c(column, crc)
    return crc


class LogCut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log file that recovery cut.

    Attributes
    ----------
    file, table : str
        Name of the file, and of its table.
    kept_batches, kept_rows : int
        Complete batches and rows before the cut, in this file.
    cut_bytes : int
        Bytes dropped after it.
    reason : str
        What was wrong at the cut.
    """

    file: str
    table: str
    kept_batches: int
    kept_rows: int
    cut_bytes: int
    reason: str


class TableLog:
    """Appends batches of one table; begins a new file when one is full.

    Parameters
    ----------
    folder : Path
        The segment's folder; its ``wal`` folder exists.
    table : str
    next_file, next_batch : int
        Where to go on after earlier files.
    roll_bytes : int
        Length after which a file is closed.
    """

    def __init__(
        self,
        folder: Path,
        table: str,
        *,
        next_file: int = 0,
        next_batch: int = 0,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        self.folder, self.table, self.roll_bytes = folder, table, roll_bytes
        self.next_file, self.next_batch = next_file, next_batch
        self._schema = table_schema(table)
        self._file: IO[bytes] | None = None
        self._writer: Any = None  # pyarrow.RecordBatchStreamWriter
        self._dirty = False

    def write(self, columns: Columns) -> None:
        """Append one batch of whole messages; it is the file system's before this returns.

        Raises
        ------
        SegmentError
            The file cannot be written.
        """
        path = self.folder / log_name(self.table, self.next_file)
        with one_line_errors(path, "cannot be written"):
            if self._file is None:
                self._file = path.open("xb")
                self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), self._schema)
            metadata = {
                "batch": str(self.next_batch),
                "crc32c": f"{batch_crc(self.next_batch, columns):08x}",
            }
            batch = make_batch(columns, self.table, self._schema)
            self._writer.write_batch(batch, custom_metadata=metadata)
            self._file.flush()
            self.next_batch += 1
            self._dirty = True
            full = self._file.tell() >= self.roll_bytes
        if full:
            self.close()

    def sync(self) -> None:
        """Make what was written durable."""
        if self._file is None or not self._dirty:
            return
        with one_line_errors(self._file.name, "cannot be made durable"):
            os.fsync(self._file.fileno())
        self._dirty = False

    def close(self, *, sync: bool = True) -> None:
        """End the file with Arrow's end mark and, unless the caller does, make it durable."""
        if self._file is None:
            return
        with one_line_errors(self._file.name, "cannot be written"):
            self._writer.close()
            self._file.flush()
            if sync:
                os.fsync(self._file.fileno())
            self._file.close()
        self._file = self._writer = None
        self._dirty = False
        self.next_file += 1

    def abandon(self) -> None:
        """Close the file unfinished, as a crash would; recovery ends it."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk refuses the buffered rest once more
                self._file.close()
        self._file = self._writer = None


class _Digest:
    """SHA-256 of pieces in their order, on a thread of the pool where there is one.

    One lot of pieces is hashed while the reader makes something of it; the next one waits.
    """

    def __init__(self, pool: Threads | None) -> None:
        self._sha256, self._pool = hashlib.sha256(), pool
        self._waiting: list[bytes] = []
        self._n_bytes = 0
        self._running: Future[None] | None = None

    def add(self, data: bytes) -> None:
        if self._pool is None:
            self._sha256.update(data)
            return
        self._waiting.append(data)
        self._n_bytes += len(data)
        if self._n_bytes >= _HASH_BYTES:
            self._finish()
            self._running = self._pool.submit(self._hash, self._take())

    def hexdigest(self) -> str:
        self._finish()
        self._hash(self._take())
        return self._sha256.hexdigest()

    def _take(self) -> list[bytes]:
        taken, self._waiting, self._n_bytes = self._waiting, [], 0
        return taken

    def _hash(self, pieces: list[bytes]) -> None:
        for data in pieces:
            self._sha256.update(data)

    def _finish(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None


class _Input:
    """Input through which pyarrow reads a log file: bounded, hashed, with a known position."""

    closed = False

    def __init__(self, fd: int, size: int, pool: Threads | None) -> None:
        self._fd, self._left = fd, size
        self.position = 0
        self.digest = _Digest(pool)

    def read(self, n: int) -> bytes:
        if not 0 <= n <= MAX_READ_BYTES:
            raise ValueError(
                f"a message asks for {counted(n, 'byte[s]')}, at most {MAX_READ_BYTES} are read"
            )
        data = read_exactly(self._fd, min(n, self._left))
        self._left -= len(data)
        self.position += len(data)
        self.digest.add(data)
        return data

    def tell(self) -> int:
        return self.position

    def close(self) -> None:
        self.closed = True


class LogFileReader:
    """Reads one log file batch by batch in bounded memory, checking all there is to check.

    Parameters
    ----------
    folder : Path
        The segment's folder.
    name : str
        The file, relative to it.
    rules : RowRules
        Of the table; continues over its files.
    first_batch : int
        Number the first batch must have.
    size : int or None
        Bytes the file must have; ``None``: as many as it has.
    pool : Threads or None
        Hashes what was read while more is read; ``None``: the caller's thread does.

    Attributes
    ----------
    size : int
        Bytes of the file.
    end : int
        Position after the last whole batch (after the schema where there is none yet).
    batches, rows : int
        Whole ones read so far.
    problem : str
        Why reading stopped before a proper end of the file; empty while all is well.
    unruly : bool
        The problem is that intact rows break the segment's rules, which no crash explains.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        rules: RowRules,
        first_batch: int,
        size: int | None = None,
        pool: Threads | None = None,
    ) -> None:
        self.path, self.rules, self._next = folder / name, rules, first_batch
        self._fd = open_inside(folder, name) if size is None else open_sized(folder, name, size)
        self.size = os.fstat(self._fd).st_size
        self.end = self.batches = self.rows = 0
        self.problem, self.unruly = "", False
        self._input = _Input(self._fd, self.size, pool)
        self._schema: pa.Schema | None = None
        self._source = pa.PythonFile(self._input, mode="r")

    def __enter__(self) -> LogFileReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; reading is over."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __iter__(self) -> Iterator[Columns]:
        while not self.problem:
            columns = self._read()
            if columns is None:
                return
            yield columns

    def _read(self) -> Columns | None:
        try:
            if self._schema is None:
                self._schema = read_schema(self._source, self.rules.table)
                self.end = self._input.position
            item = read_batch(self._source, self._schema, MAX_BATCH_ROWS)
            if item is None:
                self._stop()
                return None
            batch, header = item
            columns = batch_columns(batch, self.rules.table)
        except (*ARROW_ERRORS, EOFError) as error:
            self.problem = f"is not a whole Arrow stream: {' '.join(str(error).split())}"
            return None
        except OSError as error:
            # pyarrow words truncation as an OSError without a number; others are the disk's.
            if error.errno is not None:
                with one_line_errors(self.path, "cannot be read"):
                    raise
            self.problem = f"is not a whole Arrow stream: {' '.join(str(error).split())}"
            return None
        number, crc = header.metadata.get("batch"), header.metadata.get("crc32c")
        if number != str(self._next):
            self.problem = f"has batch {number} where batch {self._next} was expected"
        elif crc != f"{batch_crc(self._next, columns):08x}":
            self.problem = f"batch {self._next} does not have its checksum"
        elif broken := self.rules.add(columns):
            self.problem, self.unruly = f"table {self.rules.table}: {broken}", True
        if self.problem:
            return None
        self._next += 1
        self.batches += 1
        self.rows += batch.num_rows
        self.end = self._input.position
        return columns

    def _stop(self) -> None:
        # A zero-filled tail reads as a clean end, so the bytes themselves are compared.
        tail = read_at(self._fd, len(END_MARK) + 1, self.end)
        if tail and tail != END_MARK:
            self.problem = (
                f"has {counted(self.size - self.end, 'byte[s]')} after its last whole batch"
            )

    @property
    def ended(self) -> bool:
        """Whether the file was read to its end mark and has nothing after it."""
        return not self.problem and self.size == self.end + len(END_MARK)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes read so far: of the whole file where ``ended``."""
        return self._input.digest.hexdigest()


def log_files(folder: Path) -> dict[str, list[str]]:
    """Names of the log files of a folder by table, in order.

    Raises
    ------
    SegmentCorrupt
        The log folder holds anything else, or a file of the series is missing.
    """
    found: dict[str, list[int]] = {table: [] for table in TABLES}
    with one_line_errors(folder / LOG_FOLDER, "cannot be read"):
        names = sorted(path.name for path in (folder / LOG_FOLDER).iterdir())
    for name in names:
        match = LOG_NAME.fullmatch(name)
        if match is None or log_name(match[1], int(match[2])) != f"{LOG_FOLDER}/{name}":
            raise SegmentCorrupt(folder / LOG_FOLDER / name, "is not a log file of a segment")
        found[match[1]].append(int(match[2]))
    for table, numbers in found.items():
        for expected, number in enumerate(sorted(numbers)):
            if number != expected:
                raise SegmentCorrupt(folder / log_name(table, expected), "is missing")
    return {t: [log_name(t, n) for n in range(len(numbers))] for t, numbers in found.items()}
