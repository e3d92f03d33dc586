"""Fees that buys of spot pay in base: engine and twin, dust, closes, trims, the ledger."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.schema import FillFlag, OrderAction
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


def in_base(case: Case, costs: CostModel, universe: str, nets: int = 0) -> Case:
    """The case with fees in base; its own limits are of its own universe.

    With ``nets`` every so many-th order at the market is a net order.
    """
    limits = case.limits if universe == case.universe else traded.NO_LIMITS
    schedule = dict(case.schedule)
    for call, decision in schedule.items() if nets else ():
        legs = tuple(
            replace(leg, action=OrderAction.NEW_NET)
            if leg.action == leg.order_type == 0 and (call + k) % nets == 0
            else leg
            for k, leg in enumerate(decision.legs)
        )
        schedule[call] = replace(decision, legs=legs)
    return replace(case, costs=costs, universe=universe, limits=limits, schedule=schedule)


@settings(max_examples=examples(500), deadline=None)
@given(CASES, COSTS, UNIVERSES, st.integers(0, 2))
def test_the_engine_is_its_twin(case, costs, universe, nets):
    run, _ = twins.check_case(in_base(case, costs, universe, nets))
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
    assert run.exact.cash["USDT"] == -4_000_999 * 101
    assert run.exact.accounts[0].cost == 3_996_999 * 101
    assert run.exact.accounts[0].fees == 4000 * 101


def test_fees_do_not_depend_on_how_an_order_was_split():
    """A thousand buys of two units pay what one of two thousand pays, at the same price."""
    quotes = MarketBuilder().quote(0, 99, 10**9, 101, 10**9)
    for _ in range(1000):
        quotes = quotes.wait(10).quote(0, 99, 10**9, 101, 10**9)
    one = bought(flatten=False)
    schedule = {k: Decision((Leg(0, 1, 2),)) for k in range(1000)}
    run, _ = twins.check_case(replace(one, tables=quotes.tables(), schedule=schedule))
    assert run.exact.accounts[0].position == 1998
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
        assert run.exact.accounts[0].position == 0


NET = OrderAction.NEW_NET


def traded_net(*qtys: int, universe: str = "lots", model: int = 0, **options) -> Case:
    """One net order after the other, of signed quantities of spot."""
    market = MarketBuilder().quote(0, 99, 10**9, 101, 10**9).quote(1, 99, 10**9, 101, 10**9)
    for k in range(len(qtys) + 1):  # prices move, so that what was taken is forgotten
        market = market.wait(10).quote(0, 98 + k % 2, 10**9, 102 - k % 2, 10**9)
    schedule = {
        2 + k: Decision((Leg(0, 1 if qty > 0 else -1, abs(qty), action=NET),))
        for k, qty in enumerate(qtys)
    }
    costs = traded.BASE_COSTS[model]
    return Case("net", market.tables(), schedule, universe=universe, costs=costs, **options)


@example(qtys=[1990], universe="fine spot", model=2)  # 2205 leave less than 2200
@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.integers(-5000, 5000).filter(bool).map(lambda n: 10 * n), min_size=1, max_size=9),
    st.sampled_from(["lots", "binance", "coarse", "fine lots", "fine spot"]),
    st.integers(0, 4),
)
def test_a_net_order_changes_the_position_by_what_it_asks_for(qtys, universe, model):
    run, engine = twins.check_case(traded_net(*qtys, universe=universe, model=model))
    assert run.exact.accounts[0].position == sum(qtys)
    ordered = run.exact.legs["side"] * run.exact.legs["qty"]
    assert (abs(ordered) >= abs(sum(qtys[-1:]))).any()
    assert (run.exact.legs["action"] == OrderAction.NEW).all()
    assert engine.legs[0]["qty"] >= abs(qtys[0])


def test_a_net_order_buys_what_is_due_and_no_more():
    """Of 600 units at 10 bps 0.6 are owed: every second buy or so takes a whole one."""
    case = traded_net(*[600, -600] * 5, universe="coarse")
    run, _ = twins.check_case(case)
    bought = run.exact.legs["qty"][::2].tolist()
    assert bought == [600, 601, 600, 601, 601]
    assert run.exact.accounts[0].position == 0


def test_without_a_fee_in_base_a_net_order_is_an_order():
    plain = {2: Decision((Leg(0, 1, 1000),))}
    for costs in (traded.COSTS[0], traded.BASE_COSTS[4]):
        case = replace(traded_net(1000), costs=costs)
        net, _ = twins.check_case(case)
        new, _ = twins.check_case(replace(case, schedule=plain))
        assert net.trace.trace_hash == new.trace.trace_hash
        assert net.trace.outcome_hash == new.trace.outcome_hash


def test_a_net_order_that_covers_is_a_close_for_every_limit():
    """What it takes for the fee opens nothing: a limit on positions does not meet it."""
    limits = RiskLimits.from_mapping({"max_position": "0.0001"}, "risk")
    case = traded_net(-10_000, 10_000, 10_000, universe="binance", limits=limits)
    run, _ = twins.check_case(case)
    assert [row["rule"] for row in twins.rows_of(run.exact.risk)] == []
    assert run.exact.accounts[0].position == 10_000
    more, _ = twins.check_case(traded_net(10_001, universe="binance", limits=limits))
    assert len(more.exact.risk) == 1
