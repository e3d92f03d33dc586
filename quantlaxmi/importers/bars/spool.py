"""Columns of integers that grow in memory, and on disk where they are many.

So memory does not grow with what is read, and a small import writes nothing but its segment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.files import one_line_errors

Int64Array = NDArray[np.int64]
#: Rows handled at once wherever all rows of a column are passed over.
CHUNK_ROWS: Final = 1 << 14
#: Most bytes that the spools of one import keep in memory.
MEMORY_BYTES: Final = 16 << 20


class Store:
    """Spools of one import; leaving its context closes them all.

    Parameters
    ----------
    folder : Path
        Folder of their files, on the disk of the segment.
    memory_bytes : int
        What all of them together keep in memory; the rest goes to files.
    """

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self.folder, self._free_bytes = folder, memory_bytes
        self._spools: list[Spool] = []

    def spool(self, names: Sequence[str]) -> Spool:
        """An empty spool.

        Parameters
        ----------
        names : sequence of str
            Of the columns.
        """
        self._spools.append(Spool(self, names))
        return self._spools[-1]

    def take(self, n_bytes: int) -> bool:
        """Whether so many more bytes may be kept in memory; negative ones are given back."""
        if n_bytes > self._free_bytes:
            return False
        self._free_bytes -= n_bytes
        return True

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in self._spools:
            spool.close()


class MemoryStore(Store):
    """Spools that stay in memory, for rows that are there already."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 1 << 63)


class Spool:
    """Columns of int64 of equal length: pieces in memory, or each in a file without a name.

    The files vanish when they are closed, also when the process dies.

    Parameters
    ----------
    store : Store
    names : sequence of str
        Of the columns.
    """

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._store, self._folder, self.names = store, store.folder, tuple(names)
        self._pieces: dict[str, list[Int64Array]] = {name: [] for name in self.names}
        self._files: dict[str, IO[bytes]] = {}
        self._maps: dict[str, Int64Array] = {}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, columns: Mapping[str, Int64Array]) -> None:
        """Add rows; every column has as many. The arrays may be kept, so nobody changes them.

        Raises
        ------
        InputError
            The disk is full.
        """
        n = len(columns[self.names[0]])
        if not self._files and not self._store.take(8 * n * len(self.names)):
            self._move_to_disk()
        for name in self.names:
            column = np.ascontiguousarray(columns[name], np.int64)
            if self._files:
                self._write(name, column)
            else:
                self._pieces[name].append(column)
        self._rows += n
        self._maps.clear()

    def column(self, name: str) -> Int64Array:
        """All rows of a column; changes of it are kept."""
        if not self._rows:
            return np.empty(0, np.int64)
        if not self._files:
            pieces = self._pieces[name]
            if len(pieces) > 1:
                pieces[:] = [np.concatenate(pieces)]
            return pieces[0]
        if name not in self._maps:
            file = self._files[name]
            with one_line_errors(self._folder, "cannot be read"):
                file.flush()
                mapped = np.memmap(file, np.int64, "r+", shape=(self._rows,))
            self._maps[name] = mapped.view(np.ndarray)  # of which parts are cheaper to take
        return self._maps[name]

    def without(self, values: Int64Array, name: str) -> Spool:
        """A spool without the rows whose value of a column is listed.

        Parameters
        ----------
        values : ndarray of int64
            Values to leave out.
        name : str
            The column.
        """
        made = self._store.spool(self.names)
        for start, stop in chunks(self._rows):
            part = {n: self.column(n)[start:stop] for n in self.names}
            kept = ~np.isin(part[name], values)
            made.append({n: column[kept] for n, column in part.items()})
        self.close()
        return made

    def close(self) -> None:
        """Free memory and the space on disk."""
        if not self._files:
            self._store.take(-8 * self._rows * len(self.names))
        self._rows = 0
        self._pieces.clear()
        self._maps.clear()
        for file in self._files.values():
            file.close()

    def _move_to_disk(self) -> None:
        """Write what is in memory to files, to which all further rows go."""
        with one_line_errors(self._folder, "cannot be written"):
            for name in self.names:
                self._files[name] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        for name, pieces in self._pieces.items():
            for piece in pieces:
                self._write(name, piece)
            pieces.clear()
        self._store.take(-8 * self._rows * len(self.names))

    def _write(self, name: str, column: Int64Array) -> None:
        with one_line_errors(self._folder, "cannot be written"):
            self._files[name].write(column.data)


def chunks(n_rows: int, size: int = CHUNK_ROWS) -> Iterator[tuple[int, int]]:
    """Begin and end of consecutive parts of at most ``size`` rows."""
    for start in range(0, n_rows, size):
        yield start, min(start + size, n_rows)
