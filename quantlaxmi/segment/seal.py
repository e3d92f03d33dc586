"""Sealing: a whole log becomes columns and a manifest that names every byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import msgspec

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files import one_line_errors, sync_file, sync_folder
from quantlaxmi.parallel.threads import Threads
from quantlaxmi.schema import OPTIONAL_TABLES
from quantlaxmi.segment.columns import (
    MappedTable,
    begin_hashes,
    column_entries,
    hash_pool,
    hash_tasks,
    map_columns,
    write_columns,
)
from quantlaxmi.segment.manifest import (
    COLUMN_FOLDER,
    LogFile,
    Manifest,
    TableEntry,
    columns_name,
    save_manifest,
    segment_digest,
    segment_name,
)
from quantlaxmi.segment.rows import Columns, RowRules, check_order
from quantlaxmi.segment.wal import LOG_FOLDER, LogFileReader, log_files


def drop_columns(path: Path) -> None:
    """Remove the remains of a sealing that did not end."""
    with one_line_errors(path / COLUMN_FOLDER, "cannot be removed"):
        if (path / COLUMN_FOLDER).exists():
            shutil.rmtree(path / COLUMN_FOLDER)


def seal_folder(path: Path, manifest: Manifest, rows: dict[str, int]) -> Manifest:
    """Write the columns and the sealed manifest of a folder whose log is whole.

    Parameters
    ----------
    path : Path
    manifest : Manifest
        State ``sealed``; its tables, totals and hashes are filled in here.
    rows : dict of str to int
        Rows in each table's log.

    Raises
    ------
    SegmentError
        Messages of the tables are not in one order, or a file cannot be written.
    SegmentCorrupt
        The log does not read back as it was written.
    """
    drop_columns(path)
    with one_line_errors(path / COLUMN_FOLDER, "cannot be made"):
        (path / COLUMN_FOLDER).mkdir()
    tables: list[TableEntry] = []
    columns: dict[str, Columns] = {}
    logs = log_files(path)
    # The disk catches up, and what was written is hashed, while further tables are read.
    with Threads(1) as disk, hash_pool() as pool:
        durable = [disk.submit(_sync, path / name) for names in logs.values() for name in names]
        written: list[_Written] = []
        for table, names in logs.items():
            if table in OPTIONAL_TABLES and not rows[table]:
                continue
            rules = RowRules(table, len(manifest.instruments))
            log: list[LogFile] = []
            batches = _batches(path, names, rules, log, pool)
            size = write_columns(path, table, rows[table], batches)
            durable.append(disk.submit(_sync, path / columns_name(table)))
            mapped = map_columns(path, table, rules.rows, size)
            hashes = begin_hashes(hash_tasks(mapped, None, whole_file=True), pool)
            written.append(_Written(rules, mapped, tuple(log), hashes))
        for one in written:
            tables.append(_entry(one))
            columns[one.rules.table] = one.mapped.columns
        for synced in durable:
            synced.result()
    if problem := check_order(columns):
        raise SegmentError(path, problem)
    filled = [entry for entry in tables if entry.rows]
    digest = segment_digest(tuple(tables))
    first_ts_ns = min((entry.first_ts_ns for entry in filled), default=-1)
    manifest = msgspec.structs.replace(
        manifest,
        tables=tuple(tables),
        digest=digest,
        segment_id=segment_name(manifest.venue, first_ts_ns, digest),
        rows=sum(entry.rows for entry in filled),
        messages=sum(entry.messages for entry in filled),
        first_seq=min((entry.first_seq for entry in filled), default=-1),
        last_seq=max((entry.last_seq for entry in filled), default=-1),
        first_ts_ns=first_ts_ns,
        last_ts_ns=max((entry.last_ts_ns for entry in filled), default=-1),
    )
    with one_line_errors(path, "cannot be made durable"):
        sync_folder(path / COLUMN_FOLDER)
        sync_folder(path / LOG_FOLDER)
    return save_manifest(path, manifest)


def _sync(path: Path) -> None:
    with one_line_errors(path, "cannot be made durable"):
        sync_file(path)


class _Written(NamedTuple):
    """A table whose columns file is written, and being hashed."""

    rules: RowRules
    mapped: MappedTable
    log: tuple[LogFile, ...]
    hashes: list[Future[str]]


def _batches(
    path: Path, names: list[str], rules: RowRules, log: list[LogFile], pool: Threads
) -> Iterator[Columns]:
    """The table's rows as the log has them; each file is added to ``log`` when it was whole."""
    first_batch = 0
    for name in names:
        with LogFileReader(path, name, rules, first_batch, pool=pool) as reader:
            yield from reader
            if not reader.ended:
                raise SegmentCorrupt(reader.path, reader.problem or "has no end mark")
            log.append(
                LogFile(
                    file=name,
                    bytes=reader.size,
                    sha256=reader.sha256,
                    first_batch=first_batch,
                    batches=reader.batches,
                    rows=reader.rows,
                )
            )
            first_batch += reader.batches


def _entry(written: _Written) -> TableEntry:
    """Return the manifest's entry of a table."""
    rules = written.rules
    framing, *columns, whole = (one.result() for one in written.hashes)
    return TableEntry(
        table=rules.table,
        file=columns_name(rules.table),
        bytes=len(written.mapped.map),
        sha256=whole,
        framing_sha256=framing,
        rows=rules.rows,
        messages=rules.messages,
        first_seq=rules.first_seq,
        last_seq=rules.last_seq,
        first_ts_ns=rules.first_ts_ns,
        last_ts_ns=rules.last_ts_ns,
        columns=column_entries(rules.table, columns),
        log=written.log,
    )
