"""Segments: recorded market data as a folder that proves its own bytes.

This module is the door: writing, recovering, opening, verifying, describing, splitting and
exporting. The layout of the folder is in ``docs/SEGMENT_FORMAT.md``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from quantlaxmi.files import staged_directory
from quantlaxmi.segment.export import export
from quantlaxmi.segment.held import HeldSegment
from quantlaxmi.segment.manifest import (
    BINDINGS_NAME,
    COLUMN_FOLDER,
    MANIFEST_NAME,
    Cadence,
    Gap,
    Manifest,
    Parent,
    Quarantine,
    SourceFile,
)
from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.segment.parts import SegmentParts, as_market, open_parts, open_whole
from quantlaxmi.segment.read import Count, Segment, open_segment, require_sealed
from quantlaxmi.segment.recover import RecoveryReport, recover
from quantlaxmi.segment.split import split_segment
from quantlaxmi.segment.wal import LOG_FOLDER, LogCut
from quantlaxmi.segment.window import Window, messages_before
from quantlaxmi.segment.write import SegmentWriter

__all__ = [
    "Cadence",
    "Count",
    "Gap",
    "HeldSegment",
    "LogCut",
    "Manifest",
    "MarketData",
    "MemorySegment",
    "Parent",
    "Quarantine",
    "RecoveryReport",
    "Segment",
    "SegmentParts",
    "SegmentWriter",
    "SourceFile",
    "Window",
    "as_market",
    "export",
    "messages_before",
    "open_parts",
    "open_segment",
    "open_whole",
    "recover",
    "segment_info",
    "split_segment",
    "staged_directory",
    "verify_segment",
]


def segment_info(segment: Segment) -> dict[str, Any]:
    """Describe a segment as plain values, for JSON or a table.

    Parameters
    ----------
    segment : Segment
        As `open_segment` returns it.

    Returns
    -------
    dict
        Id, digest, venue, cadence, times in ns, counts of messages and rows by table,
        ``missing_seq`` (numbers between the first and last message that no message has),
        instruments, sources, quarantine, gaps, cuts, notes, parent and bytes of log and columns.

    Raises
    ------
    SegmentError
        It is a window of a segment or exists only in memory.

    Examples
    --------
    >>> info = segment_info(open_segment("data/planted"))
    >>> info["cadence"], info["messages"], info["missing_seq"]
    ('events', 24231, 0)
    """
    manifest = require_sealed(segment).manifest
    plain = msgspec.json.decode(msgspec.json.encode(manifest))
    span = manifest.last_seq - manifest.first_seq + 1 if manifest.messages else 0
    return {
        "path": str(segment.path),
        "segment_id": segment.segment_id,
        "digest": segment.digest,
        "manifest_sha256": manifest.manifest_sha256,
        "venue": manifest.venue,
        "cadence": segment.cadence,
        "first_ts_ns": segment.first_ts_ns,
        "last_ts_ns": segment.last_ts_ns,
        "first_seq": manifest.first_seq,
        "last_seq": manifest.last_seq,
        "missing_seq": span - manifest.messages,
        "messages": manifest.messages,
        "rows": manifest.rows,
        "counts": {table: count._asdict() for table, count in segment.counts.items()},
        "log_bytes": sum(log.bytes for entry in manifest.tables for log in entry.log),
        "column_bytes": sum(entry.bytes for entry in manifest.tables),
        **{
            name: plain[name]
            for name in (
                "instruments",
                "sources",
                "quarantine",
                "gaps",
                "cuts",
                "notes",
                "files",
                "parent",
            )
        },
    }


def verify_segment(path: Path | str) -> dict[str, Any]:
    """Verify every byte of a segment, and that its log and columns have the same rows.

    Parameters
    ----------
    path : Path or str
        The segment's folder.

    Returns
    -------
    dict
        ``segment_id``, ``digest``, ``messages``, ``rows``, ``files`` and ``bytes`` verified, and
        ``unnamed``: entries of the folder that are no part of the segment and that nothing reads.

    Raises
    ------
    SegmentError
        The folder is no sealed segment.
    SegmentCorrupt
        A byte was changed; the message names the file.

    Examples
    --------
    >>> verify_segment("data/planted")["messages"]
    24231
    """
    segment = open_segment(path, verify="all")
    manifest = segment.manifest
    sizes = [(segment.path / MANIFEST_NAME).stat().st_size]
    sizes += [entry.bytes for entry in manifest.tables]
    sizes += [log.bytes for entry in manifest.tables for log in entry.log]
    sizes += [aux.bytes for aux in manifest.files]
    known = {MANIFEST_NAME, BINDINGS_NAME, COLUMN_FOLDER, LOG_FOLDER}
    known |= {aux.file for aux in manifest.files}
    return {
        "path": str(segment.path),
        "segment_id": segment.segment_id,
        "digest": segment.digest,
        "messages": segment.n_messages,
        "rows": segment.n_rows,
        "files": len(sizes),
        "bytes": sum(sizes),
        "unnamed": sorted(p.name for p in segment.path.iterdir() if p.name not in known),
    }
