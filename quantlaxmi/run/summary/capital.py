"""Return and drawdown, as shares of the capital that the limits state."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from quantlaxmi.execution.risk import risk_exponent
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import RiskRule

#: What is said of a run whose limits state none.
NO_CAPITAL: Final = SummaryLine("capital", "no capital stated")


def capital_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield return and drawdown of the stated capital and margin calls, or that none is stated."""
    records = run.records
    use, exponent = records.capital, records.ledger_exponent - 1
    if use is None:
        yield NO_CAPITAL
        return
    currency, net = next(iter(records.cash)), records.net_pnl
    money = {
        name: decimal_text(value, exponent)
        for name, value in (
            ("capital", use.capital),
            ("net_pnl", net),
            ("drawdown", use.drawdown),
            ("most_margin_used", use.most_used),
        )
    }
    leverage = decimal_text(
        run.config.limits.leverage.mantissa, run.config.limits.leverage.exponent
    )
    made, fell = _percent(net, use.capital), _percent(use.drawdown, use.capital)
    yield SummaryLine(
        "capital",
        f"return {made} % and largest drawdown {fell} % of the stated capital",
        f"{money['capital']} {currency} at leverage {leverage}, margin used at most "
        f"{_percent(use.most_used, use.capital)} % of it",
        figures={**money, "leverage": leverage},
    )
    calls = records.risk[(records.risk["rule"] == RiskRule.MARGIN_CALL)]
    for row in calls[calls["decision"] < 0]:
        one = records.instruments[row["instrument"]]
        at = risk_exponent(RiskRule.MARGIN_CALL, one, records.ledger_exponent)
        equity, used = (decimal_text(int(row[name]), at) for name in ("value", "limit"))
        yield SummaryLine(
            "capital",
            "margin call[s]",
            f"equity {equity} {currency} was below margin used {used}; all was closed and nothing "
            "sent after it",
            1,
            figures={"equity": equity, "margin_used": used},
        )


def _percent(part: int, whole: int) -> str:
    """Exact to four decimals, half to even."""
    return decimal_text(round(Fraction(part * 10**6, whole)), -4)
