"""The margin of a portfolio of index options and futures, by a scan of sixteen scenarios.

For each underlying, with its contracts valued at the mid, its forwards by put-call parity and its
volatilities from the mids:

- fourteen scenarios move every forward by 0, ±1/3, ±2/3 and ±1 of the price scan, each with
  volatility up and down by the volatility scan; two move it by ±2 price scans, and 35 % of their
  loss counts. The largest loss of the portfolio is the *scan*;
- deltas of expiries that stand against each other, matched from the nearest on, pay the *calendar
  charge* on the far contract's forward;
- what expires today has, from 2025-02-10, a scan of its own, without a calendar charge;
- less the worth of the options (bought ones add, sold ones take away), not below 0;
- and the *exposure* of sold options and of futures: a share of forward times quantity, and a
  further share on the day of expiry.

It is needed on top of the premium, which is paid up front: orders are refused where stated
capital, cash and the gain of futures fall below it.

The price scan is six daily deviations of the underlying times the root of two, at least 9.3 %, of
options with more than nine months left at least 17.7 %; the volatility scan a quarter of its
volatility of a year, the daily one times the root of 365, at least 4 points.

Limits. A session has no history of days: the daily deviation is what the risk file states
(``daily_volatility``), and where it states none both scans are their least values, which asks for
too little margin where the deviation is above 0.84 %. Scans are at the mids known to a run, not at
the exchange's six times of day. Deltas are of single contracts, not composite. There is nothing
for delivery, crystallised losses within the day, concentration, collateral and its haircuts, and
what a broker asks on top. An order counts as filled, at the touch.

Source: NSE Clearing, SPAN risk parameters (nseclearing.in); SEBI/HO/MRD/TPD-1/P/CIR/2024/132;
CME, SPAN methodology (scan of 16 scenarios, 35 % of the extreme ones).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.scan_margin import scanned

__all__ = ["ScanMargin", "scan_margin"]


@dataclass(frozen=True, slots=True)
class ScanMargin:
    """The margin of a portfolio, in the money of its scales.

    Attributes
    ----------
    required : float
        What has to be there.
    scan, calendar, exposure : float
        Largest losses, charges on calendars, exposure.
    options, futures : float
        Worth at the mid; of what is sold below 0.
    """

    required: float
    scan: float
    calendar: float
    exposure: float
    options: float
    futures: float


def scan_margin(
    contracts: Sequence[tuple[int, int, int, float, float]],
    expiries: Sequence[tuple[int, int, int, int]],
    rules: Sequence[tuple[int, int, float, float, float, float, float, float, bool]],
    books: NDArray[np.void],
    qty: NDArray[np.int64],
    ts_ns: int,
) -> ScanMargin | None:
    """Return the margin of a portfolio; None where a price, a forward or a rule is missing.

    Parameters
    ----------
    contracts : sequence of tuple
        ``(kind, expiry, put, strike, scale)``: 1 call, 2 put, 3 future, 0 not margined; place of
        the expiry; of a call the number of its put, else -1; strike as prices are; money of a
        price of 1 for a quantity of 1.
    expiries : sequence of tuple
        ``(underlying, ends_ns, day, far_until)``, ascending; days since the epoch by the calendar
        of India, the second the first on which an option has no long time left.
    rules : sequence of tuple
        ``(underlying, day, price scan, that of options with a long time left, volatility scan,
        calendar, exposure, expiring, apart)``, as shares of 1.
    books : ndarray of BOOK_DTYPE, shape (n,)
    qty : ndarray of int64, shape (n,)
        Below 0 what is sold.
    ts_ns : int

    Returns
    -------
    ScanMargin or None

    Examples
    --------
    >>> import numpy as np
    >>> from quantlaxmi.schema import BOOK_DTYPE
    >>> books = np.zeros(1, BOOK_DTYPE)
    >>> books["mid2"] = 2 * 100
    >>> rule = (0, 0, 0.1, 0.177, 0.04, 0.0175, 0.02, 0.02, True)
    >>> found = scan_margin(
    ...     [(3, 0, -1, 0.0, 1.0)], [(0, 10**18, 11574, 0)], [rule], books, np.array([5]), 10**17
    ... )
    >>> round(found.scan, 9), round(found.exposure, 9), found.futures
    (50.0, 10.0, 500.0)
    """
    known, *money = scanned(
        contracts,
        expiries,
        rules,
        np.ascontiguousarray(books),
        np.ascontiguousarray(qty, np.int64),
        ts_ns,
    )
    return ScanMargin(*money) if known else None
