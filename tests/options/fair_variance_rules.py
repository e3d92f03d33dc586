"""Trading rules on the mids of drawn chains, many draws at a time.

A rule is asked at every snapshot while it is flat and sees what is known then: it says a side for
each draw. What it enters is a bundle of options, in the same contracts until it is closed: after a
number of snapshots, by a target or a stop, or at the last snapshot of the day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quantlaxmi.options import ChainHistory, DrawnChain, FairVarianceNull

#: Rupees of a calendar's gap, and of its round trip: limits of the rule of that name.
FLOOR, FRICTION = 12.0, 3.0
FRONT, BACK = 0, 1
FRONT_LEFT_NS, BACK_LATER_NS = 86_400 * 10**9, 432_000 * 10**9

#: (n_draws,) of -1, 0, 1 at a snapshot.
Signal = Callable[["Mids", int], np.ndarray]


class Mids:
    """Forwards, volatilities and mids of draws by role (front, back); rupees.

    ``forward`` and ``vol`` are of shape (n_draws, n_snapshots, 2), ``call`` of
    (n_draws, n_snapshots, 2, width), beside ``strike`` of (n_snapshots, 2, width).
    """

    def __init__(self, null: FairVarianceNull, key: int, draws: range) -> None:
        history = null.history
        self._take(null)
        made = null.each(key, draws, lambda _, one: self._compact(one))
        self.forward, self.vol, self.call = (np.stack(one) for one in zip(*made, strict=True))
        self.each = np.arange(len(draws))
        self.days = history.session_day
        self.last = np.append(self.days[1:] != self.days[:-1], True)

    @classmethod
    def recorded(cls, null: FairVarianceNull) -> Mids:
        """The recorded chain itself, as the one draw."""
        one = cls(null, 0, range(1))
        rebuilt = null.fill(null.room(), compensate=False)
        one.forward, one.vol, one.call = (c[None] for c in one._compact(rebuilt))
        return one

    def _take(self, null: FairVarianceNull) -> None:
        """Where the strikes of the two roles stand."""
        history = null.history
        self.history, self.tick = history, history.tick / 100
        self.role = np.stack(roles(history), axis=1)
        self.each_t = np.arange(history.n_snapshots)
        low, high = (one[self.each_t[:, None], self.role] for one in null.span)
        width = int((high - low).min())
        assert width == (high - low).max()
        self.row = low[..., None] + np.arange(width)
        self.strike = history.strike[self.row] / 100

    def _compact(self, one: DrawnChain) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = self.each_t[:, None], self.role
        call = one.call[self.each_t[:, None, None], self.row] / 100
        return one.forward[at] / 100, one.vol[at], call

    def near(self, t: int, role: int, off: float = 0.0) -> np.ndarray:
        """Place of the strike nearest to the forward, or to a distance from it, by draw."""
        away = np.abs(self.strike[t, role] - self.forward[:, t, role, None] - off)
        return away.argmin(axis=1)

    def calls(self, t: int, role: int, place: np.ndarray) -> np.ndarray:
        """Mids of calls; one below a tick is one tick."""
        return np.maximum(self.call[self.each, t, role, place], self.tick)

    def puts(self, t: int, role: int, place: np.ndarray) -> np.ndarray:
        parity = self.strike[t, role, place] - self.forward[:, t, role]
        return np.maximum(self.call[self.each, t, role, place] + parity, self.tick)

    def straddle(self, t: int, role: int, place: np.ndarray) -> np.ndarray:
        return self.calls(t, role, place) + self.puts(t, role, place)

    def hedge(self, t: int) -> float:
        """Root of the ratio of times left: nearly that of vegas."""
        left = self.history.expiry_ns[self.role[t]] - self.history.ts_ns[t]
        return float(np.sqrt(left[FRONT] / left[BACK]))


def roles(history: ChainHistory) -> tuple[np.ndarray, np.ndarray]:
    """Front and back expiry at each snapshot: the first with a day left, the next 5 days later."""
    left = history.expiry_ns[None, :] - history.ts_ns[:, None]
    front = (left >= FRONT_LEFT_NS).argmax(axis=1)
    later = history.expiry_ns[None, :] >= history.expiry_ns[front][:, None] + BACK_LATER_NS
    return front, later.argmax(axis=1)


@dataclass(frozen=True)
class Rule:
    """What is traded (``calendar``, ``strangle``, ``front``, ``call``), when, and how long."""

    bundle: str
    signal: Signal
    hold: int
    target: float = np.inf
    stop: float = np.inf


def always(side: int) -> Signal:
    return lambda mids, t: np.full(mids.each.size, side)


def gap_above(turned: int) -> Signal:
    """A short front against a back: where the gap, or its negative, is above the floor."""

    def signal(mids: Mids, t: int) -> np.ndarray:
        front, back = (mids.straddle(t, role, mids.near(t, role)) for role in (FRONT, BACK))
        gap = turned * (mids.hedge(t) * back - front)
        return (gap >= FLOOR).astype(int)

    return signal


def last_move(of: str, side: int) -> Signal:
    def signal(mids: Mids, t: int) -> np.ndarray:
        if t == 0 or mids.days[t] != mids.days[t - 1]:
            return np.zeros(mids.each.size, int)
        path = getattr(mids, of)[:, :, FRONT]
        return side * np.sign(path[:, t] - path[:, t - 1]).astype(int)

    return signal


#: A short front and a long back is side 1 of a calendar; side 1 of the others is a purchase.
RULES = {
    **{f"calendar short {n}": Rule("calendar", always(1), n) for n in (10, 30, 110)},
    **{f"calendar long {n}": Rule("calendar", always(-1), n) for n in (10, 30, 110)},
    "strangle short 30": Rule("strangle", always(-1), 30),
    "strangle long 30": Rule("strangle", always(1), 30),
    "carry debit": Rule("calendar", gap_above(1), 38, FRICTION, 2 * FRICTION),
    "carry credit": Rule("calendar", gap_above(-1), 38, FRICTION, 2 * FRICTION),
    "volatility fade 15": Rule("front", last_move("vol", -1), 15),
    "volatility follow 15": Rule("front", last_move("vol", 1), 15),
    "forward fade 15": Rule("call", last_move("forward", -1), 15),
    "forward follow 15": Rule("call", last_move("forward", 1), 15),
}


def bundles(mids: Mids, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Gross of each draw's bundles by session day, and how many there were; rupees a unit."""
    n = mids.each.size
    dates = np.unique(mids.days)
    gross, count = np.zeros((n, dates.size)), np.zeros(n, int)
    side, until = np.zeros(n, int), np.zeros(n, int)
    rows = np.zeros((2, n), int)
    paid, hedge = np.zeros(n), np.zeros(n)
    watched = np.isfinite(rule.target) or np.isfinite(rule.stop)
    for t in range(mids.days.size):
        held = side != 0
        ends = held & ((t >= until) | mids.last[t])
        if ends.any() or (watched and held.any()):
            earned = np.where(held, side * (_value(mids, rule, t, rows, hedge) - paid), 0.0)
            ends |= held & ((earned >= rule.target) | (earned <= -rule.stop))
            gross[ends, np.searchsorted(dates, mids.days[t])] += earned[ends]
            side[ends] = 0
        if mids.last[t] or not (side == 0).any():
            continue
        wanted = np.where(side == 0, rule.signal(mids, t), 0)
        enters = wanted != 0
        if enters.any():
            side += wanted
            rows = np.where(enters, _rows(mids, rule, t), rows)
            hedge = np.where(enters, mids.hedge(t), hedge)
            until = np.where(enters, t + rule.hold, until)
            paid = np.where(enters, _value(mids, rule, t, rows, hedge), paid)
            count += enters
    return gross, count


def _rows(mids: Mids, rule: Rule, t: int) -> np.ndarray:
    if rule.bundle == "strangle":
        return np.stack([mids.near(t, FRONT, 200.0), mids.near(t, FRONT, -200.0)])
    return np.stack([mids.near(t, FRONT), mids.near(t, BACK)])


def _value(mids: Mids, rule: Rule, t: int, rows: np.ndarray, hedge: np.ndarray) -> np.ndarray:
    if rule.bundle == "calendar":
        front = mids.straddle(t, FRONT, rows[0])
        return hedge * mids.straddle(t, BACK, rows[1]) - front
    if rule.bundle == "strangle":
        return mids.calls(t, FRONT, rows[0]) + mids.puts(t, FRONT, rows[1])
    if rule.bundle == "front":
        return mids.straddle(t, FRONT, rows[0])
    return mids.calls(t, FRONT, rows[0])
