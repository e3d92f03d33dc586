"""Sealed columns: one Arrow file a table, one contiguous batch, mapped without copying.

Writing streams: pyarrow arranges the file over a blank buffer that is never written, and the
values go to their places batch by batch, so a table never has to fit in memory.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import SegmentCorrupt
from quantlaxmi.files import FileState, map_sized, one_line_errors
from quantlaxmi.parallel.threads import Threads, raise_if_stopped
from quantlaxmi.schema import TABLES
from quantlaxmi.segment.arrow_io import (
    ARROW_ERRORS,
    ARROW_TYPES,
    batch_columns,
    read_batch,
    read_file_header,
    read_schema,
    row_bytes,
    table_schema,
)
from quantlaxmi.segment.manifest import ColumnEntry, TableEntry, columns_name
from quantlaxmi.segment.rows import Columns
from quantlaxmi.system.positions import write_at

_MAGIC = b"ARROW1\x00\x00"
_HASH_THREADS = 2
#: Bytes hashed between two looks at whether anybody still waits: some tens of milliseconds.
_HASH_STEP = 1 << 25
#: Most bytes of a columns file outside its columns.
MAX_FRAMING_BYTES = 1 << 16

Range = tuple[int, int]


class _BlankSink:
    """A file that skips over one given buffer and notes where it would have stood."""

    closed = False

    def __init__(self, file: IO[bytes], blank: pa.Buffer) -> None:
        self._file, self._blank = file, blank
        self.skipped: list[int] = []

    def write(self, data: bytes | pa.Buffer) -> int:
        if isinstance(data, pa.Buffer) and data.size and data.address == self._blank.address:
            self.skipped.append(self._file.tell())
            self._file.seek(data.size, os.SEEK_CUR)
            return int(data.size)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True


def write_columns(folder: Path, table: str, rows: int, batches: Iterable[Columns]) -> int:
    """Write the columns file of a table; making it durable is the caller's.

    Parameters
    ----------
    folder : Path
        The segment's folder; its columns folder exists, the file does not.
    table : str
    rows : int
        Rows of all batches together.
    batches : iterable of dict of str to ndarray
        The table's rows in order.

    Returns
    -------
    int
        Length of the file.

    Raises
    ------
    SegmentError
        The file cannot be written.
    """
    path = folder / columns_name(table)
    schema = table_schema(table)
    widths = [np.dtype(dtype).itemsize for dtype in TABLES[table].values()]
    blank = pa.py_buffer(mmap.mmap(-1, max(1, rows * max(widths))))
    arrays = [
        pa.Array.from_buffers(ARROW_TYPES[dtype], rows, [None, blank.slice(0, rows * width)], 0)
        for dtype, width in zip(TABLES[table].values(), widths, strict=True)
    ]
    with one_line_errors(path, "cannot be written"), path.open("xb") as file:
        sink = _BlankSink(file, blank)
        with pa.PythonFile(sink, "w") as out, pa.ipc.new_file(out, schema) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        file.flush()
        if len(sink.skipped) != (len(widths) if rows else 0):
            raise OSError("pyarrow arranged the columns in an unexpected way")
        at = sink.skipped.copy()
        for columns in batches:
            for k, column in enumerate(columns.values()):
                _write_at(file.fileno(), column.data.cast("B"), at[k])
                at[k] += column.nbytes
        starts = zip(sink.skipped, widths, strict=bool(rows))
        if at != [start + rows * width for start, width in starts]:
            raise OSError(f"expected {counted(rows, 'row[s]')} of table {table}")
        return os.fstat(file.fileno()).st_size


def _write_at(fd: int, data: memoryview, at: int) -> None:
    while data:
        done = write_at(fd, data, at)
        data, at = data[done:], at + done


class MappedTable(NamedTuple):
    """A columns file in memory.

    Attributes
    ----------
    path : Path
    map : mmap
        The whole file, read-only.
    batch : pyarrow.RecordBatch
    columns : dict of str to ndarray
        Read-only views of the map.
    ranges : tuple of (int, int)
        Start and stop of each column in the file, in order.
    state : FileState
        Of the file before it was mapped.
    """

    path: Path
    map: mmap.mmap
    batch: pa.RecordBatch
    columns: Columns
    ranges: tuple[Range, ...]
    state: FileState


def map_columns(folder: Path, table: str, rows: int, size: int) -> MappedTable:
    """Map a columns file; its bytes are not verified yet.

    Raises
    ------
    SegmentCorrupt
        It is not one plain batch of ``rows`` rows of the table's schema in ``size`` bytes.
    """
    name = columns_name(table)
    path = folder / name
    if size < max(1, rows * row_bytes(table)):
        raise SegmentCorrupt(
            path, f"is {counted(size, 'byte[s]')} long, too short for {counted(rows, 'row[s]')}"
        )
    if size > rows * row_bytes(table) + MAX_FRAMING_BYTES:
        raise SegmentCorrupt(
            path, f"is {counted(size, 'byte[s]')} long, too long for {counted(rows, 'row[s]')}"
        )
    mapped, state = map_sized(folder, name, size)
    memory = pa.py_buffer(mapped)
    try:
        if mapped[: len(_MAGIC)] != _MAGIC:
            raise ValueError("expected an Arrow file")
        source = pa.BufferReader(memory)
        source.seek(len(_MAGIC))
        schema = read_schema(source, table)
        item = read_batch(source, schema, rows)
        if item is None or item[0].num_rows != rows or read_batch(source, schema, 0) is not None:
            raise ValueError(f"expected one batch of {counted(rows, 'row[s]')}")
        batch = item[0]
        columns = batch_columns(batch, table)
        starts = [b.buffers()[1].address - memory.address for b in batch.columns if rows]
        ends = [at + c.nbytes for at, c in zip(starts, columns.values(), strict=False)]
        order = [0, *(x for pair in zip(starts, ends, strict=True) for x in pair), size]
        if order != sorted(order):
            raise ValueError("columns overlap or are out of order")
    except (*ARROW_ERRORS, OSError, EOFError) as error:
        raise SegmentCorrupt(path, f"is damaged: {' '.join(str(error).split())}") from error
    ranges = tuple(zip(starts, ends, strict=True))
    return MappedTable(path, mapped, batch, columns, ranges, state)


def check_footer(table: MappedTable) -> None:
    """Check that other readers, who begin at the file's footer, find the same columns.

    Raises
    ------
    SegmentCorrupt
        The footer names other data than the stream inside the file.
    """
    memory = pa.py_buffer(table.map)
    try:
        _, header = read_file_header(memoryview(table.map))
        if header.compressed:  # refused before its body is unpacked, which could be of any size
            raise ValueError("expected an uncompressed batch")
        reader = pa.ipc.open_file(pa.BufferReader(memory))
        same = reader.num_record_batches == 1 and reader.schema.equals(table.batch.schema, True)
        batch = reader.get_batch(0) if same else table.batch
        found = [
            (values.address - memory.address, values.size)
            for values in (column.buffers()[1] for column in batch.columns)
            if batch.num_rows
        ]
    except (*ARROW_ERRORS, OSError, EOFError) as error:
        raise SegmentCorrupt(table.path, f"is damaged: {' '.join(str(error).split())}") from error
    wanted = [(start, stop - start) for start, stop in table.ranges]
    if not same or batch.num_rows != table.batch.num_rows or found != wanted:
        raise SegmentCorrupt(table.path, "its footer and its content are not of one table")


class HashTask(NamedTuple):
    """Bytes to hash and what they must hash to; ``expected`` empty: just compute."""

    table: MappedTable
    what: str
    ranges: tuple[Range, ...]
    expected: str


def hash_pool() -> Threads:
    """Threads for hashes; few, because each takes the memory of a stack."""
    return Threads(_HASH_THREADS)


def hash_tasks(table: MappedTable, entry: TableEntry | None, *, whole_file: bool) -> list[HashTask]:
    """List the pieces of a mapped table to hash: framing, each column and, on demand, the file."""
    edges = [0, *(x for pair in table.ranges for x in pair), len(table.map)]
    framing = tuple(zip(edges[::2], edges[1::2], strict=True))
    names = list(table.columns)
    ranges = table.ranges or ((0, 0),) * len(names)
    column_hashes = [c.sha256 for c in entry.columns] if entry else [""] * len(names)
    tasks = [HashTask(table, "framing", framing, entry.framing_sha256 if entry else "")]
    for name, span, expected in zip(names, ranges, column_hashes, strict=True):
        tasks.append(HashTask(table, f"column {name}", (span,), expected))
    if whole_file:
        whole = ((0, len(table.map)),)
        tasks.append(HashTask(table, "file", whole, entry.sha256 if entry else ""))
    return tasks


def run_hashes(tasks: list[HashTask], pool: Threads) -> list[str]:
    """Hash, longest first and in parallel, and refuse what differs.

    Parameters
    ----------
    tasks : list of HashTask
    pool : Threads
        As `hash_pool` makes it.

    Returns
    -------
    list of str
        SHA-256 in hex of each task, in the order given.

    Raises
    ------
    SegmentCorrupt
        A hash is not the expected one.
    """
    order = _longest_first(tasks)
    results = [""] * len(tasks)
    for k, found in zip(order, pool.iterate(_hash, [tasks[k] for k in order]), strict=True):
        results[k] = found
    for task, found in zip(tasks, results, strict=True):
        if task.expected and found != task.expected:
            raise SegmentCorrupt(
                task.table.path,
                f"was changed ({task.what}): SHA-256 is {found}, the manifest says {task.expected}",
            )
    return results


def begin_hashes(tasks: list[HashTask], pool: Threads) -> list[Future[str]]:
    """Begin hashes that nothing is expected of; their results, in the order given."""
    begun = {k: pool.submit(_hash, tasks[k]) for k in _longest_first(tasks)}
    return [begun[k] for k in range(len(tasks))]


def _longest_first(tasks: list[HashTask]) -> list[int]:
    return sorted(range(len(tasks)), key=lambda k: -sum(b - a for a, b in tasks[k].ranges))


def _hash(task: HashTask) -> str:
    sha256 = hashlib.sha256()
    view = memoryview(task.table.map)
    for start, stop in task.ranges:
        for at in range(start, stop, _HASH_STEP):
            sha256.update(view[at : min(stop, at + _HASH_STEP)])
            raise_if_stopped()
    return sha256.hexdigest()


def byte_pieces(column: NDArray[Any]) -> Iterator[memoryview]:
    """Bytes of a column in pieces, between which an interrupt is heard."""
    view = column.data.cast("B") if len(column) else memoryview(b"")
    for at in range(0, len(view), _HASH_STEP):
        yield view[at : at + _HASH_STEP]


def column_entries(table: str, hashes: list[str]) -> tuple[ColumnEntry, ...]:
    """Entries of a table's columns from their hashes in schema order."""
    return tuple(
        ColumnEntry(name=name, dtype=dtype, sha256=value)
        for (name, dtype), value in zip(TABLES[table].items(), hashes, strict=True)
    )
