"""Indicative funding rates, worked out of a premium index as it becomes known.

At the close of the k-th bar since the last settlement the rate is

    F = P + clamp(I - P, -0.0005, 0.0005),   P = sum(i * P_i, i <= k) / sum(i, i <= k)

with P_i the index at the close of bar i and I the interest of a funding interval. A bar that is
missing leaves both sums out, the others keep their weights.

References
----------
Binance, "Introduction to Binance Futures Funding Rates": the weights, the clamp, and 0.01 % of
interest for eight hours. The venue takes the index every five seconds, here it is taken once a bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from quantlaxmi.counted import agreed, counted
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers.bars.mapping import BarsMapping
from quantlaxmi.importers.bars.series import Rows, Series
from quantlaxmi.importers.bars.spool import Store, chunks
from quantlaxmi.schema import RATE_EXPONENT
from quantlaxmi.segment.manifest import Gap

_HOURS_8_NS: Final = 8 * 3600 * 10**9
#: Furthest that the interest draws the rate from the premium, at RATE_EXPONENT.
_CLAMP: Final = 5 * 10 ** (-RATE_EXPONENT - 4)


class IndicativeRates(Rows):
    """Rates by the premium index, ascending.

    Columns: ``at_ns``, when a bar of the index ends; ``rate``, at `RATE_EXPONENT`; ``line``.

    Parameters
    ----------
    store : Store
        Where they are kept.
    premium : Series
        Bars of the index, ``close`` at `RATE_EXPONENT`, on a grid that divides ``every_ns``.
    interval_ns : int
        Length of a bar.
    every_ns : int
        Settlement times are multiples of it since 1970. A bar that ends at one is the last of its
        interval.
    interest : Fraction
        Of eight hours; it is scaled to ``every_ns``.
    """

    NAMES: Final = ("at_ns", "rate", "line")

    def __init__(
        self, store: Store, premium: Series, interval_ns: int, every_ns: int, interest: Fraction
    ) -> None:
        super().__init__(store, self.NAMES)
        self._interest = interest * every_ns / _HOURS_8_NS * 10**-RATE_EXPONENT
        self._interval, self._weighted, self._weights = -1, 0, 0
        for start, stop in chunks(len(premium)):
            at_ns = premium.column("open_ns")[start:stop] + interval_ns
            # A stamp at a settlement still belongs to the interval that it ends.
            number, within = np.divmod(at_ns - 1, every_ns)
            place = (within + 1) // interval_ns
            closes = premium.column("close")[start:stop]
            rows = zip(number.tolist(), place.tolist(), closes.tolist(), strict=True)
            rate = np.fromiter((self._rate(*row) for row in rows), np.int64, stop - start)
            line = premium.column("line")[start:stop]
            self.append({"at_ns": at_ns, "rate": rate, "line": line})

    def _rate(self, number: int, place: int, close: int) -> int:
        """Rate after one more bar, half to even; in integers, so that it is exact."""
        if number != self._interval:
            self._interval, self._weighted, self._weights = number, 0, 0
        self._weighted += place * close
        self._weights += place
        # P + clamp(I - P, -c, c) is I, kept within c of P.
        over, under = self._interest.numerator, self._interest.denominator
        low = self._weighted - _CLAMP * self._weights
        high = self._weighted + _CLAMP * self._weights
        if over * self._weights < low * under:
            over, under = low, self._weights
        elif over * self._weights > high * under:
            over, under = high, self._weights
        whole, rest = divmod(over, under)
        return whole + (2 * rest > under or (2 * rest == under and whole & 1))


def rates_of(mapping: BarsMapping, premium: Series, store: Store, path: Path) -> IndicativeRates:
    """Rates by the premium index of a mapping.

    Parameters
    ----------
    mapping : BarsMapping
        With a premium index.
    premium : Series
    store : Store
    path : Path
        First file of the index, for errors.

    Raises
    ------
    InputError
        It has no bar, or its bars do not begin at multiples of their length.
    ConfigError
        A funding interval is no whole number of bars.
    """
    rules, interval_ns = mapping.premium, mapping.interval_ns
    assert rules is not None
    seconds = interval_ns // 10**9
    if rules.every_ns % interval_ns:
        problem = f"was {rules.every_ns // 10**9} s, expected a multiple of the bars' {seconds} s"
        raise ConfigError(mapping.source, problem, "premium.every")
    if apart := premium.first_ns % interval_ns if len(premium) else 0:
        problem = f"its bars begin {apart / 10**9:g} s off the multiples of {seconds} s"
        raise InputError(path, f"{problem} since 1970; expected none")
    return IndicativeRates(store, premium, interval_ns, rules.every_ns, rules.interest)


def missing_rates(
    rates: IndicativeRates, symbol: str, interval_ns: int, first_ns: int, last_ns: int
) -> Iterator[Gap]:
    """Spans of the bars' time without a premium index, ascending.

    Parameters
    ----------
    rates : IndicativeRates
    symbol : str
        Of the perpetual.
    interval_ns : int
    first_ns, last_ns : int
        When the first bar begins and the last one ends.
    """
    ended_ns = first_ns
    at_ns = rates.column("at_ns")
    for start, stop in chunks(len(rates) + 1):
        known = at_ns[start:stop]
        until = np.minimum(np.append(known - interval_ns, [last_ns] * (stop > len(rates))), last_ns)
        since = np.maximum(np.append([ended_ns], known)[: len(until)], first_ns)
        ended_ns = int(known[-1]) if len(known) else ended_ns
        for k in np.flatnonzero(until > since).tolist():
            n = int(until[k] - since[k]) // interval_ns
            yield Gap(
                table="funding",
                symbol=symbol,
                start_ns=int(since[k]),
                end_ns=int(until[k]),
                reason=f"{counted(n, 'bar[s] of the premium index [is|are] missing')}; its rates "
                f"leave {agreed(n, '[it|them]')} out",
            )
