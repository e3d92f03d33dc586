"""Quotes of one underlying's options at one moment, by expiry and strike."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlaxmi._ext.chain_surface import Chain
from quantlaxmi.errors import InputError, shown
from quantlaxmi.schema import I64

__all__ = ["YEAR_SECONDS", "OptionChain"]

#: Seconds of the year that volatilities are of: 365 days.
YEAR_SECONDS: Final = 31_536_000
#: Least time to expiry that is counted, seconds: what is left of the last minute counts as one.
LEAST_SECONDS: Final = 60
#: Largest price mantissa, so that sums of four are exact as doubles.
MOST_PRICE: Final = 10**15
_SIDES: Final = ("call_bid", "call_ask", "put_bid", "put_ask")


class OptionChain:
    """Bid and ask of the calls and puts of one underlying at one moment.

    Parameters
    ----------
    seconds : array_like of int, shape (n_rows,)
        From the moment to the expiry of the row's options; not above 0 where they have expired.
    strike : array_like of int, shape (n_rows,)
        Price mantissas.
    call_bid, call_ask, put_bid, put_ask : array_like of int, shape (n_rows,)
        Price mantissas; 0 is no quote.
    price_exponent : int
        From -12 to 0; -2 where prices are in hundredths.

    Attributes
    ----------
    seconds : ndarray of int64, shape (n_expiries,)
        Time to each expiry, ascending.
    start : ndarray of int64, shape (n_expiries + 1,)
        First row of each expiry, and the number of rows.
    strike, call_bid, call_ask, put_bid, put_ask : ndarray of int64, shape (n_rows,)
        Sorted by expiry and strike.
    order : ndarray of int64, shape (n_rows,)
        Where each row stood among those given.
    price_exponent : int

    Raises
    ------
    InputError
        A column is of another length or type, a price is out of range, a bid stands above its ask,
        or a strike comes twice in an expiry.

    Examples
    --------
    >>> chain = OptionChain(
    ...     [86400, 86400], [24600_00, 24550_00], [39_00, 64_00], [41_00, 66_00],
    ...     [64_00, 39_00], [66_00, 41_00],
    ... )
    >>> chain.strike.tolist(), chain.seconds.tolist(), chain.start.tolist()
    ([2455000, 2460000], [86400], [0, 2])
    """

    def __init__(
        self,
        seconds: ArrayLike,
        strike: ArrayLike,
        call_bid: ArrayLike,
        call_ask: ArrayLike,
        put_bid: ArrayLike,
        put_ask: ArrayLike,
        price_exponent: int = -2,
    ) -> None:
        if not -12 <= price_exponent <= 0:
            raise InputError("chain", f"was {price_exponent}, expected -12..0", "price_exponent")
        given = (seconds, strike, call_bid, call_ask, put_bid, put_ask)
        names = ("seconds", "strike", *_SIDES)
        columns = {n: _whole(n, one) for n, one in zip(names, given, strict=True)}
        lengths = {len(one) for one in columns.values()}
        if len(lengths) != 1:
            raise InputError("chain", f"columns were {sorted(lengths)} long, expected one length")
        self.order: I64 = np.lexsort((columns["strike"], columns["seconds"])).astype(np.int64)
        for name in names:
            columns[name] = columns[name][self.order]
        _check(columns, self.order)
        left = columns.pop("seconds")
        changes = np.flatnonzero(np.diff(left, prepend=left[:1] - 1))
        self.start: I64 = np.append(changes, len(left)).astype(np.int64)
        self.seconds: I64 = left[changes]
        self.strike = columns["strike"]
        self.call_bid, self.call_ask, self.put_bid, self.put_ask = (columns[n] for n in _SIDES)
        self.price_exponent = price_exponent
        #: What computes on it.
        self._kernel = Chain(
            self.start,
            self.years,
            self.strike,
            self.call_bid,
            self.call_ask,
            self.put_bid,
            self.put_ask,
            float(10**-price_exponent),
        )

    @property
    def years(self) -> NDArray[np.float64]:
        """Time to each expiry: at least a minute, or 0 where it has passed."""
        counted = np.where(self.seconds > 0, np.maximum(self.seconds, LEAST_SECONDS), 0)
        return counted / YEAR_SECONDS

    @property
    def n_expiries(self) -> int:
        """Number of expiries."""
        return len(self.seconds)

    def rows(self, expiry: int) -> slice:
        """Return where the strikes of one expiry stand, counted from 0."""
        return slice(int(self.start[expiry]), int(self.start[expiry + 1]))

    def subset(self, *expiries: int) -> Self:
        """Return a chain of some of the expiries alone."""
        kept = np.concatenate([np.arange(self.strike.size)[self.rows(e)] for e in expiries])
        left = np.repeat(self.seconds, np.diff(self.start))
        return type(self)(
            left[kept],
            self.strike[kept],
            self.call_bid[kept],
            self.call_ask[kept],
            self.put_bid[kept],
            self.put_ask[kept],
            self.price_exponent,
        )


def _whole(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, object)
    if array.size == 0 and array.ndim == 1 and array.dtype.kind == "f":
        array = array.astype(np.int64)  # an empty list
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InputError("chain", f"was {shown(value)}, expected a column of whole numbers", name)
    low, high = (-(10**11), 10**11) if name == "seconds" else (0, MOST_PRICE)
    bad = (array < low) | (array > high)
    if bad.any():
        row = int(np.argmax(bad))
        problem = f"was {array[row]}, expected {low}..{high}"
        raise InputError("chain", problem, f"{name}, row {row}")
    return np.ascontiguousarray(array, np.int64)


def _check(columns: dict[str, NDArray[Any]], order: I64) -> None:
    """Refuse strikes of 0, crossed quotes and strikes that come twice; sorted rows are given."""
    strike, seconds = columns["strike"], columns["seconds"]
    for side in ("call", "put"):
        bid, ask = columns[f"{side}_bid"], columns[f"{side}_ask"]
        crossed = (ask > 0) & (bid > ask)
        if crossed.any():
            k = int(np.argmax(crossed))
            problem = f"bid was {bid[k]}, above the ask of {ask[k]}"
            raise InputError("chain", problem, f"{side}, row {order[k]}")
    if (strike == 0).any():
        row = order[int(np.argmax(strike == 0))]
        raise InputError("chain", "was 0, expected above 0", f"strike, row {row}")
    twice = (strike[1:] == strike[:-1]) & (seconds[1:] == seconds[:-1])
    if twice.any():
        k = int(np.argmax(twice)) + 1
        raise InputError("chain", f"strike {strike[k]} came twice in an expiry", f"row {order[k]}")
