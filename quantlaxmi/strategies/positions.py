"""Positions that somebody else's software made, as a strategy that follows them.

The engine trades them as it trades any strategy: at the recorded books, with latency, fees and
funding. What made them is not known, so the gates that ask the rule itself cannot be answered.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError, StrategyError
from quantlaxmi.events import DecisionEvent, OrderNotice, ReplayEvent
from quantlaxmi.fixed import Rounding
from quantlaxmi.importers.bars.columns import read_stamps
from quantlaxmi.importers.bars.frame_columns import frame_columns
from quantlaxmi.importers.bars.frame_table import FrameTable
from quantlaxmi.importers.bars.mapping_file import span_ns
from quantlaxmi.importers.bars.mapping_leg import TimeColumn
from quantlaxmi.importers.bars.recognised import time_of
from quantlaxmi.importers.bars.spool import Int64Array
from quantlaxmi.importers.bars.timestamps import stamp_reader
from quantlaxmi.importers.bars.value_cells import ValueCells
from quantlaxmi.instruments import Instrument, nearest_symbols, symbols_text
from quantlaxmi.schema import EventKind, OrderReason
from quantlaxmi.segment import MarketData
from quantlaxmi.settings import Chars
from quantlaxmi.strategies.config import StrategyConfig
from quantlaxmi.strategies.context import Context
from quantlaxmi.strategies.sdk import CryptoStrategy

__all__ = ["RecordedPositions", "close_name", "from_positions", "recorded_times"]

_PLACE: Final = "positions"
#: Names of the one column of positions where a segment has one instrument.
_ALONE: Final = ("position", "positions", "target")
_TAG: Final = b"quantlaxmi.recorded-positions.v1\0"
#: After these the same order would be refused again; others were only not filled yet.
_REFUSALS: Final = (OrderReason.REFUSED, OrderReason.MAX_LOSS, OrderReason.MARGIN_CALL)


class RecordedConfig(StrategyConfig, frozen=True, kw_only=True):
    """Names recorded positions by their hash, so that every hash of a run covers them."""

    positions: Annotated[str, Chars(pattern="[0-9a-f]{64}", says="a SHA-256")] = "0" * 64


class RecordedPositions(CryptoStrategy):
    """Follows positions that were recorded elsewhere; `from_positions` makes it.

    At the first event at or after the time of a row it sends market orders for what is missing to
    the positions of that row, and goes on with what was not filled. After a refusal it waits for
    the next row.

    Parameters
    ----------
    symbols : sequence of str
    times_ns : ndarray of int64, shape (n_rows,)
        Ascending.
    targets : ndarray of int64, shape (n_rows, n_symbols)
        At the instruments' quantity exponents.
    """

    strategy_id = "recorded_positions"
    Config = RecordedConfig
    rationales = ("recorded",)
    event_kinds = (EventKind.QUOTE, EventKind.DEPTH)
    is_recording: ClassVar[bool] = True

    def __init__(self, symbols: Sequence[str], times_ns: Int64Array, targets: Int64Array) -> None:
        self._symbols = tuple(symbols)
        self._times_ns, self._targets = times_ns, targets
        super().__init__(RecordedConfig(positions=self._hash()))
        self._rewind()

    def _hash(self) -> str:
        digest = hashlib.sha256(_TAG)
        for symbol in self._symbols:
            digest.update(len(symbol.encode()).to_bytes(8, "little") + symbol.encode())
        for array in (self._times_ns, self._targets):
            digest.update(np.ascontiguousarray(array, "<i8").tobytes())
        return digest.hexdigest()

    def _rewind(self) -> None:
        """Begin before the first row."""
        self._next, self._open = 0, False
        self._target: list[int] = [0] * len(self._symbols)
        self._refused: set[str] = set()
        self._times = self._times_ns.tolist()

    @classmethod
    def made_with(cls, config: StrategyConfig | None = None) -> Self:
        """Refuse: settings do not hold the positions.

        Raises
        ------
        StrategyError
            Always.
        """
        raise StrategyError(
            "recorded positions have no settings to try; expected the object that "
            "from_positions made of them"
        )

    def fresh(self) -> Self:
        """Return the same positions, as they were before any event."""
        return type(self)(self._symbols, self._times_ns, self._targets)

    def begin(self, ctx: Context) -> None:
        """Begin a run in ``ctx``, before the first row."""
        self._rewind()
        self._ctx = ctx

    def trades(self, instruments: Sequence[Instrument]) -> tuple[int, ...]:
        """Indices of the instruments that have positions.

        Raises
        ------
        StrategyError
            The segment lacks one of them.
        """
        known = [one.symbol for one in instruments]
        for symbol in self._symbols:
            if symbol not in known:
                raise StrategyError(
                    f"recorded positions are of {symbol!r}, "
                    f"the segment has {symbols_text(known, symbol)}"
                )
        return tuple(known.index(symbol) for symbol in self._symbols)

    def on_market(self, event: ReplayEvent, ctx: Context) -> DecisionEvent | None:
        """Send what is missing to the positions of the latest row."""
        times, k = self._times, self._next
        if k < len(times) and times[k] <= ctx.now_ns:
            while k < len(times) and times[k] <= ctx.now_ns:
                k += 1
            self._next, self._open = k, True
            self._target = self._targets[k - 1].tolist()
            self._refused.clear()
        if not self._open or ctx.in_flight:
            return None
        legs, waits = [], False
        for symbol, target in zip(self._symbols, self._target, strict=True):
            missing = target - ctx.position(symbol).qty
            if not missing or symbol in self._refused:
                continue
            if ctx.book(symbol).valid:
                legs.append(ctx.net(symbol, missing))
            else:
                waits = True
        self._open = waits or bool(legs)
        return ctx.decide(legs, rationale="recorded", bundle=False) if legs else None

    def on_order(self, notice: OrderNotice) -> None:
        """Wait for the next row after a refusal; what was only not filled is sent again."""
        if notice.reason in _REFUSALS:
            self._refused.add(notice.symbol)


def from_positions(
    segment: MarketData, frame: Any, *, interval: str | None = None, round: bool = False
) -> RecordedPositions:
    """Make a strategy of positions that other software decided.

    It runs and is judged like any strategy. Gates that need the rule itself (look-ahead, market
    null, walk-forward, selection, ablation) are INCONCLUSIVE, so the verdict can be FAIL or
    INCONCLUSIVE and never PASS.

    Parameters
    ----------
    segment : MarketData
        As `open_segment` or `from_frame` gives it.
    frame : data frame or dict of columns
        A column of time, as `from_frame` reads it, ascending; and by symbol of the segment the
        position that shall be held from then on, signed, in units of quantity. An empty cell keeps
        the position before. Where the segment has one instrument, the column may be called
        ``position`` or ``target``.
    interval : str, optional
        Length of a bar, such as ``"1h"``, where times are the beginnings of bars at whose close
        the position was decided, as vectorbt and backtesting.py stamp them. By default a time is
        the moment of the decision.
    round : bool
        Positions are rounded toward zero to whole lots; by default such a position is an error.

    Returns
    -------
    RecordedPositions

    Raises
    ------
    InputError
        A column or row cannot be used: the error names it, its value and what was expected. Rows
        count from 0.

    Examples
    --------
    >>> from quantlaxmi import backtest, open_segment
    >>> segment = open_segment("data/planted")
    >>> times = [segment.first_ts_ns + 10**9 * k for k in (1, 60)]
    >>> made = from_positions(segment, {"time": times, "BTCUSDT": [0.01, 0]})
    >>> backtest(segment, made).n_fills
    2
    """
    if interval is not None and not (type(interval) is str and span_ns(interval)):
        raise InputError(
            "interval", f"was {str(interval)[:40]!r}; expected a length such as 1m, 4h, 1d"
        )
    columns = frame_columns(frame, _PLACE)
    table = FrameTable(_PLACE, columns)
    time, _ = time_of(table)
    times_ns = recorded_times(columns, time, _PLACE) + (span_ns(interval) if interval else 0)
    instruments = _instruments(columns, time["column"], segment)
    targets = [_targets(columns[name], name, one, round) for name, one in instruments.items()]
    if times_ns[0] > segment.last_ts_ns:
        problem = "begin after the last message of the segment; expected times within it"
        raise InputError(_PLACE, problem)
    symbols = [one.symbol for one in instruments.values()]
    return RecordedPositions(symbols, times_ns, np.stack(targets, axis=1))


def recorded_times(
    columns: dict[str, Any], time: dict[str, str], place: str, *, strictly: bool = True
) -> Int64Array:
    """Times of all rows, which ascend, or where they need not strictly do not descend.

    Raises
    ------
    InputError
        A time cannot be read, or is out of order.
    """
    form = TimeColumn(time["column"], time.get("unit", "text"))
    cells = ValueCells(columns[form.column])
    good = np.ones(len(columns[form.column]), np.uint8)
    times = read_stamps(cells, form, stamp_reader(form), good)
    if (bad := np.flatnonzero(good == 0)).size:
        k = int(bad[0])
        problem = f"column {form.column!r} was {cells.text_of(k)[:40]!r}; expected a time"
        raise InputError(place, f"{problem} like that of row 0", f"row {k}")
    if (bad := np.flatnonzero(np.diff(times) < (1 if strictly else 0))).size:
        k = int(bad[0]) + 1
        order = "not after" if strictly else "before that of"
        problem = f"column {form.column!r} was {cells.text_of(k)[:40]!r}, {order} row {k - 1}"
        raise InputError(place, f"{problem}; expected ascending times", f"row {k}")
    return times


def close_name(name: str, known: Iterable[str]) -> str:
    """What to expect instead of a name that is not known."""
    names = list(known)
    if not difflib.get_close_matches(name, names, n=1):
        return f"expected {symbols_text(names, name)}"
    near = [repr(one) for one in nearest_symbols(names, name)][: 1 if len(names) <= 8 else 3]
    return f"did you mean {' or '.join(', '.join(near).rsplit(', ', 1))}?"


def _instruments(columns: dict[str, Any], time: str, segment: MarketData) -> dict[str, Instrument]:
    """The instrument of each column."""
    known = {one.symbol: one for one in segment.instruments}
    found: dict[str, Instrument] = {}
    for name in columns:
        if name == time:
            continue
        if name in known:
            found[name] = known[name]
        elif len(known) == 1 and name.lower() in _ALONE and not found:
            found[name] = segment.instruments[0]
        else:
            hint = close_name(name, known)
            raise InputError(_PLACE, f"column {name[:40]!r} is no instrument; {hint}")
    if not found:
        raise InputError(_PLACE, f"lacks a column of positions; expected {symbols_text(known)}")
    return found


def _targets(column: Any, name: str, one: Instrument, round: bool) -> NDArray[np.int64]:
    """Positions at the quantity exponent, in whole lots; an empty cell keeps the one before."""
    cells, n = ValueCells(column), len(column)
    filled = np.array(cells.ends > cells.starts)
    good, rounded = filled.astype(np.uint8), np.zeros(n, np.uint8)
    values = cells.decimals(one.qty_exponent, Rounding.DOWN if round else -1, good, rounded)
    if (bad := np.flatnonzero(filled & (good == 0))).size:
        expected = (
            f"a position of at most {counted(-one.qty_exponent, 'decimal[s]')}; round = True rounds"
        )
        raise _wrong(cells, name, int(bad[0]), expected)
    step = one.lot or 1
    if round:
        values = np.sign(values) * (np.abs(values) // step * step)
    elif (bad := np.flatnonzero(filled & (values % step != 0))).size:
        raise _wrong(cells, name, int(bad[0]), "whole lots; round = True rounds toward zero")
    last = np.maximum.accumulate(np.where(filled, np.arange(n), -1))
    return np.where(last >= 0, values[last], 0)


def _wrong(cells: ValueCells, name: str, k: int, expected: str) -> InputError:
    shown = cells.text_of(k)[:40]
    return InputError(_PLACE, f"column {name!r} was {shown!r}, expected {expected}", f"row {k}")
