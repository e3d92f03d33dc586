"""Margin asked for before orders: the engine against the naive one, over random runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import run_columns
from quantlaxmi.run.scan_terms import scan_rules, scan_terms
from quantlaxmi.schema import RiskRule
from tests import twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.options.test_scan_margin import NOW
from tests.run.test_margin_rule import CHAIN, QUOTES

STATED = ("0", "0.0086", "0.0125", "0.024")


@dataclass(frozen=True)
class ChainCase(Case):
    """A case over the chain of `test_margin_rule`."""

    @property
    def instruments(self):
        return CHAIN


def stated(capital: str, daily: str = "0", **more) -> RiskLimits:
    rows = [{"underlying": "NIFTY", "valid_from": date(2025, 8, 29), "value": daily}]
    if daily != "0":
        more["daily_volatility"] = rows
    return RiskLimits.from_mapping({"capital": capital, "margin": "scan", **more}, "risk")


def chain_case(seed: int, capital: str, daily: str, latency_ns: int) -> ChainCase:
    """Quotes of every contract, some of which then move or go; bundles and single legs."""
    random, made = Random(seed), MarketBuilder(ts_ns=NOW)
    n = len(QUOTES)
    quotes = [list(quote) for quote in QUOTES.values()]
    for i, (bid, ask) in enumerate(quotes):
        if random.random() < (0.6 if seed % 3 == 1 else 0.95):
            made.quote(i, bid, 7_500, ask, 7_500)
    schedule, calls = {}, n
    for call in range(calls, calls + 20):
        i = random.randrange(n)
        moved = random.choice((-50, -5, 0, 5, 50, 400))
        quotes[i] = [max(q + moved, 5 + 10 * k) for k, q in enumerate(quotes[i])]
        shown = 0 if random.random() < 0.05 else 7_500
        made.wait(random.choice((0, 10**9))).quote(i, quotes[i][0], shown, quotes[i][1], 7_500)
        if random.random() < 0.6:
            picked = random.sample(range(n), random.choice((1, 1, 2, 4)))
            legs = [Leg(k, random.choice((-1, 1)), 75 * random.choice((1, 2, 20))) for k in picked]
            policy = random.choice(("", "all_or_none", "legs"))
            schedule[call] = Decision(tuple(legs), bundle=bool(policy) or random.random() < 0.5,
                                      policy=policy)  # fmt: skip
    limits = stated(capital, daily, leverage="1000000")
    tables = made.tables()
    costs = RunConfig.of().complete_for(MemorySegment(tables, CHAIN)).costs  # NSE's components
    return ChainCase(
        f"{seed} {capital} {daily}", tables, schedule, latency_ns, True, costs=costs, limits=limits
    )


@pytest.mark.parametrize("seed", range(examples(12)))
def test_the_engine_is_its_twin(seed: int) -> None:
    random = Random(seed)
    capital = random.choice(("20000", "200000", "1000000", "5000000"))
    latency_ns = random.choice((0, 5, 1_500_000_000))
    twins.check_case(chain_case(seed, capital, random.choice(STATED), latency_ns))


def test_the_twin_refuses_and_lets_pass() -> None:
    """Or the property above would compare nothing."""
    rows = fills = unknown = 0
    for seed in range(4):
        _, engine = twins.check_case(chain_case(seed, "200000", "0.0125", 0))
        own = [row for row in engine.risk if row["rule"] == RiskRule.MARGIN]
        rows, fills = rows + len(own), fills + len(engine.fills)
        unknown += sum(row["value"] == 2**63 - 1 for row in own)
    assert rows > 10 and fills > 10 and 0 < unknown < rows


@pytest.mark.parametrize(
    ("daily", "near", "far", "volatility"),
    [
        (None, 0.093, 0.177, 0.04),  # the least ones
        ("0.0086", 0.093, 0.177, 0.0410757),  # 0.86 % a day is 16.43 % a year
        ("0.0125", 0.1060660, 0.177, 0.0597030),
        ("0.024", 0.2036468, 0.2036468, 0.1146298),
    ],
)
def test_scans_follow_the_stated_volatility(daily, near, far, volatility) -> None:
    """Six deviations times the root of two, a quarter of a year of 365 days; by hand."""
    rows = () if daily is None else stated("1", daily).daily_volatility
    before, apart, *last = scan_rules(0, "NIFTY", rows)
    assert before[2:5] == apart[2:5] == (0.093, 0.177, 0.04)
    assert (before[-1], apart[-1]) == (False, True)
    found = last[-1] if last else apart
    assert found[2:5] == pytest.approx((near, far, volatility), abs=5e-8)
    assert bool(last) == (daily is not None) and found[-1]
    assert scan_rules(3, "BANKNIFTY", rows) == [(3, *row[1:]) for row in (before, apart)]


def test_more_than_nine_months_are_a_long_time() -> None:
    """By the calendar: an option of 2026-05-31 has them until 2025-08-30."""
    _, expiries, _ = scan_terms(CHAIN, [1] * len(CHAIN))
    days = [(day, far) for _, _, day, far in expiries]
    epoch = date(1970, 1, 1).toordinal()
    assert [date.fromordinal(day + epoch) for day, _ in days] == [
        date(2025, 9, 2),
        date(2025, 9, 9),
    ]
    assert [date.fromordinal(far + epoch) for _, far in days] == [
        date(2024, 12, 2),
        date(2024, 12, 9),
    ]


def refusal(**values) -> str:
    with pytest.raises(ConfigError) as caught:
        limits = RiskLimits.from_mapping({"capital": "5", "margin": "scan", **values}, "risk")
        tables = MarketBuilder(ts_ns=NOW).quote(0, 99, 5, 101, 5).tables()
        run_columns(MemorySegment(tables, CHAIN), twins.script({}), RunConfig.of(limits=limits))
    return str(caught.value)


def row(**more) -> dict:
    return {"underlying": "NIFTY", "valid_from": "2025-08-29", "value": "0.0086", **more}


def test_what_is_stated_wrong_is_named() -> None:
    late = refusal(daily_volatility=[row(valid_from="2025-08-30")])
    assert late == (
        "risk (daily_volatility): has no row of NIFTY on 2025-08-29, the first begins 2025-08-30"
    )
    other = refusal(daily_volatility=[row(underlying="BANKNIFTY")])
    assert other == "risk (daily_volatility): has rows of BANKNIFTY, which is not traded here"
    twice = refusal(daily_volatility=[row(), row()])
    assert "daily_volatility[1].valid_from" in twice and "expected after 2025-08-29" in twice
    assert "(daily_volatility[0].value): was '0.86', expected" in refusal(
        daily_volatility=[row(value="0.86")]
    )
    assert "(daily_volatility[0].valid_from): was 'x'" in refusal(
        daily_volatility=[row(valid_from="x")]
    )
    alone = refusal(margin="none", daily_volatility=[row()])
    assert '(daily_volatility): expected margin = "scan" beside it' in alone
    limits = stated("5", "0.0086")
    assert RiskLimits.from_description(limits.describe()) == limits
    assert limits.risk_hash != stated("5").risk_hash


def said(daily: str | None, *later: dict) -> str:
    rows = [] if daily is None else [row(value=daily), *later]
    limits = RiskLimits.from_mapping(
        {"capital": "5", "margin": "scan", "daily_volatility": rows}, "risk"
    )
    made = MarketBuilder(ts_ns=NOW).quote(0, 99, 5, 101, 5).wait(4 * 86_400 * 10**9)
    segment = MemorySegment(made.quote(0, 99, 5, 101, 5).tables(), CHAIN)
    run = run_columns(segment, twins.script({}), RunConfig.of(limits=limits))
    [line] = [line for line in run.summary() if line.section == "margin"]
    return str(line)


def test_the_summary_says_by_which_scans() -> None:
    assert said(None) == (
        "margin of NIFTY by the least scans: price 9.3 %, of options with more than nine months "
        "left 17.7 %, volatility 4 points; too little above 0.84 % of daily volatility: "
        "daily_volatility states it"
    )
    assert said("0.0086", row(valid_from="2025-09-01", value="0.024")) == (
        "margin of NIFTY by its stated daily volatility: price 9.3 to 20.36 %, of options with "
        "more than nine months left 17.7 to 20.36 %, volatility 4.11 to 11.46 points"
    )
    assert said("0.0086", row(valid_from="2025-10-01", value="0.024")).endswith("4.11 points")
