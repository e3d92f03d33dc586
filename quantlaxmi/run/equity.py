"""The ledger of a run on a clock: cash, positions, realised and unrealised PnL, equity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError
from quantlaxmi.run.accrued import Loans
from quantlaxmi.run.ledger_lines import LedgerLines, Money, lines_at_times
from quantlaxmi.run.records import RunRecords
from quantlaxmi.schema import IntColumn
from quantlaxmi.segment import MarketData

if TYPE_CHECKING:
    import pyarrow as pa

#: Points of a clock at most: a year of seconds.
MAX_POINTS = 32_000_000


class EquityCurve(LedgerLines):
    """`LedgerLines` at points in time, with the sums of one currency at hand.

    Attributes
    ----------
    records : RunRecords
    currency : str
    money : Money
        Sums over the currency's instruments; also as ``cash``, ``realized``, ``unrealized``,
        ``fees``, ``funding``, ``borrow``, ``accrued`` and ``equity``.

    The others are those of `LedgerLines`.
    """

    records: RunRecords
    currency: str

    def __init__(self, lines: LedgerLines, records: RunRecords, currency: str) -> None:
        super().__init__(
            lines.ts_ns,
            lines.held,
            lines.first_line,
            lines.position,
            lines.mid2,
            lines.instruments,
            lines.totals,
            lines.exponent,
        )
        object.__setattr__(self, "records", records)
        object.__setattr__(self, "currency", currency)

    @property
    def money(self) -> Money:
        """Sums over the currency's instruments."""
        return self.totals[self.currency]

    @property
    def cash(self) -> IntColumn:
        """As in `money`."""
        return self.money.cash

    @property
    def realized(self) -> IntColumn:
        """As in `money`."""
        return self.money.realized

    @property
    def unrealized(self) -> IntColumn:
        """As in `money`."""
        return self.money.unrealized

    @property
    def fees(self) -> IntColumn:
        """As in `money`."""
        return self.money.fees

    @property
    def funding(self) -> IntColumn:
        """As in `money`."""
        return self.money.funding

    @property
    def borrow(self) -> IntColumn:
        """As in `money`."""
        return self.money.borrow

    @property
    def accrued(self) -> IntColumn:
        """As in `money`."""
        return self.money.accrued

    @property
    def equity(self) -> IntColumn:
        """As in `money`."""
        return self.money.equity

    @property
    def max_drawdown(self) -> int:
        """Largest fall of equity from an earlier point's, not negative."""
        peak = fall = 0
        for value in self.equity.tolist():
            peak = max(peak, value)
            fall = max(fall, peak - value)
        return fall

    def table(self) -> pa.Table:
        """Return the points as an Arrow table: a row an instrument and one in all, as ``ledger``.

        See `quantlaxmi.run.ledger_table.ledger_table`.
        """
        from quantlaxmi.run.ledger_table import ledger_table

        return ledger_table(self.records, self)


def equity_curve(
    records: RunRecords,
    segment: MarketData,
    step_ns: int,
    currency: str | None = None,
    loans: Loans | None = None,
) -> EquityCurve:
    """Return the ledger of a run at every ``step_ns``, and at its last message.

    Parameters
    ----------
    records : RunRecords
    segment : MarketData
        The market of the run.
    step_ns : int
        Points fall on multiples of it since the epoch, from the first message's on.
    currency : str, optional
        Whose sums `EquityCurve.equity` and its like are; needed where there are several.
    loans : sequence of (int, int), optional
        At what the run borrows, of `loans_of`; without, interest counts where it is paid.

    Returns
    -------
    EquityCurve

    Raises
    ------
    InputError
        The step is not positive, makes too many points, or the currency not one of the run's.
    EngineError
        Equity by cash and equity by accounts differ.
    """
    if step_ns <= 0:
        raise InputError("step_ns", f"was {step_ns}, expected above 0")
    if currency is None and len(records.cash) == 1:
        [currency] = records.cash
    if currency is None or currency not in records.cash:
        known = ", ".join(records.cash)
        raise InputError("equity", f"was asked in currency {currency}, expected one of {known}")
    first, last = segment.first_ts_ns, segment.last_ts_ns
    n_points = last // step_ns - -(-first // step_ns) + 2
    if n_points > MAX_POINTS:
        raise InputError(
            "step_ns",
            f"was {step_ns}, which makes {counted(n_points, 'point[s]')}, at most {MAX_POINTS}",
        )
    start = -(-first // step_ns) * step_ns
    points = np.append(np.arange(start, last, step_ns, dtype=np.int64), np.int64(last))
    return EquityCurve(lines_at_times(records, segment, points, loans), records, currency)
