"""The log as a stream of chunks in ``seq`` order, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.schema import TABLES

#: Columns of one table by their names, read-only.
TableColumns = Mapping[str, NDArray[Any]]


class _Reader:
    """Batches of one table's log, with the part not yet handed out."""

    def __init__(self, batches: Iterator[TableColumns]) -> None:
        self._batches = batches
        self.waiting: TableColumns | None = None
        self.next()

    def next(self) -> None:
        """Take the next batch that has rows; ``waiting`` is None at the end."""
        for batch in self._batches:
            if len(batch["seq"]):
                self.waiting = batch
                return
        self.waiting = None

    def take(self, horizon: int) -> TableColumns | None:
        """Return the waiting rows with ``seq <= horizon`` and keep the others."""
        if self.waiting is None:
            return None
        cut = int(np.searchsorted(self.waiting["seq"], horizon, side="right"))
        if cut == 0:
            return None
        taken = {name: column[:cut] for name, column in self.waiting.items()}
        if cut == len(self.waiting["seq"]):
            self.next()
        else:
            self.waiting = {name: column[cut:] for name, column in self.waiting.items()}
        return taken


def merged_chunks(
    batches: Mapping[str, Iterator[TableColumns]],
) -> Iterator[dict[str, TableColumns]]:
    """Cut the tables' batches into chunks that a run can be fed with in turn.

    A chunk reaches to the smallest last ``seq`` among the batches at hand, so that at most one
    batch of each table is kept. Rows of one message may fall into two chunks.

    Parameters
    ----------
    batches : mapping of table name to iterator
        Batches ascend in ``seq``.

    Yields
    ------
    dict of table name to columns
    """
    readers = {name: _Reader(iter(batches[name])) for name in TABLES if name in batches}
    while True:
        ends = [int(r.waiting["seq"][-1]) for r in readers.values() if r.waiting is not None]
        if not ends:
            return
        horizon = min(ends)
        chunk = {name: reader.take(horizon) for name, reader in readers.items()}
        yield {name: columns for name, columns in chunk.items() if columns is not None}
