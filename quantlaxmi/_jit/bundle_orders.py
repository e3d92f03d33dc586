"""Sweep kernel of label permutation over option sessions: a day's spans in random order.

A span's PnL at each row of its day stands in a table, since it is struck anew there. An order in
which some span is not quoted where it falls is drawn again, so that all orders that are quoted have
the same probability. The caller proves that a day's sum fits int64; sums of squares are 128-bit.
Draw ``t`` writes slot ``t`` alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.rng import STILL, below, block
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["MOST_TRIES", "Orders", "ordered"]

#: Orders of a day that are tried in a draw; where none is quoted, the day keeps its own.
MOST_TRIES = 64


class Orders(NamedTuple):
    """Spans of constant position, day by day.

    Attributes
    ----------
    day_span : ndarray of int64, shape (n_days + 1,)
        First span of each day.
    length : ndarray of int64, shape (n_spans,)
        In rows.
    table : ndarray of int64, shape (n_spans,)
        First entry of the span's tables, one a row of its day; -1 for flat.
    gains : ndarray of int64, shape (n_entries,)
        PnL of the span where it begins at the row.
    quoted : ndarray of bool, shape (n_entries,)
    by_day : bool
        Whether squares are of days' sums; else they are of spans that are not flat.
    """

    day_span: I64
    length: I64
    table: I64
    gains: I64
    quoted: npt.NDArray[np.bool_]
    by_day: bool


@inline
def _shuffle(key: np.uint64, draw: int, base: int, low: int, high: int, order: I64) -> None:
    """Put the places low to high - 1 in an order that the words from `base` on pick."""
    for i in range(low, high):
        order[i] = i
    for i in range(high - 1, low, -1):
        at = base + i
        a, b = block(key, np.uint64(draw), np.uint64(at >> 1))
        j = low + below(b if at & 1 else a, i - low + 1)
        order[i], order[j] = order[j], order[i]


@inline
def _is_quoted(spans: Orders, low: int, high: int, order: I64) -> bool:
    row = 0
    for j in range(low, high):
        span = order[j]
        table = spans.table[span]
        if table >= 0 and not spans.quoted[table + row]:
            return False
        row += spans.length[span]
    return True


@kernel
def ordered(
    key: np.uint64,
    first: int,  # number of the first draw, or STILL
    spans: Orders,
    out: U64,  # OUT (n_draws, 4)
    kept: I64,  # OUT (n_draws,): days of which no order that was tried is quoted
) -> None:
    """Sum and sum of squares, the spans of each day in random order."""
    n = spans.length.shape[0]
    order = np.empty(n, np.int64)
    for t in range(out.shape[0]):
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        kept[t] = 0
        for d in range(spans.day_span.shape[0] - 1):
            low, high = spans.day_span[d], spans.day_span[d + 1]
            found = False
            if first != STILL:
                for attempt in range(MOST_TRIES):
                    _shuffle(key, first + t, attempt * n, low, high, order)
                    if _is_quoted(spans, low, high, order):
                        found = True
                        break
            if not found:
                kept[t] += 1
                for i in range(low, high):
                    order[i] = i
            row = 0
            total = 0
            for j in range(low, high):
                span = order[j]
                if spans.table[span] >= 0:
                    gain = spans.gains[spans.table[span] + row]
                    total += gain
                    if not spans.by_day:
                        q_hi, q_lo = add_square(q_hi, q_lo, gain)
                row += spans.length[span]
            s_hi, s_lo = add_signed(s_hi, s_lo, total)
            if spans.by_day:
                q_hi, q_lo = add_square(q_hi, q_lo, total)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo
