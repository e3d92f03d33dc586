"""Refused orders: the engine against its twin, each rule by hand, the settings' file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.risk import RiskLimits, SizeLimits, order_rules
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.report import load_report, run_gates, verify_report
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import OrderReason, OrderStatus, RiskRule
from quantlaxmi.segment import open_segment
from tests import random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder
from tests.naive.engine import Decision, Leg

DATA = Path(__file__).parents[2] / "data"
TENTH_S = 10**8
QUICK = GatePolicy(
    random_sides={"n_draws": 99},
    random_entry={"n_sims": 99, "n_neutral_pairs": 20},
    label_permutation={"n_perms": 99},
    market_null={"n_draws": 39, "n_draws_extended": 39},
)


def fixed(text: str) -> FixedPoint:
    return FixedPoint.from_text(text)


def with_least(model: CostModel, **least: str) -> CostModel:
    return CostModel(
        rates=model.rates,
        min_notional={kind: fixed(text) for kind, text in least.items()},
        fee_exponent=model.fee_exponent,
    )


def slowed(tables, factor):
    """The same market with its clock stretched, so that seconds pass."""
    made = {}
    for name, columns in tables.items():
        made[name] = {k: (v * factor if k.endswith("_ns") else v) for k, v in columns.items()}
    return made


#: Of the coarse universe, where a unit costs about a thousand.
LIMITS = st.builds(
    RiskLimits,
    max_position=st.sampled_from(["0", "0", "5", "9", "40"]).map(fixed),
    max_notional=st.sampled_from(["0", "0", "4999", "12000.5"]).map(fixed),
    max_loss=st.sampled_from(["0", "0", "0.5", "30", "500"]).map(fixed),
    max_orders_per_second=st.sampled_from([0, 0, 1, 2, 5]),
    max_orders_per_minute=st.sampled_from([0, 0, 3, 10]),
    max_book_age_ms=st.sampled_from([0, 0, 1, 300]),
    symbols=st.sampled_from(
        [{}, {}, {"P": SizeLimits(max_position=fixed("7"))}, {"S": SizeLimits()}]
    ),
)


@st.composite
def guarded_cases(draw, max_messages=80):
    n, factor = draw(st.integers(0, max_messages)), draw(st.sampled_from([1, TENTH_S, TENTH_S]))
    seed, plan = draw(st.integers(0, 2**32)), draw(st.integers(0, 2**32))
    model = draw(st.sampled_from(traded.COSTS))
    if draw(st.booleans()):
        least = st.sampled_from(["0", "2500", "6000.5"])
        model = with_least(model, spot=draw(least), perp=draw(least))
    return Case(
        "guarded",
        slowed(random_markets.random_market(seed, n, 2, draw(st.booleans())), factor),
        random_markets.random_schedule(
            plan, n, 2, draw(st.sampled_from([0.2, 0.6])), draw(st.booleans())
        ),
        draw(st.sampled_from([0, 1, 5])) * factor,
        draw(st.booleans()),
        draw(st.sampled_from(["coarse", "lots", "lots"])),
        model,
        draw(LIMITS),
    )


@settings(max_examples=examples(300), deadline=None)
@given(guarded_cases())
def test_refusals_match_naive(case) -> None:
    twins.check_case(case)


@settings(max_examples=examples(60), deadline=None)
@given(guarded_cases(40), st.lists(st.integers(0, 90), max_size=6))
def test_the_log_refuses_the_same(case, cuts) -> None:
    (whole, seen), (pieces, again) = twins.run_case(case), twins.run_case(case, cuts)
    assert seen == again
    assert whole.exact.risk.tobytes() == pieces.exact.risk.tobytes()
    assert whole.trace.outcome_hash == pieces.trace.outcome_hash


@settings(max_examples=examples(150), deadline=None)
@given(guarded_cases())
def test_what_must_hold_of_refusals(case) -> None:
    run, _ = twins.run_case(case)
    orders, rows = twins.rows_of(run.exact.orders), twins.rows_of(run.exact.risk)
    refused = {o["order"] for o in orders if o["reason"] == OrderReason.REFUSED}
    filled = {f["order"] for f in twins.rows_of(run.exact.fills)}
    assert not refused & filled
    told = (RiskRule.TRIM_REST, RiskRule.TRIM_SHORT)  # nothing is refused
    broken = {(r["decision"], r["instrument"]) for r in rows if r["rule"] not in told}
    bundles = {d["sequence"] for d in twins.rows_of(run.exact.decisions) if d["bundle"]}
    for order in orders:
        if order["reason"] != OrderReason.REFUSED:
            continue
        assert (order["status"], order["filled_qty"]) == (OrderStatus.CANCELLED, 0)
        own = (order["decision"], order["instrument"]) in broken
        assert own or order["decision"] in bundles
    # A refused leg refuses its bundle; nothing is refused without a row.
    for decision in bundles:
        mine = {o["order"] for o in orders if o["decision"] == decision and o["leg"] >= 0}
        assert mine <= refused or not mine & refused
    for decision, instrument in broken:
        legs = [
            o
            for o in orders
            if (o["decision"], o["instrument"], o["kind"]) == (decision, instrument, 4)
        ]
        assert any(o["reason"] == OrderReason.REFUSED for o in legs)
    lots = [i.lot for i in case.instruments]
    for order in orders:
        if order["order"] not in refused and order["reason"] == OrderReason.DECISION:
            assert lots[order["instrument"]] == 0 or order["qty"] % lots[order["instrument"]] == 0
        if order["reason"] == OrderReason.TRIM and lots[order["instrument"]]:
            assert order["qty"] % lots[order["instrument"]] == 0


@settings(max_examples=examples(100), deadline=None)
@given(guarded_cases(), st.integers(1, 12))
def test_no_position_passes_its_limit(case, most) -> None:
    limits = RiskLimits(max_position=fixed(str(most)))
    # Trims may reopen nothing, so what was filled stays within what was allowed.
    case = Case(
        "p", case.tables, case.schedule, case.latency_ns, False, "coarse", case.costs, limits
    )
    run, engine = twins.check_case(case)
    assert all(abs(f["position"]) <= most for f in engine.fills)
    assert len(run.exact.risk) == len(engine.risk)


# --- each rule by hand -------------------------------------------------------------------------


def quotes(n: int = 6, step_ns: int = TENTH_S) -> MarketBuilder:
    builder = MarketBuilder().quote(0, 99, 50, 101, 50).quote(1, 103, 50, 105, 50)
    for _ in range(n):
        builder.wait(step_ns).quote(0, 99, 50, 101, 50)
    return builder


def case_of(schedule, limits=None, universe="coarse", builder=None, model=None) -> Case:
    built = (builder or quotes()).tables()
    free = traded.costs("0", "0", "0", fee_exponent=0) if model is None else model
    return Case("hand", built, schedule, 0, False, universe, free, limits or RiskLimits())


def rules(case: Case) -> list[tuple[RiskRule, int, int, int]]:
    run, _ = twins.check_case(case)
    return [
        (RiskRule(r["rule"]), r["decision"], r["value"], r["limit"])
        for r in twins.rows_of(run.exact.risk)
    ]


def one(side: int, qty: int, instrument: int = 0) -> Decision:
    return Decision((Leg(instrument, side, qty),))


def test_off_lot_is_refused_and_refuses_its_bundle() -> None:
    pair = Decision((Leg(0, 1, 4), Leg(1, -1, 4)))
    loose = Decision((Leg(0, 1, 4), Leg(1, -1, 4)), bundle=False)
    case = case_of({2: pair, 3: loose, 4: one(1, 3)}, universe="lots")
    assert rules(case) == [
        (RiskRule.LOT, 0, 4, 3),
        (RiskRule.LOT, 1, 4, 3),
        (RiskRule.LOT, 2, 3, 2),
    ]
    run, _ = twins.run_case(case)
    assert [(f["instrument"], f["qty"]) for f in twins.rows_of(run.exact.fills)] == [(0, 4)]
    (event, *_) = run.trace.risk_events
    assert (event.rule, event.symbol, event.value, event.limit) == (RiskRule.LOT, "P", 4, 3)


def test_worth_too_little_is_refused_but_may_close_a_perpetual() -> None:
    model = with_least(traded.costs("0", "0", "0", fee_exponent=0), spot="1000", perp="1000")
    schedule = {2: one(1, 9), 3: one(1, 10), 4: one(1, 12, 1), 5: one(-1, 1, 1), 6: one(-1, 1)}
    case = case_of(schedule, model=model, builder=quotes(8))
    # Money of a coarse ledger is in whole units.
    assert rules(case) == [
        (RiskRule.MIN_NOTIONAL, 0, 909, 1000),
        (RiskRule.MIN_NOTIONAL, 4, 99, 1000),
    ]


def test_positions_count_what_is_on_its_way() -> None:
    limits = RiskLimits(max_position=fixed("10"))
    schedule = {2: one(1, 6), 3: one(1, 5), 4: one(-1, 7), 5: one(-1, 4), 6: one(-1, 6)}
    case = case_of(schedule, limits, builder=quotes(8))
    slow = Case(**{**case.__dict__, "latency_ns": 3 * TENTH_S})
    # 6, refused, -1, -5, refused.
    assert rules(case) == [(RiskRule.MAX_POSITION, 1, 11, 10), (RiskRule.MAX_POSITION, 4, 11, 10)]
    # Nothing is held yet when 7 and 4 are to be sold; when the last is sent, 6 are.
    assert rules(slow) == [(RiskRule.MAX_POSITION, 1, 11, 10), (RiskRule.MAX_POSITION, 3, 11, 10)]


def test_notional_is_at_the_touch() -> None:
    limits = RiskLimits(max_notional=fixed("1010"))
    assert rules(case_of({2: one(1, 10), 3: one(1, 1)}, limits)) == [
        (RiskRule.MAX_NOTIONAL, 1, 1111, 1010)
    ]


def test_the_rate_counts_sent_orders_in_a_moving_window() -> None:
    limits = RiskLimits(max_orders_per_second=2)
    schedule = {k: one((-1) ** k, 1) for k in range(2, 16)}
    found = rules(case_of(schedule, limits, builder=quotes(14)))
    # Sent at 0.1 and 0.2 s; the next may go once the first is a whole second old.
    assert found[0] == (RiskRule.ORDERS_PER_SECOND, 2, 3, 2)
    assert [decision for _, decision, _, _ in found] == [2, 3, 4, 5, 6, 7, 8, 9, 12, 13]


def test_an_old_or_broken_book_is_not_traded_on() -> None:
    limits = RiskLimits(max_book_age_ms=250)
    schedule = {2: one(1, 1, 1), 3: one(1, 1, 1), 4: one(1, 1, 1), 5: one(1, 1)}
    builder = quotes(3).quote(0, 101, 5, 99, 5).quote(0, 101, 5, 99, 5).wait(1)
    builder.quote(1, 103, 50, 105, 50)
    assert rules(case_of(schedule, limits, builder=builder)) == [
        (RiskRule.STALE_BOOK, 2, 3 * TENTH_S, 250 * 10**6),
        (RiskRule.STALE_BOOK, 3, -1, 250 * 10**6),
    ]


def test_a_loss_lets_nothing_open_and_all_close() -> None:
    limits = RiskLimits(max_loss=fixed("15"))
    builder = quotes(2).wait(1).quote(0, 94, 50, 96, 50).wait(1)
    builder.quote(0, 94, 50, 96, 50).wait(1).quote(0, 94, 50, 96, 50).wait(1)
    builder.quote(0, 94, 50, 96, 50).wait(1)
    # Bought at 101, marked at 95: 18 lost.
    schedule = {2: one(1, 3), 4: one(1, 1), 5: one(-1, 2), 6: one(-1, 2)}
    assert rules(case_of(schedule, limits, builder=builder)) == [
        (RiskRule.MAX_LOSS, 1, -18, -15),
        (RiskRule.MAX_LOSS, 3, -20, -15),
    ]


def test_a_trim_keeps_whole_lots_and_says_what_stays() -> None:
    def traded(shown: int, wanted: int) -> Case:
        builder = MarketBuilder().quote(0, 99, 50, 101, 50).quote(1, 103, shown, 105, 50).wait(1)
        builder.quote(0, 99, 50, 101, 50)
        schedule = {1: Decision((Leg(0, 1, wanted), Leg(1, -1, wanted)))}
        return case_of(schedule, universe="lots", builder=builder)

    # The perpetual fills 6 of 12; the spot leg's 6 too many are three lots of two.
    assert rules(traded(6, 12)) == []
    # It fills one lot of three where 3 or 4 of 6 are displayed; of spot's 3 too many one stays.
    for shown in (3, 4):
        case = traded(shown, 6)
        assert rules(case) == [(RiskRule.TRIM_REST, 0, 1, 2)]
        run, _ = twins.run_case(case)
        assert [a.position for a in run.exact.accounts] == [4, -3]


# --- settings ----------------------------------------------------------------------------------


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "risk.toml"
    path.write_text(text)
    return path


def test_file_and_hash(tmp_path) -> None:
    text = (
        'max_loss = "1000"\nmax_orders_per_second = 10\nmax_book_age_ms = 500\n'
        '[symbols.BTCUSDT-PERP]\nmax_position = "0.50"\n'
    )
    limits = RiskLimits.load(write(tmp_path, text))
    assert limits.sizes("BTCUSDT-PERP").max_position == fixed("0.5")
    assert limits.sizes("BTCUSDT") == SizeLimits()
    same = RiskLimits.load(write(tmp_path, text.replace("0.50", "0.5") + "max_notional = 0\n"))
    assert same.risk_hash == limits.risk_hash
    assert RiskLimits.from_description(limits.describe()) == same
    assert RiskLimits.load(write(tmp_path, "")).risk_hash == RiskLimits().risk_hash
    assert RiskLimits().describe() == {}


VOLATILITY = """[[daily_volatility]]
underlying = "NIFTY"
valid_from = 2025-08-29
value = "0.0086"
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_los = 1\n", ["max_los", "max_loss"]),
        ("max_loss = -1\n", ["max_loss", "-1"]),
        ("max_loss = nan\n", ["max_loss", "nan"]),
        ('max_position = "a"\n', ["max_position", "'a'"]),
        ("max_orders_per_second = 1.5\n", ["max_orders_per_second", "1.5"]),
        ("max_orders_per_minute = 1000001\n", ["max_orders_per_minute", "1000000"]),
        ("max_book_age_ms = true\n", ["max_book_age_ms", "true"]),
        ("symbols = 3\n", ["symbols", "3"]),
        ("[symbols]\nX = 3\n", ["symbols.X", "3"]),
        ("[symbols.X]\nmax_loss = 3\n", ["symbols.X.max_loss", "max_position"]),
        ("[symbols.X]\nmax_position = -3\n", ["symbols.X.max_position", "-3"]),
        (VOLATILITY, ['(daily_volatility): expected margin = "scan" beside it']),
        ('margin = "none"\n' + VOLATILITY, ['(daily_volatility): expected margin = "scan"']),
        ("= 3", ["TOML"]),
    ],
)
def test_a_faulty_file_is_refused_by_field(tmp_path, text, words) -> None:
    with pytest.raises(ConfigError) as caught:
        RiskLimits.load(write(tmp_path, text))
    for word in ["risk.toml", *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits_that_cannot_be_held_are_refused() -> None:
    pair = traded.UNIVERSES["binance"]
    model = traded.COSTS[0]
    with pytest.raises(ConfigError, match="not traded here"):
        order_rules(pair, model, RiskLimits(symbols={"X": SizeLimits()}), -16)
    with pytest.raises(ConfigError, match="below the smallest"):
        tiny = RiskLimits(max_position=FixedPoint(1, -9))
        order_rules(pair, model, tiny, -16)
    with pytest.raises(ConfigError, match="fit"):
        order_rules(pair, model, RiskLimits(max_notional=FixedPoint(10**18, 0)), -50)


# --- the whole road ----------------------------------------------------------------------------


def test_limits_stand_in_header_report_and_tables(tmp_path) -> None:
    segment = open_segment(DATA / "planted")
    limits = RiskLimits(max_position=fixed("0.2"), max_orders_per_minute=10)
    runs = [route(segment, "basis_capture", limits=limits) for route in (backtest, replay)]
    assert runs[0].trace.outcome_hash == runs[1].trace.outcome_hash
    assert runs[0].header.risk_hash == limits.risk_hash
    counts = Counter(runs[0].exact.risk["rule"].tolist())
    assert counts[RiskRule.ORDERS_PER_MINUTE] > 0
    table = runs[0].table("risk")
    assert table.num_rows == len(runs[0].exact.risk)
    assert table["limit"][0].as_py() == "10"
    report = run_gates(segment, "basis_capture", limits=limits, policy=QUICK)
    report.save(tmp_path / "r.json")
    assert load_report(tmp_path / "r.json").risk == limits.describe()
    assert verify_report(tmp_path / "r.json", segment).matches
