"""Arrow traces: edited bytes and foreign framings, each with a digest that fits."""

from __future__ import annotations

import re
from functools import cache

import pyarrow as pa
import pyarrow.ipc

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes
from fuzz.targets.trace_json import edited_rows, read_all
from quantlaxmi.errors import TraceError
from quantlaxmi.trace import arrow as trace_arrow
from quantlaxmi.trace import load_trace
from tests import trace_cases

ALLOWED = (TraceError,)
_STATED = re.compile(re.escape(trace_arrow._DIGEST_TAG) + b"[0-9a-f]{64}")
PIECES = (
    b"\xff\xff\xff\xff", b"\x00" * 8, b"\x01", b"\xff" * 8, b"\x10\x00\x00\x00", b"ARROW1", b"\x7f",
    b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"\x04\x00\x00\x00",
)  # fmt: skip


@cache
def base(n: int) -> bytes:
    path = scratch.folder() / "base.arrow"
    trace_cases.pair_trace(n).save(path)
    return path.read_bytes()


def signed(data: bytes) -> bytes:
    """The file with the digest that fits it, wherever it states one."""
    blank = _STATED.sub(trace_arrow._DIGEST_TAG + trace_arrow._NO_DIGEST, data)
    view = memoryview(blank)
    places = trace_arrow._places(view, trace_arrow._NO_DIGEST)
    digest = trace_arrow._digest(view, places)
    return b"".join(trace_arrow._signed(view, places, digest))


def reframed(draw: Draw, data: bytes) -> bytes:
    """The same rows written in another way that Arrow allows."""
    table = pa.ipc.open_file(data).read_all()
    how = draw.number(6)
    if how == 0:
        names = draw.pick((table.column_names[::-1], table.column_names[:-1]))
        table = table.select(names)
    elif how == 1:
        table = pa.concat_tables([table, table])
    elif how == 2:
        table = table.slice(0, 0)
    elif how == 3:
        empty = [pa.array([None], field.type) for field in table.schema]
        table = pa.table(empty, schema=table.schema)
    metadata = dict(table.schema.metadata or {})
    if draw.number(3) == 0:
        metadata[draw.pick((b"x", *metadata))] = draw.bytes(30)
        table = table.replace_schema_metadata(metadata)
    options = pa.ipc.IpcWriteOptions(
        compression=draw.pick((None, "lz4", "zstd")),
        allow_64bit=draw.number(2) == 1,
        metadata_version=draw.pick((pa.ipc.MetadataVersion.V5, pa.ipc.MetadataVersion.V4)),
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def one(draw: Draw) -> None:
    path = scratch.folder() / "case.arrow"
    how = draw.number(4)
    if how == 0:
        edited_rows(draw).save(path)
    else:
        data = base(draw.number(3))
        if how == 1:
            data = reframed(draw, data)
        if how != 1 or draw.number(2):
            data = edit_bytes(draw, data, PIECES, 3)
        path.write_bytes(signed(data))
    trace = load_trace(path)
    read_all(trace)
    trace.save(path)
    assert load_trace(path).verify_parity(trace)
