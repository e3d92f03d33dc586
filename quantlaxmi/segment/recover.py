"""After a crash: the log is cut at its last whole batch, and the cut is reported and kept."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files import locked_folder, one_line_errors, sync_folder
from quantlaxmi.segment.manifest import Manifest, load_manifest, save_manifest
from quantlaxmi.segment.rows import RowRules
from quantlaxmi.segment.seal import drop_columns
from quantlaxmi.segment.wal import END_MARK, LogCut, LogFileReader, log_files


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """The cuts that recovery made in a log, and the rows that remain.

    Attributes
    ----------
    path : str
        The recording's folder.
    cuts : tuple of LogCut
        Files cut now; empty after a clean end.
    rows, messages, last_seq : dict of str to int
        What each table holds; ``last_seq`` is -1 where it is empty.
    """

    path: str
    cuts: tuple[LogCut, ...]
    rows: dict[str, int]
    messages: dict[str, int]
    last_seq: dict[str, int]


def recover(path: Path | str) -> RecoveryReport:
    """Make the log of a recording whole after its writer died.

    Each table's last file is cut at its last whole batch and ended properly; cuts are also kept
    in the manifest. Every batch whose ``flush()`` had returned is kept. Doing it twice changes
    nothing.

    Parameters
    ----------
    path : Path or str
        The recording's folder.

    Returns
    -------
    RecoveryReport
        The files that were cut, and the rows and messages of each table.

    Raises
    ------
    SegmentError
        The folder is no segment, is sealed, or somebody writes to it.
    SegmentCorrupt
        Files are damaged in a way a crash does not explain.

    Examples
    --------
    >>> from quantlaxmi import SegmentWriter, open_segment
    >>> instruments = open_segment("data/planted").instruments
    >>> with SegmentWriter("recording", venue="binance", instruments=instruments) as writer:
    ...     writer.flush()
    >>> recover("recording").cuts
    ()
    """
    path = Path(path)
    load_manifest(path)  # says what is wrong with a folder that is none before it is locked
    with locked_folder(path):
        return recover_folder(path)[2]


def recover_folder(path: Path) -> tuple[Manifest, dict[str, RecoveredLog], RecoveryReport]:
    """Recover a folder that is locked; also return what a writer needs to go on."""
    manifest = load_manifest(path)
    if manifest.state == "sealed":
        raise SegmentError(path, "is sealed; there is nothing to recover")
    drop_columns(path)
    logs = {
        table: recover_log(path, table, names, len(manifest.instruments))
        for table, names in log_files(path).items()
    }
    cuts = tuple(log.cut for log in logs.values() if log.cut is not None)
    if cuts:
        manifest = save_manifest(path, msgspec.structs.replace(manifest, cuts=manifest.cuts + cuts))
    report = RecoveryReport(
        path=str(path),
        cuts=cuts,
        rows={table: log.rules.rows for table, log in logs.items()},
        messages={table: log.rules.messages for table, log in logs.items()},
        last_seq={table: log.rules.last_seq for table, log in logs.items()},
    )
    return manifest, logs, report


class RecoveredLog(msgspec.Struct, kw_only=True):
    """State of a table's log after recovery.

    Attributes
    ----------
    rules : RowRules
        Has seen every row kept.
    next_file, next_batch : int
    cut : LogCut or None
    """

    rules: RowRules
    next_file: int
    next_batch: int
    cut: LogCut | None


def recover_log(folder: Path, table: str, names: list[str], n_instruments: int) -> RecoveredLog:
    """Bring one table's log to a whole state: cut its last file at the last whole batch.

    Parameters
    ----------
    folder : Path
    table : str
    names : list of str
        The table's log files in order.
    n_instruments : int

    Raises
    ------
    SegmentCorrupt
        A file before the last is damaged, or intact rows break the segment's rules: a crash does
        neither.
    """
    rules = RowRules(table, n_instruments)
    next_batch, next_file, cut = 0, 0, None
    for k, name in enumerate(names):
        with LogFileReader(folder, name, rules, next_batch) as reader:
            for _ in reader:
                pass
        if not reader.ended:
            if k + 1 < len(names):
                raise SegmentCorrupt(reader.path, reader.problem or "has no end mark")
            if reader.unruly:
                raise SegmentCorrupt(reader.path, reader.problem)
            if reader.problem or not reader.batches:
                cut = LogCut(
                    file=name,
                    table=table,
                    kept_batches=reader.batches,
                    kept_rows=reader.rows,
                    cut_bytes=reader.size - (reader.end if reader.batches else 0),
                    reason=reader.problem or "no batch was written",
                )
            _end_file(reader.path, reader.end if reader.batches else 0)
        next_batch += reader.batches
        next_file += reader.batches > 0
    return RecoveredLog(rules=rules, next_file=next_file, next_batch=next_batch, cut=cut)


def _end_file(path: Path, end: int) -> None:
    with one_line_errors(path, "cannot be cut"):
        if end == 0:
            path.unlink()
            sync_folder(path.parent)
            return
        with path.open("r+b") as file:
            file.truncate(end)
            file.seek(end)
            file.write(END_MARK)
            file.flush()
            os.fsync(file.fileno())
