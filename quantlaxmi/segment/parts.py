"""The parts of a split segment, taken together again.

A run over the parts carries books, pending orders, positions, funding and the clock from one part
to the next, because it is one run. That the parts are all of the segment, in order and unchanged,
is proven by computing the parent's digest from their columns: it is in the trace's header.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from quantlaxmi.errors import InputError, SegmentCorrupt, SegmentError, shown
from quantlaxmi.files import one_line_errors
from quantlaxmi.schema import OPTIONAL_TABLES, TABLES
from quantlaxmi.segment.columns import byte_pieces
from quantlaxmi.segment.horizon import cut_columns, last_seq_of
from quantlaxmi.segment.manifest import MANIFEST_NAME, ColumnEntry, Gap, segment_digest
from quantlaxmi.segment.market_data import MarketData
from quantlaxmi.segment.read import Count, Segment, Verify, open_segment
from quantlaxmi.segment.rows import Columns
from quantlaxmi.segment.split import MAX_PARTS


class SegmentParts(Segment):
    """All parts of a split segment, used as that segment; made by `open_parts`.

    Attributes
    ----------
    parts : tuple of Segment
        In order. `columns` and `arrow` copy them together; `log` streams one after another.

    The other attributes are those of `Segment`, with the parent's digest and id.

    Examples
    --------
    >>> from quantlaxmi.segment import open_segment, split_segment
    >>> parts = split_segment(open_segment("data/planted"), "parts", rows=10_000)
    >>> whole = SegmentParts(parts)
    >>> whole.digest == open_segment("data/planted").digest
    True
    """

    def __init__(self, parts: Sequence[Segment]) -> None:
        first, last = parts[0], parts[-1]
        super().__init__(first.path, first.manifest)
        self.parts = tuple(parts)
        parent = first.manifest.parent
        assert parent is not None  # open_parts has seen to it
        self.digest, self.segment_id = parent.digest, parent.segment_id
        self.n_messages = sum(part.n_messages for part in parts)
        self.n_rows = sum(part.n_rows for part in parts)
        self.first_seq, self.last_seq = first.first_seq, last.last_seq
        self.first_ts_ns, self.last_ts_ns = first.first_ts_ns, last.last_ts_ns
        self._joined: dict[str, Columns] = {}

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Known holes, as the parts list them; one that touches several is counted once."""
        return tuple(dict.fromkeys(gap for part in self.parts for gap in part.gaps))

    def __reduce__(self) -> tuple[Any, ...]:
        paths = [part.path for part in self.parts]
        return _reopened_parts, (paths, self.digest)

    def _quote_flags(self) -> list[NDArray[Any]]:
        return [flags for part in self.parts for flags in part._quote_flags()]

    def _present(self) -> list[str]:
        """Tables that the whole has; a part need not have each of them."""
        return [name for name in TABLES if any(name in part.counts for part in self.parts)]

    def _is_absent(self, table: str) -> bool:
        return table in OPTIONAL_TABLES and table not in self._present()

    @property
    def counts(self) -> dict[str, Count]:
        """Messages and rows of each table, over all parts."""
        return {
            name: Count(
                sum(part.counts[name].messages for part in self.parts if name in part.counts),
                sum(part.counts[name].rows for part in self.parts if name in part.counts),
            )
            for name in self._present()
        }

    def columns(self, table: str) -> Columns:
        """Columns of a table over all parts, copied together at the first use; read-only."""
        if table not in self._joined:
            each = [part.columns(table) for part in self.parts]
            joined = {name: np.concatenate([columns[name] for columns in each]) for name in each[0]}
            for column in joined.values():
                column.setflags(write=False)
            self._joined[table] = joined
        return cut_columns(dict(self._joined[table]), last_seq_of(self.digest))

    def arrow(self, table: str) -> pa.Table:
        """The same columns as an Arrow table, one batch a part, without copying."""
        whole = pa.concat_tables([part.arrow(table) for part in self.parts])
        return whole.slice(0, len(self.columns(table)["seq"]))

    def check_unchanged(self) -> None:
        """As `Segment.check_unchanged`, of every part."""
        for part in self.parts:
            part.check_unchanged()

    def log(self, table: str) -> Iterator[Columns]:
        """Stream the parts' logs of a table, one after another; see `Segment.log`."""
        for part in self.parts:
            for batch in part.log(table):
                yield cut_columns(batch, last_seq_of(self.digest))


def open_parts(paths: Sequence[Path | str], *, verify: Verify = "columns") -> SegmentParts:
    """Open all parts of a split segment as the segment they were split from.

    Parameters
    ----------
    paths : sequence of Path or str
        Folders of the parts, in any order.
    verify : {"columns", "log", "all", "manifest"}
        As for `open_segment`; the parent's digest is computed anew in any case.

    Returns
    -------
    SegmentParts
        Equal in digest and messages to the segment that was split.

    Raises
    ------
    SegmentError
        A folder is no part, the parts are of different segments, overlap, or are not all of it.
    SegmentCorrupt
        A part's bytes are not those its manifest names.

    Examples
    --------
    >>> from quantlaxmi.segment import open_segment, split_segment
    >>> parts = split_segment(open_segment("data/planted"), "parts", rows=10_000)
    >>> open_parts([part.path for part in parts]).n_messages
    24231
    """
    if not paths:
        raise SegmentError("parts", "none was given, expected the folders of a split segment")
    parts = [open_segment(path, verify=verify) for path in paths]
    parents = [part.manifest.parent for part in parts]
    for part, parent in zip(parts, parents, strict=True):
        if parent is None:
            raise SegmentError(part.path, "is not a part of a split segment")
    known = parents[0]
    assert known is not None
    for part, parent in zip(parts, parents, strict=True):
        if parent is None or parent.manifest_sha256 != known.manifest_sha256:
            raise SegmentError(part.path, f"is of another segment than {parts[0].path}")
    parts.sort(key=lambda part: part.manifest.first_seq)
    for before, after in itertools.pairwise(parts):
        if after.manifest.first_seq <= before.manifest.last_seq:
            raise SegmentError(after.path, f"overlaps {before.path}")
    together = SegmentParts(parts)
    found = _digest(together)
    if found != known.digest:
        raise SegmentError(
            parts[0].path.parent,
            f"the {len(parts)} parts hash to {found}, the segment they were split from to "
            f"{known.digest}; some are missing",
        )
    return together


def _reopened_parts(paths: Sequence[Path], digest: str) -> SegmentParts:
    """The parts that were pickled, opened by their paths.

    Raises
    ------
    SegmentCorrupt
        They are of another segment now.
    """
    together = open_parts(paths, verify="manifest")
    if together.digest != digest:
        problem = f"is part of {together.digest}, expected {digest}: replaced"
        raise SegmentCorrupt(paths[0], problem)
    return together


def open_whole(path: Path | str, *, verify: Verify = "columns") -> Segment:
    """Open a segment, or the folder of all its parts that `split_segment` wrote.

    Parameters
    ----------
    path : Path or str
        The segment's folder, or the folder of the parts.
    verify : {"columns", "log", "all", "manifest"}
        As for `open_segment`.

    Returns
    -------
    Segment
        A `SegmentParts` where the folder has parts.

    Raises
    ------
    SegmentError, SegmentCorrupt
        As `open_segment` and `open_parts`.

    Examples
    --------
    >>> open_whole("data/planted").cadence
    'events'
    """
    folder = Path(path)
    parts: list[Path] = []
    with one_line_errors(folder, "cannot be read"):
        if folder.is_dir() and not (folder / MANIFEST_NAME).exists():
            parts = sorted(p.parent for p in folder.glob(f"*/{MANIFEST_NAME}"))
    if parts:
        return open_parts(parts[: MAX_PARTS + 1], verify=verify)
    return open_segment(folder, verify=verify)


def as_market(segment: MarketData | Path | str) -> MarketData:
    """Return market data as they are, or those in a segment's folder.

    Parameters
    ----------
    segment : MarketData, Path or str
        A path is a folder, which `open_whole` opens.

    Returns
    -------
    MarketData
        The object that was given, or the opened segment.

    Raises
    ------
    InputError
        It is neither.
    SegmentError, SegmentCorrupt
        As `open_whole`.

    Examples
    --------
    >>> as_market("data/planted").n_messages
    24231
    """
    if isinstance(segment, str | os.PathLike):
        return open_whole(segment)
    if not (hasattr(segment, "columns") and hasattr(segment, "instruments")):
        raise InputError(
            "segment", f"was {shown(segment)}, expected market data or a segment's folder"
        )
    return segment


def _digest(together: SegmentParts) -> str:
    """Segment digest of the parts' columns, one after another."""
    entries = []
    of_all = {e.table: e for part in together.parts for e in part.manifest.tables}
    for entry in (of_all[table] for table in together.counts):
        columns = []
        for column in entry.columns:
            digest = hashlib.sha256()
            for part in together.parts:
                for piece in byte_pieces(part.columns(entry.table)[column.name]):
                    digest.update(piece)
            columns.append(
                ColumnEntry(name=column.name, dtype=column.dtype, sha256=digest.hexdigest())
            )
        rows = together.counts[entry.table].rows
        entries.append(msgspec.structs.replace(entry, rows=rows, columns=tuple(columns)))
    return segment_digest(tuple(entries))
