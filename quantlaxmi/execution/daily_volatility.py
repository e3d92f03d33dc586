"""The daily volatility of an underlying, as a user states it for a margin by scan."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar

from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import Bounds, Chars, Settings
from quantlaxmi.settings.days import Day

__all__ = ["DailyVolatility", "check_rows", "latest"]


class DailyVolatility(Settings, frozen=True, kw_only=True):
    """The exchange's estimate for an underlying, from a session day on until the next row.

    NSE gives it before each session in its file of daily volatility: the root of 0.995 times the
    square of the day before and 0.005 times the square of the last log return.

    Attributes
    ----------
    underlying : str
    valid_from : date
    value : FixedPoint
        Of one day, as a share of the price: 0.0086 is 0.86 %. At most 0.05, at which twice the
        price scan is 85 % of the price.

    Examples
    --------
    >>> row = {"underlying": "NIFTY", "valid_from": "2025-08-29", "value": "0.0086"}
    >>> DailyVolatility.from_mapping(row).to_json() == row
    True
    """

    file_kind: ClassVar[str] = "a daily volatility"

    underlying: Annotated[str, Chars(least=1)]
    valid_from: Day
    value: Annotated[FixedPoint, Bounds(gt=0, le="0.05")]

    def describe(self) -> dict[str, Any]:
        """Return it as plain values."""
        return self.to_json()


def check_rows(rows: tuple[DailyVolatility, ...]) -> None:
    """Refuse rows of one underlying that do not ascend.

    Raises
    ------
    ConfigError
    """
    last: dict[str, date] = {}
    for k, row in enumerate(rows):
        before = last.get(row.underlying)
        if before is not None and before >= row.valid_from:
            raise ConfigError(
                "risk",
                f"was {row.valid_from}, expected after {before}, the row of {row.underlying} "
                "before it",
                f"daily_volatility[{k}].valid_from",
            )
        last[row.underlying] = row.valid_from


def latest(rows: tuple[DailyVolatility, ...], underlying: str, day: date) -> DailyVolatility | None:
    """Return the row that holds for an underlying on a day; None before its first.

    Parameters
    ----------
    rows : tuple of DailyVolatility
    underlying : str
    day : date

    Returns
    -------
    DailyVolatility or None
    """
    own = [row for row in rows if row.underlying == underlying and row.valid_from <= day]
    return own[-1] if own else None
