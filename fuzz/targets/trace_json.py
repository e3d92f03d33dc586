"""JSON traces: edited text with a fitting file hash, and edited rows with every hash fitting."""

from __future__ import annotations

import hashlib
from functools import cache

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes
from quantlaxmi.errors import TraceError
from quantlaxmi.trace import DecisionTrace, load_trace
from quantlaxmi.trace.file import TRACE_TABLES
from tests import trace_cases

ALLOWED = (TraceError,)
TOKENS = (*WORDS, b"[1,2]", b'"seq":[1]', b'"fills":{', b'"rationales":[]', b'"kind":"call"')


@cache
def body(n: int) -> bytes:
    path = scratch.folder() / "base.json"
    trace_cases.pair_trace(n).save(path)
    return path.read_bytes().rpartition(b',\n"file_hash"')[0]


def edited_rows(draw: Draw) -> DecisionTrace:
    """A trace of edited rows and header, its hashes its own."""
    trace = trace_cases.pair_trace(draw.number(4))
    tables = {name: trace.table(name).copy() for name in TRACE_TABLES}
    for _ in range(1 + draw.number(4)):
        rows = tables[draw.pick(list(tables))]
        if len(rows):
            field = draw.pick(rows.dtype.names or ())
            rows[field][draw.number(256) % len(rows)] = draw.integer()
    header = trace_cases.header(
        strategy_id=draw.bytes(20).decode(errors="replace"), seed=draw.number(2**64)
    )
    return DecisionTrace(header, tables)


def read_all(trace: DecisionTrace) -> None:
    """Every object of a trace that was accepted can be made and read."""
    for rows in (trace.decisions, trace.orders, trace.fills, trace.funding, trace.risk_events):
        for item in rows:
            repr(item)


def one(draw: Draw, suffix: str = ".json") -> None:
    path = scratch.folder() / f"case{suffix}"
    if draw.number(3) == 0:
        edited_rows(draw).save(path)
    else:
        text = edit_bytes(draw, body(draw.number(3)), TOKENS, 3)
        digest = hashlib.sha256(text).hexdigest().encode()
        path.write_bytes(text + b',\n"file_hash":"' + digest + b'"}\n')
    trace = load_trace(path)
    found = path.read_bytes()
    read_all(trace)
    trace.save(path)
    assert path.read_bytes() == found
