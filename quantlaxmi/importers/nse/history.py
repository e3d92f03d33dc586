"""Snapshots of a day as one history of tops."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.importers.nse.day import ChainDay
from quantlaxmi.options import TOPS, ChainHistory
from quantlaxmi.schema import I64
from quantlaxmi.venues import nse

__all__ = ["day_history"]

_IST: Final = timezone(timedelta(hours=5, minutes=30))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PRICE_EXPONENT: Final = -2
#: In paise.
_TICK: Final = 5


def day_history(day: ChainDay) -> ChainHistory:
    """Return the tops of a day's snapshots by expiry and strike.

    Parameters
    ----------
    day : ChainDay

    Returns
    -------
    ChainHistory
        Expiries and strikes that any snapshot lists.

    Raises
    ------
    InputError
        Two snapshots were collected at one time.
    ConfigError
        No row of the dated table covers the hours of an expiry's day.
    """
    expiries = sorted({one for snapshot in day.snapshots for one in snapshot.expiries})
    place = {one: k for k, one in enumerate(expiries)}
    codes: list[I64] = []
    for snapshot in day.snapshots:
        own = np.array([place[one] for one in snapshot.expiries], np.int64)
        codes.append(own[snapshot.columns["expiry"]])
    width = 1 + max(int(one.columns["strike"].max()) for one in day.snapshots)
    keys = [c * width + one.columns["strike"] for c, one in zip(codes, day.snapshots, strict=True)]
    known = np.unique(np.concatenate(keys))
    tops = np.zeros((len(TOPS), len(day.snapshots), known.size), np.int64)
    for t, (one, key) in enumerate(zip(day.snapshots, keys, strict=True)):
        row = np.searchsorted(known, key)
        side = np.where(one.columns["call"] == 1, 0, 2)
        for name, field in (("bid", 0), ("ask", 1), ("bid_qty", 4), ("ask_qty", 5)):
            tops[side + field, t, row] = one.columns[name]
    ts_ns = np.array([one.ts_ns for one in day.snapshots], np.int64)
    if (np.diff(ts_ns) <= 0).any():
        t = int(np.argmax(np.diff(ts_ns) <= 0)) + 1
        raise InputError(day.snapshots[t].name, "was collected when the one before was")
    start = np.searchsorted(known // width, np.arange(len(expiries) + 1))
    ends = np.array([_ends_ns(one) for one in expiries], np.int64)
    return ChainHistory(ts_ns, ends, start, known % width, tops, _TICK, _PRICE_EXPONENT)


def _ends_ns(expiry: date) -> int:
    ends = datetime.combine(expiry, nse.session_hours("option", expiry).expires, _IST)
    since = ends - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9
