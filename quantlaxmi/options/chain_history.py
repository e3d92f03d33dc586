"""Quotes of one underlying's options over many moments: what a session's chain rows say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.instruments import Instrument
from quantlaxmi.options.chain import OptionChain
from quantlaxmi.schema import I64, InstrumentKind

__all__ = ["TOPS", "ChainHistory", "ChainRows", "chain_history"]

#: What `ChainHistory.tops` holds, by its first index.
TOPS: Final = (
    "call_bid",
    "call_ask",
    "put_bid",
    "put_ask",
    "call_bid_qty",
    "call_ask_qty",
    "put_bid_qty",
    "put_ask_qty",
)
#: Nanoseconds of India's clock ahead of UTC: a session day is a day of that clock.
_IST_NS: Final = 19_800 * 10**9
_DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True, slots=True, eq=False)
class ChainHistory:
    """Tops of the calls and puts of one underlying, by snapshot, expiry and strike.

    Attributes
    ----------
    ts_ns : ndarray of int64, shape (n_snapshots,)
        When each snapshot was known; ascending.
    expiry_ns : ndarray of int64, shape (n_expiries,)
        Moment at which the contracts of an expiry end; ascending.
    start : ndarray of int64, shape (n_expiries + 1,)
        First row of each expiry, and the number of rows.
    strike : ndarray of int64, shape (n_rows,)
        Price mantissas, ascending in an expiry.
    tops : ndarray of int64, shape (8, n_snapshots, n_rows)
        By `TOPS`: price mantissas and units; 0 is no quote.
    tick : int
        Smallest step of a price.
    price_exponent : int

    Raises
    ------
    InputError
        Times, expiries or strikes do not ascend, a shape is another, or the tick is not above 0.
    """

    ts_ns: I64
    expiry_ns: I64
    start: I64
    strike: I64
    tops: I64
    tick: int
    price_exponent: int = -2

    def __post_init__(self) -> None:
        for name in ("ts_ns", "expiry_ns"):
            if (np.diff(getattr(self, name)) <= 0).any():
                raise InputError("chain history", "does not ascend", name)
        rows, starts = self.strike.size, np.diff(self.start)
        shape = (len(TOPS), self.ts_ns.size, rows)
        if self.tops.shape != shape:
            raise InputError("chain history", f"was {self.tops.shape}, expected {shape}", "tops")
        if self.start.size != self.expiry_ns.size + 1 or self.start[0] != 0 or (
            self.start[-1] != rows or (starts < 0).any()
        ):  # fmt: skip
            raise InputError("chain history", "does not divide the strikes by expiry", "start")
        falls = np.flatnonzero(np.diff(self.strike) <= 0) + 1
        if not np.isin(falls, self.start).all():
            raise InputError("chain history", "does not ascend in an expiry", "strike")
        if self.tick < 1:
            raise InputError("chain history", f"was {self.tick}, expected above 0", "tick")

    @property
    def n_snapshots(self) -> int:
        """Number of snapshots."""
        return self.ts_ns.size

    @property
    def n_expiries(self) -> int:
        """Number of expiries."""
        return self.expiry_ns.size

    @property
    def n_rows(self) -> int:
        """Number of expiries' strikes."""
        return self.strike.size

    @property
    def session_day(self) -> I64:
        """Number of each snapshot's session day, shape (n_snapshots,): days by India's clock."""
        return (self.ts_ns + _IST_NS) // _DAY_NS

    def rows(self, expiry: int) -> slice:
        """Return where the strikes of one expiry stand, counted from 0."""
        return slice(int(self.start[expiry]), int(self.start[expiry + 1]))

    def option_chain(self, snapshot: int) -> OptionChain:
        """Return one snapshot's quotes, times from its collection to each expiry.

        Parameters
        ----------
        snapshot : int
            Counted from 0.
        """
        left = (self.expiry_ns - self.ts_ns[snapshot]) // 10**9
        return OptionChain(
            np.repeat(left, np.diff(self.start)),
            self.strike,
            self.tops[0, snapshot],
            self.tops[1, snapshot],
            self.tops[2, snapshot],
            self.tops[3, snapshot],
            self.price_exponent,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ChainRows:
    """A history, and where in it each row of a table of chains stands.

    Attributes
    ----------
    history : ChainHistory
    snapshot : ndarray of int64, shape (n_table_rows,)
        Index of the row's snapshot; -1 where its instrument is no option.
    row : ndarray of int64, shape (n_table_rows,)
        Row of its expiry and strike; -1 where its instrument is no option.
    put : ndarray of bool, shape (n_table_rows,)
    row_of : ndarray of int64, shape (n_instruments,)
        Row of the expiry and strike of each instrument; -1 where it is no option.
    put_of : ndarray of bool, shape (n_instruments,)
    """

    history: ChainHistory
    snapshot: I64
    row: I64
    put: NDArray[np.bool_]
    row_of: I64
    put_of: NDArray[np.bool_]

    def table_of(self, tops: I64) -> dict[str, I64]:
        """Return ``bid bid_qty ask ask_qty`` of every row of the table, from other tops.

        Parameters
        ----------
        tops : ndarray of int64, shape (8, n_snapshots, n_rows)

        Returns
        -------
        dict of str to ndarray of int64, shape (n_table_rows,)
            0 where the row's instrument is no option.
        """
        none = np.flatnonzero(self.row < 0)
        _, n_snapshots, n_rows = tops.shape
        # Calls lie two fields before their puts: one place serves all four columns.
        place = (np.where(self.put, 2 * n_snapshots, 0) + self.snapshot) * n_rows + self.row
        place[none] = 0
        found = {}
        for name, field in (("bid", 0), ("ask", 1), ("bid_qty", 4), ("ask_qty", 5)):
            found[name] = tops[field:].reshape(-1).take(place)
            found[name][none] = 0
        return found


def chain_history(
    table: Mapping[str, NDArray[Any]], instruments: Sequence[Instrument]
) -> ChainRows:
    """Return the history that a session's ``chain`` table holds.

    Parameters
    ----------
    table : mapping of str to ndarray
        Columns ``seq ts_ns instrument bid bid_qty ask ask_qty``; rows of one ``seq`` are one
        snapshot.
    instruments : sequence of Instrument
        By index; those that are no option are passed over.

    Returns
    -------
    ChainRows

    Raises
    ------
    InputError
        The table has no option, options of two underlyings, exponents or ticks, an option without
        expiry or strike, or a contract twice in one snapshot.

    Examples
    --------
    >>> call = Instrument(
    ...     symbol="X-CE", venue="nse", venue_symbol="X", kind=InstrumentKind.CALL, base="X",
    ...     currency="INR", price_exponent=-2, qty_exponent=0, tick=5, expiry_ns=10**18,
    ...     strike=100_00,
    ... )
    >>> one = {"seq": 1, "ts_ns": 5, "instrument": 0, "bid": 95, "bid_qty": 7, "ask": 105,
    ...        "ask_qty": 8}
    >>> found = chain_history({name: np.array([value]) for name, value in one.items()}, [call])
    >>> found.history.tops[:, 0, 0].tolist()
    [95, 105, 0, 0, 7, 8, 0, 0]
    """
    options = {
        k: one
        for k, one in enumerate(instruments)
        if one.kind in (InstrumentKind.CALL, InstrumentKind.PUT)
    }
    places, expiries, start, strikes = _places(options)
    n = len(instruments)
    row_of, put_of = np.full(n, -1, np.int64), np.zeros(n, bool)
    for k, one in options.items():
        row_of[k] = places[_contract(one)]
        put_of[k] = one.kind == InstrumentKind.PUT
    instrument = np.asarray(table["instrument"], np.int64)
    first = np.flatnonzero(np.diff(table["seq"], prepend=-1))
    snapshot = np.repeat(np.arange(first.size), np.diff(first, append=instrument.size))
    row, put = row_of[instrument], put_of[instrument]
    snapshot = np.where(row >= 0, snapshot, -1)
    tops = np.zeros((len(TOPS), first.size, strikes.size), np.int64)
    kept = row >= 0
    at = (snapshot[kept], row[kept])
    cells = np.bincount((at[0] * strikes.size + at[1]) * 2 + put[kept])
    if cells.size and cells.max() > 1:
        which = int((cells > 1).argmax()) // 2 // strikes.size
        raise InputError("chain", f"snapshot {which} has a contract twice")
    side = np.where(put[kept], 2, 0)
    for name, field in (("bid", 0), ("ask", 1), ("bid_qty", 4), ("ask_qty", 5)):
        tops[side + field, at[0], at[1]] = np.asarray(table[name])[kept]
    some = next(iter(options.values()))
    history = ChainHistory(
        np.asarray(table["ts_ns"], np.int64)[first],
        expiries,
        start,
        strikes,
        tops,
        some.tick,
        some.price_exponent,
    )
    return ChainRows(history, snapshot, row, put, row_of, put_of)


def _contract(one: Instrument) -> tuple[int, int]:
    if one.expiry_ns is None or one.strike is None:
        raise InputError("chain", "has no expiry or no strike", one.symbol)
    return one.expiry_ns, one.strike


def _places(
    options: Mapping[int, Instrument],
) -> tuple[dict[tuple[int, int], int], I64, I64, I64]:
    """Rows by expiry and strike; the expiries, their first rows, and the strikes of all rows."""
    if not options:
        raise InputError("chain", "has no option")
    kinds = {(one.base, one.price_exponent, one.tick) for one in options.values()}
    if len(kinds) > 1:
        two = sorted(kinds)[:2]
        problem = f"has options of {two[0]} and of {two[1]} (underlying, exponent, tick)"
        raise InputError("chain", problem)
    contracts = sorted({_contract(one) for one in options.values()})
    strikes = np.array([strike for _, strike in contracts], np.int64)
    expiry, counts = np.unique([ns for ns, _ in contracts], return_counts=True)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return {one: k for k, one in enumerate(contracts)}, expiry.astype(np.int64), start, strikes
