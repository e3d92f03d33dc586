"""Bars to messages: the quotes for a strategy's decisions and for its orders.

A bar's close is known when the next bar opens, and nobody can trade at it any more. At the time T
at which bars end and others begin the segment has, in this order of ``seq``:

0. the rate that a premium index gives for its time T, where there is one: it informs, nothing is
   settled by it, and the settlement of T stands behind it; and the bars that end at T, whole, in
   the table ``bars``: no book changes by them;
1. the closes of the bars that end at T, by instrument; the last of them is an ordinary quote (the
   strategy decides here, with every close of T before it), the others are quiet;
2. a funding settlement of time T;
3. quiet quotes: the opens of the bars that begin at T, and for an instrument whose next bar is
   missing its close without size, which makes the book invalid.

Over a weekend or holiday (`GapRule.waits`) the close of the bar that ends then is no quote at T.
It stands before the opens of the next bar, at its time: what is decided on it meets that bar.

An order executes after all messages with a stamp up to its arrival, so even without latency it
meets the opens, or is cancelled for an invalid book. After the last T there is nothing to trade at:
its closes are all quiet, they mark positions and nothing is decided on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.importers.bars.merged import Stream, merge_streams
from quantlaxmi.importers.bars.premium_index import IndicativeRates
from quantlaxmi.importers.bars.series import Series, Settlements
from quantlaxmi.importers.bars.sessions import GapRule
from quantlaxmi.importers.bars.spool import CHUNK_ROWS, Int64Array
from quantlaxmi.schema import TABLES, QuoteFlag
from quantlaxmi.segment.manifest import Gap

Table = dict[str, NDArray[Any]]
_Book = tuple[Int64Array, Int64Array, Int64Array]
_CLOSES, _OPENS = 0, 1
_TABLES: Final = ("quotes", "funding", "bars")
_MOST: Final = (1 << 63) - 1


def spread_out(prices: Int64Array, half_spread_bps: Fraction) -> tuple[Int64Array, Int64Array]:
    """Bid and ask of prices, rounded away from them.

    Parameters
    ----------
    prices : ndarray of int64, shape (n_rows,)
        Mantissas.
    half_spread_bps : Fraction

    Returns
    -------
    bid, ask : ndarray of int64, shape (n_rows,)
        ``floor(price * (1 - h))`` and ``ceil(price * (1 + h))``, exactly. Where one of them does
        not fit, arrays of Python integers.
    """
    share = half_spread_bps / 10_000
    over, under = share.numerator, share.denominator
    most = int(prices.max()) if len(prices) else 0
    if under * (under + over) > _MOST or most * (under + over) // under >= _MOST - 1:
        exact = prices.astype(object)
        return exact * (under - over) // under, -(-exact * (under + over) // under)
    # price = whole * under + rest, so that no product leaves 64 bits.
    whole = np.asarray(prices) // under  # by a number, which NumPy divides by multiplying
    rest = prices - whole * under
    bid = whole * (under - over) + rest * (under - over) // under
    ask = whole * (under + over) - (-rest * (under + over) // under)
    return bid, ask


class BarTables:
    """A segment of bars, made piece by piece.

    Parameters
    ----------
    all_series : sequence of Series
        By instrument; each has at least one bar.
    settlements : Settlements or None
        Of the last instrument; every mark is set.
    sources : sequence of object
        File of each series, for errors.
    rates : IndicativeRates or None
        Of the last instrument, on the grid of the bars.
    lots : sequence of int
        Least quantity of each instrument, at its quantity exponent: sizes displayed are whole
        multiples of it; 0 for any.

    max_gaps : int
        Most gaps that are listed of an instrument.
    rule : GapRule
        Over which spans without bars a decision waits for the next bar.

    Attributes
    ----------
    first_ns, last_ns : int
        Of the first bar's beginning and the last one's end.
    gaps : list of list of Gap
        By instrument: spans without bars between its first bar and the last of all, as many
        as may be listed.
    n_gaps : int
        All of them.
    widest : list of (Fraction, int)
        By instrument: the largest half spread of its quotes, in bps of the price, and that price.
    """

    def __init__(
        self,
        all_series: Sequence[Series],
        settlements: Settlements | None,
        rates: IndicativeRates | None,
        sources: Sequence[object],
        lots: Sequence[int],
        max_gaps: int,
        rule: GapRule,
    ) -> None:
        self._rule, interval_ns = rule, rule.interval_ns
        self._series, self._settlements, self._rates = all_series, settlements, rates
        self._interval_ns, self._sources, self._lots = interval_ns, sources, lots
        self._max_gaps = max_gaps
        self.first_ns = min(series.first_ns for series in all_series)
        self.last_ns = max(series.last_ns for series in all_series) + interval_ns
        self.gaps: list[list[Gap]] = [[] for _ in all_series]
        self.n_gaps = 0
        self.widest = [(Fraction(0), 0) for _ in all_series]
        self._ends = [self.last_ns for _ in all_series]  # no bar is missing behind it
        self._seq = 0

    def tables(self) -> Iterator[dict[str, Table]]:
        """Yield rows of ``quotes``, ``funding`` and ``bars``, in order.

        Raises
        ------
        InputError
            A price cannot be spread at its exponent.
        """
        at_ns = self.first_ns
        while at_ns <= self.last_ns:
            stop_ns = min(at_ns + CHUNK_ROWS * self._interval_ns, self.last_ns + 1)
            if tables := self._between(at_ns, stop_ns):
                yield tables
            at_ns = self._next(stop_ns)

    def _next(self, at_ns: int) -> int:
        """The first time from ``at_ns`` on at which something happens."""
        found = [self.last_ns + 1]
        for series in self._series:
            opened = series.column("open_ns")
            for shift in (0, self._interval_ns):
                k = int(np.searchsorted(opened, at_ns - shift))
                if k < len(opened):
                    found.append(int(opened[k]) + shift)
        for rows in (self._settlements, self._rates):
            if rows is not None:
                times = rows.column("at_ns")
                k = int(np.searchsorted(times, at_ns))
                if k < len(times):
                    found.append(int(times[k]))
        return min(found)

    def _between(self, start_ns: int, stop_ns: int) -> dict[str, Table]:
        """Rows of the times from ``start_ns`` to before ``stop_ns``."""
        each = range(len(self._series))
        rates, settled = self._paid(start_ns, stop_ns)
        bars = [self._bars(k, start_ns, stop_ns) for k in each]
        quotes = [self._quotes(k, start_ns, stop_ns) for k in each]
        closes = [stream for closed, _ in quotes for stream in closed]
        opens = [stream for _, opened in quotes for stream in opened]
        # In the order of the module's list: of equal times the earlier stream comes first.
        streams = [rates, *bars, *closes, settled, *opens]
        tables, n_rows = merge_streams(streams, self._seq)
        self._seq += n_rows
        if "quotes" in tables:
            made = tables["quotes"]
            _mark_quiet(made, self.last_ns)
            made["bid_qty"] = made["ask_qty"] = made["size"]
            self._find_gaps(made, start_ns, stop_ns)
        if "bars" in tables:
            tables["bars"]["exch_ts_ns"] = tables["bars"]["open_ns"] + self._interval_ns
        return {table: _typed(table, tables[table]) for table in _TABLES if table in tables}

    def _paid(self, start_ns: int, stop_ns: int) -> tuple[Stream, Stream]:
        """Indicative rates, and settlements."""
        # What funding was announced outside the bars' time nobody of this segment could pay, and
        # at their end nobody can act on a rate any more.
        rates = self._funding(self._rates, start_ns, min(stop_ns, self.last_ns), due=False)
        return rates, self._funding(self._settlements, start_ns, stop_ns, due=True)

    def _funding(
        self,
        source: Settlements | IndicativeRates | None,
        start_ns: int,
        stop_ns: int,
        *,
        due: bool,
    ) -> Stream:
        if source is None:
            return Stream("funding", {"ts_ns": np.empty(0, np.int64)}, {})
        low, high = _places(source.column("at_ns"), start_ns, stop_ns)
        at_ns, none = source.column("at_ns")[low:high], np.zeros(high - low, np.int64)
        rows = {
            "ts_ns": at_ns,
            "exch_ts_ns": at_ns,
            "mark": source.column("mark")[low:high] if due else none,
            "rate": source.column("rate")[low:high],
            "next_funding_ns": at_ns if due else none,
        }
        return Stream("funding", rows, {"instrument": len(self._series) - 1, "index": 0})

    def _bars(self, instrument: int, start_ns: int, stop_ns: int) -> Stream:
        """Whole bars of one instrument, each when its close is told."""
        series, interval_ns = self._series[instrument], self._interval_ns
        times = series.column("open_ns")
        # One that waits for the next bar is told when that one opens.
        last = int(np.searchsorted(times, stop_ns - interval_ns))
        first = max(int(np.searchsorted(times, start_ns - interval_ns)) - 1, 0)
        ended = times[first:last] + interval_ns
        following = _following(times, first, last, -1)
        told = np.where(self._rule.waits(ended, following), following, ended)
        low, high = _places(told, start_ns, stop_ns)
        names = ("open_ns", "open", "high", "low", "close", "volume")
        rows = {name: series.column(name)[first + low : first + high] for name in names}
        return Stream("bars", rows | {"ts_ns": told[low:high]}, {"instrument": instrument})

    def _quotes(
        self, instrument: int, start_ns: int, stop_ns: int
    ) -> tuple[list[Stream], list[Stream]]:
        """Closes of one instrument; its opens, and closes without size."""
        series, interval_ns = self._series[instrument], self._interval_ns
        times, line = series.column("open_ns"), series.column("line")
        begin, end = _places(times, start_ns, stop_ns)
        first, last = _places(times, start_ns - interval_ns, stop_ns - interval_ns)
        opened, ended = times[begin:end], times[first:last] + interval_ns
        following = _following(times, first, last, -1)

        def rows(ts_ns: Int64Array, phase: int, place: Int64Array, book: _Book) -> Stream:
            values = {"bid": book[0], "ask": book[1], "size": book[2]}
            same = {"instrument": instrument, "phase": phase}
            return Stream("quotes", {"ts_ns": ts_ns, "update_id": place} | values, same)

        opens = [rows(opened, _OPENS, line[begin:end], self._book(instrument, "open", begin, end))]
        book = self._book(instrument, "close", first, last)
        alone = np.flatnonzero((following != ended) & (ended != self.last_ns))
        sizeless = book[0][alone], book[1][alone], np.zeros(len(alone), np.int64)
        opens.append(rows(ended[alone], _OPENS, line[first:last][alone], sizeless))
        waits = self._rule.waits(ended, following)
        if waits.any():
            kept = np.flatnonzero(~waits)
            part = book[0][kept], book[1][kept], book[2][kept]
            closes = [rows(ended[kept], _CLOSES, line[first:last][kept], part)]
        else:
            closes = [rows(ended, _CLOSES, line[first:last], book)]
        # The close before a break is decided on when the next bar opens.
        low, high = max(begin - 1, 0), max(end - 1, begin - 1, 0)
        begun = times[low + 1 : high + 1]
        late = np.flatnonzero(self._rule.waits(times[low:high] + interval_ns, begun))
        if len(late):
            bid, ask, size = self._book(instrument, "close", low, high)
            part = bid[late], ask[late], size[late]
            closes.append(rows(begun[late], _CLOSES, line[low:high][late], part))
        return closes, opens

    def _book(self, instrument: int, name: str, low: int, high: int) -> _Book:
        """Bid, ask and size of bars."""
        lot, size = self._lots[instrument], self._series[instrument].column("size")[low:high]
        if lot:
            size = size // lot * lot
        return *self._spread(instrument, name, low, high), size

    def _spread(
        self, instrument: int, name: str, low: int, high: int
    ) -> tuple[Int64Array, Int64Array]:
        series = self._series[instrument]
        prices = np.array(series.column(name)[low:high])
        bid, ask = spread_out(prices, series.leg.half_spread_bps)
        wrong = np.flatnonzero((bid <= 0) | (ask > _MOST))
        if len(wrong):
            k = int(wrong[0])
            raise InputError(
                self._sources[instrument],
                f"has a price of {counted(prices[k], 'unit[s]')} of "
                f"10**{series.leg.instrument.price_exponent}; "
                f"expected one that a half spread of {float(series.leg.half_spread_bps):g} bps "
                "leaves inside 1 to 2**63; set price_exponent",
                series.place(int(series.column("line")[low + k])),
            )
        if len(prices):
            self._note_widest(instrument, prices, bid, ask)
        return bid.astype(np.int64), ask.astype(np.int64)

    def _note_widest(
        self, instrument: int, prices: Int64Array, bid: Int64Array, ask: Int64Array
    ) -> None:
        """Remember where rounding outward made most of the half spread."""
        apart = np.maximum(ask - prices, prices - bid)
        k = int(np.argmax(apart.astype(np.float64) / prices))
        found = Fraction(int(apart[k]) * 10_000, int(prices[k]))
        if found > self.widest[instrument][0]:
            self.widest[instrument] = found, int(prices[k])

    def _find_gaps(self, quotes: dict[str, Int64Array], start_ns: int, stop_ns: int) -> None:
        """Spans without bars that begin between two times."""
        interval_ns = self._interval_ns
        for series, found, last_ns in zip(self._series, self.gaps, self._ends, strict=True):
            times = series.column("open_ns")
            low, high = _places(times, start_ns - interval_ns, stop_ns - interval_ns)
            ended = times[low:high] + interval_ns
            following = _following(times, low, high, last_ns)
            for k in np.flatnonzero(following > ended).tolist():
                end, start = int(ended[k]), int(following[k])
                n_missing = self._rule.n_missing(end, start)
                if not n_missing:
                    continue
                self.n_gaps += 1
                if len(found) == self._max_gaps:
                    continue
                after = int(np.searchsorted(quotes["ts_ns"], end, side="right")) - 1
                found.append(
                    Gap(
                        table="quotes",
                        symbol=series.leg.instrument.symbol,
                        start_ns=end,
                        end_ns=start,
                        after_seq=int(quotes["seq"][after]),
                        reason=counted(n_missing, "bar[s] [is|are] missing"),
                    )
                )


def _places(times: Int64Array, start_ns: int, stop_ns: int) -> tuple[int, int]:
    """Places of ascending times from ``start_ns`` to before ``stop_ns``."""
    low, high = np.searchsorted(times, (start_ns, stop_ns))
    return int(low), int(high)


def _following(times: Int64Array, low: int, high: int, after: int) -> Int64Array:
    """The time behind each of those at ``low`` to before ``high``; ``after`` behind the last."""
    found = np.full(high - low, after, np.int64)
    known = times[low + 1 : high + 1]
    found[: len(known)] = known
    return found


def _mark_quiet(quotes: Table, last_ns: int) -> None:
    """Mark as quiet all but the last close of each time, and all of the last time."""
    ts_ns, deciding = quotes["ts_ns"], quotes["phase"] == _CLOSES
    follows = deciding[1:] & (ts_ns[1:] == ts_ns[:-1])  # a close with one right before it
    deciding[:-1] &= ~follows
    deciding &= ts_ns != last_ns
    quotes["flags"] = np.where(deciding, np.int8(0), np.int8(QuoteFlag.QUIET))
    quotes["exch_ts_ns"] = ts_ns


def _typed(table: str, columns: dict[str, Any]) -> Table:
    return {name: columns[name].astype(dtype, copy=False) for name, dtype in TABLES[table].items()}
