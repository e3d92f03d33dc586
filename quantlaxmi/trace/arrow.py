"""Trace files in Arrow IPC form, for long traces: the same content as the JSON kind.

One row; each table is a list of structs of 64-bit integers, so that pyarrow, Polars and pandas
read it. The header and the hashes are in the schema's metadata, with a SHA-256 over the whole
file in which the places of that digest itself are taken as zeros: it can be inside the file it
covers, and every changed byte is found before the content is looked at. A batch's header is looked
at before its body: compression is refused, because it would let a small file ask for much memory.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from quantlaxmi.errors import TraceError
from quantlaxmi.files import write_output
from quantlaxmi.trace.file import (
    FORMAT,
    FORMAT_VERSION,
    KIND,
    RARE_COLUMNS,
    RARE_TABLES,
    TRACE_TABLES,
    HeaderText,
    Rows,
    TraceContent,
    header_from_text,
    header_json,
    open_bounded,
    usual_columns,
    written_columns,
)

#: Largest Arrow trace read.
MAX_ARROW_BYTES: Final = 1 << 36
_DIGEST_TAG: Final = b"quantlaxmi-file-sha256:"
_NO_DIGEST: Final = b"0" * 64
_STATED: Final = ("header_hash", "trace_hash", "outcome_hash")


def _schema(metadata: dict[bytes, bytes], columns: Mapping[str, Iterable[str]]) -> Any:
    """Schema of a file with these columns of these tables."""
    import pyarrow as pa

    fields = []
    for name, names in columns.items():
        struct = pa.struct([pa.field(f, pa.int64(), nullable=False) for f in names])
        item = pa.field("item", struct, nullable=False)
        fields.append(pa.field(name, pa.large_list(item), nullable=False))
    return pa.schema(fields, metadata)


def _signed(data: memoryview, places: list[int], digest: bytes) -> Iterator[bytes | memoryview]:
    """The file with ``digest`` at each of ``places``."""
    at = 0
    for place in places:
        yield data[at:place]
        yield digest
        at = place + 64
    yield data[at:]


def _digest(data: memoryview, places: list[int]) -> bytes:
    digest = hashlib.sha256()
    for piece in _signed(data, places, _NO_DIGEST):
        digest.update(piece)
    return digest.hexdigest().encode()


def _places(data: memoryview, stated: bytes) -> list[int]:
    """Offsets at which the file states its digest: the schema's metadata, and its footer copy."""
    return [m.end() - 64 for m in re.finditer(re.escape(_DIGEST_TAG + stated), data)]


def save_arrow(path: Path, content: TraceContent) -> None:
    """Write a trace as an Arrow IPC file.

    Raises
    ------
    TraceError
        The file cannot be written.
    """
    import pyarrow as pa

    metadata = {
        b"format": FORMAT.encode(),
        b"version": str(FORMAT_VERSION).encode(),
        b"run_id": str(content.header.run_id).encode(),
        b"header": header_json(content.header),
        **{name.encode(): getattr(content, name).encode() for name in _STATED},
        b"file_hash": _DIGEST_TAG + _NO_DIGEST,
    }
    written = {
        name: written_columns(name, rows)
        for name, rows in content.tables.items()
        if name not in RARE_TABLES or len(rows)
    }
    schema = _schema(metadata, written)
    columns = []
    for field in schema:
        rows = content.tables[field.name]
        item = field.type.value_field
        parts = [pa.array(np.ascontiguousarray(rows[f.name])) for f in item.type]
        values = pa.StructArray.from_arrays(parts, fields=list(item.type))
        columns.append(pa.LargeListArray.from_arrays([0, len(rows)], values, type=field.type))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))
    view = memoryview(sink.getvalue()).cast("B")
    places = _places(view, _NO_DIGEST)
    if len(places) != 2:
        raise TraceError(path, f"cannot be written: the header has {_DIGEST_TAG.decode()}")
    write_output(path, _signed(view, places, _digest(view, places)), KIND, TraceError)


def load_arrow(path: Path) -> TraceContent:
    """Read an Arrow trace and check its file hash.

    Raises
    ------
    TraceError
        The file cannot be used or was edited.
    """
    with open_bounded(path, MAX_ARROW_BYTES) as (file, size):
        if size == 0:
            raise TraceError(path, "is empty")
        # Unmapped when the last view of it is gone: the rows made of it are copies.
        return _load(path, memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))


def _load(path: Path, view: memoryview) -> TraceContent:
    import pyarrow as pa

    mark = re.search(re.escape(_DIGEST_TAG) + b"([0-9a-f]{64})", view)
    if mark is None:
        raise TraceError(path, "has no file_hash: cut short or not a trace")
    stated = bytes(mark[1])
    places = _places(view, stated)
    digest = _digest(view, places)
    if len(places) != 2 or digest != stated:
        raise TraceError(path, f"was changed: its content hashes to {digest.decode()}", "file_hash")
    from quantlaxmi.segment.arrow_io import ARROW_ERRORS, read_file_header

    try:
        if read_file_header(view)[1].compressed:
            raise TraceError(path, "is compressed; an uncompressed trace was expected")
        return _content(path, pa.py_buffer(view))
    except (*ARROW_ERRORS, msgspec.MsgspecError, OSError) as error:
        raise TraceError(path, f"is not a trace: {' '.join(str(error).split())}") from error


def _content(path: Path, buffer: Any) -> TraceContent:
    import pyarrow as pa

    with pa.ipc.open_file(buffer) as reader:
        schema = reader.schema
        metadata = {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()}
        if set(metadata) != {"format", "version", "run_id", "header", *_STATED, "file_hash"}:
            raise TraceError(path, "has other metadata than that of a trace")
        if (metadata["format"], metadata["version"]) != (FORMAT, str(FORMAT_VERSION)):
            found = f"{metadata['format'][:80]!r} {metadata['version'][:20]}"
            problem = f"was {found}; {FORMAT!r} {FORMAT_VERSION} is read"
            raise TraceError(path, problem, "format, version")
        rare = RARE_TABLES & set(schema.names)
        expected = _schema({}, _expected(schema, rare))
        if not schema.equals(expected) or reader.num_record_batches != 1:
            raise TraceError(path, "has another schema than that of a trace")
        batch = reader.get_batch(0)
    batch.validate(full=True)
    header = header_from_text(path, msgspec.json.decode(metadata["header"], type=HeaderText))
    if header_json(header) != metadata["header"].encode():
        raise TraceError(path, "is not in canonical form", "header")
    if metadata["run_id"] != str(header.run_id):
        raise TraceError(path, f"was {metadata['run_id']}; {header.run_id} was expected", "run_id")
    if batch.num_rows != 1:
        raise TraceError(path, f"has {batch.num_rows} rows; 1 was expected")
    tables = {
        name: _rows(path, name, batch.column(name))
        if name in schema.names
        else np.empty(0, TRACE_TABLES[name])
        for name in TRACE_TABLES
    }
    for name, field in RARE_COLUMNS:
        if field in _fields(schema, name) and field not in written_columns(name, tables[name]):
            raise TraceError(path, "has its usual value, so that it is not written", field)
    if empty := [name for name in rare if not len(tables[name])]:
        raise TraceError(path, "has no rows, so that it is not written", empty[0])
    return TraceContent(header, tables, *(metadata[name] for name in _STATED))


def _fields(schema: Any, name: str) -> list[str]:
    """Columns that a file's schema has for a table; none where it is no list of structs."""
    import pyarrow as pa

    kind = schema.field(name).type if name in schema.names else None
    if kind is None or not pa.types.is_large_list(kind) or not pa.types.is_struct(kind.value_type):
        return []
    return [field.name for field in kind.value_type]


def _expected(schema: Any, rare: frozenset[str]) -> dict[str, list[str]]:
    """Columns by table that a file with these rare tables must have."""
    expected = {}
    for name, dtype in TRACE_TABLES.items():
        if name not in RARE_TABLES or name in rare:
            usual = usual_columns(name, _fields(schema, name))
            expected[name] = [field for field in dtype.names or () if field not in usual]
    return expected


def _rows(path: Path, name: str, column: Any) -> Rows:
    values = column.flatten()
    rows = np.empty(len(values), TRACE_TABLES[name])
    nulls = column.null_count + values.null_count
    fields = [field.name for field in values.type]
    for field, child in zip(fields, values.flatten(), strict=True):
        nulls += child.null_count
        if nulls:
            raise TraceError(path, "has nulls", f"{name}.{field}")
        rows[field] = child.to_numpy()
    for field, value in usual_columns(name, fields).items():
        rows[field] = value
    return rows
