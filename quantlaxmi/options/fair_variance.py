"""The fair-variance null: option chains whose moves have random signs and whose variance is fair.

Random signs of the mids, as the market null draws them elsewhere, are wrong for options: prices
fall below zero, calls and puts of a strike come apart, and squared moves stay, so that what a
straddle earns by them stays too. Here the sign of the *underlying's* move is drawn, the variance
that was implied declines by the variance of the move that happened, and the whole chain is priced
again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quantlaxmi._ext.fair_variance import FairVariance
from quantlaxmi.errors import InputError
from quantlaxmi.options.chain_history import ChainHistory
from quantlaxmi.options.status import F64, OptionStatus
from quantlaxmi.options.surface import surface
from quantlaxmi.parallel import cores
from quantlaxmi.parallel.threads import iterate_in_order
from quantlaxmi.schema import I64

__all__ = ["DrawnChain", "FairVarianceNull"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class DrawnChain:
    """One drawn history.

    Attributes
    ----------
    signs : ndarray of uint64
        Bit ``t`` is minus for the move that ends at snapshot ``t``.
    forward, vol : ndarray of float64, shape (n_snapshots, n_expiries)
        Forwards in price units, and volatilities at the money times the root of the time left in
        years; 0 where the recorded chain has none.
    call : ndarray of float64, shape (n_snapshots, n_rows)
        Mids of the calls in price units, not rounded; 0 where the expiry has no forward or
        the strike lies outside those that are quoted on the day.
    """

    signs: NDArray[np.uint64]
    forward: F64
    vol: F64
    call: F64


class FairVarianceNull:
    """Recorded forwards, volatilities and smiles of a history, and chains drawn of them.

    Of each session day and expiry, with F the forward and s = sigma sqrt(T) at the money:

    1. ``r = F'/F - 1``, ``d(s, r) = sqrt(s**2 - min(r**2, s**2 / 16))``, ``delta = s' - d(s, r)``.
    2. One sign e a snapshot, all expiries alike: ``F <- F (1 + e r)``, ``s <- d + e delta'``, with
       d at the drawn s and delta' = delta clipped to ``-d/2 .. d/2``.
    3. A call is worth Black's price at the volatility ``s rho``, rho read off the recorded smile
       (out-of-the-money side, linear in the strike, flat outside) at ``F_rec (K/F)**(s_rec/s)``.
    4. A compensator, a strike: add now - (C+ + C-)/2, with C+ and C- the calls that come next with
       either sign; its sum along the day is added to the call. A put is ``call - F + K``.

    So every mid is a martingale: given the past, what a position earns mid to mid has mean 0.

    Parameters
    ----------
    history : ChainHistory

    Attributes
    ----------
    history : ChainHistory
    forward, vol : ndarray of float64, shape (n_snapshots, n_expiries)
        As recorded; 0 where a snapshot gives an expiry no forward or no volatility at the money.
    missing : int
        How many of them are 0 although the expiry is quoted.
    span : ndarray of int64, shape (2, n_snapshots, n_expiries)
        First row that is priced and the one after the last: from the lowest to the highest strike
        that is quoted on the day.

    Raises
    ------
    InputError
        A forward moves by half from one snapshot of a day to the next, or no snapshot has one.

    Notes
    -----
    Days begin at their recorded chain: a position that is held overnight is not rebuilt. The skew's
    own moves drop out. Moves that did not happen are not drawn.

    Examples
    --------
    >>> null = FairVarianceNull(_sample())
    >>> null.draw(key=7, draw=0).call.shape
    (3, 2)
    """

    def __init__(self, history: ChainHistory) -> None:
        self.history = history
        self.unit = float(10**-history.price_exponent)
        shape = history.n_snapshots, history.n_expiries
        self.forward, self.vol = np.zeros(shape), np.zeros(shape)
        self.missing = 0
        starts, strikes, ratios = [0], [np.zeros(0)], [np.zeros(0)]
        for t in range(history.n_snapshots):
            for strike, ratio in self._smiles(t):
                strikes.append(strike)
                ratios.append(ratio)
                starts.append(starts[-1] + strike.size)
        if not self.vol.any():
            raise InputError("chain history", "has no snapshot with a forward and a volatility")
        days = history.session_day
        self.span = self._span(days)
        try:
            self._kernel = FairVariance(
                days,
                self.forward,
                self.vol,
                np.array(starts, np.int64),
                np.concatenate(strikes),
                np.concatenate(ratios),
                self.span,
                history.strike.astype(np.float64),
            )
        except ValueError as error:
            raise InputError("chain history", str(error)) from None

    def _span(self, days: I64) -> I64:
        """Rows between the outermost strikes that a day quotes, by snapshot and expiry."""
        quoted = (self.history.tops[:4] > 0).max(axis=0)
        span = np.zeros((2, *self.forward.shape), np.int64)
        for day in np.unique(days):
            own = days == day
            for e in range(self.history.n_expiries):
                rows = self.history.rows(e)
                found = rows.start + np.flatnonzero(quoted[own, rows].any(axis=0))
                if found.size:
                    span[0, own, e], span[1, own, e] = found[0], found[-1] + 1
        return span

    def _smiles(self, t: int) -> list[tuple[F64, F64]]:
        """Strikes and volatilities over the one at the money, by expiry; keeps forward and vol."""
        chain = self.history.option_chain(t)
        found, years = surface(chain), chain.years
        smiles = []
        # Expiries of the history ascend, and so do those of the chain: same places.
        for e in range(self.history.n_expiries):
            rows = self.history.rows(e)
            if found.status[e] != OptionStatus.OK:
                self.missing += bool(self.history.tops[:4, t, rows].any())
                smiles.append((np.zeros(0), np.zeros(0)))
                continue
            strike = self.history.strike[rows].astype(np.float64)
            sigma = (found.sigma_call[e] + found.sigma_put[e]) / 2
            self.forward[t, e] = found.forward.value[e] * self.unit
            self.vol[t, e] = sigma * np.sqrt(years[e])
            above = strike >= self.forward[t, e]
            values = np.where(above, found.call.value[rows], found.put.value[rows])
            status = np.where(above, found.call.status[rows], found.put.status[rows])
            known = status == OptionStatus.OK
            smiles.append((strike[known], values[known] / sigma))
        return smiles

    @property
    def n_mids(self) -> int:
        """How many mids a draw has, calls and puts together."""
        return int(2 * ((self.vol > 0) * (self.span[1] - self.span[0])).sum())

    def room(self) -> DrawnChain:
        """Arrays for the draws of one thread."""
        history = self.history
        words = 2 * (-(-history.n_snapshots // 128))
        shape = self.forward.shape
        call = np.zeros((history.n_snapshots, history.n_rows))
        return DrawnChain(np.zeros(words, np.uint64), np.zeros(shape), np.zeros(shape), call)

    def draw(self, key: int, draw: int, room: DrawnChain | None = None) -> DrawnChain:
        """Return a draw; it depends on key and number alone.

        Parameters
        ----------
        key, draw : int
            From 0 to 2**64 - 1.
        room : DrawnChain, optional
            As `room` gives it; it is overwritten.
        """
        made = self.room() if room is None else room
        self._kernel.draw(key, draw, made.signs)
        return self.fill(made)

    def fill(self, room: DrawnChain, compensate: bool = True) -> DrawnChain:
        """Make the chain of the signs that stand in `room`.

        Parameters
        ----------
        room : DrawnChain
            Overwritten but for its signs.
        compensate : bool
            False gives the prices without the compensator: with no sign minus, the recorded ones.
        """
        self._kernel.chain(room.signs, compensate, room.forward, room.vol, room.call)
        return room

    def puts(self, drawn: DrawnChain) -> F64:
        """Mids of the puts, ``call - F + K``, shape (n_snapshots, n_rows); as `DrawnChain.call`."""
        counts = np.diff(self.history.start)
        forward = np.repeat(drawn.forward, counts, axis=1)
        row = np.arange(self.history.n_rows)
        low, high = (np.repeat(one, counts, axis=1) for one in self.span)
        priced = (forward > 0) & (row >= low) & (row < high)
        made: F64 = np.where(priced, drawn.call - forward + self.history.strike, 0.0)
        return made

    def quotes(self, drawn: DrawnChain, out: I64 | None = None) -> tuple[I64, int]:
        """Return the tops of a draw: recorded half spreads and sizes around its mids.

        They are those of the listed strike nearest to the same distance from the forward, the lower
        one of two. Bids are rounded down and asks up to the tick; a bid below a tick is none, and a
        strike without both quotes gives none. A mid below a tick is one tick.

        Parameters
        ----------
        drawn : DrawnChain
        out : ndarray of int64, optional
            Overwritten; as the history's tops.

        Returns
        -------
        tops : ndarray of int64, shape (8, n_snapshots, n_rows)
            By `TOPS`.
        below : int
            Mids below a tick.
        """
        tops = np.empty_like(self.history.tops) if out is None else out
        below = self._kernel.quotes(
            self.history.tops, self.history.tick, drawn.forward, drawn.call, tops
        )
        return tops, below

    def each(
        self,
        key: int,
        draws: range,
        work: Callable[[int, DrawnChain], T],
        threads: int | None = None,
    ) -> list[T]:
        """Do something with every draw, side by side; results by draw.

        Parameters
        ----------
        key : int
        draws : range
        work : callable
            ``work(draw, drawn)``; ``drawn`` is used again for a later draw.
        threads : int, optional
            All cores without it. No result depends on it.
        """
        rooms: list[DrawnChain] = []  # one for each thread; its next draw takes it again

        def one(draw: int) -> T:
            try:
                room = rooms.pop()
            except IndexError:
                room = self.room()
            result = work(draw, self.draw(key, draw, room))
            rooms.append(room)
            return result

        with closing(iterate_in_order(one, draws, threads=cores(threads))) as results:
            return list(results)


def _sample() -> ChainHistory:
    """Three snapshots of two strikes for the examples, a day from expiry."""
    call = np.array([[64_75, 40_00], [70_75, 45_00], [60_75, 37_00]])
    put = np.array([[39_75, 65_00], [35_75, 60_00], [42_75, 69_00]])
    size = np.full_like(call, 75)
    sides = [call - 50, call + 50, put - 50, put + 50]
    return ChainHistory(
        np.array([0, 60, 120]) * 10**9,
        np.array([86_400]) * 10**9,
        np.array([0, 2]),
        np.array([24550_00, 24600_00]),
        np.stack([*sides, *[size] * 4]),
        tick=5,
    )
