"""Rows of a segment of bars in one order, from streams that ascend in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.merged_order import merge_ascending, place_rows, place_value
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
    places, numbers, merged_times = merge_ascending(
        times, np.array(starts, np.int64), np.array(groups, np.int64), len(names), first_seq
    )
    parts = [places[start:stop] for start, stop in pairwise(starts)]
    tables: dict[str, Columns] = {}
    for table, number, ts_ns in zip(names, numbers, merged_times, strict=True):
        own = [(one, part) for one, part in zip(filled, parts, strict=True) if one.table == table]
        tables[table] = {"seq": number, "ts_ns": ts_ns}
        for name in own[0][0].rows:
            if name == "ts_ns":
                continue
            tables[table][name] = out = np.empty(len(number), np.int64)
            for one, part in own:
                place_rows(one.rows[name], part, out)
        for name in own[0][0].same:
            tables[table][name] = small = np.empty(len(number), np.int16)
            for one, part in own:
                place_value(one.same[name], part, small)
    return tables, starts[-1]
