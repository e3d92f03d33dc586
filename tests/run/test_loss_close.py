"""A loss that closes: the engine against its twin, by hand, and what must hold."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import FillFlag, OrderReason, RiskRule
from quantlaxmi.segment import open_segment
from quantlaxmi.trace import load_trace
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.run.test_engine_properties import same_runs
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases
from tests.segment.test_parts import DATA

LOSSES = st.sampled_from(["0.00000001", "1", "10", "100", "1000"])


def closing(loss: str, **more) -> RiskLimits:
    return RiskLimits(max_loss=FixedPoint.from_text(loss), on_max_loss="close", **more)


def limited(case: Case, limits: RiskLimits) -> Case:
    return Case(
        case.name,
        case.tables,
        case.schedule,
        case.latency_ns,
        case.flatten,
        case.universe,
        case.costs,
        limits,
    )


CASES = st.one_of(random_cases(80), order_cases(80))


@settings(max_examples=examples(400), deadline=None)
@given(CASES, LOSSES)
def test_the_engine_is_its_twin(case: Case, loss: str) -> None:
    twins.check_case(limited(case, closing(loss)))


@settings(max_examples=examples(60), deadline=None)
@given(CASES, LOSSES, st.lists(st.integers(0, 120), max_size=9))
def test_replay_in_batches_equals_backtest(case: Case, loss: str, cuts) -> None:
    case = limited(case, closing(loss))
    whole, seen = twins.run_case(case)
    pieces, again = twins.run_case(case, cuts)
    same_runs(whole, pieces)
    assert seen == again


@settings(max_examples=examples(150), deadline=None)
@given(CASES, LOSSES)
def test_a_stopped_currency_sends_nothing_more(case: Case, loss: str) -> None:
    run, _ = twins.run_case(limited(case, closing(loss)))
    currencies = [one.currency for one in run.instruments]
    for row in twins.rows_of(run.exact.risk):
        if row["rule"] != RiskRule.MAX_LOSS or row["decision"] >= 0:
            continue
        mine = {i for i, c in enumerate(currencies) if c == currencies[row["instrument"]]}
        later = run.exact.orders[
            (run.exact.orders["seq"] > row["seq"]) & (run.exact.orders["kind"] == 1)
        ]
        sent = {o["order"] for o in later if o["instrument"] in mine and o["leg"] >= 0}
        ended = run.exact.orders[run.exact.orders["kind"] == 4]
        refused = {o["order"] for o in ended if o["reason"] == OrderReason.REFUSED}
        assert sent <= refused
    stops = [r for r in twins.rows_of(run.exact.risk) if r["decision"] < 0]
    assert len({currencies[r["instrument"]] for r in stops}) == len(stops)


def market() -> MarketBuilder:
    """Bought at 101 with a mid of 100; the market then falls to 90."""
    return (
        MarketBuilder()
        .quote(0, 99, 10, 101, 10)
        .wait(10)
        .quote(0, 99, 10, 101, 10)
        .wait(10)
        .quote(0, 89, 3, 91, 3)
        .wait(10)
        .quote(0, 88, 10, 90, 10)
        .wait(10)
        .quote(0, 87, 10, 89, 10)
        .wait(10)
        .trade(0, 88, 1, 1)
    )


def run_of(builder: MarketBuilder, schedule, limits: RiskLimits, latency_ns: int = 0):
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["coarse"])
    return backtest(
        segment,
        twins.script(schedule),
        costs=traded.COSTS[3],
        limits=limits,
        latency_ns=latency_ns,
    )


BUY = Decision((Leg(0, 1, 5),))


def test_by_hand() -> None:
    """Five at 101: the mid of 90 makes -55. Three are displayed, the rest comes later."""
    run = run_of(market(), {0: BUY, 4: BUY}, closing("50"))
    stop, refused = twins.rows_of(run.exact.risk)
    unit = 10**8
    assert (stop["decision"], stop["rule"], stop["ts_ns"]) == (-1, RiskRule.MAX_LOSS, 1_020)
    assert (stop["value"], stop["limit"]) == (-55 * unit, -50 * unit)
    assert (refused["decision"], refused["rule"]) == (1, RiskRule.MAX_LOSS)
    fills = [(f["side"], f["qty"], f["price"], f["flags"]) for f in twins.rows_of(run.exact.fills)]
    assert fills == [
        (1, 5, 101, FillFlag.NONE),
        (-1, 3, 89, FillFlag.CLOSE),
        (-1, 2, 88, FillFlag.CLOSE),
    ]
    reasons = [o["reason"] for o in twins.rows_of(run.exact.orders) if o["decision"] < 0]
    assert reasons == [
        OrderReason.MAX_LOSS,
        OrderReason.SIZE_EXHAUSTED,
        OrderReason.MAX_LOSS,
        OrderReason.FILLED,
    ]
    # Measured against the mids at which the closes were sent, not the end's.
    assert run.exact.attributions.reference_price.tolist() == [1000, 900, 890]
    assert run.exact.accounts[0].position == 0


def test_refusing_is_the_default_and_does_not_close() -> None:
    run = run_of(market(), {0: BUY, 4: BUY}, RiskLimits(max_loss=FixedPoint(50, 0)))
    assert run.exact.accounts[0].position == 5
    assert [r["decision"] for r in twins.rows_of(run.exact.risk)] == [1]


def test_the_close_arrives_with_the_latency_of_orders() -> None:
    run = run_of(market(), {0: BUY}, closing("50"), latency_ns=5)
    assert run.exact.fills["ts_ns"].tolist() == [1_005, 1_025, 1_035]
    late = run_of(market(), {0: BUY}, closing("50"), latency_ns=10**6)
    assert late.n_fills == 0


def test_what_rests_is_cancelled() -> None:
    rest = Decision((Leg(1, 1, 4, 1, 70),), bundle=False)
    builder = MarketBuilder().quote(0, 99, 10, 101, 10).quote(1, 80, 5, 82, 5).wait(10)
    builder.quote(0, 99, 10, 101, 10).wait(10).quote(0, 79, 10, 81, 10).wait(10)
    builder.quote(0, 79, 10, 81, 10).wait(10)
    run = run_of(builder, {0: BUY, 1: rest}, closing("50"))
    [ended] = [o for o in twins.rows_of(run.exact.orders) if o["leg"] == 1 and o["reason"] == 14]
    assert (ended["order_type"], ended["filled_qty"]) == (1, 0)
    assert [a.position for a in run.exact.accounts] == [0, 0]


def test_the_bundled_strategy_is_stopped_on_every_route(tmp_path: Path) -> None:
    planted = open_segment(DATA / "planted")
    costs = CostModel.binance()
    options = {"costs": costs, "limits": closing("0.5")}
    runs = [
        backtest(planted, "basis_capture", **options),
        backtest(planted, "basis_capture", interpreted=True, **options),
        replay(planted, "basis_capture", **options),
    ]
    for run in runs[1:]:
        same_runs(run, runs[0])
    assert (runs[0].exact.fills["flags"] & FillFlag.CLOSE).any()
    assert all(a.position == 0 for a in runs[0].exact.accounts)
    runs[0].trace.save(tmp_path / "trace.json")
    assert load_trace(tmp_path / "trace.json").outcome_hash == runs[0].trace.outcome_hash
    assert runs[0].table("risk").num_rows == len(runs[0].exact.risk)
    # The first fill's line has one instrument, all others the pair; and each the currency.
    assert runs[0].table("ledger").num_rows == 3 * runs[0].n_fills - 1


# --- settings ----------------------------------------------------------------------------------


def load(folder: Path, text: str) -> RiskLimits:
    (folder / "risk.toml").write_text(text)
    return RiskLimits.load(folder / "risk.toml")


def test_the_setting_is_hashed_where_it_is_on(tmp_path: Path) -> None:
    on = load(tmp_path, 'max_loss = "5"\non_max_loss = "close"\n')
    plain = load(tmp_path, 'max_loss = "5"\non_max_loss = "refuse"\n')
    assert on == closing("5.00000000")
    assert plain.risk_hash == RiskLimits(max_loss=FixedPoint(5, 0)).risk_hash != on.risk_hash
    assert RiskLimits.from_description(on.describe()).describe() == on.describe()
    off = msgspec.structs.replace(on, max_loss=FixedPoint(0, 0))
    assert off.risk_hash == RiskLimits().risk_hash
    with pytest.raises(ConfigError, match=r"\(on_max_loss\): was 'sell', expected refuse or close"):
        load(tmp_path, 'on_max_loss = "sell"')
