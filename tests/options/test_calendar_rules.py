"""The calendar's rules on recorded mornings, and against a twin in fractions on made chains."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from quantlaxmi.importers.nse import read_snapshot
from quantlaxmi.options import black76
from quantlaxmi.options.calendar_rules import CalendarCheck, calendar_check, front_and_back
from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms
from quantlaxmi.options.moment import ChainLayout, ChainMoment
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig
from tests.depth import some
from tests.naive import calendar_rules as naive
from tests.options.recorded import DAY, moment_of, real_moment, real_paths

#: Snapshot, hedge ratio, gap, calendar gap, slope, skew of front and back, friction.
_FIGURES = """
    NIFTY_20250829_092416 0.611961811202331 8.79857325461625 0.000229841801743801
        -0.00499513342954964 -0.2338638397 -0.2817746815 2.6644591429
    NIFTY_20250829_100126 0.610591258984498 13.8266398684325 0.000224758160359544
        -0.00742401097363681 -0.1527199161 -0.2760793471 2.7211912197
    NIFTY_20250829_105854 0.610062301879311 19.9595439898659 0.000215586950160055
        -0.00972872924201072 -0.2283868504 -0.3002925041 2.4791742008
    BANKNIFTY_20250829_105854 0.727394634394036 11.0989622968739 0.000980707309429821
        -0.000852124063647494 -0.2680890579 -0.0964636956 23.5356259434
"""
FIGURES = [_FIGURES.split()[i : i + 8] for i in range(0, 32, 8)]
COUNTS = {
    "NIFTY": {"session": 6, "gap_floor": 18, "size": 31, "gap_friction": 1},
    "BANKNIFTY": {
        "session": 6,
        "age": 1,
        "back_spread": 25,
        "leg_spread": 38,
        "open_interest": 62,
        "size": 62,
        "gap_floor": 40,
        "gap_friction": 63,
    },
}


def names(blocked: CalendarRule) -> set[str]:
    return {str(rule.name).lower() for rule in blocked}


@pytest.mark.parametrize("row", FIGURES, ids=lambda r: r[0])
def test_figures_of_recorded_chains(row: list[str]) -> None:
    name, *given = row
    hedge, gap, calendar, slope, front_skew, back_skew, friction = map(float, given)
    terms = CalendarCarryConfig().terms(name.split("_")[0], DAY)
    found = calendar_check(real_moment(name), terms)
    assert found.hedge == pytest.approx(hedge, abs=1e-9)
    assert found.gap == pytest.approx(gap, rel=1e-9)
    assert found.calendar_gap == pytest.approx(calendar, abs=1e-9)
    assert found.slope == pytest.approx(slope, abs=1e-9)
    assert found.skew == pytest.approx(min(front_skew, back_skew), abs=1e-8)
    assert found.friction == pytest.approx(friction, abs=1e-8)


@pytest.mark.parametrize(
    ("underlying", "n", "passing"), [("NIFTY", 64, 26), ("BANKNIFTY", 63, 0)], ids=str
)
def test_counts_of_the_recorded_mornings(underlying: str, n: int, passing: int) -> None:
    terms = CalendarCarryConfig().terms(underlying, DAY)
    blocked = Counter[str]()
    entries = []
    paths = real_paths(underlying)
    assert len(paths) == n
    for path in paths:  # the one that an import would put aside counts too
        found = calendar_check(moment_of(read_snapshot(path, underlying)), terms)
        blocked.update(names(found.blocked))
        if not found.blocked:
            entries.append((path.stem[-6:], round(found.gap, 3), found.back_lots))
    assert dict(blocked) == COUNTS[underlying]
    assert len(entries) == passing
    if underlying == "NIFTY":
        assert entries[0] == ("094201", 12.207, 2)
        assert {"095750", "104218"} <= {at for at, _, _ in entries}


NOW, HOUR = 1_756_440_000, 3_600
EXPIRIES = (2 * 86_400, 9 * 86_400)
LOTS = (75, 50)


def made(seed: int, *, quoted: float = 1.0) -> dict[int, list[naive.Row]]:
    """Two expiries around 1000.00 with noise in prices, sizes and open interest."""
    rng = np.random.default_rng(seed)
    sigmas = 0.12 + 0.06 * rng.random(2)
    out: dict[int, list[naive.Row]] = {HOUR: [(1000_00, (0,) * 5, (0,) * 5)]}
    for seconds, sigma, lot in zip(EXPIRIES, sigmas.tolist(), LOTS, strict=True):
        rows = []
        for strike in range(900_00, 1100_00, 10_00):
            sides = []
            for call in (True, False):
                years = seconds / naive.YEAR
                fair = float(black76(1002.0, strike / 100, years, sigma, call).value) * 100
                bid = max(5, int(fair) // 5 * 5 + 5 * int(rng.integers(-2, 2)))
                ask = bid + 5 * int(rng.integers(0, 4))
                size, interest = rng.integers(1, 9, 2) * lot, int(rng.integers(400, 900)) * lot
                here = rng.random(2) < quoted
                sides.append((bid * here[0], size[0] * here[0], ask * here[1], size[1] * here[1],
                              interest))  # fmt: skip
            rows.append((strike, *(tuple(int(v) for v in side) for side in sides)))
        out[seconds] = rows
    return out


def moment_of_rows(
    chain: dict[int, list[naive.Row]], *, age: int = 60, lots: tuple[int, int] = LOTS
) -> ChainMoment:
    columns: dict[str, list[int]] = {n: [] for n in ("bid", "bid_qty", "ask", "ask_qty", "oi")}
    keys = []
    lot = dict(zip(EXPIRIES, lots, strict=True))
    for seconds, rows in chain.items():
        for strike, *sides in rows:
            for call, side in zip((True, False), sides, strict=True):
                keys.append(((NOW + seconds) * 10**9, strike, lot.get(seconds, 75), call))
                for name, value in zip(columns, side, strict=True):
                    columns[name].append(value)
    layout = ChainLayout(*zip(*keys, strict=True))
    made = {name: np.array(column, np.int64) for name, column in columns.items()}
    made["iv"] = np.zeros(len(keys), np.int64)
    return layout.moment(NOW * 10**9, (NOW - age) * 10**9, made)


#: Setting of the twin -> the field of the terms.
FIELDS = {
    "front_bps": "max_front_spread_bps",
    "back_bps": "max_back_spread_bps",
    "leg_pct": "max_bid_ask_spread_pct",
    "open_interest": "min_open_interest",
    "min_iv": "min_iv",
    "max_iv": "max_iv",
    "slope": "term_structure_slope",
    "skew": "skew_threshold",
    "gap": "min_premium_gap",
    "multiple": "gap_friction_multiple",
    "hedge_error": "max_hedge_error",
    "fee_flat": "fee_flat",
    "fee_share": "fee_share",
    "credit": "credit",
    "front_lots": "front_lots",
}


def limits(seed: int) -> dict[str, Any]:
    """Limits that about half of the made chains meet; some are off."""
    rng = np.random.default_rng([seed, 1])
    found = {
        "front_bps": rng.choice([0, 1, 2]),
        "back_bps": rng.choice([0, 1, 2]),
        "leg_pct": rng.choice([0, 2, 8]),
        "open_interest": rng.choice([0, 450]),
        "min_iv": rng.choice([0, 0.1, 0.13]),
        "max_iv": rng.choice([0, 0.16, 0.18]),
        "slope": rng.choice([0, 0.01, -0.01]),
        "skew": rng.choice([0, -0.3, 0.1]),
        "gap": rng.choice([0, 1, -2]),
        "multiple": rng.choice([0, 0.5, 2]),
        "hedge_error": rng.choice([0, 0.05, 0.3]),
        "fee_flat": 23.6,
        "fee_share": 0.001870868,
    }
    plain: dict[str, Any] = {name: float(value) for name, value in found.items()}
    return plain | {"credit": bool(rng.random() < 0.3), "front_lots": int(rng.integers(1, 6))}


def terms_of(given: dict[str, Any]) -> CalendarTerms:
    named = {FIELDS[name]: value for name, value in given.items()}
    named["min_open_interest"] = int(named["min_open_interest"])
    return CalendarTerms(
        opens_ns=(NOW - HOUR) * 10**9,
        closes_ns=(NOW + HOUR) * 10**9,
        min_front_ns=86_400 * 10**9,
        min_gap_ns=5 * 86_400 * 10**9,
        max_age_ns=120 * 10**9,
        max_ahead_ns=5 * 10**9,
        **named,
    )


def twin(chain: dict[int, list[naive.Row]], given: dict[str, Any], *, age: int = 60) -> Any:
    exact = {name: value if name == "credit" else Fraction(value) for name, value in given.items()}
    exact |= {"min_front": 86_400, "min_gap": 5 * 86_400, "max_age": 120, "max_ahead": 5}
    now = {"ts": NOW, "exch": NOW - age, "opens": NOW - HOUR, "closes": NOW + HOUR}
    return naive.check(chain, dict(zip(EXPIRIES, LOTS, strict=True)), now, exact)


def assert_twin(found: CalendarCheck, exact: Any) -> None:
    blocked, figures = exact
    assert names(found.blocked) == blocked
    for name, value in figures.items():
        assert getattr(found, name) == pytest.approx(float(value), rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("seed", some(range(24), 5))
def test_rules_are_the_twins(seed: int) -> None:
    chain, given = made(seed, quoted=1.0 if seed % 3 else 0.93), limits(seed)
    age = (60, 121, -6, -5, 120)[seed % 5]
    found = calendar_check(moment_of_rows(chain, age=age), terms_of(given))
    assert_twin(found, twin(chain, given, age=age))


def test_made_cases_meet_every_rule() -> None:
    """Each rule that looks at quotes forbids in some generated cases, and not in others."""
    seen = Counter[str]()
    for seed in range(60):
        found = calendar_check(moment_of_rows(made(seed)), terms_of(limits(seed)))
        seen.update(names(found.blocked))
    asked = {str(rule.name).lower() for rule in CalendarRule}
    lacking = asked - {"session", "age", "quoted", "cooldown", "margin", "calendar_gap"}
    assert lacking <= seen.keys()
    assert all(seen[name] < 60 for name in lacking)


def test_all_rules_are_told_whatever_comes_first() -> None:
    given = limits(0) | {"gap": 1e5, "open_interest": 10**6, "leg_pct": 1e-6, "front_lots": 5000}
    terms = terms_of(given)
    late = CalendarTerms(**{f.name: getattr(terms, f.name) for f in fields(terms)}
                         | {"closes_ns": NOW * 10**9 - 1})  # fmt: skip
    moment = moment_of_rows(made(0), age=500)
    found = calendar_check(moment, late, CalendarRule.COOLDOWN | CalendarRule.MARGIN)
    wanted = {"session", "age", "leg_spread", "open_interest", "size", "gap_floor", "cooldown",
              "margin"}  # fmt: skip
    assert wanted <= names(found.blocked)


def test_without_quotes_only_that_is_told() -> None:
    chain = made(3)
    bare = {s: [(k, (0,) * 5, (0,) * 5) for k, *_ in rows] for s, rows in chain.items()}
    found = calendar_check(moment_of_rows(bare), terms_of(limits(3)))
    assert names(found.blocked) == {"quoted"} and found.gap == 0 and found.front_row == -1
    alone = {s: rows for s, rows in chain.items() if s != EXPIRIES[1]}
    found = calendar_check(moment_of_rows(alone), terms_of(limits(3)))
    assert names(found.blocked) == {"quoted"} and (found.front, found.back) == (1, -1)
    near = {s: rows for s, rows in chain.items() if s < EXPIRIES[0]}
    assert front_and_back(moment_of_rows(near), terms_of(limits(3))) == (-1, -1)


def test_variance_that_shrinks_is_told() -> None:
    """A back whose straddle is cheaper than its front's."""
    chain = made(5)
    cheap = []
    for strike, call, put in chain[EXPIRIES[1]]:
        least = max(0, strike - 1002_00), max(0, 1002_00 - strike)
        sides = [(value + 105, *q[1:2], value + 110, *q[3:])
                 for q, value in zip((call, put), (least[1], least[0]), strict=True)]  # fmt: skip
        cheap.append((strike, *sides))
    chain[EXPIRIES[1]] = cheap
    given = limits(5)
    found = calendar_check(moment_of_rows(chain), terms_of(given))
    assert CalendarRule.CALENDAR_GAP in found.blocked
    assert_twin(found, twin(chain, given))


def test_lots_are_rounded_half_to_even() -> None:
    assert [naive.half_even(Fraction(n, 2)) for n in (1, 3, 5, 7)] == [0, 2, 2, 4]
    assert [round(n / 2) for n in (1, 3, 5, 7)] == [0, 2, 2, 4]


def test_moments_leave_out_what_is_not_listed() -> None:
    chain = made(1)
    whole = moment_of_rows(chain)
    layout = ChainLayout([9, 9, 9], [100, 90, 90], [75, 75, 75], [True, True, False])
    names_ = ("bid", "bid_qty", "ask", "ask_qty", "oi", "iv")
    columns = {name: np.array([3, 4, 5], np.int64) for name in names_}
    one = layout.moment(0, 0, columns, np.array([True, False, True]))
    assert one.chain.strike.tolist() == [90, 100]
    assert one.call.contract.tolist() == [-1, 0] and one.put.contract.tolist() == [2, -1]
    assert one.call.bid.tolist() == [0, 3] and one.put.oi.tolist() == [5, 0]
    assert whole.chain.order.tolist() == list(range(whole.chain.strike.size))


def test_bad_layouts_are_named() -> None:
    from quantlaxmi.errors import InputError

    with pytest.raises(InputError, match="a contract came twice"):
        ChainLayout([9, 9], [90, 90], [75, 75], [True, True])
    with pytest.raises(InputError, match="lots of one expiry differ"):
        ChainLayout([9, 9], [90, 90], [75, 65], [True, False])
    near = ChainLayout([10**9, 10**9 + 1], [90, 90], [75, 75], [True, True])
    columns = {n: np.zeros(2, np.int64) for n in ("bid", "bid_qty", "ask", "ask_qty", "oi", "iv")}
    with pytest.raises(InputError, match=r"came twice|within one second"):
        near.moment(0, 0, columns)
