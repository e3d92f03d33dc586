"""A run's money as Decimal, in the currency: what people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MAX_PREC, Context, Decimal
from typing import TYPE_CHECKING, Any

from quantlaxmi.errors import InputError, shown
from quantlaxmi.fixed import FixedPoint

if TYPE_CHECKING:
    from quantlaxmi.run.exact_run import ExactRun

__all__ = [
    "RunMoney",
    "capital_of",
    "exact_decimal",
    "money_by_currency",
    "money_in_all",
]


@dataclass(frozen=True, slots=True)
class RunMoney:
    """Money of a run in one currency, exact.

    Attributes
    ----------
    net : Decimal
        ``gross - slippage - fees + funding - interest - rounding``.
    gross : Decimal
        From mid to mid, open positions at the last mid.
    slippage, fees, interest : Decimal
        Paid; below 0 received.
    funding : Decimal
        Received; below 0 paid.
    rounding : Decimal
        What rounding of contract notes adds to the fees; below 0 takes away.
    """

    net: Decimal
    gross: Decimal
    slippage: Decimal
    fees: Decimal
    funding: Decimal
    interest: Decimal
    rounding: Decimal = Decimal(0)


def exact_decimal(mantissa: int, exponent: int) -> Decimal:
    """``mantissa * 10**exponent``, never rounded, without zeros at the end of its decimals."""
    while mantissa and exponent < 0 and mantissa % 10 == 0:
        mantissa, exponent = mantissa // 10, exponent + 1
    if not mantissa:
        return Decimal(0)
    return Decimal(mantissa).scaleb(exponent, Context(prec=MAX_PREC))


def _amounts(run: ExactRun) -> dict[str, dict[str, int]]:
    """By name and currency, at the records' ledger exponent - 1."""
    exact = run.exact
    return {
        "net": exact.net_by_currency,
        "gross": exact.gross_by_currency,
        "slippage": exact.fills_by_currency(*exact.attributions.halves("slippage")),
        "fees": exact.by_currency(10 * a.fees for a in exact.accounts),
        "funding": exact.by_currency(10 * a.funding for a in exact.accounts),
        "interest": exact.by_currency(10 * a.borrow for a in exact.accounts),
        "rounding": {name: 10 * paid for name, paid in exact.rounding_by_currency.items()},
    }


def money_by_currency(run: ExactRun) -> Mapping[str, RunMoney]:
    """Money of each currency that was traded; of all where none was."""
    amounts, exponent = _amounts(run), run.exact.ledger_exponent - 1
    return {
        currency: RunMoney(
            **{name: exact_decimal(each[currency], exponent) for name, each in amounts.items()}
        )
        for currency in run.exact.traded_currencies or tuple(run.exact.cash)
    }


def money_in_all(run: ExactRun) -> RunMoney:
    """Money in the one currency of a run's result.

    Raises
    ------
    CurrencyError
        Instruments of several currencies were traded, and there is no conversion.
    """
    currency = run.currency
    if run.conversion is None:
        return money_by_currency(run)[currency]
    total, exponent = run.conversion.total, run.ledger_exponent - 1
    return RunMoney(
        **{name: exact_decimal(total(each), exponent) for name, each in _amounts(run).items()}
    )


def capital_of(run: ExactRun, capital: Any) -> Decimal | None:
    """The stated capital: that given, else that of the run's limits, else None.

    Raises
    ------
    InputError
        It is no decimal number above 0.
    """
    if capital is None:
        stated = run.limits.capital
        return exact_decimal(stated.mantissa, stated.exponent) if stated.mantissa else None
    if isinstance(capital, FixedPoint):
        capital = exact_decimal(capital.mantissa, capital.exponent)
    found = None
    if isinstance(capital, (int, float, str, Decimal)) and not isinstance(capital, bool):
        try:
            found = Decimal(str(capital))
        except ArithmeticError:
            found = None
    if found is None or not found.is_finite() or not Decimal(0) < found < Decimal("1e18"):
        raise InputError(
            "capital", f"was {shown(capital)}, expected a number above 0 and below 1e18"
        )
    return found
