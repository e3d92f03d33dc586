"""The margin by scan against its twin, and figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.options.scan_margin import scan_margin
from quantlaxmi.schema import BOOK_DTYPE
from tests.depth import examples
from tests.naive.scan_margin import Contract, Rule, margin

#: 09:15 IST of 2025-08-29, a day of the epoch by the calendar of India.
NOW, DAY = 1_756_439_100_000_000_000, 20_329
DAY_NS = 86_400 * 10**9
#: 15:30 IST of that day, of four days later and of eleven.
ENDS = [NOW + k * DAY_NS + 6 * 3600 * 10**9 + 900 * 10**9 for k in (0, 4, 11)]
STRIKES = [2_450_000, 2_455_000, 2_460_000, 2_465_000, 2_470_000, 2_475_000, 2_480_000]
KINDS = {"call": 1, "put": 2, "future": 3}
BEFORE, AFTER = (Rule(0.093, 0.04, 0.0175, 0.02, 0.02, apart) for apart in (False, True))


FUTURES = [
    Contract("future", end, DAY + k, 0, 1.0) for end, k in zip(ENDS, (0, 4, 11), strict=True)
]


def universe(expiries: int, far_until: int = 0) -> list[Contract]:
    """Options and futures; ``far_until`` is of the last expiry."""
    made = []
    for k in range(expiries):
        ends, day = ENDS[k], DAY + (0, 4, 11)[k]
        far = far_until if k == expiries - 1 else 0
        made.append(Contract("future", ends, day, 0, 1e9, far_until=far))
        for strike in STRIKES:
            made += [
                Contract(kind, ends, day, strike, 1e9, far_until=far) for kind in ("call", "put")
            ]
    return made


def scanned(contracts, quotes, mids, qty, rule, now=NOW):
    books = np.zeros(len(contracts), BOOK_DTYPE)
    for book, quote, mid in zip(books, quotes, mids, strict=True):
        book["mid2"] = round(2 * mid)
        if quote:
            book["valid"], book["bid"], book["ask"] = 1, *quote
    ends = sorted({c.ends_ns for c in contracts})
    days = {c.ends_ns: c.day for c in contracts}
    puts = {(c.ends_ns, c.strike): i for i, c in enumerate(contracts) if c.kind == "put"}
    terms = [
        (
            KINDS[c.kind],
            ends.index(c.ends_ns),
            puts.get((c.ends_ns, c.strike), -1) if c.kind == "call" else -1,
            float(c.strike),
            c.scale,
        )
        for c in contracts
    ]
    dated = (
        *(0, DAY, rule.price_scan, rule.far_scan, rule.vol_scan, rule.calendar, rule.exposure),
        *(rule.expiring, rule.apart),
    )
    far = {c.ends_ns: c.far_until for c in contracts}
    expiries = [(0, end, days[end], far[end]) for end in ends]
    return scan_margin(terms, expiries, [dated], books, np.array(qty, np.int64), now)


@st.composite
def portfolios(draw):
    far = draw(st.sampled_from((0, DAY, DAY + 1)))
    contracts = universe(draw(st.integers(1, 3)), far)
    base, quotes, mids = draw(st.integers(2_440_000, 2_490_000)), [], []
    for c in contracts:
        worth = base
        if c.kind != "future":
            inside = base - c.strike if c.kind == "call" else c.strike - base
            worth = max(inside, 0) + draw(st.integers(5, 30_000))
        half = draw(st.integers(1, 200))
        bid = max(worth - half, 1)
        quotes.append((bid, bid + 2 * half) if draw(st.integers(0, 9)) else None)
        mids.append(bid + half if quotes[-1] or draw(st.booleans()) else 0)
    qty = [0] * len(contracts)
    for i in draw(st.lists(st.integers(0, len(contracts) - 1), max_size=6)):
        qty[i] = draw(st.sampled_from((-150, -75, 75, 300)))
    return contracts, quotes, mids, qty


@settings(max_examples=examples(120), deadline=None)
@given(portfolios(), st.sampled_from((BEFORE, AFTER)))
def test_the_scan_is_its_twin(portfolio, rule):
    found = scanned(*portfolio, rule)
    expected = margin(*portfolio, NOW, DAY, rule)
    assert (found is None) == (expected is None)
    if found is None:
        return
    # Volatilities near nothing are as inexact as the mid of which a rest is left.
    size = sum(
        abs(q) * c.scale * 2_500_000 for q, c in zip(portfolio[3], portfolio[0], strict=True)
    )
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(float(value), rel=1e-9, abs=1e-9 * size), name


def test_a_future_loses_the_price_scan_and_a_calendar_of_futures_pays_its_charge():
    contracts = FUTURES
    mids, quotes = [2_400_000, 2_410_000, 2_420_000], [None] * 3
    alone = scanned(contracts, quotes, mids, [0, 75, 0], AFTER)
    assert alone.scan == pytest.approx(75 * 2_410_000 * 0.093, rel=1e-12)
    assert alone.exposure == pytest.approx(75 * 2_410_000 * 0.02, rel=1e-12)
    spread = scanned(contracts, quotes, mids, [0, 75, -75], AFTER)
    assert spread.scan == pytest.approx(75 * 10_000 * 0.093, rel=1e-9)
    assert spread.calendar == pytest.approx(75 * 2_420_000 * 0.0175, rel=1e-12)


def test_options_with_a_long_time_left_have_the_larger_price_scan():
    """Deep in the money a call moves as its forward does."""
    for far_until, scan in ((DAY, 0.093), (DAY + 1, 0.177)):
        contracts = [
            Contract(kind, ENDS[2], DAY + 11, strike, 1.0, far_until=far_until)
            for strike in (1_000_000, 2_400_000)
            for kind in ("call", "put")
        ]
        contracts.append(Contract("future", ENDS[2], DAY + 11, 0, 1.0, far_until=far_until))
        quotes = [(1_399_999, 1_400_001), (1, 3), (29_999, 30_001), (29_999, 30_001), None]
        mids = [1_400_000, 2, 30_000, 30_000, 2_400_000]
        call = scanned(contracts, quotes, mids, [75, 0, 0, 0, 0], AFTER)
        assert call.scan == pytest.approx(75 * 2_400_000 * scan, rel=1e-3)
        future = scanned(contracts, quotes, mids, [0, 0, 0, 0, 75], AFTER)
        assert future.scan == pytest.approx(75 * 2_400_000 * 0.093, rel=1e-12)


def test_there_is_no_benefit_on_the_day_of_expiry():
    contracts = FUTURES
    mids, quotes = [2_400_000, 2_410_000, 2_420_000], [None] * 3
    with_benefit, without = (
        scanned(contracts, quotes, mids, [75, -75, 0], rule) for rule in (BEFORE, AFTER)
    )
    assert with_benefit.calendar > 0 == without.calendar
    assert without.scan == pytest.approx(75 * (2_400_000 + 2_410_000) * 0.093, rel=1e-12)
    assert with_benefit.scan == pytest.approx(75 * 10_000 * 0.093, rel=1e-9)
    assert without.exposure == pytest.approx(75 * (2_400_000 * 0.04 + 2_410_000 * 0.02), rel=1e-12)


def test_what_is_bought_asks_for_its_premium_alone():
    contracts = universe(2)[15:]
    quotes = [(2_460_000, 2_460_010) if c.kind == "future" else (9_000, 9_010) for c in contracts]
    mids = [sum(q) / 2 for q in quotes]
    qty = [0] * len(contracts)
    qty[1] = 75
    bought = scanned(contracts, quotes, mids, qty, AFTER)
    assert (bought.required, bought.exposure) == (0, 0)
    assert bought.options == pytest.approx(75 * 9_005 * 1e9)
    qty[1] = -75
    sold = scanned(contracts, quotes, mids, qty, AFTER)
    assert sold.required == pytest.approx(sold.scan + sold.exposure + 75 * 9_005 * 1e9, rel=1e-12)


def test_without_a_price_a_forward_or_a_rule_there_is_no_margin():
    contracts = universe(1)
    quotes, mids = [None] * len(contracts), [9_000] * len(contracts)
    qty = [0] * len(contracts)
    assert scanned(contracts, quotes, mids, qty, AFTER).required == 0
    qty[1] = -75
    assert scanned(contracts, quotes, mids, qty, AFTER) is None  # no strike has all four quotes
    quotes = [(8_999, 9_001)] * len(contracts)
    assert scanned(contracts, quotes, mids, qty, AFTER) is not None
    assert scanned(contracts, quotes, mids, qty, AFTER, now=NOW - DAY_NS) is None
    mids[1] = 0
    assert scanned(contracts, quotes, mids, qty, AFTER) is None
