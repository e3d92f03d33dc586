"""Sweep kernels of the random-entry gate.

A *trip* is a template of actions; an action trades one *bundle* some rows after the trip began.
A bundle's value at a row is a sum of terms, coefficient times column. The caller proves that all
products and the PnL of one trip fit int64 (`quantlaxmi.gates.path.columns.BoundError`); sums over
trips are 128-bit. Draw ``t`` writes slot ``t`` alone.

Placing k trips uniformly without overlap on the rows 0..n-1: with ``free`` rows in no trip there
are C(free + k, k) ways to choose where the trips stand among them, each a k-subset of
0..free+k-1 (stars and bars), and k! orders. Floyd's algorithm draws the subset from k words, and
a table that keeps its values ordered as they come sorts them in O(k).

References
----------
Bentley, Floyd (1987), A sample of brilliance, Communications of the ACM 30(9).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.interest import Interest, trip_interest
from quantlaxmi._jit.rng import below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = [
    "MAX_ROWS",
    "Bundles",
    "Interest",
    "NetTerms",
    "Trips",
    "bundle_value",
    "identity",
    "matched",
    "neutral",
    "place",
]

#: `below` is exact to 2**-32 up to here; `free` plus the number of trips may not exceed it.
MAX_ROWS = 2**32


_EMPTY = -1


class Bundles(NamedTuple):
    """Values of bundles, as the kernels read them.

    Attributes
    ----------
    columns : ndarray of int64, shape (n_rows, n_columns)
        Tradeable rows only; in `identity`, the actions' own rows.
    term_first : ndarray of int64, shape (n_bundles + 1,)
    term_column, term_coefficient : ndarray of int64, shape (n_terms,)
    """

    columns: I64
    term_first: I64
    term_column: I64
    term_coefficient: I64


class Trips(NamedTuple):
    """Templates of k trips.

    Attributes
    ----------
    first : ndarray of int64, shape (k + 1,)
        Into the actions.
    bundle : ndarray of int64, shape (n_actions,)
    offset : ndarray of int64, shape (n_actions,)
        Rows after the trip's beginning.
    occupied : ndarray of int64, shape (k,)
        Rows that a trip takes up.
    free : int
        Rows in no trip.
    """

    first: I64
    bundle: I64
    offset: I64
    occupied: I64
    free: int


class NetTerms(NamedTuple):
    """What turns gross into net.

    Attributes
    ----------
    known : bool
        Whether the rest is to be read; False leaves net figures 0.
    scale : int
        Units of net in one unit of gross.
    costs : ndarray of int64, shape (n_costs, n_rows)
        Units of net.
    cost, mirror_cost : ndarray of int64, shape (n_actions,)
        Row of `costs` for the action and for its opposite bundle, -1 for none.
    constant : ndarray of int64, shape (n_actions,)
        Cost that moves with the action.
    settled : ndarray of int64, shape (n_rows,)
        Settlements before the fills of what is decided at the row.
    position, mirror_position : ndarray of int64, shape (n_actions,)
        Row of `paid` for the position after the action and for its opposite, -1 for none.
    paid : ndarray of int64, shape (n_positions, n_settlements + 1)
        Running sums of funding, units of net.
    """

    known: bool
    scale: int
    costs: I64
    cost: I64
    mirror_cost: I64
    constant: I64
    settled: I64
    position: I64
    mirror_position: I64
    paid: I64


@kernel
def _table_shape(n: int, k: int) -> tuple[int, int]:
    """Slots and shift of an ordered table for k values below n: at least 2k slots."""
    slots = 2
    while slots < 2 * k:
        slots *= 2
    shift = 0
    while ((n - 1) >> shift) >= slots:
        shift += 1
    return slots, shift


@inline
def _insert(table: I64, shift: int, value: int) -> bool:
    """Insert `value`, keeping the table ordered; False where it is in there already."""
    slot = value >> shift
    while table[slot] != _EMPTY and table[slot] < value:
        slot += 1
    if table[slot] == value:
        return False
    moving = value
    while table[slot] != _EMPTY:
        displaced = table[slot]
        table[slot] = moving
        moving = displaced
        slot += 1
    table[slot] = moving
    return True


@kernel
def place(
    random: U64,  # IN  (>= 2k,) words of the draw
    free: int,
    occupied: I64,  # IN  (k,) rows each trip takes up
    table: I64,  # SCRATCH (slots + k,)
    shift: int,
    order: I64,  # OUT (k,) which trip stands j-th
    starts: I64,  # OUT (k,) row at which the j-th begins
) -> None:
    """Put k trips in random order at uniform places."""
    k = occupied.shape[0]
    table[:] = _EMPTY
    for i in range(k):
        top = free + i
        if not _insert(table, shift, below(random[i], top + 1)):
            _insert(table, shift, top)
    for i in range(k):
        order[i] = i
    for i in range(k - 1, 0, -1):
        j = below(random[k + i], i + 1)
        order[i], order[j] = order[j], order[i]
    slot = 0
    taken = 0
    for j in range(k):
        while table[slot] == _EMPTY:
            slot += 1
        starts[j] = table[slot] - j + taken
        taken += occupied[order[j]]
        slot += 1


@inline
def bundle_value(
    columns: I64, term_first: I64, term_column: I64, term_coefficient: I64, bundle: int, row: int
) -> int:
    """Sum of coefficient times column at `row` over a bundle's terms."""
    value = 0
    for t in range(term_first[bundle], term_first[bundle + 1]):
        value += term_coefficient[t] * columns[row, term_column[t]]
    return value


@inline
def _trip_result(
    bundles: Bundles,
    trips: Trips,
    net: NetTerms,
    interest: Interest,
    trip: int,
    start: int,
    turned: bool,
) -> tuple[int, int, int]:
    """Gross, cost with interest, and funding of one trip that begins at a row, turned or not."""
    gross = 0
    cost = 0
    funding = 0
    position = -1
    since = 0
    for a in range(trips.first[trip], trips.first[trip + 1]):
        row = start + trips.offset[a]
        value = bundle_value(
            bundles.columns,
            bundles.term_first,
            bundles.term_column,
            bundles.term_coefficient,
            trips.bundle[a],
            row,
        )
        gross += -value if turned else value
        if net.known:
            cost += net.constant[a]
            column = net.mirror_cost[a] if turned else net.cost[a]
            if column >= 0:
                cost += net.costs[column, row]
            after = net.mirror_position[a] if turned else net.position[a]
            if position >= 0 or after >= 0:
                now = net.settled[row]
                if position >= 0:
                    funding += net.paid[position, now] - net.paid[position, since]
                position = after
                since = now
    if net.known:
        cost += trip_interest(interest, trips.offset, trip, start, turned)
    return gross, cost, funding


@kernel
def matched(
    key: np.uint64,
    first: int,  # number of the first draw
    bundles: Bundles,
    trips: Trips,
    net: NetTerms,
    interest: Interest,
    out: U64,  # OUT (n_draws, 8) gross S, Q and net S, Q as (high, low)
) -> None:
    """Sum and sum of squares of the trips' PnL under random placement, draw by draw."""
    n_draws = out.shape[0]
    k = trips.occupied.shape[0]
    slots, shift = _table_shape(trips.free + k, k)
    random = np.empty(2 * k, np.uint64)
    table = np.empty(slots + k + 1, np.int64)
    order = np.empty(k, np.int64)
    starts = np.empty(k, np.int64)
    for t in range(n_draws):
        words(key, first + t, random)
        place(random, trips.free, trips.occupied, table, shift, order, starts)
        s_hi = s_lo = q_hi = q_lo = np.uint64(0)
        ns_hi = ns_lo = nq_hi = nq_lo = np.uint64(0)
        for j in range(k):
            gross, cost, funding = _trip_result(
                bundles, trips, net, interest, order[j], starts[j], False
            )
            s_hi, s_lo = add_signed(s_hi, s_lo, gross)
            q_hi, q_lo = add_square(q_hi, q_lo, gross)
            if net.known:
                gain = net.scale * gross - cost + funding
                ns_hi, ns_lo = add_signed(ns_hi, ns_lo, gain)
                nq_hi, nq_lo = add_square(nq_hi, nq_lo, gain)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo
        out[t, 4], out[t, 5], out[t, 6], out[t, 7] = ns_hi, ns_lo, nq_hi, nq_lo


@kernel
def neutral(
    key: np.uint64,
    first: int,  # number of the first pair
    bundles: Bundles,
    trips: Trips,
    net: NetTerms,
    interest: Interest,
    out: U64,  # OUT (n_pairs, 12) (gross, cost, net) of the draw, then of its mirror, (high, low)
) -> None:
    """Gross, cost and net of random sides at random places, and of the same with sides turned.

    The two members of a pair are summed one after the other from the market, neither from the
    other, so that their sum can show a fault.
    """
    n_pairs = out.shape[0]
    k = trips.occupied.shape[0]
    slots, shift = _table_shape(trips.free + k, k)
    random = np.empty(3 * k, np.uint64)
    table = np.empty(slots + k + 1, np.int64)
    order = np.empty(k, np.int64)
    starts = np.empty(k, np.int64)
    for t in range(n_pairs):
        words(key, first + t, random)
        place(random, trips.free, trips.occupied, table, shift, order, starts)
        for member in range(2):
            g_hi = g_lo = c_hi = c_lo = n_hi = n_lo = np.uint64(0)
            for j in range(k):
                turned = (random[2 * k + j] >> np.uint64(63)) != np.uint64(member)
                gross, cost, funding = _trip_result(
                    bundles, trips, net, interest, order[j], starts[j], turned
                )
                g_hi, g_lo = add_signed(g_hi, g_lo, gross)
                if net.known:
                    c_hi, c_lo = add_signed(c_hi, c_lo, cost)
                    gain = net.scale * gross - cost + funding
                    n_hi, n_lo = add_signed(n_hi, n_lo, gain)
            o = 6 * member
            out[t, o], out[t, o + 1], out[t, o + 2] = g_hi, g_lo, c_hi
            out[t, o + 3], out[t, o + 4], out[t, o + 5] = c_lo, n_hi, n_lo


@kernel
def identity(
    bundles: Bundles,  # at the strategy's own rows, one an action
    trips: Trips,
    net: NetTerms,
    own_cost: I64,  # IN  (n_actions,) the strategy's own costs with interest, units of net
    own_settled: I64,  # IN  (n_actions,) settlements that came before the action
    out: U64,  # OUT (8,) as a row of `matched`
) -> None:
    """The draw that moves nothing: the strategy's own rows through the same sums."""
    s_hi = s_lo = q_hi = q_lo = np.uint64(0)
    ns_hi = ns_lo = nq_hi = nq_lo = np.uint64(0)
    for trip in range(trips.first.shape[0] - 1):
        gross = 0
        cost = 0
        position = -1
        since = 0
        for a in range(trips.first[trip], trips.first[trip + 1]):
            gross += bundle_value(
                bundles.columns,
                bundles.term_first,
                bundles.term_column,
                bundles.term_coefficient,
                trips.bundle[a],
                a,
            )
            cost += own_cost[a]
            now = own_settled[a]
            if position >= 0:
                cost -= net.paid[position, now] - net.paid[position, since]
            position = net.position[a]
            since = now
        s_hi, s_lo = add_signed(s_hi, s_lo, gross)
        q_hi, q_lo = add_square(q_hi, q_lo, gross)
        gain = net.scale * gross - cost
        ns_hi, ns_lo = add_signed(ns_hi, ns_lo, gain)
        nq_hi, nq_lo = add_square(nq_hi, nq_lo, gain)
    out[0], out[1], out[2], out[3] = s_hi, s_lo, q_hi, q_lo
    out[4], out[5], out[6], out[7] = ns_hi, ns_lo, nq_hi, nq_lo
