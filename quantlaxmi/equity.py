"""The ledger of a run on a clock grid: cash, positions, realised and unrealised PnL, equity.

Exact integers throughout. At every point ``equity = cash + position * mid`` summed over the
instruments, and the same number is ``realized + unrealized - fees + funding``; the two are computed
by different roads and held equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import EngineError, InputError
from quantlaxmi.fixed import int128_array
from quantlaxmi.market_grid import MarketGrid, market_grid
from quantlaxmi.replay import Run

IntColumn = NDArray[np.object_]

#: Points of a grid at most: a year of seconds.
MAX_POINTS = 32_000_000


@dataclass(frozen=True, eq=False)
class EquityCurve:
    """The ledger at points in time; money at 10**exponent.

    Attributes
    ----------
    ts_ns : ndarray of int64, shape (n_points,)
        A point holds all messages, fills and settlements with times up to its own.
    position : ndarray of int64, shape (n_instruments, n_points)
        Quantity mantissas.
    mid2 : ndarray of int64, shape (n_instruments, n_points)
        Bid + ask each position is marked at; 0 before the first valid book.
    cash, realized, unrealized, fees, funding, equity : ndarray of int (object), shape (n_points,)
    exponent : int
        Ledger exponent - 1, because a mid may be half a unit.
    """

    ts_ns: NDArray[np.int64]
    position: NDArray[np.int64]
    mid2: NDArray[np.int64]
    cash: IntColumn
    realized: IntColumn
    unrealized: IntColumn
    fees: IntColumn
    funding: IntColumn
    equity: IntColumn
    exponent: int

    def __len__(self) -> int:
        return len(self.ts_ns)

    @property
    def max_drawdown(self) -> int:
        """Largest fall of equity from an earlier point's, not negative."""
        peak = fall = 0
        for value in self.equity.tolist():
            peak = max(peak, value)
            fall = max(fall, peak - value)
        return fall


def equity_curve(run: Run, step_ns: int, grid: MarketGrid | None = None) -> EquityCurve:
    """Return the ledger of a run at every ``step_ns``, and at its last message.

    Parameters
    ----------
    run : Run
        Without flattening at the end.
    step_ns : int
        Points fall on multiples of it since the epoch, from the first message's on.
    grid : MarketGrid, optional
        Of the same run, if it is at hand.

    Returns
    -------
    EquityCurve

    Raises
    ------
    InputError
        The step is not positive, the grid too long, the run flattened, or its instruments have
        several currencies.
    EngineError
        The two roads to equity disagree.
    """
    if step_ns <= 0:
        raise InputError("step_ns", f"was {step_ns}, expected above 0")
    if len(run.cash) != 1:
        raise InputError("equity", f"has {len(run.cash)} currencies, expected one")
    if len(run.fills) and int(run.fills["decision"].min()) < 0:
        raise InputError("equity", "was asked of a flattened run, expected one without")
    first, last = run.segment.first_ts_ns, run.segment.last_ts_ns
    n_points = last // step_ns - -(-first // step_ns) + 2
    if n_points > MAX_POINTS:
        raise InputError(
            "step_ns", f"was {step_ns}, which makes {n_points} points, at most {MAX_POINTS}"
        )
    start = -(-first // step_ns) * step_ns
    points = np.append(np.arange(start, last, step_ns, dtype=np.int64), np.int64(last))
    grid = market_grid(run) if grid is None else grid
    mid2 = _mids_at(grid, points)
    fills_done = np.searchsorted(run.fills["ts_ns"], points, side="right")
    n_instruments = len(run.instruments)
    position = np.zeros((n_instruments, len(points)), np.int64)
    realized = _zeros(len(points))
    basis = _zeros(len(points))
    for instrument in range(n_instruments):
        own = np.flatnonzero(run.fills["instrument"] == instrument)
        done = np.searchsorted(own, fills_done, side="left")
        rows = run.fills[own]
        position[instrument] = np.append(np.int64(0), rows["position"])[done]
        gained = int128_array(rows["realized_hi"], rows["realized_lo"])
        realized += 10 * _after(gained, done)
        basis += 10 * _after(_open_cost(run, instrument, rows, gained), done)
    fees = 10 * _after(_running(int128_array(run.fills["fee_hi"], run.fills["fee_lo"])), fills_done)
    paid = int128_array(run.funding["amount_hi"], run.funding["amount_lo"])
    settled = np.searchsorted(run.funding["ts_ns"], points, side="right")
    funding = 10 * _after(_running(paid), settled)
    scales = [int(s) for s in grid.scales]
    traded = _zeros(len(run.fills))
    for number, (side, qty, price, instrument) in enumerate(
        zip(*(run.fills[f].tolist() for f in ("side", "qty", "price", "instrument")), strict=True)
    ):
        traded[number] = -side * qty * price * scales[instrument]
    cash = 10 * _after(_running(traded), fills_done) - fees + funding
    marked = _zeros(len(points))
    for instrument, scale in enumerate(scales):
        marked += position[instrument].astype(object) * (
            mid2[instrument].astype(object) * 5 * scale
        )
    equity = cash + marked
    unrealized = marked - basis
    wrong = np.flatnonzero(equity != realized + unrealized - fees + funding)
    if len(wrong):
        at = int(wrong[0])
        raise EngineError(
            f"equity at {int(points[at])} ns is {equity[at]} by cash and otherwise not"
        )
    return EquityCurve(
        points,
        position,
        mid2,
        cash,
        realized,
        unrealized,
        fees,
        funding,
        equity,
        run.ledger_exponent - 1,
    )


def _mids_at(grid: MarketGrid, points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mids of the last grid row up to each point; 0 before the first."""
    rows = np.searchsorted(grid.ts_ns, points, side="right")
    padded = np.concatenate([np.zeros((len(grid.mid2), 1), np.int64), grid.mid2], axis=1)
    taken: NDArray[np.int64] = padded[:, rows]
    return taken


def _open_cost(run: Run, instrument: int, rows: NDArray[np.void], realized: IntColumn) -> IntColumn:
    """Signed cost of the open position after each fill: what was put in and not realised."""
    scale = (
        10
        ** (
            run.instruments[instrument].price_exponent
            + run.instruments[instrument].qty_exponent
            - run.ledger_exponent
        )
        * run.instruments[instrument].contract_size
    )
    put_in = _zeros(len(rows))
    for k, (side, qty, price) in enumerate(
        zip(*(rows[f].tolist() for f in ("side", "qty", "price")), strict=True)
    ):
        put_in[k] = side * qty * price * scale
    cost: IntColumn = _running(put_in) + realized
    return cost


def _zeros(n: int) -> IntColumn:
    column: IntColumn = np.empty(n, dtype=object)
    column[:] = 0
    return column


def _running(column: IntColumn) -> IntColumn:
    summed: IntColumn = np.cumsum(column) if len(column) else column
    return summed


def _after(column: IntColumn, done: NDArray[np.intp]) -> IntColumn:
    """Value after ``done`` rows; 0 after none."""
    padded: IntColumn = np.concatenate([_zeros(1), column])
    taken: IntColumn = padded[done]
    return taken
