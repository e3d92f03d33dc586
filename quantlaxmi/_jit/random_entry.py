"""Sweep kernels of the random-entry gate.

A *trip* is a template of actions; an action trades one *bundle* some rows after the trip began.
A bundle's value at a row is a sum of terms, coefficient times column. All products and the PnL of
one trip must fit int64, which the caller proves (`quantlaxmi.gates.sweep.Bound`); sums over trips
are 128-bit. Draw ``t`` writes slot ``t`` alone.

Placing k trips uniformly without overlap on the rows 0..n-1: with ``free`` rows in no trip there
are C(free + k, k) ways to choose where the trips stand among them, each a k-subset of
0..free+k-1 (stars and bars), and k! orders. Floyd's algorithm draws the subset from k words, and
a table that keeps its values ordered as they come sorts them in O(k).

References
----------
Bentley, Floyd (1987), A sample of brilliance, Communications of the ACM 30(9).
"""

from __future__ import annotations

import numpy as np
from numba import prange

from quantlaxmi._jit.compiler import inline, kernel
from quantlaxmi._jit.rng import below, words
from quantlaxmi._jit.wide import add_signed, add_square
from quantlaxmi.schema import I64, U64

__all__ = ["MAX_ROWS", "identity", "matched", "neutral", "place"]

#: `below` is exact to 2**-32 up to here; `free` plus the number of trips may not exceed it.
MAX_ROWS = 2**32


_CHUNK = 32  # draws that share one scratch allocation
_EMPTY = -1


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
        held = table[slot]
        table[slot] = moving
        moving = held
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
        held = order[i]
        order[i] = order[j]
        order[j] = held
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


@kernel
def matched(
    key: np.uint64,
    first: int,  # number of the first draw
    columns: I64,  # IN  (n_rows, n_columns) tradeable rows only
    term_first: I64,  # IN  (n_bundles + 1,)
    term_column: I64,  # IN  (n_terms,)
    term_coefficient: I64,  # IN  (n_terms,)
    trip_first: I64,  # IN  (k + 1,) into the actions
    action_bundle: I64,  # IN  (n_actions,)
    action_offset: I64,  # IN  (n_actions,) rows after the trip's beginning
    occupied: I64,  # IN  (k,)
    free: int,
    with_net: bool,
    net_scale: int,  # gross units in one unit of net
    costs: I64,  # IN  (n_costs, n_rows) units of net
    action_cost: I64,  # IN  (n_actions,) row of `costs`, -1: none
    action_constant: I64,  # IN  (n_actions,) cost that moves with the action
    settled: I64,  # IN  (n_rows,) settlements that come before what is traded at the row
    action_held: I64,  # IN  (n_actions,) row of `paid` for the position after it, -1: none
    paid: I64,  # IN  (n_positions, n_settlements + 1) running sums of funding, units of net
    out: U64,  # OUT (n_draws, 8) gross S, Q and net S, Q as (high, low)
) -> None:
    """Sum and sum of squares of the trips' PnL under random placement, draw by draw."""
    n_draws = out.shape[0]
    k = occupied.shape[0]
    slots, shift = _table_shape(free + k, k)
    for chunk in prange((n_draws + _CHUNK - 1) // _CHUNK):
        random = np.empty(2 * k, np.uint64)
        table = np.empty(slots + k + 1, np.int64)
        order = np.empty(k, np.int64)
        starts = np.empty(k, np.int64)
        for t in range(chunk * _CHUNK, min(n_draws, (chunk + 1) * _CHUNK)):
            words(key, first + t, random)
            place(random, free, occupied, table, shift, order, starts)
            s_hi = s_lo = q_hi = q_lo = np.uint64(0)
            ns_hi = ns_lo = nq_hi = nq_lo = np.uint64(0)
            for j in range(k):
                trip = order[j]
                gross = 0
                cost = 0
                held = -1
                since = 0
                for a in range(trip_first[trip], trip_first[trip + 1]):
                    row = starts[j] + action_offset[a]
                    gross += bundle_value(
                        columns, term_first, term_column, term_coefficient, action_bundle[a], row
                    )
                    if with_net:
                        cost += action_constant[a]
                        if action_cost[a] >= 0:
                            cost += costs[action_cost[a], row]
                        if held >= 0 or action_held[a] >= 0:
                            now = settled[row]
                            if held >= 0:
                                cost -= paid[held, now] - paid[held, since]
                            held = action_held[a]
                            since = now
                s_hi, s_lo = add_signed(s_hi, s_lo, gross)
                q_hi, q_lo = add_square(q_hi, q_lo, gross)
                if with_net:
                    net = net_scale * gross - cost
                    ns_hi, ns_lo = add_signed(ns_hi, ns_lo, net)
                    nq_hi, nq_lo = add_square(nq_hi, nq_lo, net)
            out[t, 0], out[t, 1], out[t, 2], out[t, 3] = s_hi, s_lo, q_hi, q_lo
            out[t, 4], out[t, 5], out[t, 6], out[t, 7] = ns_hi, ns_lo, nq_hi, nq_lo


@kernel
def neutral(
    key: np.uint64,
    first: int,
    columns: I64,  # IN  as in `matched`
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,
    action_bundle: I64,
    action_offset: I64,
    occupied: I64,
    free: int,
    with_net: bool,
    net_scale: int,
    costs: I64,
    action_cost: I64,
    action_mirror_cost: I64,  # IN  (n_actions,) `action_cost` of the opposite bundle
    action_constant: I64,
    settled: I64,
    action_held: I64,
    action_mirror_held: I64,  # IN  (n_actions,) `action_held` of the opposite position
    paid: I64,
    out: U64,  # OUT (n_pairs, 12) (gross, cost, net) of the draw, then of its mirror, (high, low)
) -> None:
    """Gross, cost and net of fair-coin sides at random places, and of the same with sides turned.

    The two members of a pair are summed one after the other from the market, neither from the
    other, so that their sum can show a fault.
    """
    n_pairs = out.shape[0]
    k = occupied.shape[0]
    slots, shift = _table_shape(free + k, k)
    for chunk in prange((n_pairs + _CHUNK - 1) // _CHUNK):
        random = np.empty(3 * k, np.uint64)
        table = np.empty(slots + k + 1, np.int64)
        order = np.empty(k, np.int64)
        starts = np.empty(k, np.int64)
        for t in range(chunk * _CHUNK, min(n_pairs, (chunk + 1) * _CHUNK)):
            words(key, first + t, random)
            place(random, free, occupied, table, shift, order, starts)
            for member in range(2):
                g_hi = g_lo = c_hi = c_lo = n_hi = n_lo = np.uint64(0)
                for j in range(k):
                    trip = order[j]
                    turned = np.int64(random[2 * k + j] >> np.uint64(63)) ^ member
                    gross = 0
                    cost = 0
                    funding = 0
                    held = -1
                    since = 0
                    for a in range(trip_first[trip], trip_first[trip + 1]):
                        row = starts[j] + action_offset[a]
                        value = bundle_value(
                            columns,
                            term_first,
                            term_column,
                            term_coefficient,
                            action_bundle[a],
                            row,
                        )
                        gross += -value if turned else value
                        if with_net:
                            cost += action_constant[a]
                            column = action_mirror_cost[a] if turned else action_cost[a]
                            if column >= 0:
                                cost += costs[column, row]
                            after = action_mirror_held[a] if turned else action_held[a]
                            if held >= 0 or after >= 0:
                                now = settled[row]
                                if held >= 0:
                                    funding += paid[held, now] - paid[held, since]
                                held = after
                                since = now
                    g_hi, g_lo = add_signed(g_hi, g_lo, gross)
                    if with_net:
                        c_hi, c_lo = add_signed(c_hi, c_lo, cost)
                        net = net_scale * gross - cost + funding
                        n_hi, n_lo = add_signed(n_hi, n_lo, net)
                o = 6 * member
                out[t, o], out[t, o + 1], out[t, o + 2] = g_hi, g_lo, c_hi
                out[t, o + 3], out[t, o + 4], out[t, o + 5] = c_lo, n_hi, n_lo


@inline
def identity(
    columns: I64,  # IN  (n_actions, n_columns) market at the strategy's own rows
    term_first: I64,
    term_column: I64,
    term_coefficient: I64,
    trip_first: I64,
    action_bundle: I64,
    action_cost: I64,  # IN  (n_actions,) the strategy's own costs, units of net
    action_settled: I64,  # IN  (n_actions,) settlements that came before it
    action_held: I64,  # IN  as in `matched`
    paid: I64,
    net_scale: int,
    out: U64,  # OUT (8,) as a row of `matched`
) -> None:
    """The draw that moves nothing: the strategy's own rows through the same sums."""
    s_hi = s_lo = q_hi = q_lo = np.uint64(0)
    ns_hi = ns_lo = nq_hi = nq_lo = np.uint64(0)
    for trip in range(trip_first.shape[0] - 1):
        gross = 0
        cost = 0
        held = -1
        since = 0
        for a in range(trip_first[trip], trip_first[trip + 1]):
            gross += bundle_value(
                columns, term_first, term_column, term_coefficient, action_bundle[a], a
            )
            cost += action_cost[a]
            now = action_settled[a]
            if held >= 0:
                cost -= paid[held, now] - paid[held, since]
            held = action_held[a]
            since = now
        s_hi, s_lo = add_signed(s_hi, s_lo, gross)
        q_hi, q_lo = add_square(q_hi, q_lo, gross)
        net = net_scale * gross - cost
        ns_hi, ns_lo = add_signed(ns_hi, ns_lo, net)
        nq_hi, nq_lo = add_square(nq_hi, nq_lo, net)
    out[0], out[1], out[2], out[3] = s_hi, s_lo, q_hi, q_lo
    out[4], out[5], out[6], out[7] = ns_hi, ns_lo, nq_hi, nq_lo
