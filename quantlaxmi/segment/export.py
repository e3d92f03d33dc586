"""Tables of a segment as Parquet files, for other tools."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from quantlaxmi.errors import InputError, SegmentError
from quantlaxmi.files import check_apart, whole_file
from quantlaxmi.segment.market_data import MarketData

ROW_GROUP_ROWS = 1 << 20


def export(segment: MarketData, table: str, out: Path | str) -> Path:
    """Write a table as a Parquet file, whole or not at all.

    Values stay integer mantissas. The file's metadata holds the table's name, the segment's id and
    digest, and its instruments with their exponents as JSON.

    Parameters
    ----------
    segment : MarketData
        A segment, its parts, a window of it, or rows in memory.
    table : str
        A key of ``schema.TABLES``: ``"quotes"``, ``"depth"``, ``"trades"``, ``"funding"``
        or ``"bars"``.
    out : Path or str
        A file that does not exist.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    InputError
        ``out`` exists or cannot be written.
    SegmentCorrupt
        The table's columns were changed.

    Examples
    --------
    >>> import pyarrow.parquet as pq
    >>> from quantlaxmi.segment import open_segment
    >>> pq.read_table(export(open_segment("data/planted"), "funding", "funding.parquet")).num_rows
    348
    """
    import pyarrow.parquet as pq  # takes long to load, and few callers export

    out = Path(out)
    if os.path.lexists(out):
        raise InputError(out, "exists already; choose another file or remove it first")
    check_apart(out)
    rows = segment.arrow(table)
    metadata = {
        "quantlaxmi.segment_id": segment.segment_id,
        "quantlaxmi.digest": segment.digest,
        "quantlaxmi.instruments": msgspec.json.encode(segment.instruments),
    }
    rows = rows.replace_schema_metadata({**(rows.schema.metadata or {}), **metadata})
    with (
        whole_file(out, SegmentError) as file,
        pq.ParquetWriter(file, rows.schema, compression="zstd") as writer,
    ):
        writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
    return out
