"""A chain at one moment with sizes and open interest, made of columns of contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.options.chain import OptionChain
from quantlaxmi.schema import I64

__all__ = ["MOMENT_COLUMNS", "ChainLayout", "ChainMoment", "SideColumns"]

_SECOND_NS: Final = 10**9
#: What a moment holds of each contract.
MOMENT_COLUMNS: Final = ("bid", "bid_qty", "ask", "ask_qty", "oi", "iv")


class SideColumns(NamedTuple):
    """Columns of the calls or of the puts of a moment, in the order of the chain's rows.

    Attributes
    ----------
    contract : ndarray of int64, shape (n_rows,)
        Index of the contract among those the layout was made of; -1 where there is none.
    bid, ask : ndarray of int64, shape (n_rows,)
        Price mantissas; 0 is no quote.
    bid_qty, ask_qty, oi : ndarray of int64, shape (n_rows,)
        Displayed sizes and open interest, units.
    iv : ndarray of int64, shape (n_rows,)
        The exchange's volatility at 10**-6; 0 is none.
    """

    contract: I64
    bid: I64
    bid_qty: I64
    ask: I64
    ask_qty: I64
    oi: I64
    iv: I64


@dataclass(frozen=True, slots=True, eq=False)
class ChainMoment:
    """What is known of one underlying's options at one moment.

    Attributes
    ----------
    ts_ns : int
        When it was known; nanoseconds since the Unix epoch.
    exch_ts_ns : int
        The exchange's time.
    expiry_ns : ndarray of int64, shape (n_expiries,)
        End of each expiry's contracts, ascending.
    lot : ndarray of int64, shape (n_expiries,)
        Units in a contract.
    chain : OptionChain
        Quotes by expiry and strike; ``seconds`` run from ``ts_ns``.
    call, put : SideColumns
        Of the chain's rows.
    """

    ts_ns: int
    exch_ts_ns: int
    expiry_ns: I64
    lot: I64
    chain: OptionChain
    call: SideColumns
    put: SideColumns


class ChainLayout:
    """Contracts of one underlying, sorted into rows of a chain: a call and a put of one strike.

    Parameters
    ----------
    expiry_ns, strike, lot : array_like of int, shape (n_contracts,)
        End, strike (price mantissa) and units of each contract.
    call : array_like of bool, shape (n_contracts,)
        False for a put.
    price_exponent : int

    Attributes
    ----------
    expiry_ns : ndarray of int64, shape (n_expiries,)
        Ascending.
    lot : ndarray of int64, shape (n_expiries,)
    start : ndarray of int64, shape (n_expiries + 1,)
        First row of each expiry, and the number of rows.
    strike : ndarray of int64, shape (n_rows,)
        Ascending within an expiry.
    call, put : ndarray of int64, shape (n_rows,)
        Index of the contract; -1 where there is none.

    Raises
    ------
    InputError
        A contract comes twice, or contracts of one expiry differ in their lot.

    Examples
    --------
    >>> layout = ChainLayout([9, 9, 9], [100, 90, 90], [75, 75, 75], [True, True, False])
    >>> layout.strike.tolist(), layout.call.tolist(), layout.put.tolist()
    ([90, 100], [1, 0], [2, -1])
    """

    def __init__(
        self,
        expiry_ns: ArrayLike,
        strike: ArrayLike,
        lot: ArrayLike,
        call: ArrayLike,
        price_exponent: int = -2,
    ) -> None:
        ends, strikes, lots = (np.asarray(one, np.int64) for one in (expiry_ns, strike, lot))
        calls = np.asarray(call, bool)
        self.price_exponent = price_exponent
        self.n_contracts = len(ends)
        keys, rows = np.unique(np.stack([ends, strikes]), axis=1, return_inverse=True)
        rows = rows.reshape(-1)
        self.strike: I64 = np.ascontiguousarray(keys[1])
        self.call: I64 = np.full(keys.shape[1], -1, np.int64)
        self.put: I64 = self.call.copy()
        for side, own in ((self.call, calls), (self.put, ~calls)):
            side[rows[own]] = np.flatnonzero(own)
            if np.unique(rows[own]).size != own.sum():
                raise InputError("chain", "a contract came twice, expected once")
        self.expiry_ns: I64
        self.expiry_ns, first, self._expiry = np.unique(
            keys[0], return_index=True, return_inverse=True
        )
        self._expiry = self._expiry.reshape(-1)
        self.start: I64 = np.append(first, keys.shape[1]).astype(np.int64)
        self.lot: I64 = np.zeros(len(self.expiry_ns), np.int64)
        self.lot[self._expiry[rows]] = lots
        if (self.lot[self._expiry[rows]] != lots).any():
            raise InputError("chain", "lots of one expiry differ, expected one")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.strike)

    def moment(
        self,
        ts_ns: int,
        exch_ts_ns: int,
        columns: Mapping[str, NDArray[Any]],
        present: NDArray[np.bool_] | None = None,
    ) -> ChainMoment:
        """Return the chain of one moment.

        Parameters
        ----------
        ts_ns, exch_ts_ns : int
            When it was known, and the exchange's time.
        columns : dict of str to ndarray of int64, each of shape (n_contracts,)
            ``bid``, ``bid_qty``, ``ask``, ``ask_qty``, ``oi`` and ``iv`` of each contract.
        present : ndarray of bool, shape (n_contracts,), optional
            Contracts that are listed now; rows of no such contract are left out. All by default.

        Returns
        -------
        ChainMoment

        Raises
        ------
        InputError
            As `OptionChain` does.
        """
        if present is None:
            present = np.ones(self.n_contracts, bool)
        here = np.append(present, False)  # index -1 is no contract
        calls, puts = (np.where(here[side], side, -1) for side in (self.call, self.put))
        kept = np.flatnonzero((calls >= 0) | (puts >= 0))
        expiries = np.unique(self._expiry[kept])
        sides = [self._side(side[kept], columns) for side in (calls, puts)]
        seconds = (self.expiry_ns[self._expiry[kept]] - ts_ns) // _SECOND_NS
        chain = OptionChain(
            seconds,
            self.strike[kept],
            sides[0].bid,
            sides[0].ask,
            sides[1].bid,
            sides[1].ask,
            self.price_exponent,
        )
        ends, lots = self.expiry_ns[expiries], self.lot[expiries]
        if chain.n_expiries != len(ends):
            raise InputError("chain", "two expiries lie within one second of each other")
        return ChainMoment(ts_ns, exch_ts_ns, ends, lots, chain, sides[0], sides[1])

    def _side(self, contract: I64, columns: Mapping[str, NDArray[Any]]) -> SideColumns:
        missing = contract < 0
        found = [np.where(missing, 0, columns[name][contract]) for name in MOMENT_COLUMNS]
        return SideColumns(contract, *found)
