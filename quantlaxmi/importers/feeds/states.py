"""States of instruments as a feed sends them: columns, what may be wrong with them, rows.

A state has the last trade, the volume of the day and mostly five levels of either side. It says
nothing of trades between two states but their volume.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.schema import I64, TABLES, DepthFlag

__all__ = ["LEVELS", "FeedRows", "Flags", "States", "feed_rows", "state_faults"]

#: Levels of either side.
LEVELS: Final = 5
_DAY_NS: Final = 86_400 * 10**9
_IST_NS: Final = 19_800 * 10**9
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """States of a feed; all columns of shape (n_states,) but ``book``.

    Attributes
    ----------
    line : ndarray of int64
        From 1.
    ts_ns, exch_ts_ns, trade_ns : ndarray of int64
        When it was known, the exchange's time of it and of the last trade; 0 where not told.
    instrument : ndarray of int64
    last, last_qty, volume : ndarray of int64
        Price and size of the last trade, 0 for none; units traded on the day, -1 where not told.
    is_index, has_book : ndarray of bool
        It is a value of an index; it tells the book.
    book : ndarray of int64, shape (n_states, 4, LEVELS)
        Bid prices, bid sizes, ask prices and ask sizes, the best first; 0 is no level.
    """

    line: I64
    ts_ns: I64
    exch_ts_ns: I64
    trade_ns: I64
    instrument: I64
    last: I64
    last_qty: I64
    volume: I64
    is_index: Flags
    has_book: Flags
    book: I64

    def take(self, rows: NDArray[Any]) -> States:
        """States of some rows, in their order."""
        return States(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class FeedRows:
    """Rows of a segment, and what is said of them.

    Attributes
    ----------
    tables : dict of str to dict of str to ndarray
    ends : ndarray of int64, shape (n_states,)
        Number of messages up to each state, itself included.
    unseen : int
        Units that were traded between states beyond the trades that they show.
    """

    tables: dict[str, dict[str, NDArray[Any]]]
    ends: I64
    unseen: int


def state_faults(states: States) -> Iterator[tuple[int, str, str]]:
    """What is wrong with states: row, reason and detail, at most one a row, rows ascending.

    Parameters
    ----------
    states : States

    Yields
    ------
    tuple of (int, str, str)
    """
    bid, bid_qty, ask, ask_qty = (states.book[:, k] for k in range(4))
    best = (bid[:, 0] > 0) & (ask[:, 0] > 0)
    negative = (states.last_qty < 0) | (states.volume < -1) | (states.book.min((1, 2)) < 0)
    bare = ((bid > 0) != (bid_qty > 0)) | ((ask > 0) != (ask_qty > 0))
    down = np.diff(bid, axis=1) >= 0  # also a level after none
    up = (np.diff(ask, axis=1) <= 0) | (ask[:, :-1] == 0)
    unordered = ((bid[:, 1:] > 0) & down).any(1) | ((ask[:, 1:] > 0) & up).any(1)
    checks = (
        ("price-not-positive", (states.last < 0) | (states.is_index & (states.last == 0)), "last"),
        ("bad-quantity", negative, "a size, a price or the volume is below 0"),
        ("bad-quantity", bare.any(1), "a level has a price without a size or a size without one"),
        ("level-order", unordered, "levels do not go away from the best"),
        ("crossed-book", best & (bid[:, 0] > ask[:, 0]), "bid above ask"),
    )
    code = np.full(len(states.line), len(checks), np.int64)
    for k in reversed(range(len(checks))):
        code[checks[k][1]] = k
    for row in np.flatnonzero(code < len(checks)).tolist():
        reason, _, detail = checks[int(code[row])]
        value = f"was {states.last[row]}"
        if reason == "crossed-book":
            value = f"was {bid[row, 0]} over {ask[row, 0]}"
        elif reason != "price-not-positive":
            value = (
                f"bids {_levels(bid[row], bid_qty[row])}, asks {_levels(ask[row], ask_qty[row])}"
            )
        yield row, reason, f"{detail}: {value}"


def _levels(price: I64, qty: I64) -> str:
    return " ".join(f"{q}@{p}" for p, q in zip(price.tolist(), qty.tolist(), strict=True))


def feed_rows(states: States) -> FeedRows:
    """Rows of trades, depth and quotes.

    Parameters
    ----------
    states : States
        Sound ones, in order of time. A state gives, in this order: the last trade, where the
        volume of the day grew since the instrument's state before, or a value of an index that
        differs, as a trade of size 0; a snapshot of depth; its top as a quote.
    """
    traded, units, unseen = _trades(states)
    book = states.has_book.astype(np.int64)
    ends = np.cumsum(traded.astype(np.int64) + 2 * book)
    first = ends - traded - 2 * book
    ids = _numbers(states.instrument, traded)

    def head(rows: NDArray[Any], seq: I64) -> dict[str, NDArray[Any]]:
        return {"seq": seq, **{n: getattr(states, n)[rows] for n in ("ts_ns", "instrument")}}

    rows = np.flatnonzero(traded)
    times = np.where(states.trade_ns > 0, states.trade_ns, states.exch_ts_ns)
    trades = head(rows, first[rows]) | {
        "exch_ts_ns": times[rows],
        "trade_id": ids[rows],
        "price": states.last[rows],
        "qty": units[rows],
        "side": np.zeros(len(rows), np.int8),
    }
    rows = np.flatnonzero(states.has_book)
    top = states.book[rows, :, 0]
    quotes = head(rows, first[rows] + traded[rows] + 1) | {
        "exch_ts_ns": states.exch_ts_ns[rows],
        "update_id": np.zeros(len(rows), np.int64),
        **{name: top[:, k] for k, name in enumerate(("bid", "bid_qty", "ask", "ask_qty"))},
        "flags": np.zeros(len(rows), np.int8),
    }
    at, depth = _depth(states.book[rows])
    depth |= head(rows[at], (first[rows] + traded[rows])[at])
    depth["exch_ts_ns"] = states.exch_ts_ns[rows[at]]
    found = {"trades": trades, "depth": depth, "quotes": quotes}
    tables = {
        table: {name: columns[name].astype(dtype) for name, dtype in TABLES[table].items()}
        for table, columns in found.items()
    }
    return FeedRows(tables, ends, unseen)


def _trades(states: States) -> tuple[Flags, I64, int]:
    """Which states show a trade, its size, and the units in all that no state shows."""
    by = np.argsort(states.instrument, kind="stable")
    own = states.instrument[by]
    day = (states.ts_ns[by] + _IST_NS) // _DAY_NS
    volume, last, qty = states.volume[by], states.last[by], states.last_qty[by]
    value = states.is_index[by]
    told = np.flatnonzero(volume >= 0)
    before = np.full(len(by), -1, np.int64)
    before[told[1:]] = np.where(
        (own[told[1:]] == own[told[:-1]]) & (day[told[1:]] == day[told[:-1]]), volume[told[:-1]], -1
    )
    more = np.where(before >= 0, volume - before, 0)
    sold = ~value & (more > 0) & (last > 0) & (qty > 0)
    new = value.copy()
    new[1:] &= (own[1:] != own[:-1]) | (last[1:] != last[:-1])
    size = np.where(sold, np.minimum(qty, more), 0)
    unseen = int((np.maximum(more, 0) - size)[~value].sum())
    traded, units = np.zeros(len(by), np.bool_), np.zeros(len(by), np.int64)
    traded[by], units[by] = sold | new, size
    return traded, units, unseen


def _numbers(instrument: I64, traded: Flags) -> I64:
    """Trades of each instrument counted from 1, at the states that show them."""
    by = np.argsort(instrument, kind="stable")
    own, count = instrument[by], np.cumsum(traded[by])
    starts = np.flatnonzero(np.diff(own, prepend=-1))
    base: I64 = np.repeat(count[starts] - traded[by][starts], np.diff(starts, append=len(own)))
    found = np.zeros(len(by), np.int64)
    found[by] = count - base
    return found


def _depth(book: I64) -> tuple[I64, dict[str, NDArray[Any]]]:
    """Levels of books as rows: the book of each row, and columns but those of the message."""
    n = len(book)
    price = np.concatenate([book[:, 0], book[:, 2]], 1)
    qty = np.concatenate([book[:, 1], book[:, 3]], 1)
    side = np.repeat(np.array([1, -1], np.int8), LEVELS)
    there = qty > 0
    empty: Flags = ~np.asarray(there.any(1))
    there[empty, 0] = True  # a message without levels
    at, level = np.nonzero(there)
    flags = np.full(len(at), int(DepthFlag.SNAPSHOT), np.int8)
    flags[np.flatnonzero(np.diff(at, append=n))] |= int(DepthFlag.LAST)
    none = np.zeros(len(at), np.int64)
    return at, {
        "first_id": none,
        "last_id": none,
        "prev_id": none - 1,
        "side": np.where(empty[at], 0, side[level]),
        "price": price[at, level],
        "qty": qty[at, level],
        "flags": flags,
    }
