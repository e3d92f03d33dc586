"""Chains of recorded market data: the rows of the table ``chain`` as moments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.instruments import Instrument
from quantlaxmi.options.moment import MOMENT_COLUMNS, ChainLayout, ChainMoment
from quantlaxmi.schema import I64, InstrumentKind
from quantlaxmi.segment.market_data import MarketData

__all__ = ["RecordedChain", "option_underlying", "options_of"]

_KINDS: Final = (InstrumentKind.CALL, InstrumentKind.PUT)


def option_underlying(instruments: Sequence[Instrument], wanted: str = "") -> str:
    """Return the underlying of a segment's options.

    Parameters
    ----------
    instruments : sequence of Instrument
    wanted : str
        One that must be there; empty where there is one only.

    Returns
    -------
    str

    Raises
    ------
    InputError
        There are no options, none of it, or several and none is wanted.

    Examples
    --------
    >>> option_underlying([])
    Traceback (most recent call last):
    quantlaxmi.errors.InputError: options: the segment has none
    """
    found = sorted({one.base for one in instruments if one.kind in _KINDS})
    if not found:
        raise InputError("options", "the segment has none")
    if wanted and wanted not in found:
        problem = f"was {wanted[:40]!r}, expected one of {', '.join(found)}"
        raise InputError("options", problem, "underlying")
    if not wanted and len(found) > 1:
        problem = f"the segment has options of {', '.join(found)}: name one"
        raise InputError("options", problem, "underlying")
    return wanted or found[0]


def options_of(instruments: Sequence[Instrument], underlying: str) -> tuple[I64, ChainLayout]:
    """Return the options of an underlying, and how they lie in the rows of a chain.

    Parameters
    ----------
    instruments : sequence of Instrument
    underlying : str

    Returns
    -------
    tuple of ndarray of int64 and ChainLayout
        Indices of the instruments, ascending, and their layout in that order.

    Raises
    ------
    InputError
        One has no expiry, strike or lot, exponents differ, or a contract comes twice.
    """
    place = [k for k, i in enumerate(instruments) if i.kind in _KINDS and i.base == underlying]
    own = [instruments[k] for k in place]
    for one in own:
        for name in ("expiry_ns", "strike", "lot"):
            if not getattr(one, name):
                raise InputError(one.symbol, "has none, expected an option's", name)
    exponents = {(one.price_exponent, one.qty_exponent) for one in own}
    if len(exponents) != 1:
        raise InputError("options", f"exponents differ among options of {underlying}")
    layout = ChainLayout(
        [one.expiry_ns or 0 for one in own],
        [one.strike or 0 for one in own],
        [one.lot for one in own],
        [one.kind == InstrumentKind.CALL for one in own],
        exponents.pop()[0],
    )
    return np.array(place, np.int64), layout


class RecordedChain:
    """Snapshots of one underlying in recorded market data.

    Parameters
    ----------
    market : MarketData
    underlying : str
        Empty where it has options of one underlying only.

    Attributes
    ----------
    underlying : str
    instrument : ndarray of int64, shape (n_contracts,)
        Indices of its options among the instruments.
    layout : ChainLayout
        Of these contracts.
    seq, ts_ns, exch_ts_ns : ndarray of int64, shape (n_snapshots,)
        Message, time at which it was known, and the exchange's time.

    Raises
    ------
    InputError
        See `option_underlying` and `options_of`.
    """

    def __init__(self, market: MarketData, underlying: str = "") -> None:
        self.underlying = option_underlying(market.instruments, underlying)
        self.instrument, self.layout = options_of(market.instruments, self.underlying)
        self._columns = market.columns("chain")
        place = np.full(len(market.instruments), -1, np.int64)
        place[self.instrument] = np.arange(len(self.instrument))
        self._contract: I64 = place[self._columns["instrument"]]
        rows = np.flatnonzero(self._contract >= 0)
        seq = np.asarray(self._columns["seq"])[rows]
        ends = np.flatnonzero(np.append(np.diff(seq) != 0, True)) if rows.size else rows
        self._last: I64 = rows[ends]
        self._first: I64 = rows[np.append(0, ends[:-1] + 1)] if rows.size else rows
        self.seq: I64 = seq[ends]
        self.ts_ns: I64 = np.asarray(self._columns["ts_ns"])[self._last]
        self.exch_ts_ns: I64 = np.asarray(self._columns["exch_ts_ns"])[self._last]

    def __len__(self) -> int:
        """Return the number of snapshots."""
        return len(self.seq)

    def moment(self, k: int) -> ChainMoment:
        """Return one snapshot.

        Parameters
        ----------
        k : int
            From 0.

        Returns
        -------
        ChainMoment
            Of the contracts that have a row in it.
        """
        rows = slice(int(self._first[k]), int(self._last[k]) + 1)
        contract = self._contract[rows]
        own = contract >= 0
        columns = {}
        for name in MOMENT_COLUMNS:
            column = np.zeros(self.layout.n_contracts, np.int64)
            column[contract[own]] = self._columns[name][rows][own]
            columns[name] = column
        present = np.zeros(self.layout.n_contracts, bool)
        present[contract[own]] = True
        return self.layout.moment(int(self.ts_ns[k]), int(self.exch_ts_ns[k]), columns, present)

    def moments(self) -> Iterator[ChainMoment]:
        """Return all snapshots, one after the other."""
        return (self.moment(k) for k in range(len(self)))

    def known_at(self, ts_ns: int) -> int:
        """Return the last snapshot that was known at a time; -1 before the first.

        Parameters
        ----------
        ts_ns : int
            Nanoseconds since the Unix epoch.

        Returns
        -------
        int
        """
        return int(np.searchsorted(self.ts_ns, ts_ns, side="right")) - 1
