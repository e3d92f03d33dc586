"""Net positive: does the strategy earn anything after the policy's costs?"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from quantlaxmi.gates.carried_by import carried_by, what_to_change
from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.gate import Gate
from quantlaxmi.gates.results import GateResult, Json, ResultSpec, Verdict, decimal_text, rounded
from quantlaxmi.settings import Bounds, Settings

__all__ = ["GATE", "evaluate"]

RESULT = ResultSpec("net_positive", "guard")


class NetPositiveSettings(Settings, frozen=True, kw_only=True):
    """What ``[net_positive]`` holds.

    Attributes
    ----------
    fee_multiplier : Decimal
        Multiplies every fee.
    extra_slippage_bps : Decimal
        Taken off the notional of every fill.
    """

    fee_multiplier: Annotated[Decimal, Bounds(ge=0, le=1000)] = Decimal(1)
    extra_slippage_bps: Annotated[Decimal, Bounds(ge=0, le=10_000)] = Decimal(0)


def evaluate(context: GateContext) -> list[GateResult]:
    """Net PnL after the policy's costs is above zero (guard).

    Not a test: it has no null hypothesis and rejects nothing. It keeps a strategy from passing
    whose timing beats chance but does not pay for its trading. Fees are multiplied by the
    policy's `fee_multiplier`, and `extra_slippage_bps` of the notional of every fill are taken
    off; funding, interest on borrowed spot and rounding of contract notes count.

    Cannot see: luck; that is what the tests are for.

    Parameters
    ----------
    context : GateContext

    Raises
    ------
    Inconclusive
        Below the policy's number of round trips, and of a premium's events.
    """
    settings, amounts = context.settings(NetPositiveSettings), context.amounts
    exponent = context.ledger_exponent - 1
    net = amounts.stressed(Fraction(settings.fee_multiplier), Fraction(settings.extra_slippage_bps))
    details: dict[str, Json] = {
        "trips": context.n_trips,
        "fills": amounts.fills,
        "gross": decimal_text(amounts.gross, exponent),
        "slippage": decimal_text(amounts.slippage, exponent),
        "fees": decimal_text(amounts.fees, exponent),
        "funding": decimal_text(amounts.funding, exponent),
        "borrow": decimal_text(amounts.borrow, exponent),
        **({"rounding": decimal_text(amounts.rounding, exponent)} if amounts.notes else {}),
        "net": decimal_text(amounts.net, exponent),
        "net_after_policy_costs": rounded(float(net * Fraction(10) ** exponent)),
    }
    context.require_trades(details)
    verdict = Verdict.PASS if net > 0 else Verdict.FAIL
    amount = float(net * Fraction(10) ** exponent)
    reason = f"Net PnL after the policy's costs: {amount:.9g}, limit above 0."
    reason += f" {carried_by(amounts, exponent)}"
    if verdict is Verdict.FAIL:
        reason += f" {what_to_change(amounts)}."
    return [RESULT.result(verdict, reason, None, details)]


GATE = Gate("net_positive", "g2", (RESULT,), NetPositiveSettings, evaluate)
