"""Equity on a stated capital, and its returns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import MAX_PREC, Context, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.errors import InputError
from quantlaxmi.run.equity_points import EquityPoints, clock_step, equity_points
from quantlaxmi.run.money import capital_of
from quantlaxmi.run.result_table import ResultTable, need_pandas
from quantlaxmi.schema import IntColumn

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun

__all__ = ["CapitalCurve", "capital_curve", "equity_table", "returns_series"]


@dataclass(frozen=True, eq=False)
class CapitalCurve:
    """Equity with a capital, at points of a clock.

    Attributes
    ----------
    points : EquityPoints
    equity : ndarray of int (object), shape (n_points,)
        At 10**exponent.
    exponent : int
    """

    points: EquityPoints
    equity: IntColumn
    exponent: int

    @property
    def peaks(self) -> IntColumn:
        """Highest equity up to each point."""
        found: IntColumn = np.maximum.accumulate(self.equity)
        return found

    @property
    def returns(self) -> NDArray[np.float64]:
        """Of each step on the equity at its beginning, shape (n_points - 1,).

        Raises
        ------
        InputError
            Equity was not above 0 at a point: there is no return on it.
        """
        wrong = np.flatnonzero(self.equity <= 0)
        if len(wrong):
            at = int(self.points.ts_ns[wrong[0]])
            when = datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise InputError(
                "capital", f"was too small: equity was not above 0 at {when}, expected above 0"
            )
        moves = self.equity[1:] - self.equity[:-1]
        each = zip(moves.tolist(), self.equity[:-1].tolist(), strict=True)
        return np.array([move / before for move, before in each], np.float64)


def capital_curve(run: ExactRun, step_ns: int, capital: Decimal | None) -> CapitalCurve:
    """Return equity on a capital, at the finer exponent of both; from 0 where there is none."""
    points = equity_points(run, step_ns)
    if capital is None:
        return CapitalCurve(points, points.net, points.exponent)
    least = capital.as_tuple().exponent
    assert isinstance(least, int)
    exponent = min(least, points.exponent)
    start = int(capital.scaleb(-exponent, Context(prec=MAX_PREC)))
    return CapitalCurve(points, points.net * 10 ** (points.exponent - exponent) + start, exponent)


def equity_table(run: ExactRun, freq: str | int, capital: Any) -> ResultTable:
    """See `quantlaxmi.run.result.Run.equity`."""
    import pyarrow as pa

    from quantlaxmi.fixed import int128_halves
    from quantlaxmi.run.arrow_columns import decimals_of_halves, times_column

    stated = capital_of(run, capital)
    curve = capital_curve(run, clock_step(freq), stated)
    points = curve.points
    columns: dict[str, Any] = {
        "ts": times_column(points.ts_ns),
        "net": decimals_of_halves(*int128_halves(points.net), points.exponent),
    }
    for name, values in (("equity", curve.equity), ("drawdown", curve.equity - curve.peaks)):
        columns[name] = decimals_of_halves(*int128_halves(values), curve.exponent)
    if stated is not None:
        columns["return"] = np.concatenate([[0.0], curve.returns])
    return ResultTable(pa.table(columns))


def returns_series(run: ExactRun, freq: str | int, capital: Any) -> Any:
    """See `quantlaxmi.run.result.Run.returns`."""
    pandas = need_pandas("returns")
    stated = capital_of(run, capital)
    if stated is None:
        raise InputError(
            "capital", "was None and the risk limits state none, expected capital=AMOUNT"
        )
    curve = capital_curve(run, clock_step(freq), stated)
    step = curve.points.step_ns
    begun = curve.points.ts_ns[:-1] // step * step
    index = pandas.DatetimeIndex(pandas.to_datetime(begun, unit="ns", utc=True), name="ts")
    return pandas.Series(curve.returns, index=index, name=run.strategy.strategy_id)
