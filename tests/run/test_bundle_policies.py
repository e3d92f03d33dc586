"""Bundles with units and a policy, legs that arrive one after another: by hand and by the twin."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.execution.costs import CostModel, FeeRate
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.importers.nse.contracts import IST, contract, ns_of
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import BundlePolicy, FillFlag, InstrumentKind, OrderReason, RiskRule
from quantlaxmi.venues import nse
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import START_NS, MarketBuilder
from tests.naive.engine import Decision, Leg
from tests.run.test_chain_runs import chain_cases
from tests.run.test_latency_engine import MODELS, naive_late, run_late

SEEDS = st.integers(0, 2**32)
POLICIES = ("all_or_none", "whole_units", "legs")
ONE_CURRENCY = ("binance", "coarse", "contracts", "lots", "fine lots")
OPTIONS = (InstrumentKind.CALL, InstrumentKind.PUT)


def flat_costs(bps: int) -> CostModel:
    rate = FeeRate(maker_bps=FixedPoint(bps, 0), taker_bps=FixedPoint(bps, 0))
    return CostModel(rates=dict.fromkeys(OPTIONS, rate))


FREE, DEAR = flat_costs(0), flat_costs(7)


@dataclass(frozen=True)
class ChainCase(Case):
    """A case whose instruments are its own."""

    listed: tuple[Instrument, ...] = ()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return self.listed


def options(n: int, lot: int = 25, **other: int) -> tuple[Instrument, ...]:
    """``n`` options in paise, in units of the index."""
    return tuple(
        traded.instrument(
            f"O{k}", OPTIONS[k % 2], -2, 0, lot=other.get(f"lot{k}", lot), currency="INR"
        )
        for k in range(n)
    )


def run_of(
    listed: tuple[Instrument, ...],
    market: MarketBuilder,
    decision: Decision,
    call: int | None = None,
    **terms: object,
):
    """The run, checked against the twin; the decision is made at the last opening quote."""
    at = len(listed) - 1 if call is None else call
    costs = terms.pop("costs", FREE)
    case = ChainCase("bundle", market.tables(), {at: decision}, costs=costs, listed=listed, **terms)
    return twins.check_case(case)[0]


def quoted(sizes: list[int], bid: int = 10_000, ask: int = 10_050) -> MarketBuilder:
    market = MarketBuilder()
    for k, size in enumerate(sizes):
        market.quote(k, bid, size, ask, size)
    return market


def bought(quantities: list[int], policy: str, units: int = 1) -> Decision:
    legs = tuple(Leg(k, 1, qty) for k, qty in enumerate(quantities))
    return Decision(legs, policy=policy, units=units)


def positions(run) -> list[int]:
    return [account.position for account in run.exact.accounts]


# --- a bundle of 5:3 lots that meets 2:2:2:3 ----------------------------------------------------

#: Two straddles: five lots of the front and three of the back, calls and puts.
WANTED = [5 * 25, 3 * 25, 5 * 25, 3 * 25]
SHOWN = [2 * 25, 2 * 25, 2 * 25, 3 * 25]


def five_to_three(policy: str):
    market = quoted(SHOWN).wait(5)
    for k in range(4):
        market.quote(k, 9_900, 500, 9_950, 500)
    market.wait(5).quote(0, 9_900, 500, 9_950, 500)
    return run_of(options(4), market, bought(WANTED, policy))


def test_matched_legs_of_five_to_three_are_left_standing_at_two_to_two():
    run = five_to_three("")
    assert positions(run) == [50, 50, 50, 50]
    assert len(run.exact.bundles) == 0
    assert RiskRule.TRIM_REST in run.exact.risk["rule"]


def test_all_or_none_leaves_nothing_standing():
    run = five_to_three("all_or_none")
    assert positions(run) == [0, 0, 0, 0]
    (row,) = twins.rows_of(run.exact.bundles)
    assert row["policy"] == BundlePolicy.ALL_OR_NONE
    assert (row["units_wanted"], row["units_filled"], row["legs_short"]) == (1, 0, 3)
    # Sold at 100.00 what the decision saw at 100.25: 0.25 for each of 50 + 50 + 50 + 75.
    assert row["cost"] * Fraction(10) ** (run.ledger_exponent - 1) == Fraction(225, 4)
    table = run.bundles()
    assert table["policy"] == ["ALL_OR_NONE"] and table["currency"] == ["INR"]
    assert table["cost"] == [Decimal("56.25")] and table["legs"] == [4]
    fills = run.exact.fills
    hedged = fills[(fills["flags"] & FillFlag.HEDGE_OUT) != 0]
    assert hedged["qty"].tolist() == [50, 50, 50, 75]
    reasons = run.exact.orders["reason"].tolist()
    assert reasons.count(OrderReason.HEDGE_OUT) == 4
    assert OrderReason.TRIM not in reasons


def test_the_summary_says_how_many_units_are_kept():
    lines = [line for line in five_to_three("all_or_none").summary() if line.section == "bundles"]
    assert str(lines[0]).startswith("1 of 1 bundle keeps fewer units than it wanted")
    assert lines[0].figures == {"units_wanted": "1", "units_kept": "0"}


def test_legs_keep_what_each_filled():
    run = five_to_three("legs")
    assert positions(run) == SHOWN
    (row,) = twins.rows_of(run.exact.bundles)
    assert (row["units_filled"], row["legs_short"], row["cost"]) == (0, 3, 0)


def test_whole_units_keep_as_many_as_every_leg_filled():
    shown = [11 * 25, 6 * 25, 10 * 25, 7 * 25]  # two units of 5:3:5:3, and some
    market = quoted(shown).wait(5)
    for k in range(4):
        market.quote(k, 9_900, 500, 9_950, 500)
    run = run_of(options(4), market, bought(WANTED, "whole_units", units=3))
    assert positions(run) == [2 * qty for qty in WANTED]
    (row,) = twins.rows_of(run.exact.bundles)
    assert (row["units_wanted"], row["units_filled"], row["legs_short"]) == (3, 2, 4)
    assert run.exact.legs["qty"].tolist() == [3 * qty for qty in WANTED]
    assert run.exact.decisions["units"].tolist() == [3]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_bundle_that_fills_whole_is_kept_whole(policy):
    run = run_of(options(4), quoted([600] * 4), bought(WANTED, policy, units=4))
    assert positions(run) == [4 * qty for qty in WANTED]
    (row,) = twins.rows_of(run.exact.bundles)
    assert (row["units_filled"], row["legs_short"], row["cost"]) == (4, 0, 0)


# --- sizes, lots, refusals ----------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("step", [0, 2])
def test_thirty_legs(policy, step):
    r = Random(policy)
    market = quoted([25 * r.randrange(1, 9) for _ in range(30)])
    for _ in range(40):
        market.wait(2).quote(r.randrange(30), 10_000 + r.randrange(50), 500, 10_100, 500)
    decision = bought([25 * r.randrange(1, 4) for _ in range(30)], policy, units=2)
    run = run_of(options(30), market, decision, leg_latency_ns=step, costs=DEAR)
    assert len(run.exact.legs) == 30
    assert len(run.exact.bundles) == 1


def test_lots_of_25_and_75_in_one_bundle():
    listed = options(2, lot0=25, lot1=75)
    shown = (
        quoted([60, 200]).wait(1).quote(0, 9_900, 500, 9_950, 500).quote(1, 9_900, 500, 9_950, 1)
    )
    run = run_of(listed, shown, bought([25, 75], "whole_units", units=4))
    # Of 60 and 200 that are displayed whole lots are filled, 50 and 150: two units.
    assert positions(run) == [50, 150]
    assert run.exact.bundles["units_filled"].tolist() == [2]
    assert len(run.exact.risk) == 0


def test_lots_of_25_and_75_on_one_day_of_2025_01():
    """On 2025-01-06 the monthly of 2025-01-30 has lots of 25, as listed before; the next one 75."""
    day, ends = date(2025, 1, 6), (date(2025, 1, 30), date(2025, 2, 6))
    lots = [nse.lot("NIFTY", end, day) for end in ends]
    assert lots == [25, 75]
    listed = tuple(
        contract("NIFTY", end, 2_370_000, "CE", lot=lot)
        for end, lot in zip(ends, lots, strict=True)
    )
    at = ns_of(datetime(2025, 1, 6, 10, tzinfo=IST))
    shown = MarketBuilder(ts_ns=at).quote(0, 20_000, 130, 20_050, 130)
    shown.quote(1, 30_000, 240, 30_050, 240).wait(1).quote(0, 20_000, 500, 20_050, 500)
    legs = Decision((Leg(0, -1, 75), Leg(1, 1, 75)), policy="whole_units", units=2)
    run = run_of(listed, shown.quote(1, 30_000, 500, 30_050, 500), legs)
    # Five whole lots of 130 are one unit of 75 and a rest, which is traded out.
    assert positions(run) == [-75, 75]
    assert run.exact.bundles["units_filled"].tolist() == [1]
    assert len(run.exact.risk) == 0
    wrong = Decision((Leg(0, -1, 50), Leg(1, 1, 50)), policy="whole_units")
    [refusal] = twins.rows_of(run_of(listed, shown, wrong).exact.risk)
    assert (refusal["rule"], refusal["limit"], refusal["instrument"]) == (RiskRule.LOT, 75, 1)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_unit_is_of_whole_lots(policy):
    run = run_of(options(2), quoted([500, 500]), bought([25, 10], policy, units=5))
    assert positions(run) == [0, 0]
    (refusal,) = twins.rows_of(run.exact.risk)
    assert (refusal["rule"], refusal["value"], refusal["limit"]) == (RiskRule.LOT, 10, 25)
    (row,) = twins.rows_of(run.exact.bundles)
    assert (row["units_wanted"], row["units_filled"], row["legs_short"]) == (5, 0, 2)


def test_a_leg_that_is_refused_by_risk_refuses_the_bundle():
    limits = RiskLimits.from_mapping({"symbols": {"O1": {"max_position": "50"}}})
    decision = bought([25, 25], "legs", units=3)
    run = run_of(options(2), quoted([500, 500]), decision, limits=limits)
    assert positions(run) == [0, 0]
    assert run.exact.orders["reason"].tolist().count(OrderReason.REFUSED) == 2
    assert run.exact.bundles["legs_short"].tolist() == [2]


@pytest.mark.parametrize(
    ("policy", "left"), [("all_or_none", [0, 0]), ("whole_units", [0, 0]), ("legs", [50, 0])]
)
def test_a_leg_whose_book_is_not_valid_at_arrival(policy, left):
    market = quoted([500, 500]).quote(1, 0, 0, 10_050, 500).wait(3).quote(0, 10_000, 500, 10_050, 9)
    run = run_of(options(2), market, bought([50, 50], policy), latency_ns=0)
    assert positions(run) == left
    assert OrderReason.BOOK_INVALID in run.exact.orders["reason"]
    assert run.exact.bundles["legs_short"].tolist() == [1]


# --- legs one after another ---------------------------------------------------------------------


def test_each_leg_meets_the_book_as_it_then_stands():
    market = quoted([500, 500, 500]).wait(4)
    for bid in (10_100, 10_200, 10_300):
        for k in range(3):
            market.quote(k, bid, 500, bid + 50, 500)
        market.wait(4)
    decision = bought([25, 25, 25], "all_or_none")
    run = run_of(options(3), market, decision, latency_ns=1, leg_latency_ns=4)
    fills = run.exact.fills
    assert (fills["ts_ns"] - START_NS).tolist() == [1, 5, 9]
    assert fills["price"].tolist() == [10_050, 10_150, 10_250]
    assert run.exact.bundles["ts_ns"].tolist() == [START_NS + 9]


def test_what_one_leg_lacks_is_traded_out_after_the_last_has_arrived():
    market = quoted([500, 10, 500]).wait(4)
    for k in (0, 2):
        market.quote(k, 9_000, 500, 9_050, 500)
    market.wait(4).quote(0, 8_000, 500, 8_050, 500).wait(9)
    market.quote(0, 7_000, 500, 7_050, 500).wait(9).quote(0, 6_000, 1, 6_050, 1)
    decision = bought([25, 25, 25], "whole_units")
    run = run_of(options(3, lot=5), market, decision, latency_ns=2, leg_latency_ns=4)
    assert positions(run) == [0, 0, 0]
    fills = run.exact.fills
    hedged = (fills["flags"] & FillFlag.HEDGE_OUT) != 0
    # The last arrives at 2 + 2 * 4, its order back two later.
    assert (fills["ts_ns"][hedged] - START_NS).tolist() == [12, 12, 12]
    assert fills["price"][hedged].tolist() == [8_000, 10_000, 9_000]


def test_data_that_end_between_two_legs_leave_the_first_and_say_so():
    market = quoted([500, 500]).wait(4).quote(0, 10_000, 500, 10_050, 500)
    decision = bought([25, 25], "all_or_none")
    run = run_of(options(2), market, decision, latency_ns=1, leg_latency_ns=10)
    assert positions(run) == [25, 0]
    (row,) = twins.rows_of(run.exact.bundles)
    assert (row["units_filled"], row["legs_short"], row["cost"]) == (0, 1, 0)
    (short,) = twins.rows_of(run.exact.risk)
    assert (short["rule"], short["value"]) == (RiskRule.TRIM_SHORT, 25)
    assert OrderReason.END_OF_DATA in run.exact.orders["reason"]


# --- against the twin ---------------------------------------------------------------------------


def with_policies(schedule: random_markets.Schedule, seed: int) -> random_markets.Schedule:
    """The same bundles, most of them with units and a policy, some legs immediate or cancel."""
    r, found = Random(seed), dict(schedule)
    limit = {"order_type": 1, "limit_price": 1_004, "time_in_force": 1}
    for call, decision in schedule.items():
        if decision.bundle and r.random() < 0.8:
            units, policy = r.choice((1, 1, 2, 3, 7)), r.choice(POLICIES)
            legs = tuple(replace(x, **limit) if r.random() < 0.2 else x for x in decision.legs)
            found[call] = replace(decision, legs=legs, units=units, policy=policy)
    return found


@st.composite
def random_bundles(draw) -> Case:
    universe = draw(st.sampled_from(ONE_CURRENCY))
    n = draw(st.integers(0, 90))
    n_instruments = len({**traded.UNIVERSES, **traded.STEPPED}[universe])
    schedule = random_markets.random_schedule(
        draw(SEEDS), n, n_instruments, draw(st.sampled_from([0.1, 0.4, 1.0]))
    )
    return Case(
        "random",
        random_markets.random_market(draw(SEEDS), n, n_instruments, draw(st.booleans())),
        with_policies(schedule, draw(SEEDS)),
        draw(st.sampled_from([0, 0, 1, 3, 13])),
        draw(st.booleans()),
        universe,
        draw(st.sampled_from(traded.COSTS)),
        leg_latency_ns=draw(st.sampled_from([0, 0, 1, 2, 7])),
    )


@settings(max_examples=examples(100), deadline=None)
@given(chain_cases(70), SEEDS, st.sampled_from([0, 1, 5, 20]))
def test_bundles_over_chains_match_naive(case, seed, step):
    """Contracts end and are settled between the legs of a bundle, and before it is hedged out."""
    schedule = with_policies(case.schedule, seed)
    twins.check_case(replace(case, schedule=schedule, leg_latency_ns=step))


@settings(max_examples=examples(300), deadline=None)
@given(random_bundles())
def test_random_bundles_match_naive(case):
    """Every row and every account; the identity of attribution holds, or there is no run."""
    run, engine = twins.check_case(case)
    kept = run.exact.bundles
    assert (kept["units_filled"] <= kept["units_wanted"]).all()
    assert len(kept) == sum(bool(d["bundle"] > 1) for d in engine.decisions)
    assert np.array_equal(np.unique(kept["decision"]), np.sort(kept["decision"]))


@settings(max_examples=examples(100), deadline=None)
@given(random_bundles(), MODELS, st.integers(0, 3))
def test_bundles_with_drawn_latencies_and_late_news_match_naive(case, model, seed):
    run, seen = run_late(case, model, seed)
    engine, expected = naive_late(case, model, run, seed)
    twins.assert_same(run, engine)
    assert seen == expected


@settings(max_examples=examples(60), deadline=None)
@given(random_bundles(), st.lists(st.integers(0, 120), max_size=6))
def test_both_routes_give_the_same_bundles(case, cuts):
    whole, seen = twins.run_case(case)
    pieces, again = twins.run_case(case, cuts)
    assert seen == again
    for name in twins.TABLES:
        assert getattr(whole.exact, name).tobytes() == getattr(pieces.exact, name).tobytes(), name
    assert whole.trace.trace_hash == pieces.trace.trace_hash
    assert whole.trace.outcome_hash == pieces.trace.outcome_hash
