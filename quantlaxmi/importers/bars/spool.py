"""Columns of integers that grow on disk, so that memory does not grow with what is read."""

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


class Store:
    """Spools of one import; leaving its context closes them all.

    Parameters
    ----------
    folder : Path
        Folder of their files, on the disk of the segment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in self._spools:
            spool.close()


class Spool:
    """Columns of int64 of equal length, each in a file without a name.

    The files vanish when they are closed, also when the process dies.

    Parameters
    ----------
    store : Store
    names : sequence of str
        Of the columns.
    """

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._store, self._folder, self.names = store, store.folder, tuple(names)
        self._files: dict[str, IO[bytes]] = {}
        self._maps: dict[str, Int64Array] = {}
        self._rows = 0
        with one_line_errors(self._folder, "cannot be written"):
            for name in self.names:
                self._files[name] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115

    def __len__(self) -> int:
        return self._rows

    def append(self, columns: Mapping[str, Int64Array]) -> None:
        """Add rows; every column has as many.

        Raises
        ------
        InputError
            The disk is full.
        """
        n = len(columns[self.names[0]])
        with one_line_errors(self._folder, "cannot be written"):
            for name, file in self._files.items():
                file.write(np.ascontiguousarray(columns[name], np.int64).data)
        self._rows += n
        self._maps.clear()

    def column(self, name: str) -> Int64Array:
        """All rows of a column, mapped from disk; changes of it are kept."""
        if not self._rows:
            return np.empty(0, np.int64)
        if name not in self._maps:
            file = self._files[name]
            with one_line_errors(self._folder, "cannot be read"):
                file.flush()
                self._maps[name] = np.memmap(file, np.int64, "r+", shape=(self._rows,))
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
        """Free the space on disk."""
        self._maps.clear()
        for file in self._files.values():
            file.close()


class MemoryStore(Store):
    """Spools that stay in memory, for rows that are there already."""

    def spool(self, names: Sequence[str]) -> Spool:
        """An empty spool.

        Parameters
        ----------
        names : sequence of str
            Of the columns.
        """
        return _MemorySpool(self, names)


class _MemorySpool(Spool):
    """Columns of int64 of equal length, as lists of pieces until they are asked for."""

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        self._store, self.names, self._rows = store, tuple(names), 0
        self._pieces: dict[str, list[Int64Array]] = {name: [] for name in self.names}

    def append(self, columns: Mapping[str, Int64Array]) -> None:
        for name, pieces in self._pieces.items():
            pieces.append(np.array(columns[name], np.int64))
        self._rows += len(columns[self.names[0]])

    def column(self, name: str) -> Int64Array:
        pieces = self._pieces[name]
        if len(pieces) != 1:
            pieces[:] = [np.concatenate(pieces) if pieces else np.empty(0, np.int64)]
        return pieces[0]

    def close(self) -> None:
        self._pieces.clear()


def chunks(n_rows: int, size: int = CHUNK_ROWS) -> Iterator[tuple[int, int]]:
    """Begin and end of consecutive parts of at most ``size`` rows."""
    for start in range(0, n_rows, size):
        yield start, min(start + size, n_rows)
