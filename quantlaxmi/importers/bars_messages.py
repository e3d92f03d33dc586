"""Bars to messages: what a strategy decides on, and what its orders meet.

A bar's close is known when the next bar opens, and nobody can trade at it any more. At the time T
at which bars end and others begin the segment holds, in this order of ``seq``:

1. the closes of the bars that end at T, by instrument; the last of them is an ordinary quote (the
   strategy decides here, with every close of T before it), the others are quiet;
2. a funding settlement of time T;
3. quiet quotes: the opens of the bars that begin at T, and for an instrument whose next bar is
   missing its close without size, which makes the book invalid.

An order executes after all messages with a stamp up to its arrival, so even without latency it
meets the opens, or is cancelled for an invalid book. After the last T there is nothing to trade at:
its closes are all quiet, they mark positions and nothing is decided on them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars_cells import Series, Settlements
from quantlaxmi.schema import TABLES, QuoteFlag
from quantlaxmi.segment.manifest import Gap

Table = dict[str, NDArray[Any]]
Int64Array = NDArray[np.int64]
_CLOSES, _FUNDING, _OPENS = 0, 1, 2
_MOST = 1 << 63


def spread_out(prices: list[int], half_spread_bps: Fraction) -> tuple[list[int], list[int]]:
    """Bid and ask of prices, rounded away from them.

    Parameters
    ----------
    prices : list of int
        Mantissas.
    half_spread_bps : Fraction

    Returns
    -------
    bid, ask : list of int
        ``floor(price * (1 - h))`` and ``ceil(price * (1 + h))``, exactly.
    """
    share = half_spread_bps / 10_000
    over, under = share.numerator, share.denominator
    bid = [p * (under - over) // under for p in prices]
    ask = [-(-p * (under + over) // under) for p in prices]
    return bid, ask


def bar_tables(
    all_series: list[Series],
    settlements: Settlements | None,
    interval_ns: int,
    sources: list[object],
) -> tuple[dict[str, Table], list[Gap]]:
    """Tables of a segment of bars.

    Parameters
    ----------
    all_series : list of Series
        By instrument; each has at least one bar.
    settlements : Settlements or None
        Of the last instrument; every mark is set.
    interval_ns : int
    sources : list of object
        File of each series, for errors.

    Returns
    -------
    tables : dict of str to dict of str to ndarray
        ``quotes`` and ``funding``.
    gaps : list of Gap
        Stretches without bars between an instrument's first bar and the last of all.

    Raises
    ------
    InputError
        A price cannot be spread at its exponent.
    """
    last_ns = max(s.open_ns[-1] for s in all_series) + interval_ns
    parts = [
        _quotes(k, series, interval_ns, last_ns, sources[k]) for k, series in enumerate(all_series)
    ]
    quotes = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    paid_ns = np.array(settlements.at_ns if settlements else [], np.int64)
    # What funding was announced outside the bars' time nobody of this segment could pay.
    if settlements:
        first_ns = min(s.open_ns[0] for s in all_series)
        inside = (paid_ns >= first_ns) & (paid_ns <= last_ns)
        paid_ns = paid_ns[inside]
    n_quotes = len(quotes["ts_ns"])
    ts_ns = np.concatenate([quotes["ts_ns"], paid_ns])
    phase = np.concatenate([quotes["phase"], np.full(len(paid_ns), _FUNDING)])
    instrument = np.concatenate([quotes["instrument"], np.zeros(len(paid_ns), np.int64)])
    order = np.lexsort((instrument, phase, ts_ns))
    seq = np.empty(len(order), np.int64)
    seq[order] = np.arange(len(order))
    quotes["seq"] = seq[:n_quotes]
    by_seq = np.argsort(quotes["seq"])
    quotes = {name: column[by_seq] for name, column in quotes.items()}
    _hush(quotes, last_ns)
    tables = {"quotes": _typed("quotes", quotes)}
    if settlements and len(paid_ns):
        tables["funding"] = _typed(
            "funding",
            {
                "seq": seq[n_quotes:],
                "ts_ns": paid_ns,
                "instrument": np.full(len(paid_ns), len(all_series) - 1),
                "exch_ts_ns": paid_ns,
                "mark": np.array(settlements.mark, np.int64)[inside],
                "index": np.zeros(len(paid_ns), np.int64),
                "rate": np.array(settlements.rate, np.int64)[inside],
                "next_funding_ns": paid_ns,
            },
        )
    return tables, _gaps(all_series, interval_ns, last_ns, tables["quotes"])


def _quotes(
    instrument: int, series: Series, interval_ns: int, last_ns: int, source: object
) -> dict[str, Int64Array]:
    """Rows of one instrument in no order: closes, opens, and closes without size."""
    spread = series.leg.half_spread_bps
    open_bid, open_ask = spread_out(series.open, spread)
    close_bid, close_ask = spread_out(series.close, spread)
    for bids, asks, prices in (
        (open_bid, open_ask, series.open), (close_bid, close_ask, series.close)
    ):  # fmt: skip
        if min(bids) <= 0 or max(asks) >= _MOST:
            k = bids.index(min(bids)) if min(bids) <= 0 else asks.index(max(asks))
            exponent = series.leg.instrument.price_exponent
            raise InputError(
                source,
                f"has a price of {prices[k]} units of 10**{exponent}; expected one that a half "
                f"spread of {float(spread):g} bps leaves inside 1 to 2**63; set price_exponent",
                f"line {series.line[k]}",
            )
    opened = np.array(series.open_ns, np.int64)
    ended = opened + interval_ns
    size, line = np.array(series.size, np.int64), np.array(series.line, np.int64)
    alone = np.flatnonzero((np.append(opened[1:], -1) != ended) & (ended != last_ns))
    bid, ask = np.array(close_bid, np.int64), np.array(close_ask, np.int64)
    n, m = len(opened), len(alone)
    return {
        "ts_ns": np.concatenate([ended, opened, ended[alone]]),
        "phase": np.repeat([_CLOSES, _OPENS, _OPENS], [n, n, m]),
        "instrument": np.full(2 * n + m, instrument),
        "update_id": np.concatenate([line, line, line[alone]]),
        "bid": np.concatenate([bid, np.array(open_bid, np.int64), bid[alone]]),
        "bid_qty": np.concatenate([size, size, np.zeros(m, np.int64)]),
        "ask": np.concatenate([ask, np.array(open_ask, np.int64), ask[alone]]),
        "ask_qty": np.concatenate([size, size, np.zeros(m, np.int64)]),
    }


def _hush(quotes: dict[str, Int64Array], last_ns: int) -> None:
    """Mark as quiet all but the last close of each time, and all of the last time."""
    n = len(quotes["seq"])
    closes = np.flatnonzero(quotes["phase"] == _CLOSES)
    ts_ns = quotes["ts_ns"][closes]
    deciding = closes[(np.append(ts_ns[1:], -1) != ts_ns) & (ts_ns != last_ns)]
    quotes["flags"] = np.full(n, int(QuoteFlag.QUIET), np.int64)
    quotes["flags"][deciding] = 0
    quotes["exch_ts_ns"] = quotes["ts_ns"]


def _typed(table: str, columns: dict[str, Any]) -> Table:
    return {name: columns[name].astype(dtype) for name, dtype in TABLES[table].items()}


def _gaps(all_series: list[Series], interval_ns: int, last_ns: int, quotes: Table) -> list[Gap]:
    gaps = []
    for series in all_series:
        ended = [t + interval_ns for t in series.open_ns]
        following = [*series.open_ns[1:], last_ns]
        for end, start in zip(ended, following, strict=True):
            if start > end:
                after = int(np.searchsorted(quotes["ts_ns"], end, side="right")) - 1
                missing = (start - end) // interval_ns
                gaps.append(
                    Gap(
                        table="quotes",
                        symbol=series.leg.instrument.symbol,
                        start_ns=end,
                        end_ns=start,
                        after_seq=int(quotes["seq"][after]),
                        reason=f"{missing} bars are missing",
                    )
                )
    return gaps


def set_marks(settlements: Settlements, perp: Series, interval_ns: int) -> dict[int, str]:
    """Give settlements without a mark the perpetual's price.

    Parameters
    ----------
    settlements : Settlements
        Changed in place.
    perp : Series
    interval_ns : int

    Returns
    -------
    dict of int to str
        Lines that have no price at their time, with what is missing.

    Notes
    -----
    The price is the close of the bar that ends at the settlement's time, which is known then; where
    that bar is missing, the open of the bar that begins there; and for a settlement inside a bar,
    that bar's open, the last price before it.
    """
    places = {open_ns: k for k, open_ns in enumerate(perp.open_ns)}
    first = perp.open_ns[0]
    lacking = {}
    for k, at_ns in enumerate(settlements.at_ns):
        if settlements.mark[k]:
            continue
        begun = at_ns - (at_ns - first) % interval_ns
        ended = places.get(begun - interval_ns) if begun == at_ns else None
        begins = places.get(begun)
        if ended is not None:
            settlements.mark[k] = perp.close[ended]
        elif begins is not None:
            settlements.mark[k] = perp.open[begins]
        else:
            lacking[settlements.line[k]] = "has no mark price, and there is no bar at its time"
    return lacking
