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
from quantlaxmi._jit.rng import STILL, below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = [
    "MAX_ROWS",
    "Bundles",
    "Interest",
    "NetTerms",
    "Trips",
    "bundle_move",
    "bundle_value",
    "identity",
    "matched",
    "neutral",
    "place",
    "prepare",
]

#: `below` is exact to 2**-32 up to here; `free` plus the number of trips may not exceed it.
MAX_ROWS = 2**32
#: Gross, cost and net in a member's sums.
_PAIR = [0, 1, 8, 9, 4, 5]

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


@inline
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


@inline
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
def bundle_move(bundles: Bundles, bundle: int, row: int, end: int) -> int:
    """Value of a bundle at `end` less that at `row`."""
    moved = 0
    for t in range(bundles.term_first[bundle], bundles.term_first[bundle + 1]):
        column = bundles.term_column[t]
        moved += bundles.term_coefficient[t] * (
            bundles.columns[end, column] - bundles.columns[row, column]
        )
    return moved


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
def _draws(
    key: np.uint64,
    first: int,  # number of the first draw, or STILL
    bundles: Bundles,
    trips: Trips,
    net: NetTerms,
    interest: Interest,
    out: U64,  # OUT (n_draws, n_members, 10) gross S, Q, net S, Q and cost as (high, low)
) -> None:
    """Sums over the trips at random places, draw by draw: with one member on their own sides.

    With two members sides are random, and those of the second member are turned. Both are summed
    one after the other from the market, neither from the other, so that their sum can show a fault.
    One kernel does all draws of this module, because compiling takes longer than drawing.
    """
    n_draws, n_members = out.shape[:2]
    k = trips.occupied.shape[0]
    slots, shift = _table_shape(trips.free + k, k)
    random = np.empty((1 + n_members) * k, np.uint64)
    table = np.empty(slots + k + 1, np.int64)
    order = np.empty(k, np.int64)
    starts = np.empty(k, np.int64)
    for t in range(n_draws):
        if first == STILL:
            for j in range(k):
                order[j] = j
                starts[j] = trips.first[j]
        else:
            words(key, first + t, random)
            place(random, trips.free, trips.occupied, table, shift, order, starts)
        for member in range(n_members):
            s_hi = s_lo = q_hi = q_lo = c_hi = c_lo = np.uint64(0)
            ns_hi = ns_lo = nq_hi = nq_lo = np.uint64(0)
            for j in range(k):
                turned = False
                if n_members == 2:
                    turned = (random[2 * k + j] >> np.uint64(63)) != np.uint64(member)
                gross, cost, funding = _trip_result(
                    bundles, trips, net, interest, order[j], starts[j], turned
                )
                s_hi, s_lo = add_signed(s_hi, s_lo, gross)
                q_hi, q_lo = add_square(q_hi, q_lo, gross)
                if net.known:
                    c_hi, c_lo = add_signed(c_hi, c_lo, cost)
                    gain = net.scale * gross - cost + funding
                    ns_hi, ns_lo = add_signed(ns_hi, ns_lo, gain)
                    nq_hi, nq_lo = add_square(nq_hi, nq_lo, gain)
            row = out[t, member]
            row[0], row[1], row[2], row[3] = s_hi, s_lo, q_hi, q_lo
            row[4], row[5], row[6], row[7] = ns_hi, ns_lo, nq_hi, nq_lo
            row[8], row[9] = c_hi, c_lo


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
    sums = np.empty((len(out), 1, 10), np.uint64)
    _draws(key, first, bundles, trips, net, interest, sums)
    out[:] = sums[:, 0, :8]


def neutral(
    key: np.uint64,
    first: int,  # number of the first pair
    bundles: Bundles,
    trips: Trips,
    net: NetTerms,
    interest: Interest,
    out: U64,  # OUT (n_pairs, 12) (gross, cost, net) of the draw, then of its mirror, (high, low)
) -> None:
    """Gross, cost and net of random sides at random places, and of the same with sides turned."""
    sums = np.empty((len(out), 2, 10), np.uint64)
    _draws(key, first, bundles, trips, net, interest, sums)
    out[:] = sums[:, :, _PAIR].reshape(-1, 12)


def identity(
    bundles: Bundles,  # at the strategy's own rows, one an action
    trips: Trips,
    net: NetTerms,
    own_cost: I64,  # IN  (n_actions,) the strategy's own costs with interest, units of net
    own_settled: I64,  # IN  (n_actions,) settlements that came before the action
    out: U64,  # OUT (8,) as a row of `matched`
) -> None:
    """The draw that moves nothing: the strategy's own rows through the same sums."""
    n = len(own_cost)
    begins = np.repeat(trips.first[:-1], np.diff(trips.first))
    nothing = np.zeros(n, np.int64)
    own = net._replace(
        costs=own_cost.reshape(1, n),
        cost=nothing,
        mirror_cost=nothing,
        constant=nothing,
        settled=own_settled,
    )
    none = np.zeros(0, np.int64)
    interest = Interest(
        np.zeros(len(trips.first), np.int64), none, none, none, none, none,
        none.reshape(0, 0), np.zeros((0, 2), np.uint64), none,
    )  # fmt: skip
    sums = np.empty((1, 1, 10), np.uint64)
    placed = trips._replace(offset=np.arange(n) - begins)
    _draws(np.uint64(0), STILL, bundles, placed, own, interest, sums)
    out[:] = sums[0, 0, :8]


def prepare() -> None:
    """Compile what the gate needs, or load it from the cache; nothing is drawn."""
    none, table = np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
    first = np.zeros(1, np.int64)
    matched(
        np.uint64(0),
        0,
        Bundles(table, none, none, none),
        Trips(first, none, none, none, 0),
        NetTerms(False, 1, table, none, none, none, none, none, none, table),
        Interest(first, none, none, none, none, none, table, np.zeros((0, 2), np.uint64), none),
        np.zeros((0, 8), np.uint64),
    )
