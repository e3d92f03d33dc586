"""What an import made, in numbers."""

from __future__ import annotations

import msgspec

from quantlaxmi.segment import Segment


class CaptureCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one capture's lines.

    Attributes
    ----------
    file, stream, symbol : str
        Name of the file, ``"spot"`` or ``"perp"``, symbol of the instrument.
    lines : int
        ``header_lines + message_lines + quarantined``.
    messages_by_kind : dict of str to int
        Messages by table.
    quarantined : int
    reordered : int
        Lines put back in their place by receive time.
    depth_gaps : int
        Breaks in the exchange's sequence of depth updates.
    raw_bytes, text_bytes : int
        Length of the file on disk, and of its text.
    message_lines : int
        Lines the messages were read from; one a message in a stream capture.
    header_lines : int
    trade_gaps : int
        Holes in the trade ids.
    """

    file: str
    stream: str
    symbol: str
    lines: int
    messages_by_kind: dict[str, int]
    quarantined: int
    reordered: int
    depth_gaps: int
    raw_bytes: int
    text_bytes: int
    message_lines: int = 0
    header_lines: int = 0
    trade_gaps: int = 0


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an import made.

    Attributes
    ----------
    segment : Segment
    messages_by_kind : dict of str to int
        Messages by table, over all captures.
    quarantined : int
        Lines set aside.
    quarantine_reasons : dict of str to int
    lines : int
        ``header_lines + message_lines + quarantined``.
    captures : tuple of CaptureCounts
    text_bytes : int
        Uncompressed text read.
    elapsed_s : float
    message_lines : int
        Lines the messages were read from; one a message in a stream capture.
    header_lines : int
    """

    segment: Segment
    messages_by_kind: dict[str, int]
    quarantined: int
    quarantine_reasons: dict[str, int]
    lines: int
    captures: tuple[CaptureCounts, ...]
    text_bytes: int
    elapsed_s: float
    message_lines: int = 0
    header_lines: int = 0
