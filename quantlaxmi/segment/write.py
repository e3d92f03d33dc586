"""Writing a segment: rows go to the log, and at the end the log is sealed into columns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError, SegmentError
from quantlaxmi.files import (
    check_apart,
    hash_inside,
    locked_folder,
    one_line_errors,
    sync_folder,
)
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import SCHEMA_VERSION, TABLES
from quantlaxmi.segment.manifest import (
    AuxFile,
    Cadence,
    Gap,
    Manifest,
    Parent,
    Quarantine,
    SourceFile,
    save_manifest,
)
from quantlaxmi.segment.read import Segment, open_segment
from quantlaxmi.segment.recover import RecoveredLog, RecoveryReport, recover_folder
from quantlaxmi.segment.rows import Columns, RowRules, conform, whole_messages
from quantlaxmi.segment.seal import seal_folder
from quantlaxmi.segment.wal import LOG_FOLDER, MAX_BATCH_ROWS, ROLL_BYTES, TableLog

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class SegmentWriter:
    """Writes the tables of one segment and seals it.

    Used as a context manager it leaves, when it ends by an exception or dies, a log that
    `recover` makes whole and `SegmentWriter.resume` continues.

    Parameters
    ----------
    path : Path or str
        A folder that does not exist or is empty.
    venue : str
        Name of the venue, for example ``"binance"``.
    instruments : sequence of Instrument
        Rows name them by their index.
    sources : iterable of SourceFile or mapping
        Files that the rows come from; they may be given to `seal` instead.
    cadence : {"events", "bars", "snapshots"}, optional
        How the rows follow one another. Where it is not stated, readers derive it from the quotes.
    batch_rows : int
        Number of rows that are gathered before a batch is written to the log.
    roll_bytes : int
        Length in bytes after which a log file is closed and the next begun.

    Raises
    ------
    InputError
        The folder cannot be used, or the instruments are not valid.

    Examples
    --------
    >>> data = open_segment("data/planted")
    >>> with SegmentWriter("copy", venue="binance", instruments=data.instruments) as writer:
    ...     for table in data.counts:
    ...         writer.append(table, data.columns(table))
    ...     copy = writer.seal()
    >>> copy.digest == data.digest
    True
    """

    recovery: RecoveryReport | None

    def __init__(
        self,
        path: Path | str,
        *,
        venue: str,
        instruments: Sequence[Instrument],
        sources: Iterable[SourceFile | Mapping[str, Any]] = (),
        cadence: Cadence | None = None,
        batch_rows: int = 1 << 16,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        path = Path(path)
        check_apart(path, SegmentError)
        with one_line_errors(path, "cannot be made"):
            path.mkdir(exist_ok=True)
            if any(path.iterdir()):
                raise InputError(path, "is not empty; expected a new folder for the segment")
        manifest = Manifest(
            schema_version=SCHEMA_VERSION,
            state="recording",
            segment_id="",
            venue=venue,
            instruments=tuple(instruments),
            cadence=cadence,
            digest="",
            first_seq=-1,
            last_seq=-1,
            first_ts_ns=-1,
            last_ts_ns=-1,
            rows=0,
            messages=0,
            tables=(),
            sources=_parts(sources, SourceFile, path),
            quarantine=Quarantine(),
            gaps=(),
            cuts=(),
            notes=(),
            files=(),
            parent=None,
            manifest_sha256="",
        )
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked_folder(path))
            with one_line_errors(path, "cannot be made"):
                (path / LOG_FOLDER).mkdir()
            manifest = save_manifest(path, manifest)
            logs = {
                t: RecoveredLog(
                    rules=RowRules(t, len(instruments)), next_file=0, next_batch=0, cut=None
                )
                for t in TABLES
            }
            self._begin(path, manifest, logs, batch_rows, roll_bytes, stack.pop_all())
        self.recovery = None

    @classmethod
    def resume(
        cls, path: Path | str, *, batch_rows: int = 1 << 16, roll_bytes: int = ROLL_BYTES
    ) -> SegmentWriter:
        """Recover a recording and go on writing to it, in new log files.

        The writer's ``recovery`` says what recovery did.

        Raises
        ------
        SegmentError
            As `recover`.
        """
        path = Path(path)
        writer = cls.__new__(cls)
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked_folder(path))
            manifest, logs, writer.recovery = recover_folder(path)
            writer._begin(path, manifest, logs, batch_rows, roll_bytes, stack.pop_all())
        return writer

    def _begin(
        self,
        path: Path,
        manifest: Manifest,
        logs: dict[str, RecoveredLog],
        batch_rows: int,
        roll_bytes: int,
        stack: contextlib.ExitStack,
    ) -> None:
        if not 1 <= batch_rows <= MAX_BATCH_ROWS:
            stack.close()
            raise ValueError(f"batch_rows was {batch_rows}, expected 1..{MAX_BATCH_ROWS}")
        self.path, self._manifest, self._batch_rows = path, manifest, batch_rows
        self._rules = {table: log.rules for table, log in logs.items()}
        self._logs = {
            table: TableLog(
                path,
                table,
                next_file=log.next_file,
                next_batch=log.next_batch,
                roll_bytes=roll_bytes,
            )
            for table, log in logs.items()
        }
        self._pending: dict[str, Columns] = {}
        self._pending_rows = dict.fromkeys(TABLES, 0)
        self._stack: contextlib.ExitStack | None = stack

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def append(self, table: str, columns: Mapping[str, ArrayLike]) -> None:
        """Add rows to a table.

        Parameters
        ----------
        table : str
            A key of ``schema.TABLES``.
        columns : mapping of str to array_like, each of shape (n_rows,)
            All columns of the table; integers that fit the schema's dtypes. Whole messages,
            ``seq`` ascending within the table, ``ts_ns`` not descending.

        Raises
        ------
        SegmentError
            A column is missing or unknown, a value does not fit, a rule of rows is broken (none of
            the rows is taken), or the log cannot be written.
        """
        self._open()
        rows = conform(self.path, table, columns)
        n = len(rows["seq"])
        if n == 0:
            return
        pieces = list(whole_messages(rows["seq"], self._batch_rows))
        if (longest := max(stop - start for start, stop in pieces)) > MAX_BATCH_ROWS:
            raise SegmentError(
                self.path,
                f"table {table}: a message has {counted(longest, 'row[s]')}, at most "
                f"{MAX_BATCH_ROWS} are kept",
            )
        if problem := self._rules[table].add(rows):
            raise SegmentError(self.path, f"table {table}: {problem}")
        if self._pending_rows[table] + n > self._batch_rows:
            self._write_pending(table)
        for start, stop in pieces:
            piece = {name: column[start:stop] for name, column in rows.items()}
            if stop == n and self._pending_rows[table] + stop - start < self._batch_rows:
                self._keep(table, piece)
            else:
                self._write_pending(table)
                self._write(table, piece)

    def flush(self) -> None:
        """Write what was appended as batches of the log and make them durable.

        Raises
        ------
        SegmentError
            The log cannot be written.
        """
        self._open()
        for table in TABLES:
            self._write_pending(table)
        with self._fatal():
            for log in self._logs.values():
                log.sync()
            with one_line_errors(self.path, "cannot be made durable"):
                sync_folder(self.path / LOG_FOLDER)

    def close(self) -> None:
        """End the log's files properly and let go of the folder; `resume` may go on later."""
        if self._stack is None:
            return
        self.flush()
        with self._fatal():
            for log in self._logs.values():
                log.close()
        self._release()

    def seal(
        self,
        *,
        gaps: Iterable[Gap | Mapping[str, Any]] = (),
        quarantine: Quarantine | Mapping[str, Any] | None = None,
        notes: Iterable[str] = (),
        sources: Iterable[SourceFile | Mapping[str, Any]] | None = None,
        files: Iterable[str] = (),
        parent: Parent | None = None,
    ) -> Segment:
        """Turn the log into a sealed segment.

        Parameters
        ----------
        gaps : iterable of Gap or mapping
        quarantine : Quarantine or mapping, optional
        notes : iterable of str
            What a reader should know, one sentence each.
        sources : iterable of SourceFile or mapping, optional
            In place of those given to the constructor.
        files : iterable of str
            Names of further files that were put into the folder; they become part of it.
        parent : Parent, optional
            The segment this one is a part of.

        Returns
        -------
        Segment

        Raises
        ------
        SegmentError
            Messages of the tables are not in one order, or a file cannot be written.
        """
        self._open()
        for table in TABLES:
            self._write_pending(table)
        with self._fatal():
            for log in self._logs.values():
                log.close(sync=False)  # seal_folder does
            manifest = msgspec.structs.replace(
                self._manifest,
                state="sealed",
                gaps=_parts(gaps, Gap, self.path),
                notes=tuple(notes),
                files=tuple(self._aux(name) for name in sorted(files)),
                parent=parent,
            )
            if quarantine is not None:
                [shown] = _parts([quarantine], Quarantine, self.path)
                manifest = msgspec.structs.replace(manifest, quarantine=shown)
            if sources is not None:
                shown_sources = _parts(sources, SourceFile, self.path)
                manifest = msgspec.structs.replace(manifest, sources=shown_sources)
            rows = {table: rules.rows for table, rules in self._rules.items()}
            seal_folder(self.path, manifest, rows)
        self._release()
        return open_segment(self.path, verify="manifest")

    def _aux(self, name: str) -> AuxFile:
        sha256, size = hash_inside(self.path, name)
        return AuxFile(file=name, bytes=size, sha256=sha256)

    def _open(self) -> None:
        if self._stack is None:
            raise SegmentError(self.path, "is no longer open for writing")

    @contextlib.contextmanager
    def _fatal(self) -> Iterator[None]:
        """Let go of everything on an error: what follows half a batch could not be read."""
        try:
            yield
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        for log in self._logs.values():
            log.abandon()
        self._release()

    def _release(self) -> None:
        if self._stack is not None:
            self._stack.close()
            self._stack = None

    def _keep(self, table: str, rows: Columns) -> None:
        # Copied, because the caller may use its arrays again.
        if table not in self._pending:
            self._pending[table] = {
                name: np.empty(self._batch_rows, dtype) for name, dtype in TABLES[table].items()
            }
        start = self._pending_rows[table]
        self._pending_rows[table] = stop = start + len(rows["seq"])
        for name, column in self._pending[table].items():
            column[start:stop] = rows[name]

    def _write_pending(self, table: str) -> None:
        n, self._pending_rows[table] = self._pending_rows[table], 0
        if n:
            self._write(table, {name: column[:n] for name, column in self._pending[table].items()})

    def _write(self, table: str, rows: Columns) -> None:
        with self._fatal():
            self._logs[table].write(rows)


def _parts(
    given: Iterable[_Struct | Mapping[str, Any]], kind: type[_Struct], path: Path
) -> tuple[_Struct, ...]:
    try:
        return tuple(
            part if isinstance(part, kind) else msgspec.convert(part, kind) for part in given
        )
    except msgspec.ValidationError as error:
        raise SegmentError(path, f"{kind.__name__} is not valid: {error}") from error
