"""Trace files: what both kinds hold, and the canonical JSON kind.

A JSON trace has exactly one text. Its last member is the SHA-256 of all text before it, so a
changed byte anywhere is found before the content is looked at; text that is not its own canonical
re-encoding is refused, so two files of one trace never differ. ``docs/TRACE_FORMAT.md`` is
normative; ``arrow.py`` writes the same content for long traces.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from quantlaxmi._ext.int_text import format_ints, parse_ints
from quantlaxmi.errors import TraceError
from quantlaxmi.files import FileKind, open_regular, write_output
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import (
    BORROW_PAID_DTYPE,
    BUNDLE_DTYPE,
    DECISION_DTYPE,
    FILL_DTYPE,
    FUNDING_PAID_DTYPE,
    LEG_DTYPE,
    ORDER_DTYPE,
    RISK_DTYPE,
    SETTLED_DTYPE,
    TRACE_SCHEMA_VERSION,
)
from quantlaxmi.trace.header import TraceHeader

Rows: TypeAlias = npt.NDArray[np.void]

FORMAT: Final = "quantlaxmi-trace"
KIND: Final = FileKind("a decision trace", FORMAT.encode())
FORMAT_VERSION: Final = 2
#: Largest JSON trace written or read; longer ones are for ``.arrow``.
MAX_JSON_BYTES: Final = 1 << 29
#: Outcome tables in the order they are hashed, with their row types.
OUTCOME_TABLES: Final[dict[str, np.dtype[np.void]]] = {
    "orders": ORDER_DTYPE,
    "fills": FILL_DTYPE,
    "funding": FUNDING_PAID_DTYPE,
    "risk": RISK_DTYPE,
    "borrow": BORROW_PAID_DTYPE,
    "bundles": BUNDLE_DTYPE,
    "settled": SETTLED_DTYPE,
}
#: Outcome tables that are hashed and written only where they have rows.
RARE_TABLES: Final = frozenset({"borrow", "bundles", "settled"})
#: Columns that are written only where a row has another value than this one.
RARE_COLUMNS: Final = {("decisions", "units"): 1}
#: All tables of a trace.
TRACE_TABLES: Final[dict[str, np.dtype[np.void]]] = {
    "decisions": DECISION_DTYPE,
    "legs": LEG_DTYPE,
    **OUTCOME_TABLES,
}
_DIGEST_MEMBER: Final = b',\n"file_hash":"'
_DIGEST_END: Final = b'"}\n'
_TAIL_BYTES: Final = len(_DIGEST_MEMBER) + 64 + len(_DIGEST_END)


class TraceContent(NamedTuple):
    """Contents of a trace file; the hashes are as claimed, for the reader to recompute."""

    header: TraceHeader
    tables: Mapping[str, Rows]
    header_hash: str
    trace_hash: str
    outcome_hash: str


class HeaderText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trace header as JSON: hashes in hex."""

    schema_version: int
    semantics_version: int
    segment_digest: str
    strategy_id: str
    config_hash: str
    cost_hash: str
    latency_hash: str
    risk_hash: str
    seed: int
    instruments: tuple[Instrument, ...]
    rationales: tuple[str, ...]


_HEX_FIELDS: Final = ("segment_digest", "config_hash", "cost_hash", "latency_hash", "risk_hash")


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    version: int
    run_id: str
    header: HeaderText
    header_hash: str
    trace_hash: str
    outcome_hash: str
    decisions: dict[str, msgspec.Raw]
    legs: dict[str, msgspec.Raw]
    orders: dict[str, msgspec.Raw]
    fills: dict[str, msgspec.Raw]
    funding: dict[str, msgspec.Raw]
    risk: dict[str, msgspec.Raw]
    file_hash: str
    borrow: dict[str, msgspec.Raw] | None = None
    bundles: dict[str, msgspec.Raw] | None = None
    settled: dict[str, msgspec.Raw] | None = None


# --- header -----------------------------------------------------------------------------------


def header_json(header: TraceHeader) -> bytes:
    """A header as canonical JSON.

    Raises
    ------
    TraceError
        A text is not valid Unicode.
    """
    fields: dict[str, Any] = {name: getattr(header, name) for name in HeaderText.__struct_fields__}
    fields.update({name: fields[name].hex() for name in _HEX_FIELDS})
    try:
        return msgspec.json.encode(HeaderText(**fields))
    except UnicodeEncodeError as error:
        raise TraceError("trace header", f"a text is not valid Unicode: {error}") from error


def header_from_text(source: object, text: HeaderText) -> TraceHeader:
    """Header of its JSON form.

    Raises
    ------
    TraceError
        A hash is not 64 hex digits, or the schema version is another one.
    """
    if text.schema_version != TRACE_SCHEMA_VERSION:
        raise TraceError(
            source, f"was {text.schema_version}; {TRACE_SCHEMA_VERSION} is read", "schema_version"
        )
    fields: dict[str, Any] = {name: getattr(text, name) for name in text.__struct_fields__}
    for name in _HEX_FIELDS:
        try:
            fields[name] = bytes.fromhex(fields[name])
        except ValueError:
            raise TraceError(source, f"was {fields[name][:80]!r}; hex expected", name) from None
    try:
        return TraceHeader(**fields)
    except TraceError as error:
        raise TraceError(source, error.problem, error.place) from None


# --- files ------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_bounded(path: Path, limit: int) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file of at most ``limit`` bytes, opened for reading, and its size.

    Raises
    ------
    TraceError
        It is missing, not a regular file, too large or cannot be read.
    """
    try:
        with open_regular(path, TraceError, "a trace") as raw, io.BufferedReader(raw) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise TraceError(path, f"is {size} bytes long; at most {limit} are read")
            yield file, size
    except OSError as error:
        raise TraceError(path, f"cannot be read: {error.strerror or error}") from error


def written_columns(name: str, rows: Rows) -> tuple[str, ...]:
    """Columns of a table that a file has: all but rare ones of which every row has the usual value.

    Parameters
    ----------
    name : str
        A key of `TRACE_TABLES`.
    rows : ndarray of the table's type

    Returns
    -------
    tuple of str
        In the order of the type.
    """
    return tuple(
        field
        for field in rows.dtype.names or ()
        if (name, field) not in RARE_COLUMNS
        or bool(np.any(rows[field] != RARE_COLUMNS[name, field]))
    )


def usual_columns(name: str, written: Iterable[str]) -> dict[str, int]:
    """Value of each column of a table that a file leaves out.

    Parameters
    ----------
    name : str
        A key of `TRACE_TABLES`.
    written : iterable of str
        Columns that the file has.

    Returns
    -------
    dict of str to int
    """
    there = set(written)
    return {f: v for (table, f), v in RARE_COLUMNS.items() if table == name and f not in there}


# --- JSON -------------------------------------------------------------------------------------


def json_chunks(content: TraceContent) -> Iterator[bytes]:
    """The canonical text of a trace, in pieces."""
    digest = hashlib.sha256()
    for chunk in _json_body(content):
        digest.update(chunk)
        yield chunk
    yield _DIGEST_MEMBER + digest.hexdigest().encode() + _DIGEST_END


def _json_body(content: TraceContent) -> Iterator[bytes]:
    yield (
        f'{{"format":"{FORMAT}",\n"version":{FORMAT_VERSION},\n'
        f'"run_id":"{content.header.run_id}",\n"header":'
    ).encode()
    yield header_json(content.header)
    for name in ("header_hash", "trace_hash", "outcome_hash"):
        yield f',\n"{name}":"{getattr(content, name)}"'.encode()
    for name in TRACE_TABLES:
        rows = content.tables[name]
        if name in RARE_TABLES and not len(rows):
            continue
        yield f',\n"{name}":'.encode()
        for k, field in enumerate(written_columns(name, rows)):
            yield f'{"," if k else "{"}\n"{field}":'.encode()
            yield format_ints(rows[field])
        yield b"}"


def save_json(path: Path, content: TraceContent) -> None:
    """Write a trace as canonical JSON.

    Raises
    ------
    TraceError
        The text would pass MAX_JSON_BYTES, or the file cannot be written.
    """
    written = 0

    def counted() -> Iterator[bytes]:
        nonlocal written
        for chunk in json_chunks(content):
            written += len(chunk)
            if written > MAX_JSON_BYTES:
                raise TraceError(path, f"would pass {MAX_JSON_BYTES} bytes; write .arrow instead")
            yield chunk

    write_output(path, counted(), KIND, TraceError)


def load_json(path: Path) -> TraceContent:
    """Read a JSON trace and check its file hash and its canonical form.

    Raises
    ------
    TraceError
        The file cannot be used, was edited, or is not its own canonical re-encoding.
    """
    with open_bounded(path, MAX_JSON_BYTES) as (file, size):
        text = file.read(size + 1)
    body, tail = memoryview(text)[:-_TAIL_BYTES], text[-_TAIL_BYTES:]
    if not (tail.startswith(_DIGEST_MEMBER) and tail.endswith(_DIGEST_END)):
        raise TraceError(path, "does not end with its file_hash: cut short or not a trace")
    digest = hashlib.sha256(body).hexdigest()
    if tail[len(_DIGEST_MEMBER) :][:64] != digest.encode():
        raise TraceError(path, f"was changed: its content hashes to {digest}", "file_hash")
    try:
        envelope = msgspec.json.decode(text, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TraceError(path, f"is not a trace: {error}") from error
    if (envelope.format, envelope.version) != (FORMAT, FORMAT_VERSION):
        raise TraceError(
            path,
            f"was {envelope.format[:80]!r} {envelope.version}; {FORMAT!r} {FORMAT_VERSION} is read",
            "format, version",
        )
    header = header_from_text(path, envelope.header)
    tables = {name: _table_from_text(path, name, getattr(envelope, name)) for name in TRACE_TABLES}
    content = TraceContent(
        header, tables, envelope.header_hash, envelope.trace_hash, envelope.outcome_hash
    )
    at = 0
    for chunk in json_chunks(content):
        if text[at : at + len(chunk)] != chunk:
            raise TraceError(path, "is not in canonical form", f"within {at} to {at + len(chunk)}")
        at += len(chunk)
    if at != len(text):
        raise TraceError(path, "has text behind its end", f"byte {at}")
    return content


def _table_from_text(path: Path, name: str, columns: dict[str, msgspec.Raw] | None) -> Rows:
    dtype = TRACE_TABLES[name]
    if columns is None:
        return np.empty(0, dtype)
    usual = usual_columns(name, columns)
    names = [field for field in dtype.names or () if field not in usual]
    if list(columns) != names:
        wrong = next((c for c in columns if c not in names), None)
        problem = f"columns {', '.join(names)} were expected in this order"
        raise TraceError(path, problem, name if wrong is None else f"{name}.{wrong[:80]}")
    rows: Rows | None = None
    for field, raw in columns.items():
        try:
            values = parse_ints(raw)
        except ValueError as error:
            raise TraceError(path, str(error), f"{name}.{field}") from error
        if rows is None:
            rows = np.empty(len(values), dtype)
        if len(values) != len(rows):
            problem = f"{len(values)} values; {len(rows)} were expected"
            raise TraceError(path, problem, f"{name}.{field}")
        rows[field] = values
    assert rows is not None
    for field, value in usual.items():
        rows[field] = value
    return rows
