"""``segment.json``: the contents of a segment, canonical and self-hashed.

The bytes of a manifest are a function of its content: fields in declared order, two blanks of
indent, one newline at the end. Loading decodes, encodes again and refuses any difference, so
nothing can be said twice or hidden; then the self-hash is compared.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files import SEGMENT_MANIFEST, one_line_errors, read_bounded, write_whole
from quantlaxmi.instruments import Instrument, contract_problem, inverse_problem
from quantlaxmi.schema import OPTIONAL_TABLES, SCHEMA_VERSION, TABLES
from quantlaxmi.segment.wal import LogCut, log_name

MANIFEST_NAME: Final = SEGMENT_MANIFEST
BINDINGS_NAME: Final = "bindings.jsonl"
COLUMN_FOLDER: Final = "columns"
MAX_MANIFEST_BYTES: Final = 1 << 24
MAX_INSTRUMENTS: Final = 1 << 15  # rows hold the index in 16 bits
#: Longest name of an instrument, a venue or a currency.
MAX_NAME: Final = 128
_HASH_TAG: Final = b"quantlaxmi.segment.manifest/1\n"
_DIGEST_TAG: Final = b"quantlaxmi.segment.columns/1\n"
_AUX_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: A time or a message number; -1 where there is none.
Place = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
Text = Annotated[str, msgspec.Meta(max_length=4096)]
#: How rows follow one another: as a venue sent them, one price path a bar, or all at each time.
Cadence = Literal["events", "bars", "snapshots"]


class Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which a source is known to lack messages.

    Attributes
    ----------
    table, symbol : str
        What is missing; empty where it concerns all.
    start_ns, end_ns : int
        Receive times of the last message before and the first after.
    after_seq : int
        Global number of the last message before; -1 at the start.
    reason : str
    """

    table: Text = ""
    symbol: Text = ""
    start_ns: Place
    end_ns: Place
    after_seq: Place = -1
    reason: Text


class SourceFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file the segment was made from.

    Attributes
    ----------
    name : str
        Its name without folders.
    sha256 : str
        Of the file as it was on disk.
    bytes, lines : int
        Length on disk; lines of its text.
    stream : str
        What it was read as, for example ``"spot"``.
    """

    name: Text
    sha256: Sha256
    bytes: Count
    lines: Count
    stream: Text = ""


class Quarantine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines that were refused.

    Attributes
    ----------
    lines : int
    reasons : dict of str to int
        Lines by reason; they add up to ``lines``.
    """

    lines: Count = 0
    reasons: dict[str, int] = {}


class AuxFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further file of the segment's folder, for example the list of quarantined lines."""

    file: Text
    bytes: Count
    sha256: Sha256


class LogFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the log."""

    file: Text
    bytes: Count
    sha256: Sha256
    first_batch: Count
    batches: Count
    rows: Count


class ColumnEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sealed column: SHA-256 over its little-endian values."""

    name: Text
    dtype: Text
    sha256: Sha256


class TableEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sealed table.

    Attributes
    ----------
    table, file : str
    bytes, sha256 : int, str
        Of the whole columns file.
    framing_sha256 : str
        Of the file's bytes outside the columns, in order; with the columns' own hashes it covers
        every byte.
    rows, messages : int
    first_seq, last_seq, first_ts_ns, last_ts_ns : int
        -1 where the table is empty.
    columns : tuple of ColumnEntry
    log : tuple of LogFile
    """

    table: Text
    file: Text
    bytes: Count
    sha256: Sha256
    framing_sha256: Sha256
    rows: Count
    messages: Count
    first_seq: Place
    last_seq: Place
    first_ts_ns: Place
    last_ts_ns: Place
    columns: tuple[ColumnEntry, ...]
    log: tuple[LogFile, ...]


class Parent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The segment a part was split from.

    Attributes
    ----------
    segment_id, digest, manifest_sha256 : str
    first_seq, last_seq : int
        Global numbers of the messages this part holds.
    rule : str
        How it was split, for example ``"rows=100000"``.
    """

    segment_id: Text
    digest: Sha256
    manifest_sha256: Sha256
    first_seq: Place
    last_seq: Place
    rule: Text


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The manifest of a segment; docs/SEGMENT_FORMAT.md describes every field."""

    schema_version: int
    state: Literal["recording", "sealed"]
    segment_id: Text
    venue: Text
    instruments: Annotated[tuple[Instrument, ...], msgspec.Meta(max_length=MAX_INSTRUMENTS)]
    cadence: Cadence | None = None  # not written where it is not stated
    digest: str
    first_seq: Place
    last_seq: Place
    first_ts_ns: Place
    last_ts_ns: Place
    rows: Count
    messages: Count
    tables: tuple[TableEntry, ...]
    sources: tuple[SourceFile, ...]
    quarantine: Quarantine
    gaps: tuple[Gap, ...]
    cuts: tuple[LogCut, ...]
    notes: tuple[str, ...]
    files: tuple[AuxFile, ...]
    parent: Parent | None
    manifest_sha256: str


def columns_name(table: str) -> str:
    """Name of a table's sealed columns, relative to the segment's folder."""
    return f"{COLUMN_FOLDER}/{table}.arrow"


def encode_manifest(manifest: Manifest) -> bytes:
    """Canonical bytes of a manifest."""
    plain = msgspec.json.encode(manifest, order="deterministic")
    return msgspec.json.format(plain, indent=2) + b"\n"


def manifest_hash(manifest: Manifest) -> str:
    """Hash of a manifest: SHA-256 over a tag and its canonical bytes with the hash left empty."""
    bare = msgspec.structs.replace(manifest, manifest_sha256="")
    return hashlib.sha256(_HASH_TAG + encode_manifest(bare)).hexdigest()


def segment_digest(tables: tuple[TableEntry, ...]) -> str:
    """Digest of a segment's data: over each column's place, dtype, length and SHA-256.

    It does not depend on Arrow's framing, on compression or on batch sizes.
    """
    digest = hashlib.sha256(_DIGEST_TAG)
    for entry in tables:
        for column in entry.columns:
            line = f"{entry.table} {column.name} {column.dtype} {entry.rows} {column.sha256}\n"
            digest.update(line.encode())
    return digest.hexdigest()


def segment_name(venue: str, first_ts_ns: int, digest: str) -> str:
    """Name of a segment for people: venue, UTC day of its first message, start of its digest."""
    day = "empty"
    if first_ts_ns >= 0:
        day = datetime.fromtimestamp(first_ts_ns // 10**9, UTC).strftime("%Y%m%d")
    return f"{venue}-{day}-{digest[:16]}"


def save_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Complete a manifest with its hash and write it whole.

    Raises
    ------
    SegmentError
        It breaks its own rules (`check_manifest`), is too long, or cannot be written.
    """
    manifest = msgspec.structs.replace(manifest, manifest_sha256=manifest_hash(manifest))
    data = encode_manifest(manifest)
    path = folder / MANIFEST_NAME
    if len(data) > MAX_MANIFEST_BYTES:
        raise SegmentError(path, f"would be longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        problem = check_manifest(msgspec.json.decode(data, type=Manifest))
    except msgspec.ValidationError as error:
        problem = str(error)
    if problem:
        raise SegmentError(path, f"cannot be written: {problem}")
    write_whole(path, data)
    return manifest


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a segment's folder.

    Raises
    ------
    SegmentError
        The folder is no segment, or of another schema version.
    SegmentCorrupt
        The bytes are not canonical, the self-hash does not match, or a rule is broken.
    """
    path = folder / MANIFEST_NAME
    with one_line_errors(folder, "cannot be read"):
        if not folder.is_dir():
            raise SegmentError(folder, "is not a folder; expected a segment's folder")
        if not path.is_symlink() and not path.exists():
            raise SegmentError(folder, f"is not a segment: it has no {MANIFEST_NAME}")
    data = read_bounded(folder, MANIFEST_NAME, MAX_MANIFEST_BYTES)
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
        same = encode_manifest(manifest) == data
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise SegmentCorrupt(path, f"is not a segment's manifest: {error}") from error
    if not same:
        raise SegmentCorrupt(path, "is not in canonical form")
    expected = manifest_hash(manifest)
    if manifest.manifest_sha256 != expected:
        raise SegmentCorrupt(
            path, f"was changed: it hashes to {expected}, not {manifest.manifest_sha256[:64]}"
        )
    if manifest.schema_version != SCHEMA_VERSION:
        raise SegmentError(
            path, f"has schema version {manifest.schema_version}, expected {SCHEMA_VERSION}"
        )
    if problem := check_manifest(manifest):
        raise SegmentCorrupt(path, problem)
    return manifest


def check_manifest(manifest: Manifest) -> str:
    """First rule a manifest breaks; empty where it breaks none."""
    if problem := check_instruments(manifest.instruments):
        return problem
    if sum(manifest.quarantine.reasons.values()) != manifest.quarantine.lines:
        return "the quarantine's reasons do not add up to its lines"
    for aux in manifest.files:
        taken = (MANIFEST_NAME, BINDINGS_NAME, COLUMN_FOLDER, "wal")
        if not _AUX_NAME.fullmatch(aux.file) or aux.file in taken:
            return f"{aux.file[:100]!r} is not a name for a file of a segment"
    if len({aux.file for aux in manifest.files}) < len(manifest.files):
        return "a file is named twice"
    if manifest.state == "recording":
        return "a recording has sealed tables" if manifest.tables else ""
    filled = {entry.table for entry in manifest.tables if entry.rows}
    expected = [t for t in TABLES if t in filled or t not in OPTIONAL_TABLES]
    if [entry.table for entry in manifest.tables] != expected:
        return f"expected the tables {', '.join(expected)}"
    for entry in manifest.tables:
        if problem := _check_table(entry):
            return f"table {entry.table}: {problem}"
    return _check_totals(manifest)


def check_instruments(instruments: tuple[Instrument, ...]) -> str:
    """First rule that a segment's instruments break; empty where they break none."""
    symbols = [i.symbol for i in instruments]
    if not all(symbols) or not 0 < len(symbols) <= MAX_INSTRUMENTS:
        return f"expected 1 to {MAX_INSTRUMENTS} instruments, each with a symbol"
    if len(set(symbols)) < len(symbols):
        return "two instruments have the same symbol"
    for i in instruments:
        for name in ("symbol", "venue", "venue_symbol", "currency", "base", "contract_id"):
            text = getattr(i, name) or ""
            if len(text) > MAX_NAME:
                problem = f"{name} has {len(text)} characters, expected at most {MAX_NAME}"
                return f"instrument {i.symbol[:40]!r}: {problem}"
            if not text.isprintable():
                return f"instrument {i.symbol!r}: {name} has a character that cannot be printed"
        if problem := contract_problem(i):
            return f"instrument {i.symbol!r}: {problem}"
        for name in ("tick", "lot"):
            if not 0 <= getattr(i, name) <= 2**63 - 1:
                problem = f"{name} was {getattr(i, name)}, expected a mantissa from 0 to 2**63 - 1"
                return f"instrument {i.symbol!r}: {problem}"
        if not (-18 <= i.price_exponent <= 18 and -18 <= i.qty_exponent <= 18):
            return f"instrument {i.symbol!r}: exponents must be in -18..18"
        if problem := inverse_problem(i):
            return f"instrument {problem}"
    return ""


def _check_table(entry: TableEntry) -> str:
    if entry.file != columns_name(entry.table):
        return f"file was {entry.file[:100]!r}, expected {columns_name(entry.table)!r}"
    if [(c.name, c.dtype) for c in entry.columns] != list(TABLES[entry.table].items()):
        return "columns are not those of the schema"
    batch = rows = 0
    for number, log in enumerate(entry.log):
        if log.file != log_name(entry.table, number):
            return f"log file was {log.file[:100]!r}, expected {log_name(entry.table, number)!r}"
        if log.first_batch != batch:
            return f"log file {log.file} begins with batch {log.first_batch}, expected {batch}"
        batch += log.batches
        rows += log.rows
    if rows != entry.rows:
        return f"has {entry.rows} rows, its log {rows}"
    if not (entry.messages <= entry.rows and (entry.messages > 0) == (entry.rows > 0)):
        return f"{entry.messages} messages cannot have {entry.rows} rows"
    return ""


def _check_totals(manifest: Manifest) -> str:
    filled = [entry for entry in manifest.tables if entry.rows]
    totals = {
        "digest": segment_digest(manifest.tables),
        "rows": sum(entry.rows for entry in filled),
        "messages": sum(entry.messages for entry in filled),
        "first_seq": min((entry.first_seq for entry in filled), default=-1),
        "last_seq": max((entry.last_seq for entry in filled), default=-1),
        "first_ts_ns": min((entry.first_ts_ns for entry in filled), default=-1),
        "last_ts_ns": max((entry.last_ts_ns for entry in filled), default=-1),
    }
    for name, value in totals.items():
        if getattr(manifest, name) != value:
            return f"{name} was {getattr(manifest, name)!r}, its tables give {value!r}"
    name = segment_name(manifest.venue, manifest.first_ts_ns, manifest.digest)
    if manifest.segment_id != name:
        return f"segment_id was {manifest.segment_id[:100]!r}, expected {name!r}"
    return ""
