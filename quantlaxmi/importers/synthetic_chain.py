"""Seeded sessions of index options with a known answer: one with a planted edge, one that is fair.

Every morning the straddle of the next expiry (the back) is dear enough that the gap of a calendar,
``h * back - front``, crosses a floor towards the middle of the day: implied variance is spent in
trading hours, so that the front loses more of its price than the back.

``planted``: while the gap is above its floor the index moves with a fifth of the variance that is
implied, and with more before, so that a day is fair on average. Who sells the front and buys the
back while the gap is above its floor earns what was implied and did not come. ``fair``: the same
path of implied variance, and moves that are worth it throughout.

Numbers come from splitmix64 counters and exact operations, so that kind, seed and size give the
same quotes on every machine.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.importers.nse.contracts import IST, expires_ns, ns_of
from quantlaxmi.importers.synthetic import Draws
from quantlaxmi.options import TOPS, ChainHistory, black76, greeks
from quantlaxmi.schema import I64
from quantlaxmi.venues import nse

__all__ = ["ChainKind", "SyntheticChain", "synthetic_chain"]

F64 = NDArray[np.float64]

#: A Tuesday, on which weeklies end from here on.
_FIRST_DAY: Final = date(2025, 9, 2)
_MOST_DAYS: Final = 60
_UNDERLYING: Final = "NIFTY"
_YEAR_S: Final = 31_536_000
_OPENS_S, _SPAN_S = 33_360, 22_440  # first snapshot at 09:16, all within 374 minutes of it

_UNIT: Final = 100  # paise
_TICK: Final = 5
_START: Final = 24_500.0
_STRIKE_STEP: Final = 100
#: Strikes on either side of the one at the money when a day opens.
_WIDTH: Final = 20
#: Variance of a session day: 32 % a year of 252.
_DAY_VARIANCE: Final = 0.32 * 0.32 / 252
#: Share of the implied variance that comes while the gap is above its floor.
_REALISED: Final = 0.2
#: Noise of a total volatility a day, as a share of it, and its smile.
_VOL_NOISE: Final = 0.003
_SKEW, _CURVE = -0.03, 0.01
#: The back's forward over the front's.
_CARRY: Final = 1.0007
#: Half a spread before it is rounded outward: a tick.
_HALF: Final = 5.0
_ROOT_2_OVER_PI: Final = 0.7978845608028654

_MOVE, _FRONT_NOISE, _BACK_NOISE, _CROSSING, _SIZE = range(30, 35)


class ChainKind(enum.StrEnum):
    """Which of the two sessions."""

    PLANTED = "planted"
    FAIR = "fair"


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticChain:
    """A generated history and what it was made with.

    Attributes
    ----------
    history : ChainHistory
    gap : ndarray of float64, shape (n_snapshots,)
        ``h * back - front`` at the strikes at the money, in rupees, before prices were rounded.
    implied, realised : ndarray of float64, shape (n_snapshots,)
        Variance that the front's price lost up to the snapshot, and that of the index's moves; 0
        where a day begins.
    lot : int
        Units in a contract.
    """

    history: ChainHistory
    gap: F64
    implied: F64
    realised: F64
    lot: int


@dataclass(slots=True)
class _Day:
    """One session day: its two expiries, the strikes of both, and how far each price has come."""

    ts_ns: I64
    ends_ns: tuple[int, int]
    strikes: F64
    variance: list[float]


def synthetic_chain(
    kind: ChainKind | str,
    *,
    seed: int = 1,
    days: int = 10,
    snapshots: int = 120,
    floor: float = 12.0,
) -> SyntheticChain:
    """Generate session days of two expiries with 41 strikes each.

    Parameters
    ----------
    kind : ChainKind or str
        ``"planted"`` or ``"fair"``.
    seed : int
    days : int
        Weekdays from 2025-09-02, 1 to 60.
    snapshots : int
        A day, 2 to 3,000.
    floor : float
        Of the gap, in rupees.

    Returns
    -------
    SyntheticChain

    Raises
    ------
    InputError
        The kind is unknown, or a number out of range.

    Examples
    --------
    >>> made = synthetic_chain("planted", days=2, snapshots=5)
    >>> made.history.n_snapshots, made.history.n_expiries, made.lot
    (10, 3, 75)
    """
    if kind not in set(ChainKind):
        raise InputError("synthetic chain", f"was {kind!r}, expected planted or fair", "kind")
    for name, value, low, high in (
        ("days", days, 1, _MOST_DAYS),
        ("snapshots", snapshots, 2, 3_000),
        ("seed", seed, 0, 2**32),
        ("floor", floor, 1, 100),
    ):
        if not low <= value <= high:
            raise InputError("synthetic chain", f"was {value}, expected {low}..{high}", name)
    maker = _Maker(ChainKind(kind), seed, snapshots, floor)
    for day in _weekdays(days):
        maker.add_day(day)
    return maker.made()


def _weekdays(n: int) -> list[date]:
    found: list[date] = []
    day = _FIRST_DAY
    while len(found) < n:
        if day.weekday() < 5:
            found.append(day)
        day += timedelta(days=1)
    return found


class _Maker:
    """Makes days one after the other; the index goes on where the day before ended."""

    def __init__(self, kind: ChainKind, seed: int, snapshots: int, floor: float) -> None:
        self._kind, self._draws, self._n, self._floor = kind, Draws(seed), snapshots, floor
        self._forward = _START
        self._days: list[_Day] = []
        self._quotes: list[I64] = []
        self._figures: list[tuple[float, float, float]] = []

    def _normal(self, stream: int, k: int) -> float:
        """Sum of twelve uniform numbers less 6: mean 0, variance 1, never beyond 6."""
        words = self._draws.below(stream, np.arange(12 * k, 12 * k + 12, dtype=np.int64), 2**32)
        return (int(words.sum()) - 6 * (2**32 - 1)) / 2.0**32

    def add_day(self, day: date) -> None:
        """Make one session day."""
        to_expiry = (1 - day.weekday()) % 7 or 7  # days to the next Tuesday
        expiries = [day + timedelta(days=to_expiry + more) for more in (0, 7)]
        ends = [expires_ns(one) for one in expiries]
        step = _SPAN_S // self._n
        opens = ns_of(datetime(day.year, day.month, day.day, tzinfo=IST)) + _OPENS_S * 10**9
        stamps: I64 = opens + np.arange(self._n) * (step * 10**9)
        centre = round(self._forward / _STRIKE_STEP) * _STRIKE_STEP
        steps = np.arange(-_WIDTH, _WIDTH + 1, dtype=np.float64)
        strikes: F64 = centre + steps * _STRIKE_STEP
        number = len(self._days)
        # Sessions until the front ends, today among them: all variance is spent in trading hours.
        sessions = sum((day + timedelta(days=k)).weekday() < 5 for k in range(to_expiry + 1))
        turn = (400 + int(self._draws.below(_CROSSING, np.array([number]), 201)[0])) / 1000
        one = _Day(stamps, (ends[0], ends[1]), strikes, [sessions * _DAY_VARIANCE, 0.0])
        one.variance[1] = one.variance[0] + self._forward_variance(one, turn)
        before = (1 - _REALISED * (1 - turn)) / turn
        self._days.append(one)
        for k in range(self._n):
            self._snapshot(one, number * self._n + k, k, before)

    def _forward_variance(self, day: _Day, turn: float) -> float:
        """Variance between the expiries at which the gap reaches its floor at a part of the day."""
        at = int(turn * (self._n - 1))
        left = [(end - int(day.ts_ns[at])) / 1e9 for end in day.ends_ns]
        front = day.variance[0] - turn * _DAY_VARIANCE
        # The gap is sqrt(2/pi) F (h s_b - s_f), nearly.
        hedge = max(sqrt(left[0] / left[1]), 0.5)
        back = (sqrt(front) + self._floor / (_ROOT_2_OVER_PI * self._forward)) / hedge
        return back * back - front

    def _snapshot(self, day: _Day, index: int, k: int, before: float) -> None:
        """Spend the variance of a step by what the gap was, and quote the chain."""
        implied = realised = 0.0
        if k:
            implied = _DAY_VARIANCE / self._n
            share = 1.0
            if self._kind is ChainKind.PLANTED:
                share = _REALISED if self._figures[-1][0] > self._floor else before
            move = sqrt(implied * share) * self._normal(_MOVE, index)
            realised = move * move
            self._forward *= 1 + move
            for e, stream in enumerate((_FRONT_NOISE, _BACK_NOISE)):
                vol = sqrt(day.variance[e] - implied)
                vol *= 1 + _VOL_NOISE / sqrt(self._n) * self._normal(stream, index)
                day.variance[e] = vol * vol
        left = [(end - int(day.ts_ns[k])) / 1e9 / _YEAR_S for end in day.ends_ns]
        vols = [sqrt(one) for one in day.variance]
        forwards = [self._forward, self._forward * _CARRY]
        sides = [_mids(f, v, day.strikes) for f, v in zip(forwards, vols, strict=True)]
        self._figures.append((_gap(forwards, vols, left, day.strikes, sides), implied, realised))
        mids = np.concatenate([np.concatenate(one) for one in sides]) * _UNIT
        bid = np.maximum(np.floor((mids - _HALF) / _TICK).astype(np.int64), 0) * _TICK
        ask = np.maximum(np.ceil((mids + _HALF) / _TICK).astype(np.int64), 1) * _TICK
        draws = np.arange(index * 2 * mids.size, (index + 1) * 2 * mids.size, dtype=np.int64)
        sizes = self._draws.between(_SIZE, draws, 20, 60).reshape(2, mids.size)
        self._quotes.append(np.stack([bid, ask, sizes[0] * (bid > 0), sizes[1]]))

    def made(self) -> SyntheticChain:
        """All days as one history: rows of every expiry and strike that any of them lists."""
        lot = nse.lot(_UNDERLYING, _FIRST_DAY + timedelta(days=7), _FIRST_DAY)
        contracts = sorted(
            {
                (end, round(strike) * _UNIT)
                for day in self._days
                for end in day.ends_ns
                for strike in day.strikes.tolist()
            }
        )
        place = {one: row for row, one in enumerate(contracts)}
        expiry, counts = np.unique([end for end, _ in contracts], return_counts=True)
        n = len(self._days) * self._n
        tops = np.zeros((len(TOPS), n, len(contracts)), np.int64)
        width = 2 * _WIDTH + 1
        for t in range(n):
            day = self._days[t // self._n]
            for e, end in enumerate(day.ends_ns):
                rows = [place[end, round(strike) * _UNIT] for strike in day.strikes.tolist()]
                for side in (0, 1):
                    own = slice((2 * e + side) * width, (2 * e + side + 1) * width)
                    quotes = self._quotes[t][:, own]
                    tops[2 * side : 2 * side + 2, t, rows] = quotes[:2]
                    tops[4 + 2 * side : 6 + 2 * side, t, rows] = quotes[2:] * lot
        history = ChainHistory(
            np.concatenate([day.ts_ns for day in self._days]),
            expiry.astype(np.int64),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.array([strike for _, strike in contracts], np.int64),
            tops,
            _TICK,
        )
        gap, implied, realised = np.array(self._figures).T
        return SyntheticChain(history, gap, implied, realised, lot)


def _smile(forward: float, vol: float, strikes: F64) -> F64:
    """Total volatilities by strike."""
    away = (strikes - forward) / (forward * vol)
    made: F64 = vol * (1 + _SKEW * away + _CURVE * away * away)
    return made


def _mids(forward: float, vol: float, strikes: F64) -> tuple[F64, F64]:
    """Prices of calls and puts in rupees."""
    smile = _smile(forward, vol, strikes)
    call = black76(forward, strikes, 1.0, smile, True).value
    return call, call - forward + strikes


def _gap(
    forwards: Sequence[float],
    vols: Sequence[float],
    years: Sequence[float],
    strikes: F64,
    sides: Sequence[tuple[F64, F64]],
) -> float:
    """``h * back - front`` at the strikes at the money, h the ratio of vegas from 0.5 to 2."""
    straddles, vegas = [], []
    for forward, vol, left, (call, put) in zip(forwards, vols, years, sides, strict=True):
        k = int(np.abs(strikes - forward).argmin())
        straddles.append(float(call[k] + put[k]))
        sigma = float(_smile(forward, vol, strikes)[k]) / sqrt(left)
        vegas.append(float(greeks(forward, strikes[k : k + 1], left, sigma, True).vega[0]))
    hedge = min(max(vegas[0] / vegas[1], 0.5), 2.0)
    return hedge * straddles[1] - straddles[0]
