"""Impact on a taker's own price: engine, grid and files, against the formula in Fractions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.impact import Impact
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import run_gates, verify_report
from quantlaxmi.run.attribution import Attributions
from quantlaxmi.run.decision_points import decision_points
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.schema import EventKind, FillFlag
from quantlaxmi.segment import open_segment
from tests import market_builder, random_markets, traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MemorySegment
from tests.naive import decision_points as naive_points
from tests.naive.impact import ImpactEngine, moved, root
from tests.run.test_decision_points import bundle_lists, check_own_decisions
from tests.run.test_engine_properties import same_runs
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases
from tests.segment.test_parts import DATA

BPS = st.sampled_from([0, 1, 99_999_999, 50_000_000, 12_345_678_901, 10**11])


@st.composite
def impacts(draw) -> dict[str, Impact]:
    kinds = draw(st.sets(st.sampled_from(["spot", "perp", "future"]), min_size=1))
    return {
        kind: Impact(fixed_bps=FixedPoint(draw(BPS), -8), root_bps=FixedPoint(draw(BPS), -8))
        for kind in sorted(kinds)
    }


def with_impact(case: Case, impact: dict[str, Impact]) -> Case:
    costs = msgspec.structs.replace(case.costs, impact=impact)
    return Case(
        case.name,
        case.tables,
        case.schedule,
        case.latency_ns,
        case.flatten,
        case.universe,
        costs,
        case.limits,
    )


def fractions(case: Case) -> list[tuple[Fraction, Fraction]]:
    found = []
    for one in case.instruments:
        impact = case.costs.impact.get(one.kind.value, Impact())
        found.append(
            tuple(Fraction(v.mantissa, 10**8) for v in (impact.fixed_bps, impact.root_bps))
        )
    return found


def naive_run(case: Case) -> ImpactEngine:
    mine: list[tuple[int, int]] = []
    calls = iter(range(10**9))

    def decide(engine, *_):
        tops = [(b.bid, b.ask, b.valid) for b in engine.market.books]
        return random_markets.resolved(case.schedule.get(next(calls)), mine, engine.n_orders, tops)

    rules, limits = traded.rules_of(case.instruments, case.costs, case.limits)
    engine = ImpactEngine(
        traded.terms_of(case.instruments, case.costs),
        decide,
        latency_ns=case.latency_ns,
        fee_exponent=case.costs.fee_exponent,
        rules=rules,
        limits=limits,
        pro_rata=case.costs.queue == "pro_rata",
        by_receipt=case.costs.trade_clock == "receive",
        impact=fractions(case),
    )
    engine.run(case.tables, case.flatten)
    return engine


@settings(max_examples=examples(300), deadline=None)
@given(st.one_of(random_cases(60), order_cases(60)), impacts())
def test_the_engine_is_its_twin(case: Case, impact: dict[str, Impact]) -> None:
    case = with_impact(case, impact)
    run, _ = twins.run_case(case)
    twins.assert_same(run, naive_run(case))
    assert isinstance(run.exact.attributions, Attributions)  # the identity held to the last unit


@settings(max_examples=examples(80), deadline=None)
@given(random_cases(60), impacts(), bundle_lists())
def test_the_grid_prices_with_impact(case: Case, impact, bundles) -> None:
    case = with_impact(case, impact)
    run, _ = twins.run_case(case)
    engine, of = naive_run(case), fractions(case)

    def move(market, i: int, side: int, qty: int, price: int) -> int:
        book = market.books[i]
        return moved(price, side, qty, book.ask_qty if side > 0 else book.bid_qty, of[i])

    wanted = {leg["instrument"] for leg in engine.legs} | {i for b in bundles for i, _ in b}
    expected = naive_points.points(
        case.tables,
        engine.terms,
        sorted(wanted) or range(len(case.instruments)),
        frozenset(EventKind),
        bundles,
        case.latency_ns,
        engine.notional,
        engine.fee,
        move,
        [rule.lot for rule in engine.rules],
    )
    points = decision_points(run, bundles)
    for k, bundle in enumerate(bundles):
        cost = points.cost(bundle)
        mine = [row["costs"][k] for row in expected]
        assert cost.fillable.tolist() == [c is not None for c in mine]
        assert [v * cost.unit for v in cost.values.tolist()] == [c or 0 for c in mine]
    check_own_decisions(run, engine, points)


@settings(max_examples=examples(200), deadline=None)
@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_the_root_is_the_least_that_will_do(qty: int, touch: int) -> None:
    found, unit = root(qty, touch), Fraction(1, 2**32)
    assert found**2 >= Fraction(qty, touch) > max(found - unit, 0) ** 2


def one_order(
    qty: int, fixed: str, square: str, *, side: int = 1, limit: int = 0, touch: int = 100
) -> Run:
    from tests.naive.engine import Decision, Leg

    leg = Leg(0, side, qty, 1, limit, 1) if limit else Leg(0, side, qty)
    builder = market_builder.MarketBuilder().quote(0, 99_990, touch, 100_000, touch).wait(1)
    impact = Impact(fixed_bps=FixedPoint.from_text(fixed), root_bps=FixedPoint.from_text(square))
    costs = msgspec.structs.replace(traded.COSTS[3], impact={"spot": impact})
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["coarse"])
    return backtest(segment, twins.script({0: Decision((leg,))}), costs=costs, latency_ns=0)


@pytest.mark.parametrize(
    ("qty", "fixed", "square", "more", "expected"),
    [
        (25, "0", "0", {}, 100_000),
        (25, "3", "0", {}, 100_030),
        (25, "0", "10", {}, 100_050),  # the root of a quarter is a half
        (100, "1", "10", {}, 100_110),
        (25, "0.01", "0", {}, 100_001),  # a tenth of a unit goes against us
        (25, "3", "0", {"side": -1}, 99_960),  # 99990 - ceil(29.997)
        (25, "3", "10", {"limit": 100_020}, 100_020),  # never beyond a limit
        (25, "1000", "1000", {"side": -1, "touch": 25}, 79_992),
    ],
)
def test_by_hand(qty: int, fixed: str, square: str, more: dict, expected: int) -> None:
    run = one_order(qty, fixed, square, **more)
    assert run.exact.fills["price"].tolist() == [expected]
    side = more.get("side", 1)
    mid = 99_995
    unit = 10 ** (-run.ledger_exponent)
    assert run.exact.attributions.slippage.tolist() == [10 * side * qty * (expected - mid) * unit]


def test_resting_orders_have_none() -> None:
    from tests.naive.engine import Decision, Leg

    builder = (
        market_builder.MarketBuilder()
        .quote(0, 99, 5, 101, 5)
        .wait(1)
        .quote(0, 95, 5, 99, 50)
        .wait(1)
    )
    costs = msgspec.structs.replace(
        traded.COSTS[3], impact={"spot": Impact(fixed_bps=FixedPoint(1000, 0))}
    )
    segment = MemorySegment(builder.tables(), traded.UNIVERSES["coarse"])
    decision = Decision((Leg(0, 1, 5, 1, 99),), bundle=False)
    run = backtest(segment, twins.script({0: decision}), costs=costs, latency_ns=0)
    assert run.exact.fills["price"].tolist() == [99]
    assert run.exact.fills["flags"].tolist() == [FillFlag.MAKER]


# --- files, hashes, gates ---------------------------------------------------------------------


def load(folder: Path, text: str) -> CostModel:
    (folder / "costs.toml").write_text(text)
    return CostModel.load(folder / "costs.toml")


def test_a_file_names_impact_by_kind_and_symbol(tmp_path: Path) -> None:
    text = '[spot]\nimpact_bps = "0.5"\n[perp.P]\nimpact_sqrt_bps = "2"\nmaker_bps = 1\n'
    model = load(tmp_path, text + "taker_bps = 1\n[perp]\nimpact_bps = 3\n")
    spot, perp = traded.UNIVERSES["coarse"]
    assert model.impact_on(spot).terms == (50_000_000, 0)
    assert model.impact_on(perp).terms == (0, 200_000_000)  # one symbol goes before its kind
    other = msgspec.structs.replace(perp, symbol="Q")
    assert model.impact_on(other).terms == (300_000_000, 0)
    assert model.rates == {}
    assert CostModel.from_description(model.describe()) == model
    assert set(model.restricted([spot, perp]).impact) == {"spot", "perp", "perp.P"}
    with pytest.raises(ConfigError, match=r"\(perp\.P\): is not traded here"):
        model.restricted([spot, other])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[spot]\nimpact_bps = "-1"',
            r"\(spot\.impact_bps\): was '-1', expected a dec",
        ),
        ('[spot]\nimpact_sqrt_bps = "1001"', r"\(spot\.impact_sqrt_bps\): was '1001', expected"),
        ('[spot]\nimpact_bps = "x"', r"\(spot\.impact_bps\)"),
        ("[spot]\nimpact = 1", r"\(spot\.impact\): unknown setting; did you mean impact_bps"),
    ],
)
def test_bad_impact_gets_one_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_impact_is_hashed_where_there_is_any() -> None:
    plain = traded.COSTS[0]
    off = msgspec.structs.replace(plain, impact={"spot": Impact()})
    on = msgspec.structs.replace(plain, impact={"spot": Impact(fixed_bps=FixedPoint(1, -8))})
    root_on = msgspec.structs.replace(plain, impact={"spot": Impact(root_bps=FixedPoint(1, -8))})
    assert plain.cost_hash == off.cost_hash
    assert len({m.cost_hash for m in (plain, on, root_on)}) == 3
    with pytest.raises(ConfigError, match="from 0 to 1000 with at most 8"):
        CostModel.from_description(
            on.describe() | {"impact": {"spot": {"fixed_bps": "1e9", "root_bps": "0e0"}}}
        )


def test_gates_hold_their_identities_with_impact(tmp_path: Path) -> None:
    planted = open_segment(DATA / "planted")
    impact = {
        "spot": Impact(fixed_bps=FixedPoint(1, -1), root_bps=FixedPoint(5, -1)),
        "perp": Impact(root_bps=FixedPoint(1, 0)),
    }
    costs = msgspec.structs.replace(CostModel.binance(), impact=impact)
    same_runs(
        backtest(planted, "basis_capture", costs=costs),
        replay(planted, "basis_capture", costs=costs),
    )
    policy = GatePolicy(
        random_sides={"n_draws": 60},
        extend_factor=1,
        random_entry={"n_sims": 60, "n_neutral_pairs": 20},
        label_permutation={"n_perms": 60},
        market_null={"n_draws": 39, "n_draws_extended": 39},
    )
    report = run_gates(planted, "basis_capture", policy=policy, costs=costs)
    report.save(tmp_path / "report.json")
    assert verify_report(tmp_path / "report.json", planted).matches
    plain = backtest(planted, "basis_capture", costs=CostModel.binance())
    moved_run = backtest(planted, "basis_capture", costs=costs)
    assert moved_run.exact.net_pnl < plain.exact.net_pnl
