"""Recorded chains as moments, and the tally of the calendar's rules over them."""

from __future__ import annotations

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.options.calendar_rules import calendar_check
from quantlaxmi.options.calendar_tally import measured, tally
from quantlaxmi.options.calendar_terms import CalendarRule
from quantlaxmi.options.recorded import RecordedChain, option_underlying, options_of
from quantlaxmi.segment import MemorySegment
from quantlaxmi.strategies.calendar_carry import CalendarCarry
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig
from tests.options.chain_sessions import chain_table, instruments, morning, option, session
from tests.options.recorded import DAY


def test_snapshots_are_the_rows_of_the_table() -> None:
    market = session(n=4)
    recorded = RecordedChain(market)
    rows = market.columns("chain")
    assert (recorded.underlying, len(recorded)) == ("NIFTY", 4)
    assert recorded.ts_ns.tolist() == morning(4)
    for k, moment in enumerate(recorded.moments()):
        assert moment.exch_ts_ns == moment.ts_ns - 70 * 10**9
        own = rows["seq"] == k
        for side in (moment.call, moment.put):
            for name in ("bid", "bid_qty", "ask", "ask_qty", "oi", "iv"):
                wanted = rows[name][own][side.contract]
                np.testing.assert_array_equal(getattr(side, name), wanted)
        np.testing.assert_array_equal(moment.chain.call_bid, moment.call.bid)
    assert [recorded.known_at(ts) for ts in (0, morning(1)[0], morning(2)[1] - 1)] == [-1, 0, 0]


def test_a_snapshot_need_not_have_all_contracts() -> None:
    contracts = instruments()
    table = chain_table(contracts, morning(2))
    n = len(contracts)
    kept = np.ones(2 * n, bool)
    kept[n : n + 10] = False  # five strikes of the second snapshot
    market = MemorySegment(contracts, {"chain": {k: v[kept] for k, v in table.items()}})
    first, second = RecordedChain(market).moments()
    assert first.chain.strike.size - second.chain.strike.size == 5
    np.testing.assert_array_equal(first.chain.strike[5:], second.chain.strike)


def test_two_underlyings_are_told_apart() -> None:
    contracts = instruments() + [
        option("2025-09-30", k, call, "BANKNIFTY", 35)
        for k in (54_000, 54_100)
        for call in (True, False)
    ]
    market = MemorySegment(contracts, {"chain": chain_table(contracts, morning(2))})
    with pytest.raises(InputError, match="options of BANKNIFTY, NIFTY: name one"):
        RecordedChain(market)
    recorded = RecordedChain(market, "BANKNIFTY")
    assert [m.chain.strike.size for m in recorded.moments()] == [2, 2]
    assert recorded.layout.lot.tolist() == [35]
    with pytest.raises(InputError, match="was 'FINNIFTY', expected one of BANKNIFTY, NIFTY"):
        option_underlying(contracts, "FINNIFTY")


def test_options_that_lack_something_are_named() -> None:
    import msgspec

    good = instruments()
    for name in ("expiry_ns", "strike", "lot"):
        bad = [msgspec.structs.replace(good[0], **{name: 0 if name == "lot" else None}), *good[1:]]
        with pytest.raises(InputError, match=f"{good[0].symbol}.*{name}.*has none"):
            options_of(bad, "NIFTY")


def test_the_tally_counts_what_each_check_says() -> None:
    market = session(n=50)
    strategy = CalendarCarry(CalendarCarryConfig.load(sets=["min_open_interest=1500"]))
    checks = list(strategy.recorded_checks(market))
    found = tally(checks, nearest=2)
    assert found.checks == len(checks) == 50
    assert found.passing == sum(not check.blocked for _, check, _ in checks)
    for one in found.rules:
        own = [(ts, c, t) for ts, c, t in checks if one.rule in c.blocked]
        assert one.blocked == len(own)
        assert one.alone == sum(c.blocked == one.rule for _, c, _ in own)
        values = [measured(c, t, ts).get(one.rule) for ts, c, t in own]
        apart = sorted(abs(pair[0] - pair[1]) for pair in values if pair)
        assert [abs(m.value - m.limit) for m in one.nearest] == apart[:2]
    assert sum(n for _, n in found.together) == found.checks - found.passing
    counts = [n for _, n in found.together]
    assert counts == sorted(counts, reverse=True) and len(counts) > 2


def test_checks_keep_their_interval() -> None:
    market = session(n=20, times=morning(20, every_s=40))
    every = [ts for ts, _, _ in CalendarCarry().recorded_checks(market)]
    assert every == morning(20, every_s=40)[::2]


def test_what_is_measured_decides() -> None:
    """A rule forbids where its value is on the wrong side of its limit, and only there."""
    lower = CalendarRule.OPEN_INTEREST | CalendarRule.SIZE | CalendarRule.GAP_FLOOR
    lower |= CalendarRule.GAP_FRICTION | CalendarRule.SKEW
    terms = CalendarCarryConfig.load(
        sets="min_open_interest=1500 max_iv=0.109 term_structure_slope=-0.008 skew_threshold=0.001 "
        "max_bid_ask_spread_pct=0.3 max_front_spread_bps=1 max_hedge_error=0.01"
    ).terms("NIFTY", DAY)
    seen = CalendarRule(0)
    for moment in RecordedChain(session(n=40)).moments():
        check = calendar_check(moment, terms)
        for rule, (value, limit) in measured(check, terms, moment.ts_ns).items():
            if rule in CalendarRule.IV_RANGE | CalendarRule.AGE | CalendarRule.CALENDAR_GAP:
                continue
            fails = value < limit if rule in lower else value > limit
            assert fails == (rule in check.blocked), (rule, value, limit)
        seen |= check.blocked
    assert len(seen) >= 7
