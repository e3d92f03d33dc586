"""The rule `margin` of calendar_carry's checks: the naive engine asks at every one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quantlaxmi import backtest
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.options.calendar_terms import CalendarRule
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.run.own_tables import margin_asks
from quantlaxmi.schema import TABLES, BundlePolicy, EventKind, RiskRule
from tests import traded, twins
from tests.naive.engine import Decision, Engine, Leg
from tests.options.chain_sessions import session
from tests.strategies.test_calendar_carry import OPEN, made

#: Calendars of one lot ask for some 88,000 rupees.
SHORT = f"{OPEN} cooldown_s=0 max_hold_s=600 target=0 stop=0"


def limits_of(capital: str, **more: Any) -> RiskLimits:
    stated = {"capital": capital, "margin": "scan", "leverage": "1000000", **more}
    return RiskLimits.from_mapping(stated, "risk")


def wanted_of(segment: Any, strategy: Any) -> dict[int, list[tuple[int, int]]]:
    """The calendar of every check that has one, by message."""
    recorded = RecordedChain(segment)
    checks = {ts: check for ts, check, _ in strategy.recorded_checks(segment)}
    found = {}
    for seq, moment in zip(recorded.seq.tolist(), recorded.moments(), strict=True):
        check = checks.get(moment.ts_ns)
        if check is None or check.back_row < 0:
            continue
        units = -strategy.config.front_lots * int(moment.lot[check.front])
        back = check.back_lots * int(moment.lot[check.back])
        found[seq] = [
            (int(recorded.instrument[side.contract[row]]), qty)
            for row, qty in ((check.back_row, back), (check.front_row, units))
            for side in (moment.call, moment.put)
        ]
    return found


def naive_lacking(segment: Any, strategy: Any, run: Any) -> set[int]:
    """The naive engine follows the run's decisions, and is asked about each check's calendar."""
    wanted, exact, found = wanted_of(segment, strategy), run.exact, set()
    decisions = {int(one["seq"]): one for one in exact.decisions}

    def decide(engine: Engine, table: str, row: dict[str, int]) -> Decision | None:
        if row["seq"] in wanted and engine.margin_of(wanted[row["seq"]]) is not None:
            found.add(row["seq"])
        one = decisions.get(row["seq"])
        if one is None:
            return None
        own = exact.legs[int(one["first_leg"]) : int(one["first_leg"] + one["n_legs"])]
        legs = tuple(Leg(int(x["instrument"]), int(x["side"]), int(x["qty"])) for x in own)
        policy = BundlePolicy(int(one["bundle"])).name.lower()
        kind, rationale = int(one["decision_type"]), int(one["rationale"])
        return Decision(legs, decision_type=kind, rationale=rationale, policy=policy)

    config = run.config
    rules, limits = traded.rules_of(segment.instruments, config.costs, config.limits)
    engine = Engine(
        traded.terms_of(segment.instruments, config.costs),
        decide,
        latency_ns=config.latency_ns,
        fee_exponent=config.costs.fee_exponent,
        wanted=frozenset({EventKind.CHAIN}),
        rules=rules,
        limits=limits,
        leg_latency_ns=config.leg_latency_ns,
    )
    engine.run({name: segment.columns(name) for name in TABLES})
    twins.assert_same(run, engine)
    return found


@pytest.mark.parametrize(
    ("settings", "limits", "latencies"),
    [
        (SHORT, limits_of("88000"), (1_000, 0)),
        (SHORT, limits_of("150000"), (70 * 10**9, 0)),
        (SHORT, limits_of("150000"), (70 * 10**9, 70 * 10**9)),
        (f"{SHORT} front_lots=3", limits_of("600000"), (1_000, 0)),
        (f"{SHORT} interval_s=200", limits_of("150000"), (1_000, 0)),
    ],
    ids=["one", "late", "legs late", "three", "seldom"],
)
def test_margin_is_asked_for_at_every_check(settings: str, limits: Any, latencies: Any) -> None:
    segment, strategy = session(0, n=40, size=300), made(settings)
    options = {"limits": limits, "latency_ns": latencies[0], "leg_latency_ns": latencies[1]}
    run = backtest(segment, strategy, **options)
    table = run.table("checks").to_pydict()
    lacking = {
        seq
        for seq, blocked in zip(table["seq"], table["blocked"], strict=True)
        if blocked & CalendarRule.MARGIN
    }
    assert lacking == naive_lacking(segment, strategy, run)
    assert 0 < len(lacking) < len(table["seq"])
    twin = backtest(segment, strategy, interpreted=True, **options)
    assert twin.table("checks").to_pydict() == table


def refused_of(run: Any) -> set[int]:
    risk, decisions = run.exact.risk, run.exact.decisions
    own = risk["decision"][risk["rule"] == RiskRule.MARGIN]
    return set(decisions["seq"][own].tolist())


@pytest.mark.parametrize("capital", ["1000", "150000", "10000000"])
def test_a_run_refuses_where_margin_alone_forbids(capital: str) -> None:
    """Where nothing is held or on its way, an entry is decided where no other rule forbids it."""
    segment, strategy = session(0, n=40, size=300), made(SHORT)
    run = backtest(segment, strategy, latency_ns=1_000, limits=limits_of(capital))
    table = run.table("checks").to_pydict()
    alone = {
        seq
        for seq, blocked, held in zip(table["seq"], table["blocked"], table["held"], strict=True)
        if blocked == CalendarRule.MARGIN and not held
    }
    assert alone == refused_of(run)
    asked = np.array(table["blocked"]) & CalendarRule.MARGIN > 0
    if capital == "1000":
        assert asked.sum() == len(wanted_of(segment, strategy)) and run.n_fills == 0
    if capital == "10000000":
        assert not asked.any() and run.n_fills > 0


def test_where_no_capital_is_stated_the_rule_holds() -> None:
    segment, strategy = session(0, n=40, size=300), made(SHORT)
    for limits in (RiskLimits(), RiskLimits.from_mapping({"capital": "1000"}, "risk")):
        run = backtest(segment, strategy, latency_ns=1_000, limits=limits)
        blocked = np.array(run.table("checks")["blocked"])
        assert not (blocked & CalendarRule.MARGIN).any()
    asks = margin_asks(run.exact, segment, run.config)
    assert asks({0: ((0, -75),)}) == frozenset()
