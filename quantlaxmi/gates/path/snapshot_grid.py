"""Snapshots of option sessions as rows on which bundles can stand, and roles of contracts there.

A contract's *role* at a snapshot is what it is beside the others: the rank of its expiry among
those of the day that have not ended (front 0, back 1), call or put, and how many listed strikes it
lies above the one at the money. The same role on another snapshot can be another contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from quantlaxmi.errors import InputError
from quantlaxmi.gates.path.round_trips import PathError
from quantlaxmi.options import ChainHistory, ChainRows, chain_history, forward
from quantlaxmi.schema import I64

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["Role", "SnapshotGrid", "snapshot_grid"]


class Role(NamedTuple):
    """What a contract is at a snapshot.

    Attributes
    ----------
    rank : int
        Of its expiry among those that the day lists and that have not ended: 0 is the front.
    put : bool
    steps : int
        Listed strikes from the one at the money of its expiry; below 0 for lower ones.
    """

    rank: int
    put: bool
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotGrid:
    """Rows of a market of option chains: a snapshot each.

    Attributes
    ----------
    rows : ChainRows
        The quotes, and where each instrument stands among them.
    seq, ts_ns : ndarray of int64, shape (n_rows,)
        Message and time of each snapshot.
    day : ndarray of int64, shape (n_rows,)
        Number of its session day, from 0.
    day_first : ndarray of int64, shape (n_days + 1,)
        First row of each day, and the number of rows.
    arrival : ndarray of int64, shape (n_rows,)
        The last snapshot known when orders decided at a row arrive; -1 past the end of the data.
    mid2 : ndarray of int64, shape (2, n_rows, n_strikes)
        Bid + ask of calls and of puts: those of the last snapshot that quoted them whole, as the
        engine marks them; 0 before the first.
    quoted : ndarray of bool, shape (2, n_rows, n_strikes)
        Whether the row's own snapshot quotes both sides with a size, before the contract's end.
    listed : ndarray of bool, shape (n_days, n_strikes)
        Whether any snapshot of the day quotes the strike.
    place : ndarray of int64, shape (n_days, n_strikes)
        How many listed strikes of its expiry are below a strike.
    atm : ndarray of int64, shape (n_rows, n_expiries)
        `place` of the listed strike nearest to the forward, the lower one of two; -1 without one.
    can_enter : ndarray of bool, shape (n_rows,)
        Whether the strategy's own filters let it enter.
    """

    rows: ChainRows
    seq: I64
    ts_ns: I64
    day: I64
    day_first: I64
    arrival: I64
    mid2: I64
    quoted: npt.NDArray[np.bool_]
    listed: npt.NDArray[np.bool_]
    place: I64
    atm: I64
    can_enter: npt.NDArray[np.bool_]

    @property
    def history(self) -> ChainHistory:
        """The quotes by snapshot, expiry and strike."""
        return self.rows.history

    def day_rows(self, day: int) -> range:
        """Rows of a session day."""
        return range(int(self.day_first[day]), int(self.day_first[day + 1]))

    def _expiries(self, day: int) -> list[int]:
        """Expiries that a day lists."""
        listed, history = self.listed[day], self.history
        return [e for e in range(history.n_expiries) if listed[history.rows(e)].any()]

    def role(self, instrument: int, row: int) -> Role | None:
        """Return the role of a contract at a row; None where it has none.

        Parameters
        ----------
        instrument : int
        row : int
        """
        day, strike, history = int(self.day[row]), int(self.rows.row_of[instrument]), self.history
        if strike < 0 or not self.listed[day, strike]:
            return None
        expiry = int(np.searchsorted(history.start, strike, side="right")) - 1
        now, own_end = int(self.ts_ns[row]), int(history.expiry_ns[expiry])
        if own_end <= now or self.atm[row, expiry] < 0:
            return None
        rank = sum(now < int(history.expiry_ns[e]) < own_end for e in self._expiries(day))
        steps = int(self.place[day, strike] - self.atm[row, expiry])
        return Role(rank, bool(self.rows.put_of[instrument]), steps)

    def struck(self, role: Role, day: int) -> I64:
        """Return the strikes that have a role at the rows of a day.

        Parameters
        ----------
        role : Role
        day : int

        Returns
        -------
        ndarray of int64, shape (n_rows of the day,)
            Index of the expiry's strike in the history; -1 where no listed strike has the role.
        """
        rows, history, expiries = self.day_rows(day), self.history, self._expiries(day)
        now = self.ts_ns[rows.start : rows.stop]
        ended = np.searchsorted(history.expiry_ns[expiries], now, side="right")
        found = np.full(len(rows), -1, np.int64)
        for at, expiry in enumerate(expiries):
            own = history.rows(expiry)
            strikes = np.flatnonzero(self.listed[day, own]) + own.start
            atm = self.atm[rows.start : rows.stop, expiry]
            place = atm + role.steps
            fits = (ended + role.rank == at) & (atm >= 0) & (place >= 0) & (place < len(strikes))
            found[fits] = strikes[place[fits]]
        return found


def _at_the_money(history: ChainHistory, day: I64, listed: npt.NDArray[np.bool_]) -> I64:
    """Place of the listed strike nearest to the forward, by row and expiry."""
    found = np.full((history.n_snapshots, history.n_expiries), -1, np.int64)
    unit = float(10**-history.price_exponent)
    for row in range(history.n_snapshots):
        value = forward(history.option_chain(row)).value
        for expiry in np.flatnonzero(value > 0).tolist():
            own = history.rows(expiry)
            strikes = history.strike[own][listed[day[row], own]]
            if strikes.size:
                found[row, expiry] = np.abs(strikes / unit - value[expiry]).argmin()
    return found


def _mids(history: ChainHistory) -> tuple[I64, npt.NDArray[np.bool_]]:
    """Last whole quotes' bid + ask of calls and of puts, and where the snapshot has them."""
    tops, ends = history.tops, np.repeat(history.expiry_ns, np.diff(history.start))
    quoted = np.zeros((2, history.n_snapshots, history.n_rows), np.bool_)
    mid2 = np.zeros(quoted.shape, np.int64)
    for side in (0, 1):
        bid, ask = tops[2 * side], tops[2 * side + 1]
        sized = (tops[4 + 2 * side] > 0) & (tops[5 + 2 * side] > 0)
        quoted[side] = (bid > 0) & (bid < ask) & sized & (history.ts_ns[:, None] < ends)
        seen = np.where(quoted[side], np.arange(history.n_snapshots)[:, None], -1)
        last = np.maximum.accumulate(seen, axis=0)
        known = np.take_along_axis(bid + ask, last.clip(0), axis=0)
        mid2[side] = np.where(last >= 0, known, 0)
    return mid2, quoted


def snapshot_grid(run: Run, can_enter: npt.NDArray[np.bool_] | None = None) -> SnapshotGrid:
    """Return the rows of a run over option chains.

    Parameters
    ----------
    run : Run
    can_enter : ndarray of bool, shape (n_snapshots,), optional
        Where the strategy's own filters let it enter; everywhere by default.

    Raises
    ------
    PathError
        The chain's quotes cannot be laid out.
    """
    table = run.segment.columns("chain")
    try:
        rows = chain_history(table, run.instruments)
    except InputError as error:
        raise PathError(f"The chain cannot be laid out: {error}.") from None
    history = rows.history
    seq = np.asarray(table["seq"])[np.flatnonzero(np.diff(table["seq"], prepend=-1))]
    _, first, day = np.unique(history.session_day, return_index=True, return_inverse=True)
    n, n_days = history.n_snapshots, len(first)
    mid2, quoted = _mids(history)
    shown: npt.NDArray[np.bool_] = (history.tops[:4] > 0).max(axis=0)
    listed = np.stack([shown[day == d].any(axis=0) for d in range(n_days)])
    before = np.cumsum(listed, axis=1) - listed
    place = before - np.repeat(before[:, history.start[:-1].clip(max=history.n_rows - 1)],
                               np.diff(history.start), axis=1)  # fmt: skip
    arrives = history.ts_ns + run.latency_ns
    arrival = np.searchsorted(history.ts_ns, arrives, side="right") - 1
    return SnapshotGrid(
        rows,
        seq.astype(np.int64),
        history.ts_ns,
        day.reshape(-1).astype(np.int64),
        np.append(first, n).astype(np.int64),
        np.where(arrives <= run.segment.last_ts_ns, arrival, -1).astype(np.int64),
        mid2,
        quoted,
        listed,
        place.astype(np.int64),
        _at_the_money(history, day.reshape(-1), listed),
        np.ones(n, np.bool_) if can_enter is None else can_enter,
    )
