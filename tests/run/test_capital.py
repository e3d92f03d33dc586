"""Stated capital: the engine against its twin, margin calls by hand, what the summary says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.run.capital import CapitalUse
from quantlaxmi.run.record_arrays import arrays_of, records_of
from quantlaxmi.run.replay import backtest
from quantlaxmi.schema import FillFlag, OrderReason, RiskRule
from tests import traded, twins
from tests.cases import Case
from tests.depth import examples
from tests.market_builder import MarketBuilder, MemorySegment
from tests.naive.engine import Decision, Leg
from tests.run.test_engine_properties import same_runs
from tests.run.test_loss_close import limited
from tests.run.test_order_flows import order_cases
from tests.run.test_replay_loop import random_cases

CAPITALS = st.sampled_from(["0.37", "37", "900", "5000", "20000", "100000"])
LEVERAGES = st.sampled_from(["0.01", "0.7", "1", "3", "12.5", "125"])
# One currency only.
CASES = st.one_of(random_cases(80), order_cases(80)).filter(
    lambda case: len({one.currency for one in case.instruments}) == 1
)


def stated(capital: str, leverage: str = "1", **more) -> RiskLimits:
    return RiskLimits.from_mapping({"capital": capital, "leverage": leverage, **more}, "risk")


@settings(max_examples=examples(400), deadline=None)
@given(CASES, CAPITALS, LEVERAGES)
def test_the_engine_is_its_twin(case: Case, capital: str, leverage: str) -> None:
    twins.check_case(limited(case, stated(capital, leverage)))


@settings(max_examples=examples(150), deadline=None)
@given(CASES, CAPITALS, LEVERAGES, st.sampled_from(["0.5", "100", "1000"]))
def test_with_a_loss_that_closes(case: Case, capital: str, leverage: str, loss: str) -> None:
    for action in ("close", "refuse"):
        limits = stated(capital, leverage, max_loss=loss, on_max_loss=action)
        twins.check_case(limited(case, limits))


@settings(max_examples=examples(60), deadline=None)
@given(CASES, CAPITALS, LEVERAGES, st.lists(st.integers(0, 120), max_size=9))
def test_replay_in_batches_equals_backtest(case: Case, capital: str, leverage: str, cuts) -> None:
    case = limited(case, stated(capital, leverage))
    (whole, seen), (pieces, again) = twins.run_case(case), twins.run_case(case, cuts)
    same_runs(whole, pieces)
    assert seen == again
    assert whole.exact.capital == pieces.exact.capital


@settings(max_examples=examples(100), deadline=None)
@given(CASES)
def test_capital_that_is_never_called_changes_nothing(case: Case) -> None:
    plain, seen = twins.run_case(limited(case, traded.NO_LIMITS))
    rich, again = twins.run_case(limited(case, stated("1e15", "1")))
    assert seen == again
    for name in twins.TABLES:
        assert getattr(plain.exact, name).tobytes() == getattr(rich.exact, name).tobytes()
    assert plain.exact.accounts == rich.exact.accounts


def falling() -> MarketBuilder:
    """Bought at 101 with a mid of 100, which falls to 90 and 86, and rises to 95."""
    builder = MarketBuilder().quote(0, 99, 90, 101, 90).wait(10).quote(0, 99, 90, 101, 90)
    for mid in (90, 86, 86, 95, 95):
        builder.wait(10).quote(0, mid - 1, 90, mid + 1, 90)
    return builder.wait(10).trade(0, 95, 1, 1)


def run_of(schedule, limits: RiskLimits, builder: MarketBuilder | None = None):
    segment = MemorySegment((builder or falling()).tables(), traded.UNIVERSES["coarse"])
    return backtest(
        segment, twins.script(schedule), costs=traded.COSTS[3], limits=limits, latency_ns=0
    )


BUY = Decision((Leg(0, 1, 10),))
#: Money of these runs is at 10**-8, capital at a tenth of that.
UNIT = 10**9


def texts(run) -> list[str]:
    return [str(line) for line in run.summary() if line.section == "capital"]


def test_equity_below_margin_used_is_called_and_closed() -> None:
    # 10 at 101: at mid 90 equity is 420 - 110 = 310 and margin 300; at 86, 270 and 286.67.
    run = run_of({1: BUY, 5: BUY}, stated("420", "3"))
    call, refused = twins.rows_of(run.exact.risk)
    assert (call["decision"], call["rule"], call["instrument"]) == (-1, RiskRule.MARGIN_CALL, 0)
    assert (call["value"], call["limit"]) == (27_000_000_000, 28_666_666_666)
    assert (refused["decision"], refused["value"], refused["limit"]) == (
        1,
        call["value"],
        call["limit"],
    )
    _, sold = twins.rows_of(run.exact.fills)
    assert (sold["side"], sold["qty"], sold["price"], sold["leg"]) == (-1, 10, 85, -1)
    assert sold["flags"] & FillFlag.CLOSE
    told = [str(line) for line in run.summary() if line.section in ("orders", "capital")]
    assert "1 of 3 orders was refused: after a margin call" in told
    assert sum("margin call: equity" in line for line in told) == 1
    reasons = {o["reason"] for o in twins.rows_of(run.exact.orders) if o["order"] == 1}
    assert OrderReason.MARGIN_CALL in reasons
    assert run.exact.capital == CapitalUse(420 * UNIT, 160 * UNIT, 300 * UNIT)
    assert texts(run) == [
        "return -38.0952 % and largest drawdown 38.0952 % of the stated capital: 420 USDT at "
        "leverage 3, margin used at most 71.4286 % of it",
        "1 margin call: equity 270 USDT was below margin used 286.66666666; all was closed and "
        "nothing sent after it",
    ]


def test_equity_equal_to_margin_used_is_no_call() -> None:
    # At 86: capital - 150 against 860 / 4.3 = 200.
    assert len(run_of({1: BUY}, stated("350", "4.3")).exact.risk) == 0
    assert len(run_of({1: BUY}, stated("349.9", "4.3")).exact.risk) == 1


def test_negative_equity_without_a_position_is_called() -> None:
    run = run_of({1: BUY, 3: Decision((Leg(0, -1, 10),))}, stated("155", "1000"))
    assert run.exact.risk["rule"].tolist() == [RiskRule.MARGIN_CALL]
    assert [a.position for a in run.exact.accounts] == [0, 0]


def test_longs_and_shorts_both_use_margin() -> None:
    pair = Decision((Leg(0, 1, 10), Leg(1, -1, 10)))
    builder = MarketBuilder().quote(0, 99, 90, 101, 90).quote(1, 99, 90, 101, 90)
    builder.wait(10).quote(0, 99, 90, 101, 90).wait(10).quote(1, 99, 90, 101, 90)
    run = run_of({1: pair}, stated("10000", "2"), builder)
    assert run.exact.capital == CapitalUse(10_000 * UNIT, 20 * UNIT, 1_000 * UNIT)


def test_without_capital_the_summary_says_so() -> None:
    run = run_of({1: BUY}, RiskLimits())
    assert texts(run) == ["no capital stated"]
    assert run.exact.capital is None
    assert "capital" not in arrays_of(run.exact)


def test_records_keep_what_was_made_of_capital() -> None:
    run = run_of({1: BUY}, stated("420", "3"))
    arrays = arrays_of(run.exact)
    assert records_of(run.header, arrays).capital == run.exact.capital
    with pytest.raises(InputError, match="capital"):
        records_of(run.header, {**arrays, "capital": arrays["capital"][:2]})


def test_hashes_change_only_where_capital_is_stated() -> None:
    assert RiskLimits().describe() == {}
    assert stated("10").describe() == {"capital": "1e1"}
    assert stated("10.0", "2.50").describe() == {"capital": "1e1", "leverage": "25e-1"}
    both = stated("10", "2.5")
    assert RiskLimits.from_description(both.describe()).risk_hash == both.risk_hash
    assert both.risk_hash != stated("10").risk_hash != RiskLimits().risk_hash
    assert msgspec.structs.replace(both, capital=FixedPoint(100, -1)).risk_hash == both.risk_hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('leverage = "3"', "to 1e18: leverage needs it"),
        ('margin = "scan"', 'to 1e18: margin = "scan" needs it'),
        ('capital = "10"\nleverage = "0"', "leverage): was '0'"),
        ('capital = "10"\nleverage = "-2"', "leverage): was"),
        ('capital = "-10"', "capital): was '-10'"),
        ('capital = "1e99"', "capital): was"),
        ('capital = "many"', "capital): was 'many'"),
        ("capital = nan", "capital): was nan"),
        ("capital = true", "capital): was"),
    ],
)
def test_a_faulty_file_is_refused_by_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "risk.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        RiskLimits.load(path)
    assert words in str(caught.value).replace(f"{path}", "")


def test_capital_of_two_currencies_is_refused() -> None:
    segment = MemorySegment(MarketBuilder().tables(), traded.UNIVERSES["mixed"])
    with pytest.raises(ConfigError, match=r"capital.*one currency.*INR, USDT"):
        backtest(segment, twins.script({}), costs=traded.COSTS[3], limits=stated("10"))


def test_return_is_of_stated_capital() -> None:
    (line,) = run_of({1: BUY}, stated("100000")).summary()[:1]
    assert line.figures["net_pnl"] == "-60"
    assert Fraction(line.figures["drawdown"]) == 150
    assert str(line).startswith("return -0.06 % and largest drawdown 0.15 % of")
