"""Bars of a run so far, as the series that a `BarStrategy` reads, and its indicators over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.bar_lines import BarClock, Cursor, Line
from quantlaxmi.counted import counted
from quantlaxmi.errors import StrategyError
from quantlaxmi.instruments import Instrument

__all__ = ["PRICES", "BarHistory", "BarSeries", "Indicator", "indicator_name", "name_by_attributes"]

PRICES: Final = ("open", "high", "low", "close")
_COLUMNS: Final = (*PRICES, "volume")
_ENDED: Final = "exch_ts_ns"
#: Lengths on which an indicator is computed again.
_N_PREFIXES: Final = 3
#: How the name of an indicator begins whose function has none of its own.
_NO_NAME: Final = "<lambda>("
F64 = NDArray[np.float64]


class BarSeries:
    """Bars of one instrument up to the bar at hand.

    Attributes
    ----------
    open, high, low, close, volume : Line
        Doubles; ``close[-1]`` is that of the bar that has just ended.
    raw : dict of Line to ndarray
        All values that were fed, for indicators.

    Parameters
    ----------
    instrument : Instrument
    """

    __slots__ = (
        "_mantissas",
        "close",
        "cursor",
        "high",
        "instrument",
        "low",
        "open",
        "raw",
        "volume",
    )

    open: Line
    high: Line
    low: Line
    close: Line
    volume: Line

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.cursor = Cursor()
        self._mantissas = {name: np.zeros(0, np.int64) for name in (*_COLUMNS, _ENDED)}
        self.raw: dict[Line, F64] = {}
        for name in _COLUMNS:
            setattr(self, name, Line(f"{instrument.symbol}.{name}", self.cursor))

    def __len__(self) -> int:
        return self.cursor.known

    def __repr__(self) -> str:
        return f"<BarSeries {self.symbol}: {counted(self.cursor.known, 'bar[s]')}>"

    @property
    def symbol(self) -> str:
        """Of its instrument."""
        return self.instrument.symbol

    def extend(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take the bars that follow those that were told."""
        self._mantissas[_ENDED] = np.concatenate([self._mantissas[_ENDED], columns[_ENDED]])
        for name in _COLUMNS:
            whole = np.concatenate([self._mantissas[name], columns[name]])
            exponent = self.instrument.qty_exponent
            if name != "volume":
                exponent = self.instrument.price_exponent
            self._mantissas[name] = whole
            line: Line = getattr(self, name)
            self.raw[line] = _doubles(whole, exponent)
            line.hold(self.raw[line])

    def mantissas(self, row: int) -> tuple[int, int, int, int]:
        """Open, high, low and close of a bar, exact."""
        o, h, lo, c = (int(self._mantissas[name][row]) for name in PRICES)
        return o, h, lo, c

    def ended_ns(self, row: int) -> int:
        """When a bar ended."""
        return int(self._mantissas[_ENDED][row])


def _doubles(mantissas: NDArray[np.int64], exponent: int) -> F64:
    """The nearest doubles of decimals of up to 53 bits."""
    wide = mantissas.astype(np.float64)
    # Powers of ten up to 10**22 are exact, so one division rounds once.
    return wide / 10.0**-exponent if exponent < 0 else wide * 10.0**exponent


@dataclass(slots=True)
class Indicator:
    """A function over whole series, computed once and read bar by bar.

    Attributes
    ----------
    name : str
        Also the name of the signal that ablation makes 0.
    function : callable
    arguments : tuple
        Series are given as arrays of doubles, everything else as it is.
    named : mapping
        The same for arguments by name.
    lines : tuple of Line
        One for each array that the function returns.
    neutral : bool
        Every known value is 0.
    first : int
        First row at which all its values are known.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    lines: tuple[Line, ...]
    neutral: bool = False
    first: int = 0
    values: tuple[F64, ...] = field(default=())

    @property
    def cursor(self) -> Cursor:
        """Of the instrument it is about."""
        return self.lines[0].cursor

    def compute(self, raw: Mapping[Line, F64], n: int) -> tuple[F64, ...]:
        """Values over the first ``n`` bars.

        Raises
        ------
        StrategyError
            The function fails, or returns something else than an array of a number a bar.
        """

        def told(value: Any) -> Any:
            return raw[value][:n].copy() if isinstance(value, Line) else value

        try:
            found = self.function(
                *map(told, self.arguments), **{k: told(v) for k, v in self.named.items()}
            )
            columns = [found] if len(self.lines) == 1 else list(found)
            arrays = tuple(np.asarray(one, dtype=np.float64).copy() for one in columns)
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise StrategyError(
                f"indicator {self.name} failed over {counted(n, 'bar[s]')}: {said}"
            ) from error
        shapes = [one.shape for one in arrays]
        if shapes != [(n,)] * len(self.lines):
            raise StrategyError(
                f"indicator {self.name} returned {_shapes(shapes)} for "
                f"{counted(n, 'bar[s]')}, expected "
                f"{len(self.lines)} of {counted(n, 'value[s]')}: fill what is not known yet "
                "with NaN"
            )
        return arrays

    def check(self, raw: Mapping[Line, F64], n: int) -> None:
        """Compute it again over beginnings of the bars: later bars must not have entered it.

        Raises
        ------
        StrategyError
            A value differs.
        """
        lengths = Random(n).sample(range(1, n), min(_N_PREFIXES, n - 1)) if n > 1 else []
        for length in lengths:
            self.compare(self.compute(raw, length), length)

    def compare(self, again: tuple[F64, ...], n: int) -> None:
        """Hold the first ``n`` values against the same computed with other bars at hand."""
        for whole, part in zip(self.values, again, strict=True):
            same = (whole[:n] == part[:n]) | (np.isnan(whole[:n]) & np.isnan(part[:n]))
            if not same.all():
                row = int(np.argmin(same))
                raise StrategyError(
                    f"indicator {self.name} uses bars that come later: at bar {row} it was "
                    f"{float(part[row])!r} of {counted(n, 'bar[s]')} and "
                    f"{float(whole[row])!r} of {len(whole)}"
                )


def indicator_name(
    function: Callable[..., Any], arguments: Sequence[Any], taken: set[str], given: str | None
) -> str:
    """The name of an indicator that no other has: that given, or one that says what it is.

    Examples
    --------
    >>> indicator_name(max, (3, "x"), {"max(3,x)"}, None)
    'max(3,x)#2'
    """
    name = given
    if not name:
        plain = ",".join(
            one.name if isinstance(one, Line) else str(one)
            for one in arguments
            if isinstance(one, Line | int | float | str)
        )
        name = f"{getattr(function, '__name__', type(function).__name__)}({plain})"
    number, tried = 1, name
    while tried in taken:
        number += 1
        tried = f"{name}#{number}"
    return tried


def name_by_attributes(strategy: object, indicators: Sequence[Indicator]) -> None:
    """Give indicators whose function has no name of its own that of the attribute they are kept in.

    An indicator that keeps its name (given, of a function with a name, or kept in no attribute)
    keeps it against one that would take the same.

    Parameters
    ----------
    strategy : object
    indicators : sequence of Indicator
        Those that it declared; named anew in place.
    """
    found = {id(line): one for one in indicators for line in one.lines}
    taken = {one.name for one in indicators}
    for attribute, value in vars(strategy).items():
        line = value[0] if isinstance(value, tuple) and value else value
        one = found.get(id(line))
        if one is None or not one.name.startswith(_NO_NAME) or attribute in taken:
            continue
        taken.add(attribute)
        for each in one.lines:
            each.name = attribute + each.name[len(one.name) :]
        one.name = attribute


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, one)) or "one number" for one in shapes[:4])


class BarHistory:
    """All bars a run was fed with, its clock and its indicators.

    Parameters
    ----------
    instruments : sequence of Instrument
        All of the segment, in its order.

    Attributes
    ----------
    series : tuple of BarSeries
        By instrument.
    clock : BarClock
    indicators : list of Indicator
    warm : bool
        What `is_warm` found last.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.series = tuple(BarSeries(one) for one in instruments)
        self.clock = BarClock([one.cursor for one in self.series])
        self.indicators: list[Indicator] = []
        self._rows: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self.warm = False

    def extend(self, bars: Mapping[str, NDArray[Any]] | None) -> None:
        """Take the rows of the table ``bars`` that follow, and compute the indicators.

        Raises
        ------
        StrategyError
            An indicator fails or uses later bars.
        """
        if bars is None or not len(bars["seq"]):
            return
        seq, instrument = bars["seq"], bars["instrument"]
        if self.clock.waiting:
            left = [column[-self.clock.waiting :] for column in self._rows[-1]]
            seq, instrument = np.append(left[0], seq), np.append(left[1], instrument)
        self._rows = [(seq, instrument)]
        self.clock.feed(np.ascontiguousarray(seq), np.ascontiguousarray(instrument))
        for k, one in enumerate(self.series):
            mine = bars["instrument"] == k
            one.extend({name: bars[name][mine] for name in (*_COLUMNS, _ENDED)})
        self._compute()

    def _compute(self) -> None:
        raw = {line: values for one in self.series for line, values in one.raw.items()}
        lengths = {one.cursor: len(raw[one.close]) for one in self.series}
        for made in self.indicators:
            before, n = made.values, lengths[made.cursor]
            made.values = made.compute(raw, n)
            if before:
                made.compare(before, len(before[0]))
            made.check(raw, n)
            known = ~np.isnan(np.array(made.values)).any(axis=0)
            made.first = int(np.argmax(known)) if known.any() else n
            for line, values in zip(made.lines, made.values, strict=True):
                raw[line] = values
                line.hold(np.where(np.isnan(values), values, 0.0) if made.neutral else values)

    def is_warm(self) -> bool:
        """Whether every indicator has a value at the bar at hand; once so, it stays so."""
        self.warm = self.warm or all(one.cursor.known > one.first for one in self.indicators)
        return self.warm
