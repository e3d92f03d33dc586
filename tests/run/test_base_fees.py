"""Fees that buys of spot pay in base: engine and twin, dust, closes, trims, the ledger."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.schema import FillFlag
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg
from tests.run.test_engine_properties import same_runs
from tests.run.test_loss_close import limited
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases

COSTS = st.sampled_from(traded.BASE_COSTS)
UNIVERSES = st.sampled_from(["binance", "coarse", "lots", "fine lots", "fine spot"])
CASES = st.one_of(random_cases(80, slow=True), order_cases(80)).filter(
    lambda case: len(case.instruments) == 2
)


def in_base(case: Case, costs: CostModel, universe: str) -> Case:
    """The case with fees in base; its own limits are of its own universe."""
    limits = case.limits if universe == case.universe else traded.NO_LIMITS
    return replace(case, costs=costs, universe=universe, limits=limits)


@settings(max_examples=examples(500), deadline=None)
@given(CASES, COSTS, UNIVERSES)
def test_the_engine_is_its_twin(case, costs, universe):
    run, _ = twins.check_case(in_base(case, costs, universe))
    run.table("ledger")


@settings(max_examples=examples(200), deadline=None)
@given(CASES, COSTS, UNIVERSES, st.sampled_from(["0.5", "100", "1000"]))
def test_closes_are_what_can_be_sold(case, costs, universe, loss):
    limits = RiskLimits.from_mapping({"max_loss": loss, "on_max_loss": "close"}, "risk")
    twins.check_case(limited(in_base(case, costs, universe), limits))


@settings(max_examples=examples(60), deadline=None)
@given(CASES, COSTS, UNIVERSES, st.lists(st.integers(0, 120), max_size=9))
def test_replay_in_batches_equals_backtest(case, costs, universe, cuts):
    case = in_base(case, costs, universe)
    (whole, seen), (pieces, again) = twins.run_case(case), twins.run_case(case, cuts)
    same_runs(whole, pieces)
    assert seen == again


def bought(universe: str = "fine lots", qty: int = 4_000_000, **options) -> Case:
    """Bought at 101, all that can be sold again at 199, at no latency."""
    market = MarketBuilder().quote(0, 99, 10**9, 101, 10**9).quote(1, 99, 10**9, 101, 10**9)
    for _ in range(3):
        market = market.wait(10).quote(0, 199, 10**9, 202, 10**9)
    schedule = {1: Decision((Leg(0, 1, qty),))}
    options = {"costs": traded.BASE_COSTS[0], "flatten": True, **options}
    return Case("bought", market.wait(10).tables(), schedule, universe=universe, **options)


def test_a_buy_is_a_buy_of_what_it_left_and_a_fee_at_its_price():
    run, _ = twins.check_case(bought(qty=4_000_999, flatten=False))
    [fill] = twins.rows_of(run.exact.fills)
    assert fill["flags"] & FillFlag.BASE_FEE
    assert (fill["qty"], fill["position"], fill["fee"]) == (3_996_999, 3_996_999, 4000 * 101)
    assert twins.rows_of(run.exact.orders)[-1]["filled_qty"] == 4_000_999
    assert run.cash["USDT"] == -4_000_999 * 101
    assert run.accounts[0].cost == 3_996_999 * 101
    assert run.accounts[0].fees == 4000 * 101


def test_fees_do_not_depend_on_how_an_order_was_split():
    """A thousand buys of two units pay what one of two thousand pays, at the same price."""
    quotes = MarketBuilder().quote(0, 99, 10**9, 101, 10**9)
    for _ in range(1000):
        quotes = quotes.wait(10).quote(0, 99, 10**9, 101, 10**9)
    one = bought(flatten=False)
    schedule = {k: Decision((Leg(0, 1, 2),)) for k in range(1000)}
    run, _ = twins.check_case(replace(one, tables=quotes.tables(), schedule=schedule))
    assert run.accounts[0].position == 1998
    assert run.exact.fills["qty"].sum() == 1998


def test_a_buy_of_one_unit_pays_in_quote():
    run, _ = twins.check_case(bought("coarse", qty=1, flatten=False, costs=traded.BASE_COSTS[2]))
    [fill] = twins.rows_of(run.exact.fills)
    assert (fill["qty"], fill["flags"], fill["fee"] > 0) == (1, 0, True)


def test_where_the_lot_is_known_all_that_is_received_can_be_sold():
    """A fee of 49.38 units of lots of two takes 48; the rest stays owed."""
    assert traded.STEPPED["lots"][0].lot == 2
    run, _ = twins.check_case(bought("lots", 4_000_000, costs=traded.BASE_COSTS[1]))
    received, sold = twins.rows_of(run.exact.fills)
    assert (received["position"], sold["qty"], sold["position"]) == (3_999_952, 3_999_952, 0)


def test_a_short_is_bought_back_with_what_the_fee_takes():
    case = bought("lots", costs=traded.BASE_COSTS[2])
    run, _ = twins.check_case(replace(case, schedule={1: Decision((Leg(0, -1, 1000),))}))
    fills = twins.rows_of(run.exact.fills)
    # 1110 pay 110.99999999, of which 110 are whole; 1108 would leave 998.
    assert twins.rows_of(run.exact.orders)[-1]["filled_qty"] == 1110
    assert (fills[1]["side"], fills[1]["qty"], fills[1]["position"]) == (1, 1000, 0)


def test_a_rebate_is_paid_in_quote():
    model = traded.BASE_COSTS[3]
    assert model.rates["spot"].maker_bps.mantissa < 0
    limit = Leg(0, 1, 10, order_type=1, limit_price=100)
    market = MarketBuilder().quote(0, 99, 50, 101, 50)
    for price in (101, 99, 99):
        market = market.wait(10).trade(0, price, 500, -1)
    schedule = {0: Decision((limit,), bundle=False)}
    run, _ = twins.check_case(
        Case("rebate", market.tables(), schedule, universe="coarse", costs=model)
    )
    [fill] = twins.rows_of(run.exact.fills)
    assert (fill["position"], fill["flags"]) == (10, FillFlag.MAKER)


def test_a_bundle_of_which_one_leg_fills_nothing_ends_flat():
    """All that a buy received is sold again; a sale is bought back with what the fee takes."""
    for side in (1, -1):
        market = MarketBuilder().quote(0, 99, 10**9, 101, 10**9).quote(1, 99, 10**9, 101, 10**9)
        market = market.wait(1).quote(1, 0, 0, 0, 0)
        for _ in range(4):
            market = market.wait(10).quote(0, 99, 10**9, 101, 10**9)
        schedule = {1: Decision((Leg(0, side, 4_000_000), Leg(1, -side, 3)))}
        case = bought("binance", flatten=False, latency_ns=5)
        run, _ = twins.check_case(replace(case, tables=market.tables(), schedule=schedule))
        assert run.n_fills == 2
        assert run.accounts[0].position == 0
