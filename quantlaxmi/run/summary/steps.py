"""Steps from one book to the next over which positions were held: by price, and by time.

A price step beyond a factor is another coin, or a hole in the data. Hours without a book are a hole
that no import told. A step is from one valid book of an instrument to its next. Where quotes give
no book, rebuilt depth does, by the engine's rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.depth_tops import depth_tops
from quantlaxmi.counted import counted, literal
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.summary.held import Held, held_positions, utc_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.segment import MarketData
from quantlaxmi.segment.tops import top_rows

#: Steps told one by one, the largest first.
MAX_LISTED: Final = 10
#: Silence beyond this is a gap to imports too; data of bars and snapshots have a pace of their own.
SILENCE_NS: Final = 43_200 * 10**9
_HOUR_NS: Final = 3_600 * 10**9
_STEP_COLUMNS: Final = ("seq", "ts_ns", "bid", "ask")
#: Rows looked at together.
_CHUNK: Final = 1 << 20
Books = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Step:
    """A step of an instrument's book that was held over.

    Attributes
    ----------
    instrument : int
    position : int
        Just before the second book.
    before, after : int
        bid + ask of the two books; equal where the data end without a second.
    from_ns, to_ns : int
        Receive times of the two.
    """

    instrument: int
    position: int
    before: int
    after: int
    from_ns: int
    to_ns: int

    @property
    def factor(self) -> Fraction:
        """Of the price, not below 1, up or down."""
        return Fraction(max(self.before, self.after), min(self.before, self.after))


def step_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield the price steps beyond the run's factor and the silences that were held over."""
    held = held_positions(run.records)
    if not held:
        return
    is_silence = SILENCE_NS if run.market.cadence == "events" else None
    steps = list(held_steps(run.market, held, run.price_step, is_silence))
    silences = [s for s in steps if is_silence and _is_untold(s, run.market, held)]
    yield from _silence_lines(silences, held)
    priced = sorted((s for s in steps if s.factor > run.price_step), key=lambda s: -s.factor)
    if not priced:
        return
    limit = f"{float(run.price_step):.6g}"
    what = "price step[s] [was|were] held over"
    yield SummaryLine("price steps", what, f"beyond a factor {limit}", len(priced))
    for step in priced[:MAX_LISTED]:
        one = held[step.instrument]
        exponent = one.instrument.price_exponent - 1
        mids = [decimal_text(5 * mid2, exponent) for mid2 in (step.before, step.after)]
        yield SummaryLine(
            "price steps",
            f"{literal(one.text(step.position))} was held over a step from {mids[0]} to {mids[1]} "
            f"at {utc_text(step.to_ns)}",
            figures={
                "symbol": one.instrument.symbol,
                "ts_ns": str(step.to_ns),
                "before": mids[0],
                "after": mids[1],
            },
        )


def _is_untold(step: Step, market: MarketData, held: Mapping[int, Held]) -> bool:
    """Whether a step is a silence that no gap of the data tells."""
    symbol = held[step.instrument].instrument.symbol
    return step.to_ns - step.from_ns > SILENCE_NS and not any(
        gap.symbol in ("", symbol) and gap.start_ns < step.to_ns and gap.end_ns > step.from_ns
        for gap in market.gaps
    )


def _silence_lines(silences: list[Step], held: Mapping[int, Held]) -> Iterator[SummaryLine]:
    silences.sort(key=lambda step: step.from_ns - step.to_ns)
    for step in silences[:MAX_LISTED]:
        hours = (step.to_ns - step.from_ns) // _HOUR_NS
        one = held[step.instrument]
        yield SummaryLine(
            "gaps",
            f"{literal(one.text(step.position))} was held over "
            f"{counted(hours, 'hour[s]')} without a book, "
            f"{utc_text(step.from_ns)} to {utc_text(step.to_ns)}",
            figures={
                "symbol": one.instrument.symbol,
                "start_ns": str(step.from_ns),
                "length_ns": str(step.to_ns - step.from_ns),
            },
        )
    if len(silences) > MAX_LISTED:
        more = len(silences) - MAX_LISTED
        yield SummaryLine("gaps", "shorter silence[s] [was|were] held over", count=more)


def held_steps(
    market: MarketData,
    held: Mapping[int, Held],
    factor: Fraction,
    silence_ns: int | None = None,
) -> Iterator[Step]:
    """Yield every step that a position was held over, beyond a factor or a time.

    Parameters
    ----------
    market : MarketData
    held : mapping of int to Held
        By instrument.
    factor : Fraction
        Above 1.
    silence_ns : int, optional
        Steps longer than this are yielded too, that to the end of the data among them.
    """
    last: dict[int, dict[str, int]] = {}
    for books in _books(market, held):
        valid = (books["bid"] > 0) & (books["bid"] < books["ask"])
        valid &= (books["bid_qty"] > 0) & (books["ask_qty"] > 0)
        valid &= np.isin(books["instrument"], list(held))
        rows = np.flatnonzero(valid)
        rows = rows[np.argsort(books["instrument"][rows], kind="stable")]
        changes = np.flatnonzero(np.diff(books["instrument"][rows])) + 1
        for mine in np.split(rows, changes) if len(rows) else ():
            k = int(books["instrument"][mine[0]])
            own = {name: books[name][mine] for name in _STEP_COLUMNS}
            if k in last:
                own = {n: np.append(np.int64(last[k][n]), own[n]) for n in _STEP_COLUMNS}
            yield from _steps(k, held[k], own, factor, silence_ns)
            last[k] = {name: int(own[name][-1]) for name in _STEP_COLUMNS}
    if silence_ns is None:
        return
    for k, book in last.items():
        position, mid2 = int(held[k].after[-1]), book["bid"] + book["ask"]
        if position and market.last_ts_ns - book["ts_ns"] > silence_ns:
            yield Step(k, position, mid2, mid2, book["ts_ns"], market.last_ts_ns)


def _steps(
    k: int, held: Held, own: Books, factor: Fraction, silence_ns: int | None
) -> Iterator[Step]:
    """Steps of one instrument from each of its books to the next."""
    mids = own["bid"].astype(np.float64) + own["ask"]
    ratio = mids[1:] / mids[:-1]
    # By doubles with room for their rounding, then exactly.
    near = float(factor) * (1 - 1e-12)
    wanted = (ratio >= near) | (ratio <= 1 / near)
    if silence_ns is not None:
        wanted |= np.diff(own["ts_ns"]) > silence_ns
    places = np.flatnonzero(wanted) + 1
    positions = held.before(own["seq"][places])
    for place, position in zip(
        places[positions != 0].tolist(), positions[positions != 0].tolist(), strict=True
    ):
        first, second = ({n: int(own[n][p]) for n in _STEP_COLUMNS} for p in (place - 1, place))
        step = Step(
            k,
            position,
            first["bid"] + first["ask"],
            second["bid"] + second["ask"],
            first["ts_ns"],
            second["ts_ns"],
        )
        if step.factor > factor or (silence_ns and step.to_ns - step.from_ns > silence_ns):
            yield step


def _books(market: MarketData, held: Mapping[int, Held]) -> Iterator[Books]:
    """Books in order, in pieces: those that depth gives, then the quotes."""
    quotes = top_rows(market)
    names = ("instrument", "seq", "ts_ns", "bid", "ask", "bid_qty", "ask_qty")
    depth = market.columns("depth")
    # Behind the last of their first quotes depth gives no top.
    until = max(_first_quote(quotes, k) for k in held)
    stop = int(np.searchsorted(depth["seq"], until, side="right"))
    if stop:
        depth = {name: column[:stop] for name, column in depth.items()}
        tops = depth_tops(depth, quotes, len(market.instruments))
        if tops is not None:
            known = (tops[0] > 0) & (tops[1] > 0)
            one = np.ones(int(known.sum()), np.int64)
            made = {name: depth[name][known] for name in ("instrument", "seq", "ts_ns")}
            sides = {"bid": tops[0][known], "ask": tops[1][known]}
            yield {**made, **sides, "bid_qty": one, "ask_qty": one}
    for start in range(0, len(quotes["seq"]), _CHUNK):
        yield {name: quotes[name][start : start + _CHUNK] for name in names}


def _first_quote(quotes: Books, instrument: int) -> int:
    """Message of an instrument's first quote; beyond all where it has none."""
    for start in range(0, len(quotes["seq"]), _CHUNK):
        own = np.flatnonzero(quotes["instrument"][start : start + _CHUNK] == instrument)
        if len(own):
            return int(quotes["seq"][start + own[0]])
    return int(np.iinfo(np.int64).max)
