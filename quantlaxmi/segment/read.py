"""A sealed segment as its readers see it: nothing unverified is ever handed out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files import hash_inside, one_line_errors, open_sized, state_inside
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import OPTIONAL_TABLES, TABLES
from quantlaxmi.segment.arrow_io import table_schema
from quantlaxmi.segment.columns import (
    HashTask,
    MappedTable,
    check_footer,
    hash_pool,
    hash_tasks,
    map_columns,
    run_hashes,
)
from quantlaxmi.segment.horizon import cut_columns, last_seq_of
from quantlaxmi.segment.manifest import (
    COLUMN_FOLDER,
    MANIFEST_NAME,
    Cadence,
    Gap,
    Manifest,
    Quarantine,
    TableEntry,
    load_manifest,
)
from quantlaxmi.segment.market_data import MarketData, derived_cadence
from quantlaxmi.segment.rows import Columns, RowRules, check_order, empty_columns
from quantlaxmi.segment.wal import LogFileReader, log_files

Verify = Literal["manifest", "columns", "log", "all"]


class Count(NamedTuple):
    """Messages and rows of one table.

    Attributes
    ----------
    messages, rows : int
        A message can have several rows, such as the levels of a depth update.
    """

    messages: int
    rows: int


class Segment:
    """A sealed segment; made by `open_segment`.

    Attributes
    ----------
    path : Path
        The segment's folder.
    manifest : Manifest
        What the segment says of itself.
    instruments : tuple of Instrument
        Rows name them by their index here.
    digest : str
        SHA-256 in hex over the canonical column bytes.
    segment_id : str
        A name for people.
    counts : dict of str to Count
        Messages and rows of each table.
    n_messages, n_rows : int
        Over all tables.
    first_seq, last_seq : int
        Numbers of the first and last message; -1 in a segment without messages.
    first_ts_ns, last_ts_ns : int
        Receive times, ns since the epoch; -1 in a segment without messages.

    Examples
    --------
    >>> segment = open_segment("data/planted")
    >>> segment.counts["funding"]
    Count(messages=348, rows=348)
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest
        self.instruments: tuple[Instrument, ...] = manifest.instruments
        self.digest, self.segment_id = manifest.digest, manifest.segment_id
        self.n_messages, self.n_rows = manifest.messages, manifest.rows
        self.first_seq, self.last_seq = manifest.first_seq, manifest.last_seq
        self.first_ts_ns, self.last_ts_ns = manifest.first_ts_ns, manifest.last_ts_ns
        self._entries = {entry.table: entry for entry in manifest.tables}
        self._mapped: dict[str, MappedTable] = {}

    def __repr__(self) -> str:
        return (
            f"<Segment {self.segment_id}: {counted(self.n_messages, 'message[s]')} at "
            f"{str(self.path)!r}>"
        )

    def _repr_html_(self) -> str:
        from quantlaxmi.segment.shown import market_html

        return market_html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # Maps do not travel: another process opens the folder and verifies what it reads.
        return _reopened, (self.path, self.digest)

    @property
    def origin(self) -> str:
        """Digest of the whole recording: this one's."""
        return self.digest

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Known holes, as the manifest lists them."""
        return self.manifest.gaps

    @property
    def quarantine(self) -> Quarantine:
        """Lines that the import refused, as the manifest counts them."""
        return self.manifest.quarantine

    @cached_property
    def cadence(self) -> Cadence:
        """Cadence of the rows: as the manifest states, else derived from the quotes."""
        return self.manifest.cadence or derived_cadence(self._quote_flags())

    def _quote_flags(self) -> list[NDArray[Any]]:
        """The column ``flags`` of all quotes, in pieces; no horizon cuts it."""
        return [self._verified("quotes").columns["flags"]]

    @cached_property
    def counts(self) -> dict[str, Count]:
        """Messages and rows of each table."""
        return {name: Count(e.messages, e.rows) for name, e in self._entries.items()}

    def columns(self, table: str) -> Columns:
        """Columns of a table, mapped from the sealed file.

        Parameters
        ----------
        table : str
            A key of ``schema.TABLES``.

        Returns
        -------
        dict of str to ndarray, each of shape (n_rows,)
            Read-only views of the schema's dtypes; ``n_rows`` may be 0.

        Raises
        ------
        SegmentCorrupt
            The file is not the one the manifest names. Verified at the first use, unless
            `open_segment` did.
        """
        if self._is_absent(table):
            return empty_columns(table)
        return cut_columns(dict(self._verified(table).columns), last_seq_of(self.digest))

    def arrow(self, table: str) -> pa.Table:
        """The same columns as an Arrow table, without copying."""
        if self._is_absent(table):
            return table_schema(table).empty_table()
        whole = pa.Table.from_batches([self._verified(table).batch])
        return whole.slice(0, len(self.columns(table)["seq"]))

    def log(self, table: str) -> Iterator[Columns]:
        """Stream a table's log in bounded memory.

        Each batch is checked by its checksum and the row rules before it is handed out; each file
        by its SHA-256 when it ends, so the last `next` raises where a byte was changed: what was
        made of the rows must be trusted only after the iterator is exhausted.

        Yields
        ------
        dict of str to ndarray, each of shape (n_rows,)
            Whole messages; read-only views of the schema's dtypes.

        Raises
        ------
        SegmentCorrupt
            A file is not the one the manifest names.
        """
        if self._is_absent(table):
            return
        entry = self._entry(table)
        rules = RowRules(table, len(self.instruments))
        for log in entry.log:
            with LogFileReader(self.path, log.file, rules, log.first_batch, log.bytes) as reader:
                for batch in reader:
                    yield cut_columns(batch, last_seq_of(self.digest))
                found = (reader.batches, reader.rows, reader.sha256)
                if not reader.ended:
                    raise SegmentCorrupt(reader.path, reader.problem or "has no end mark")
                if found != (log.batches, log.rows, log.sha256):
                    raise SegmentCorrupt(
                        reader.path,
                        f"was changed: SHA-256 is {found[2]}, the manifest says {log.sha256}",
                    )
        _check_counts(self.path / MANIFEST_NAME, entry, rules)

    def check_unchanged(self) -> None:
        """Check that the columns in use are still those that were verified.

        Compared are device, inode, size and the time of the last write of each file. Where only
        rights or links of a file have changed since, its bytes are hashed again.

        Raises
        ------
        SegmentCorrupt
            A file was written, replaced or removed after it was verified.
        """
        for table, mapped in list(self._mapped.items()):
            now = state_inside(self.path, mapped.path.relative_to(self.path).as_posix())
            if now[:-1] != mapped.state[:-1]:
                raise SegmentCorrupt(
                    mapped.path,
                    "was changed after it was verified, so what was made of it is of no use; "
                    "verify the segment and run again",
                )
            if now != mapped.state:
                with hash_pool() as pool:
                    run_hashes(hash_tasks(mapped, self._entry(table), whole_file=False), pool)

    def _is_absent(self, table: str) -> bool:
        """Whether the segment has no such table, as it need not have."""
        return table in OPTIONAL_TABLES and table not in self._entries

    def _entry(self, table: str) -> TableEntry:
        try:
            return self._entries[table]
        except KeyError:
            raise SegmentError(
                self.path, f"has no table {table!r}, expected one of {', '.join(TABLES)}"
            ) from None

    def _map(self, table: str) -> MappedTable:
        entry = self._entry(table)
        return map_columns(self.path, table, entry.rows, entry.bytes)

    def _verify_all(self) -> None:
        """Everything that reading the columns does not verify."""
        for aux in self.manifest.files:
            found, _ = hash_inside(self.path, aux.file, aux.bytes)
            if found != aux.sha256:
                raise SegmentCorrupt(
                    self.path / aux.file,
                    f"was changed: SHA-256 is {found}, the manifest says {aux.sha256}",
                )
        for table, mapped in self._mapped.items():
            check_footer(mapped)
            at = 0
            for batch in self.log(table):
                for name, column in batch.items():
                    if not np.array_equal(column, mapped.columns[name][at : at + len(column)]):
                        raise SegmentCorrupt(
                            mapped.path, f"column {name} is not the log's in rows from {at}"
                        )
                at += len(batch["seq"])
        if problem := check_order({table: m.columns for table, m in self._mapped.items()}):
            raise SegmentCorrupt(self.path / MANIFEST_NAME, problem)

    def _verified(self, table: str) -> MappedTable:
        if table not in self._mapped:
            self._verify_columns([self._entry(table)])
        return self._mapped[table]

    def _verify_columns(self, entries: list[TableEntry], *, whole_file: bool = False) -> None:
        mapped = {entry.table: self._map(entry.table) for entry in entries}
        tasks: list[HashTask] = []
        for entry in entries:
            tasks += hash_tasks(mapped[entry.table], entry, whole_file=whole_file)
        with hash_pool() as pool:
            run_hashes(tasks, pool)
        for entry in entries:
            rules = RowRules(entry.table, len(self.instruments))
            if problem := rules.add(mapped[entry.table].columns):
                raise SegmentCorrupt(mapped[entry.table].path, problem)
            _check_counts(self.path / MANIFEST_NAME, entry, rules)
        self._mapped.update(mapped)


def require_sealed(data: MarketData) -> Segment:
    """Return the data if it is a sealed segment; operations on its folder need one.

    Raises
    ------
    SegmentError
        It is a window of a segment or exists only in memory.
    """
    if not isinstance(data, Segment):
        kind = type(data).__name__
        raise SegmentError(data.path, f"was given as a {kind}, expected a sealed segment")
    return data


def open_segment(path: Path | str, *, verify: Verify = "columns") -> Segment:
    """Open a sealed segment.

    Parameters
    ----------
    path : Path or str
        The segment's folder.
    verify : {"columns", "log", "manifest", "all"}
        What is verified now. The manifest, the names in the folders and every length always are;
        ``"columns"`` adds every byte of the sealed columns, ``"all"`` every byte of everything and
        that log and columns hold the same rows. What is not verified now is verified when it is
        first read, so ``"log"`` is for a reader that streams the log and ``"manifest"`` for one
        that wants neither yet.

    Returns
    -------
    Segment
        Its columns are mapped from disk when they are first read.

    Raises
    ------
    SegmentError
        The folder is no segment, or one that was not sealed.
    SegmentCorrupt
        A byte was changed; the message names the file.

    Examples
    --------
    >>> segment = open_segment("data/planted")
    >>> segment.n_messages, [one.symbol for one in segment.instruments]
    (24231, ['BTCUSDT', 'BTCUSDT-PERP'])
    >>> segment.columns("quotes")["bid"].dtype
    dtype('int64')
    """
    path = Path(path)
    if verify not in ("manifest", "columns", "log", "all"):
        raise ValueError(f"verify was {verify!r}, expected manifest, columns, log or all")
    manifest = load_manifest(path)
    if manifest.state != "sealed":
        raise SegmentError(
            path, "is a recording that was not sealed; segment recover seals what it has"
        )
    segment = Segment(path, manifest)
    _check_files(segment)
    if verify in ("columns", "all"):
        segment._verify_columns(list(manifest.tables), whole_file=verify == "all")
    if verify == "all":
        segment._verify_all()
    return segment


def _reopened(path: Path, digest: str) -> Segment:
    """The segment that was pickled, opened by its path.

    Raises
    ------
    SegmentCorrupt
        Another segment is there now.
    """
    segment = open_segment(path, verify="manifest")
    if segment.digest != digest:
        raise SegmentCorrupt(path, f"has the digest {segment.digest}, expected {digest}: replaced")
    return segment


def _check_files(segment: Segment) -> None:
    """Every file the manifest names is there and as long as it says; the folders hold no other."""
    path, manifest = segment.path, segment.manifest
    sizes = {entry.file: entry.bytes for entry in manifest.tables}
    sizes |= {log.file: log.bytes for entry in manifest.tables for log in entry.log}
    sizes |= {aux.file: aux.bytes for aux in manifest.files}
    for name, size in sizes.items():
        os.close(open_sized(path, name, size))
    named = {log.file for entry in manifest.tables for log in entry.log}
    for names in log_files(path).values():
        for name in names:
            if name not in named:
                raise SegmentCorrupt(path / name, "is not named by the manifest")
    with one_line_errors(path / COLUMN_FOLDER, "cannot be read"):
        found = sorted(file.name for file in (path / COLUMN_FOLDER).iterdir())
    for name in found:
        if f"{COLUMN_FOLDER}/{name}" not in sizes:
            raise SegmentCorrupt(path / COLUMN_FOLDER / name, "is not named by the manifest")


def _check_counts(manifest: Path, entry: TableEntry, rules: RowRules) -> None:
    for name in ("rows", "messages", "first_seq", "last_seq", "first_ts_ns", "last_ts_ns"):
        if getattr(rules, name) != getattr(entry, name):
            raise SegmentCorrupt(
                manifest,
                f"table {entry.table}: {name} was {getattr(entry, name)}, "
                f"its rows give {getattr(rules, name)}",
            )
