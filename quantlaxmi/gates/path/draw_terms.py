"""What the kernels of draws read: bundles, trips, spans, paths, and what turns gross into net."""

from __future__ import annotations

from typing import NamedTuple

from quantlaxmi.schema import I64, U64

__all__ = ["Bundles", "Interest", "NetTerms", "Path", "Spans", "Trips"]


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


class Interest(NamedTuple):
    """Spans of constant position of what is borrowed to be sold.

    Attributes
    ----------
    first : ndarray of int64, shape (k + 1,)
        Spans of each trip.
    begin, end : ndarray of int64, shape (n_spans,)
        Actions.
    column, quantity : ndarray of int64, shape (n_spans,)
        Row of `mids`; signed: below 0 pays, or with sides turned above.
    arrivals : ndarray of int64, shape (n_rows,)
        Nanoseconds.
    mids : ndarray of int64, shape (n_columns, n_rows)
        Mid times quantity stays below 2**62.
    den : ndarray of uint64, shape (n_columns, 2)
        Divisor, below 2**126; (high, low).
    scale : ndarray of int64, shape (n_columns,)
        Units of net in one unit of interest.
    """

    first: I64
    begin: I64
    end: I64
    column: I64
    quantity: I64
    arrivals: I64
    mids: I64
    den: U64
    scale: I64


class Spans(NamedTuple):
    """Spans of constant position, block by block.

    Attributes
    ----------
    block_first : ndarray of int64, shape (n_blocks + 1,)
        Into the spans.
    block_row : ndarray of int64, shape (n_blocks,)
        First row of each block.
    length : ndarray of int64, shape (n_spans,)
        In rows.
    position : ndarray of int64, shape (n_spans,)
        Bundle of the position, -1 for flat.
    """

    block_first: I64
    block_row: I64
    length: I64
    position: I64


class Path(NamedTuple):
    """A path of positions over a market, as the kernels read it.

    Attributes
    ----------
    columns : ndarray of int64, shape (n_steps + 1, n_columns)
    term_first : ndarray of int64, shape (n_bundles + 1,)
    term_column, term_coefficient : ndarray of int64, shape (n_terms,)
        A bundle's value at a row: its coefficients times its columns.
    trip_first : ndarray of int64, shape (n_trips + 1,)
        Into the holding periods.
    start, stop : ndarray of int64, shape (n_periods,)
        First step, and the step after the last.
    position : ndarray of int64, shape (n_periods,)
        Bundle of the position.
    """

    columns: I64
    term_first: I64
    term_column: I64
    term_coefficient: I64
    trip_first: I64
    start: I64
    stop: I64
    position: I64
