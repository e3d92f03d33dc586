"""Contract notes of a run as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from quantlaxmi.fixed import int128_array, int128_halves
from quantlaxmi.run.arrow_columns import decimals_of_halves, texts_column, times_column
from quantlaxmi.run.records import RunRecords

__all__ = ["note_columns"]


def note_columns(records: RunRecords) -> dict[str, Any]:
    """A row a session day and currency: the sums that are rounded, and what that adds."""
    rows, exponent = records.notes, records.ledger_exponent
    key = np.stack([rows["day"], rows["currency"]], axis=1)
    days, place = np.unique(key, axis=0, return_inverse=True)
    money = {}
    for name, part in (("exact", "total"), ("rounding", "amount")):
        sums = np.zeros(len(days), dtype=object)
        np.add.at(sums, place.ravel(), int128_array(rows[f"{part}_hi"], rows[f"{part}_lo"]))
        money[name] = decimals_of_halves(*int128_halves(sums), exponent)
    ts_ns = np.zeros(len(days), np.int64)
    ts_ns[place.ravel()] = rows["ts_ns"]
    return {
        "day": pa.array(days[:, 0].astype(np.int32), pa.date32()),
        "ts": times_column(ts_ns),
        "currency": texts_column(days[:, 1], list(records.cash)),
        **money,
    }
