"""Segments: recorded market data as a folder that proves its own bytes.

This module is the door: writing, recovering, opening, verifying and describing. The layout of the
folder is in ``docs/SEGMENT_FORMAT.md``.
"""

from __future__ import annotations

from quantlaxmi.files import staged_directory
from quantlaxmi.manifest import Gap, Manifest, Parent, Quarantine, SourceFile
from quantlaxmi.segment_read import Count, Segment, open_segment
from quantlaxmi.segment_recover import RecoveryReport, recover
from quantlaxmi.segment_write import SegmentWriter

__all__ = [
    "Count",
    "Gap",
    "Manifest",
    "Parent",
    "Quarantine",
    "RecoveryReport",
    "Segment",
    "SegmentWriter",
    "SourceFile",
    "open_segment",
    "recover",
    "staged_directory",
]
