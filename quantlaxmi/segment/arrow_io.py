"""Arrow at the edge: the schema of a table, and record batches read without trusting them.

Both the log (Arrow streams) and the sealed columns (Arrow files, which are a stream between two
magic words) are read message by message. Each message's header is looked at before its body is
decoded: compression is refused, because it would let a small file ask for much memory.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from quantlaxmi.schema import SCHEMA_VERSION, TABLES
from quantlaxmi.segment.rows import Columns

ARROW_TYPES = {"<i8": pa.int64(), "<i4": pa.int32(), "<i2": pa.int16(), "<i1": pa.int8()}
#: What pyarrow raises on bytes that are no Arrow.
ARROW_ERRORS = (
    pa.ArrowException,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    struct.error,
)
_SCHEMA, _RECORD_BATCH = 1, 3  # MessageHeader union tags in Arrow's Message.fbs
_CONTINUATION = 0xFFFFFFFF
_FILE_END = b"ARROW1"
_MAX_FOOTER = 64 << 20
#: Where writers of the format's version 4 named a compression, before it had a field.
_OLD_COMPRESSION = "ARROW:experimental_compression"


class Header(NamedTuple):
    """Header of a record batch message.

    Attributes
    ----------
    rows : int
    compressed : bool
    metadata : dict of str to str
        The custom metadata of the message.
    """

    rows: int
    compressed: bool
    metadata: dict[str, str]


def table_schema(table: str) -> pa.Schema:
    """Arrow schema of a segment table, with the table's name and schema version in its metadata."""
    fields = [
        pa.field(name, ARROW_TYPES[dtype], nullable=False) for name, dtype in TABLES[table].items()
    ]
    metadata = {"quantlaxmi.table": table, "quantlaxmi.schema_version": str(SCHEMA_VERSION)}
    return pa.schema(fields, metadata=metadata)


def row_bytes(table: str) -> int:
    """Bytes of one row of a table."""
    return sum(np.dtype(dtype).itemsize for dtype in TABLES[table].values())


def read_header(flatbuffer: memoryview) -> Header:
    """Read the header of a record batch message.

    Parameters
    ----------
    flatbuffer : memoryview
        The message's metadata.

    Raises
    ------
    ValueError, struct.error
        It is not a record batch, or points outside itself.

    References
    ----------
    Apache Arrow, format/Message.fbs.
    """
    message, batch = _message(flatbuffer, _RECORD_BATCH, "a record batch")
    length = _field(flatbuffer, batch, 0)
    rows = struct.unpack_from("<q", flatbuffer, length)[0] if length else 0
    metadata: dict[str, str] = {}
    if custom := _field(flatbuffer, message, 4):
        vector = _indirect(flatbuffer, custom)
        (count,) = struct.unpack_from("<I", flatbuffer, vector)
        if count > 64:
            raise ValueError(f"expected at most 64 metadata entries, the batch has {count}")
        for k in range(count):
            entry = _indirect(flatbuffer, vector + 4 + 4 * k)
            key, value = (_text(flatbuffer, _field(flatbuffer, entry, i)) for i in (0, 1))
            metadata[key] = value
    compressed = _field(flatbuffer, batch, 3) != 0 or _OLD_COMPRESSION in metadata
    return Header(rows, compressed, metadata)


def read_file_header(data: memoryview) -> tuple[int, Header]:
    """Read the header of the one batch that an Arrow file's footer names, without its body.

    What opens the file by its footer afterwards finds this batch and no other, and no dictionary.

    Parameters
    ----------
    data : memoryview
        The whole file.

    Returns
    -------
    offset : int
        Where the batch's message begins.
    header : Header

    Raises
    ------
    ValueError, struct.error, LookupError
        The footer names something else, or points outside the file.

    References
    ----------
    Apache Arrow, format/File.fbs.
    """
    end = len(data) - len(_FILE_END) - 4
    if end < 0 or data[end + 4 :] != _FILE_END:
        raise ValueError("expected an Arrow file, which ends in ARROW1")
    (size,) = struct.unpack_from("<i", data, end)
    if not 0 < size <= end:
        raise ValueError("the footer is longer than the file")
    footer = data[end - size : end]
    root = _indirect(footer, 0)
    counts = [0, 0]
    for k, index in enumerate((2, 3)):  # dictionaries, record batches
        if at := _field(footer, root, index):
            blocks = _indirect(footer, at)
            (counts[k],) = struct.unpack_from("<I", footer, blocks)
    if counts != [0, 1]:
        raise ValueError(f"expected one batch and no dictionary, found {counts[1]} and {counts[0]}")
    offset, length = struct.unpack_from("<qi", footer, blocks + 4)
    if offset < 0 or length <= 8 or offset + length > end:
        raise ValueError("the footer points outside the file")
    mark, inner = struct.unpack_from("<Ii", data, offset)
    if mark != _CONTINUATION or not 0 < inner <= length - 8:
        raise ValueError("the footer does not point at a message")
    return int(offset), read_header(data[offset + 8 : offset + 8 + inner])


def batch_sizes(read: Callable[[int, int], bytes], size: int) -> list[int]:
    """Bytes that each batch of an Arrow file unpacks to, as its buffers say.

    Arrow fails where a buffer unpacks to more than it says.

    Parameters
    ----------
    read : callable
        Length and place to the bytes there.
    size : int
        Length of the file.

    Raises
    ------
    ValueError, struct.error, LookupError
        The file is no Arrow file, has dictionaries, or points outside itself.

    References
    ----------
    Apache Arrow, format/File.fbs and format/Message.fbs; a compressed buffer begins with its
    unpacked length, -1 where it is not compressed.
    """
    end = size - len(_FILE_END) - 4
    tail = read(len(_FILE_END) + 4, max(end, 0))
    if end < 0 or tail[4:] != _FILE_END:
        raise ValueError("expected an Arrow file, which ends in ARROW1")
    (length,) = struct.unpack("<i", tail[:4])
    if not 0 < length <= min(end, _MAX_FOOTER):
        raise ValueError("the footer is longer than the file, or than 64 MiB")
    footer = memoryview(read(length, end - length))
    root = _indirect(footer, 0)
    if _n_items(footer, root, 2):
        raise ValueError("expected no dictionary")
    n = _n_items(footer, root, 3)
    blocks = _indirect(footer, _field(footer, root, 3)) + 4 if n else 0
    return [_unpacked(read, end, *_block(footer, blocks + 24 * k)) for k in range(n)]


def _block(footer: memoryview, at: int) -> tuple[int, int, int]:
    """Place, length of metadata and of body of a batch."""
    offset, length, _, body = struct.unpack_from("<qiiq", footer, at)
    return int(offset), int(length), int(body)


def _n_items(data: memoryview, table: int, index: int) -> int:
    at = _field(data, table, index)
    return int(struct.unpack_from("<I", data, _indirect(data, at))[0]) if at else 0


def _unpacked(
    read: Callable[[int, int], bytes], end: int, offset: int, length: int, body: int
) -> int:
    if offset < 0 or not 8 < length <= _MAX_FOOTER or body < 0 or offset + length + body > end:
        raise ValueError("the footer points outside the file")
    flatbuffer = memoryview(read(length, offset))[8:]
    _, batch = _message(flatbuffer, _RECORD_BATCH, "a record batch")
    compressed = _field(flatbuffer, batch, 3) != 0
    n = _n_items(flatbuffer, batch, 2)
    at = _indirect(flatbuffer, _field(flatbuffer, batch, 2)) + 4 if n else 0
    total = 0
    for k in range(n):
        start, stored = struct.unpack_from("<qq", flatbuffer, at + 16 * k)
        if start < 0 or stored < 0 or start + stored > body:
            raise ValueError("a buffer reaches beyond its batch")
        if compressed and stored >= 8:
            (told,) = struct.unpack("<q", read(8, offset + length + start))
            stored = stored if told == -1 else told
            if stored < 0:
                raise ValueError("a buffer has a negative length")
        total += stored
    return total


def _message(flatbuffer: memoryview, wanted: int, name: str) -> tuple[int, int]:
    """Positions of a message and of its header, which must be of the kind wanted."""
    message = _indirect(flatbuffer, 0)
    kind, header = _field(flatbuffer, message, 1), _field(flatbuffer, message, 2)
    if not kind or flatbuffer[kind] != wanted or not header:
        raise ValueError(f"expected {name}")
    return message, _indirect(flatbuffer, header)


def _indirect(data: memoryview, at: int) -> int:
    (offset,) = struct.unpack_from("<I", data, at)
    return at + int(offset)


def _field(data: memoryview, table: int, index: int) -> int:
    """Position of a field of a flatbuffer table; 0 where it is absent."""
    (back,) = struct.unpack_from("<i", data, table)
    vtable = table - back
    if vtable < 0:
        raise ValueError("a table points before the message")
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * index + 2 > size:
        return 0
    (offset,) = struct.unpack_from("<H", data, vtable + 4 + 2 * index)
    return table + int(offset) if offset else 0


def _text(data: memoryview, at: int) -> str:
    if not at:
        return ""
    start = _indirect(data, at)
    (size,) = struct.unpack_from("<I", data, start)
    if start + 4 + size > len(data):
        raise ValueError("a text reaches beyond the message")
    return bytes(data[start + 4 : start + 4 + size]).decode()


def read_schema(source: pa.NativeFile, table: str) -> pa.Schema:
    """Read a stream's first message, which must be exactly the schema of ``table``.

    Raises
    ------
    ValueError
        It is another schema. pyarrow's own errors pass through (`ARROW_ERRORS`, ``OSError``).
    """
    message = pa.ipc.read_message(source)
    # pyarrow takes any message for a schema, and dies of some.
    _message(memoryview(message.metadata), _SCHEMA, "a schema")
    schema = pa.ipc.read_schema(message)
    if not schema.equals(table_schema(table), check_metadata=True):
        raise ValueError(f"expected the schema of table {table!r}")
    return schema


def read_batch(
    source: pa.NativeFile, schema: pa.Schema, max_rows: int
) -> tuple[pa.RecordBatch, Header] | None:
    """Read the next record batch of a stream; ``None`` at the stream's end mark or end of data.

    Raises
    ------
    ValueError
        The message is not a plain, uncompressed batch without nulls of at most ``max_rows`` rows.
        pyarrow's own errors pass through (`ARROW_ERRORS`, ``OSError``).
    """
    try:
        message = pa.ipc.read_message(source)
    except EOFError:
        return None
    header = read_header(memoryview(message.metadata))
    if header.compressed:
        raise ValueError("expected an uncompressed batch")
    if not 0 <= header.rows <= max_rows:
        raise ValueError(f"expected at most {max_rows} rows in a batch, it says {header.rows}")
    batch = pa.ipc.read_record_batch(message, schema)
    batch.validate()
    if batch.num_rows != header.rows:
        raise ValueError("the batch and its header disagree on the number of rows")
    return batch, header


def batch_columns(batch: pa.RecordBatch, table: str) -> Columns:
    """Columns of a batch as read-only views of its memory.

    Raises
    ------
    ValueError
        A column has nulls or too little memory.
    """
    columns: Columns = {}
    for (name, dtype), array in zip(TABLES[table].items(), batch.columns, strict=True):
        validity, values = array.buffers()
        if validity is not None or array.offset:
            raise ValueError(f"expected column {name!r} without nulls")
        if values is None or not len(array):
            view = np.empty(0, np.dtype(dtype))
            view.flags.writeable = False
        else:
            view = np.frombuffer(values, np.dtype(dtype), len(array))
            view.flags.writeable = False
        columns[name] = view
    return columns


def make_batch(columns: Columns, table: str, schema: pa.Schema) -> pa.RecordBatch:
    """Wrap contiguous columns as a batch without copying them."""
    arrays = [
        pa.Array.from_buffers(
            ARROW_TYPES[dtype], len(columns[name]), [None, pa.py_buffer(columns[name])], 0
        )
        for name, dtype in TABLES[table].items()
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
