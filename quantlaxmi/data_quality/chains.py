"""Quality of snapshots: the session's, and by expiry that of the rows of its instruments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantlaxmi.data_quality.figures import ExpiryQuality, KindQuality, SnapshotQuality
from quantlaxmi.data_quality.quantile import bps_quantiles, quantiles, wide
from quantlaxmi.schema import ChainFlag
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.expiries import ExpiryGroup, by_expiry
from quantlaxmi.segment.rows import Columns

__all__ = ["expiry_quality", "snapshot_quality"]


def snapshot_quality(
    rows: Columns, messages: Columns, kind: Callable[[Columns], KindQuality]
) -> SnapshotQuality | None:
    """Measure the snapshots of a session.

    Parameters
    ----------
    rows : mapping of str to ndarray
        The table ``chain``.
    messages : mapping of str to ndarray
        Its first rows of messages.
    kind : callable
        Figures of messages.

    Returns
    -------
    SnapshotQuality or None
        None where there are no rows.
    """
    if not len(rows["seq"]):
        return None
    unchanged = messages["flags"] & np.int8(ChainFlag.UNCHANGED) != 0
    same = np.diff(messages["exch_ts_ns"]) == 0
    return SnapshotQuality(
        messages=len(messages["seq"]),
        rows=len(rows["seq"]),
        kind=kind(messages),
        step_ns=quantiles(np.diff(messages["ts_ns"]), 0),
        unchanged=int(unchanged.sum()),
        same_stamp=int((same & ~unchanged[1:]).sum()),
    )


def expiry_quality(market: MarketData, rows: Columns) -> tuple[ExpiryQuality, ...]:
    """Measure the rows of snapshots by expiry; empty where there are none.

    Parameters
    ----------
    market : MarketData
    rows : mapping of str to ndarray
        Its table ``chain``.
    """
    if not len(rows["seq"]):
        return ()
    groups = by_expiry(market.instruments)
    of = np.zeros(len(market.instruments), np.int64)
    for k, group in enumerate(groups):
        of[list(group.instruments)] = k
    which = of[rows["instrument"]]
    names = ("instrument", "bid", "ask", "iv")
    found = []
    for k, group in enumerate(groups):
        mine = np.flatnonzero(which == k)
        found.append(_expiry(group, {name: rows[name][mine] for name in names}))
    return tuple(one for one in found if one.rows)


def _expiry(group: ExpiryGroup, rows: Columns) -> ExpiryQuality:
    bid, ask = rows["bid"], rows["ask"]
    both = (bid > 0) & (ask > 0)
    usable = both & (bid < ask)
    traded = np.unique(rows["instrument"][usable])
    low, high = bid[usable], ask[usable]
    return ExpiryQuality(
        base=group.base,
        expiry_ns=group.expiry_ns,
        instruments=len(group.instruments),
        rows=len(bid),
        unquoted=int(((bid <= 0) & (ask <= 0)).sum()),
        one_sided=int(((bid > 0) != (ask > 0)).sum()),
        crossed=int((both & (bid > ask)).sum()),
        locked=int((both & (bid == ask)).sum()),
        untradable=len(group.instruments) - len(traded),
        no_iv=int((usable & (rows["iv"] == 0)).sum()),
        spread=quantiles(high - low, group.price_exponent),
        spread_bps=bps_quantiles(wide(high - low, 2), wide(low) + wide(high)),
    )
