"""A segment in memory with everything that sealing needs: its digest is that of the folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike, NDArray

from quantlaxmi.counted import counted
from quantlaxmi.files import check_folder, staged_directory
from quantlaxmi.instruments import Instrument
from quantlaxmi.segment.columns import byte_pieces, column_entries, hash_pool
from quantlaxmi.segment.manifest import Cadence, Gap, TableEntry, segment_digest, segment_name
from quantlaxmi.segment.memory import MemorySegment
from quantlaxmi.segment.read import Segment, open_segment
from quantlaxmi.segment.write import SegmentWriter

__all__ = ["HeldSegment"]


class HeldSegment(MemorySegment):
    """Rows in memory that become a sealed segment, with the same digest, when they are saved.

    Parameters
    ----------
    instruments : sequence of Instrument
        Rows name them by their index.
    tables : mapping of str to mapping of str to array_like, each of shape (n_rows,)
        As `MemorySegment` takes them.
    venue : str
    cadence : {"events", "bars", "snapshots"}, optional
    gaps : iterable of Gap
    notes : iterable of str
        What a reader should know, one sentence each.
    copy : bool
        Copy the rows; False where nobody else has the arrays.

    Attributes
    ----------
    venue : str
    notes : tuple of str

    The other attributes are those of `MemorySegment`; ``digest`` and ``segment_id`` are those of
    the sealed folder.

    Raises
    ------
    SegmentError
        As `MemorySegment`.

    Examples
    --------
    >>> from quantlaxmi import open_segment
    >>> data = open_segment("data/planted")
    >>> tables = {table: data.columns(table) for table in data.counts}
    >>> held = HeldSegment(data.instruments, tables, venue="synthetic", cadence=data.cadence)
    >>> held.digest == data.digest == held.save("copy").digest
    True
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        tables: Mapping[str, Mapping[str, ArrayLike]],
        *,
        venue: str,
        cadence: Cadence | None = None,
        gaps: Iterable[Gap] = (),
        notes: Iterable[str] = (),
        copy: bool = True,
    ) -> None:
        self._copies = copy
        super().__init__(instruments, tables, cadence=cadence, gaps=gaps)
        self.venue, self.notes = venue, tuple(notes)
        self.segment_id = segment_name(venue, self.first_ts_ns, self.digest)

    def __repr__(self) -> str:
        return f"<HeldSegment {self.segment_id}: {counted(self.n_messages, 'message[s]')}>"

    def save(self, path: Path | str) -> Segment:
        """Write the sealed segment.

        Parameters
        ----------
        path : Path or str
            Folder of the segment; it must not exist. It is built under a temporary name and
            renamed when it is whole.

        Returns
        -------
        Segment
            Of the same digest.

        Raises
        ------
        InputError
            The folder exists, or cannot be written.
        """
        check_folder(Path(path))
        with (
            staged_directory(path) as folder,
            SegmentWriter(
                folder, venue=self.venue, instruments=self.instruments, cadence=self._stated
            ) as writer,
        ):
            for table, columns in self._tables.items():
                writer.append(table, columns)
            writer.seal(gaps=self.gaps, notes=self.notes)
        return open_segment(path, verify="manifest")

    def _digest(self) -> str:
        tables = {table: self._tables[table] for table in self.counts}
        arrays = {(t, n): column for t, cols in tables.items() for n, column in cols.items()}
        with hash_pool() as pool:
            hashes = dict(zip(arrays, pool.iterate(_sha256, arrays.values()), strict=True))
        return segment_digest(
            tuple(self._entry(t, [hashes[t, n] for n in cols]) for t, cols in tables.items())
        )

    def _entry(self, table: str, hashes: list[str]) -> TableEntry:
        """Manifest's entry of a table, as far as the digest goes: there is no file."""
        return TableEntry(
            table=table,
            file="",
            bytes=0,
            sha256="",
            framing_sha256="",
            rows=self.counts[table].rows,
            messages=self.counts[table].messages,
            first_seq=-1,
            last_seq=-1,
            first_ts_ns=-1,
            last_ts_ns=-1,
            columns=column_entries(table, hashes),
            log=(),
        )


def _sha256(column: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for piece in byte_pieces(column):
        digest.update(piece)
    return digest.hexdigest()
