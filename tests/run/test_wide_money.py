"""Cheap coins in huge quantities: products on the way leave 128 bits, the money does not."""

from fractions import Fraction

import pytest

from quantlaxmi._ext._accounts_check import KernelAccount
from quantlaxmi.execution.costs import CostModel, Impact
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint, int128_to_int
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import RATE_EXPONENT, RiskRule
from tests import traded, twins
from tests.cases import Case
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive import impact as naive_impact
from tests.naive import ledger as naive_ledger
from tests.naive.engine import Decision, Leg

UNIT = 10**8
#: Of a coin at 1e-5, all at eight decimals: 2e9 of them are 20,000 USDT.
PRICE, HELD = 1_000, 2 * 10**9 * UNIT


def cheap(n: int = 8) -> MarketBuilder:
    builder = MarketBuilder().quote(0, PRICE - 1, 9 * HELD, PRICE, 9 * HELD)
    builder.quote(1, PRICE - 1, 9 * HELD, PRICE, 9 * HELD)
    for k in range(n):
        builder.wait(10).quote(k % 2, PRICE + k % 3, 9 * HELD, PRICE + 3, 9 * HELD)
    return builder


def parts(instrument: int, side: int, pieces: list[int]) -> dict[int, Decision]:
    """Open all of it, then close it piece by piece."""
    made = {1: Decision((Leg(instrument, side, sum(pieces)),))}
    for k, qty in enumerate(pieces):
        made[2 + k] = Decision((Leg(instrument, -side, qty),))
    return made


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("instrument", [0, 1])
@pytest.mark.parametrize("pieces", [[UNIT * 10**9, UNIT * 10**9], [HELD // 3, 1, 7 * UNIT, 10**17]])
def test_partial_closes_of_a_cheap_coin(instrument, side, pieces) -> None:
    run, _ = twins.check_case(
        Case("cheap", cheap().tables(), parts(instrument, side, pieces), universe="binance")
    )
    assert run.n_fills == 1 + len(pieces)
    assert run.exact.accounts[instrument].position == 0
    assert run.exact.accounts[instrument].cost == 0


def test_funding_of_a_cheap_coin() -> None:
    """Position times mark times rate leaves 128 bits; the payment is exact."""
    builder = MarketBuilder().quote(0, PRICE, HELD, PRICE + 1, HELD)
    builder.quote(1, PRICE, 9 * HELD, PRICE + 1, 9 * HELD)
    at = builder.ts_ns + 50
    builder.wait(5).funding(1, 10**11, 75 * 10**8, at)
    builder.wait(100).quote(1, PRICE, HELD, PRICE + 1, HELD)
    case = Case("paid", builder.tables(), {1: Decision((Leg(1, 1, 4 * HELD),))}, universe="binance")
    run, _ = twins.check_case(case)
    (paid,) = twins.rows_of(run.exact.funding)
    assert abs(paid["position"] * paid["mark"] * paid["rate"]) > 2**127
    assert paid["amount"] == -round(Fraction(4 * HELD * 10**11 * 75 * 10**8, 10**-RATE_EXPONENT))


def test_fees_of_many_digits() -> None:
    """price * quantity * num / den with a numerator of many digits."""
    model = traded.costs("999.12345678", "999.87654321")
    case = Case(
        "fees",
        cheap().tables(),
        parts(1, 1, [HELD, 3]),
        universe="binance",
        costs=model,
        latency_ns=0,
    )
    twins.check_case(case)


def test_a_notional_beyond_the_ledger_is_refused_not_an_error() -> None:
    limits = RiskLimits(max_notional=FixedPoint.from_text("1e9"))
    most = 2**63 - 1
    builder = MarketBuilder().quote(0, most // 10 - 2, most, most // 10, most)
    builder.quote(1, PRICE, HELD, PRICE + 1, HELD)
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["binance"])
    least = CostModel(
        rates=traded.COSTS[3].rates,
        min_notional={"spot": FixedPoint.from_text("5")},
        fee_exponent=-18,
    )
    run = backtest(
        segment,
        twins.script({1: Decision((Leg(0, 1, most),))}),
        costs=least,
        limits=limits,
        latency_ns=0,
    )
    (row,) = twins.rows_of(run.exact.risk)
    assert (row["rule"], row["value"]) == (RiskRule.MAX_NOTIONAL, most)
    assert run.n_fills == 0


@pytest.mark.parametrize("scale", [1, 10, 10**6, 10**12])
@pytest.mark.parametrize("closing", [1, 2, HELD // 2, HELD - 1, HELD // 3])
def test_kernel_accounts_split_what_128_bits_cannot_hold(scale, closing) -> None:
    fills = [(1, HELD, PRICE), (1, 1, PRICE + 1), (-1, closing, PRICE + 3), (-1, HELD, PRICE - 2)]
    kernel = KernelAccount(scale)
    for side, qty, price in fills:
        assert kernel.fill(side, qty, price, 0) == 0
    position, cost, realized, _, _ = kernel.state()
    expected = naive_ledger.account(fills, scale)
    assert (position, int128_to_int(*cost), int128_to_int(*realized)) == (
        expected["position"],
        expected["cost"],
        expected["realized"],
    )


@pytest.mark.parametrize("side", [1, -1])
def test_impact_on_a_high_price(side) -> None:
    """price * rate leaves 128 bits and the moved price fits."""
    price, touch, qty = 10**17, 3, 10**9
    builder = MarketBuilder().quote(0, price, touch, price + 1, touch)
    builder.wait(1).quote(0, price, touch, price + 1, touch)
    model = CostModel(
        rates=traded.COSTS[3].rates,
        impact={"spot": Impact(root_bps=FixedPoint.from_text("0.5"))},
    )
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["binance"])
    run = backtest(
        segment, twins.script({0: Decision((Leg(0, side, qty),))}), costs=model, latency_ns=0
    )
    (fill,) = twins.rows_of(run.exact.fills)
    shown = price + 1 if side > 0 else price
    assert fill["price"] == naive_impact.moved(
        shown, side, qty, touch, (Fraction(0), Fraction(1, 2))
    )
