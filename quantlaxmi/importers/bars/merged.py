"""Rows of a segment of bars in one order, from streams that ascend in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.merged_order import gather_rows, merge_ascending
from quantlaxmi.importers.bars.spool import Int64Array

Columns = dict[str, NDArray[Any]]


class Stream(NamedTuple):
    """Rows of one table.

    Attributes
    ----------
    table : str
    rows : dict of str to ndarray of int64, each of shape (n_rows,)
        Without their numbers; ``ts_ns`` ascends.
    same : dict of str to int
        Columns of one value in all rows.
    """

    table: str
    rows: dict[str, Int64Array]
    same: dict[str, int]


def merge_streams(streams: Sequence[Stream], first_seq: int) -> tuple[dict[str, Columns], int]:
    """Number the rows of streams by time, and of equal times by their stream.

    Parameters
    ----------
    streams : sequence of Stream
        Streams of a table have the same columns.
    first_seq : int
        Number of the first row.

    Returns
    -------
    tables : dict of str to dict of str to ndarray
        The columns of every table that has rows, ``seq`` first, in its order.
    n_rows : int
        Of all of them.
    """
    filled = [one for one in streams if len(one.rows["ts_ns"])]
    if not filled:
        return {}, 0
    names = list(dict.fromkeys(one.table for one in filled))
    times = np.concatenate([one.rows["ts_ns"] for one in filled])
    starts = list(accumulate((len(one.rows["ts_ns"]) for one in filled), initial=0))
    groups = [names.index(one.table) for one in filled]
    merged = merge_ascending(
        times, np.array(starts, np.int64), np.array(groups, np.int64), len(names)
    )
    tables: dict[str, Columns] = {}
    for table, (stream_of, row_of, numbers) in zip(names, merged, strict=True):
        own = next(one for one in filled if one.table == table)
        tables[table] = {"seq": first_seq + numbers}
        for name in own.rows:
            columns = [one.rows[name] if one.table == table else None for one in filled]
            tables[table][name] = gather_rows(columns, stream_of, row_of)
        for name in own.same:
            values = np.array([one.same.get(name, 0) for one in filled], np.int16)
            tables[table][name] = values.take(stream_of)
    return tables, starts[-1]
