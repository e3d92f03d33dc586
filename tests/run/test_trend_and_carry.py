"""The examples of a trend follower and a carry: equal forms, and what they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.calibrate.markets import COSTS, PERP, SPOT, Funding, make_market, mids_of
from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
HOUR_NS = 3_600 * 10**9
ROWS = 2_000


def made(name: str, *sets: str):
    return StrategyRegistry(installed=False).create(f"{EXAMPLES / name}", sets=sets)


@pytest.mark.parametrize(
    "sets",
    [
        (),
        ("fast=3", "slow=7"),
        ("fast=1", "slow=2", "both_sides=false"),
        ("fast=255", "slow=256"),
        ("symbol=BTCUSDT-PERP", "fast=5", "slow=40"),
    ],
)
def test_both_forms_of_the_trend_give_one_trace(sets):
    segment = open_segment(ROOT / "data/planted")
    sets = ("every_seconds=1", *sets)
    plain = backtest(segment, made("sma_trend.py:Trend", *sets))
    kernel = backtest(segment, made("sma_trend_numba.py:Trend", *sets))
    twin = backtest(segment, made("sma_trend_numba.py:Trend", *sets), interpreted=True)
    assert plain.n_decisions > 5
    for other in (kernel, twin):
        assert other.trace.trace_hash == plain.trace.trace_hash
        assert other.trace.outcome_hash == plain.trace.outcome_hash


def test_the_trend_holds_the_sign_of_its_means():
    """By a naive computation of the means at every close."""
    segment = open_segment(ROOT / "data/planted")
    run = backtest(segment, made("sma_trend.py:Trend", "every_seconds=1", "fast=3", "slow=7"))
    quotes = segment.columns("quotes")
    own = quotes["instrument"] == 0
    closes, sides, at, due = [], [], [], 0
    last = None
    for i in range(len(own)):
        if own[i]:
            last = int(quotes["bid"][i]) + int(quotes["ask"][i])
        ts = int(quotes["ts_ns"][i])
        if last is None or ts < due:
            continue
        due = ts + 10**9
        closes.append(last)
        if len(closes) >= 7:
            fast, slow = sum(closes[-3:]) / 3, sum(closes[-7:]) / 7
            sides.append((fast > slow) - (fast < slow))
            at.append(ts)
    # A decision falls where the side changes, while none of its orders is in flight.
    changes = [t for t, a, b in zip(at, [0, *sides], sides, strict=False) if a != b]
    decided = run.exact.decisions["ts_ns"].tolist()
    assert len(set(decided) & set(changes)) / len(decided) > 0.95


def test_settings_that_fit_nothing_are_refused():
    with pytest.raises(ConfigError, match=r"fast.*expected below slow"):
        made("sma_trend.py:Trend", "fast=10", "slow=10")
    segment = open_segment(ROOT / "data/planted")
    with pytest.raises(StrategyError, match="needs ETHUSDT"):
        backtest(segment, made("sma_trend.py:Trend", "symbol=ETHUSDT"))
    with pytest.raises(StrategyError, match="funding_carry needs a perp ETH, there is none"):
        backtest(segment, made("funding_carry.py:Carry", "perp=ETH"))


def carry_market(rate: int):
    """Spot and perpetual an hour apart, and a settlement of the perpetual every 8 hours."""
    rng = np.random.default_rng(3)
    moves = rng.integers(-60, 61, ROWS).astype(np.int64)
    moves[1::2] = moves[::2]  # both legs make the same moves
    mid = mids_of(moves, 2, 10_000_000)
    funding = Funding(16, np.full(ROWS // 16, rate, np.int64), int(mid[0]))
    return make_market(
        mid - 10, mid + 10, instruments=(PERP, SPOT), step_ns=HOUR_NS // 2, funding=funding
    )


def test_the_carry_holds_both_legs_alike_and_earns_what_settles():
    run = backtest(carry_market(10_000), made("funding_carry.py:Carry"), costs=COSTS["free"])
    perp, spot = run.exact.accounts
    assert spot.position == -perp.position > 0
    worth = spot.position * 10.0**SPOT.qty_exponent * float(mids_of(np.zeros(1, np.int64))[0]) / 1e8
    assert 9_000 < worth < 11_000
    assert perp.funding > 0 and spot.funding == 0
    assert run.exact.net_pnl > 0


def test_a_carry_that_closes_makes_a_round_trip_a_period():
    market = carry_market(10_000)
    held = backtest(market, made("funding_carry.py:Carry"), costs=COSTS["free"])
    sets = ("close=true", "every_hours=24")
    closed = backtest(market, made("funding_carry.py:Carry", *sets), costs=COSTS["free"])
    rationales = closed.exact.decisions["rationale"].tolist()
    assert rationales[:4] == [0, 1, 0, 1]
    assert len(rationales) > 70 > held.n_decisions
