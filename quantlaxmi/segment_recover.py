"""After a crash: the log is cut at its last whole batch, and the cut is reported and kept."""

from __future__ import annotations

from pathlib import Path

import msgspec

from quantlaxmi.errors import SegmentError
from quantlaxmi.files import locked_folder
from quantlaxmi.manifest import Manifest, load_manifest, save_manifest
from quantlaxmi.segment_seal import drop_columns
from quantlaxmi.wal import LogCut, RecoveredLog, log_files, recover_log


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What recovery found and did.

    Attributes
    ----------
    path : str
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

    Raises
    ------
    SegmentError
        The folder is no segment, is sealed, or somebody writes to it.
    SegmentCorrupt
        Files are damaged in a way a crash does not explain.
    """
    path = Path(path)
    load_manifest(path)  # says what is wrong with a folder that is none before it is locked
    with locked_folder(path):
        return recover_folder(path)[2]


def recover_folder(path: Path) -> tuple[Manifest, dict[str, RecoveredLog], RecoveryReport]:
    """Recover a folder whose lock is held; also gives what a writer needs to go on."""
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
