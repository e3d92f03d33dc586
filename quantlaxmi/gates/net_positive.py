"""Net positive: does the strategy earn anything after the policy's costs?"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.results import GateResult, Json, Verdict, decimal_text, inconclusive, rounded

__all__ = ["Amounts", "evaluate"]

GATE = "net_positive"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Totals of a run, attribution scale.

    Attributes
    ----------
    gross : int
        Mid to mid, an open position marked at the last mid.
    slippage, fees : int
        Costs are positive.
    funding : int
        Received is positive.
    notional : int
        Of all fills, at their prices.
    fills : int
    """

    gross: int
    slippage: int
    fees: int
    funding: int
    notional: int
    fills: int

    @property
    def net(self) -> int:
        """What the ledger shows."""
        return self.gross - self.slippage - self.fees + self.funding

    def stressed(self, fee_multiplier: Fraction, extra_slippage_bps: Fraction) -> Fraction:
        """Net with fees multiplied and a share of every fill's notional taken off."""
        return (
            self.gross
            - self.slippage
            - self.fees * fee_multiplier
            + self.funding
            - self.notional * extra_slippage_bps / 10_000
        )


def evaluate(context: GateContext, amounts: Amounts) -> GateResult:
    """Net PnL after the policy's costs is above zero (guard).

    Not a test: it has no null hypothesis and rejects nothing. It keeps a strategy from passing
    whose timing beats chance but does not pay for its trading. Fees are multiplied by the
    policy's `fee_multiplier`, and `extra_slippage_bps` of the notional of every fill are taken
    off; funding counts.

    Cannot see: luck; that is what the tests are for.

    Parameters
    ----------
    context : GateContext
    amounts : Amounts

    Returns
    -------
    GateResult
    """
    policy = context.policy
    exponent = context.decision_points.ledger_exponent - 1
    net = amounts.stressed(Fraction(policy.fee_multiplier), Fraction(policy.extra_slippage_bps))
    trips = len(context.path.trips)
    details: dict[str, Json] = {
        "trips": trips,
        "fills": amounts.fills,
        "gross": decimal_text(amounts.gross, exponent),
        "slippage": decimal_text(amounts.slippage, exponent),
        "fees": decimal_text(amounts.fees, exponent),
        "funding": decimal_text(amounts.funding, exponent),
        "net": decimal_text(amounts.net, exponent),
        "net_after_policy_costs": rounded(float(net * Fraction(10) ** exponent)),
    }
    if few := context.too_few_trips():
        return inconclusive(GATE, "guard", few, details)
    verdict = Verdict.PASS if net > 0 else Verdict.FAIL
    reason = (
        f"Net PnL is {float(net * Fraction(10) ** exponent):.9g} after the policy's costs, "
        "the limit is above 0."
    )
    return GateResult(GATE, "guard", verdict, (reason,), None, details)
