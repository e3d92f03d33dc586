"""basis_capture: every form against the rule's formula, and how it is bound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError, StrategyError
from quantlaxmi.features import feature_arguments
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from tests.depth import examples
from tests.naive import basis_capture as naive
from tests.strategy_harness import CAN_TRADE, PAIR, caller, drive, instrument, memory_of, set_quote

EXAMPLES = Path(__file__).parents[2] / "examples"
FORMS = {
    "compiled": ("basis_capture", False),
    "interpreted": ("basis_capture", True),
    "numba": (f"{EXAMPLES}/basis_capture_numba.py:Basis", False),
    "numba interpreted": (f"{EXAMPLES}/basis_capture_numba.py:Basis", True),
    "python": (f"{EXAMPLES}/basis_capture_python.py:Basis", False),
}
MS = 1_000_000
HOUR_NS = 3_600_000 * MS
SPOT, PERP = InstrumentKind.SPOT, InstrumentKind.PERP


def bind(form, config=None, instruments=PAIR):
    name, interpreted = FORMS[form]
    strategy = StrategyRegistry().get(name)(config or BasisCaptureConfig())
    return strategy.bind(instruments, interpreted=interpreted)


def naive_config(config):
    values = {n: getattr(config, n) for n in config.__struct_fields__}
    made = {n: v.to_fraction() if isinstance(v, FixedPoint) else v for n, v in values.items()}
    for name in ("min_bid_qty", "min_ask_qty"):
        made[name] *= 10**8
    return made


def expected(config, rows, **how):
    qty = int(config.position_size.to_fraction() * 10**8)
    text = BasisCapture.rationales
    return [
        (
            k,
            1 if enter else 2,
            side,
            legs,
            text[(0 if side < 0 else 1) if enter else 3 - (side > 0)],
        )
        for k, enter, side, legs in naive.decisions(rows, naive_config(config), qty=qty, **how)
    ]


def quote(ts_ms, index, mid2, *, half_spread=1, qty=10**8, ask_qty=None):
    """A quote with bid + ask == mid2 (for an even sum of mid2 and spread)."""
    bid = mid2 // 2 - half_spread
    return (ts_ms * MS, index, bid, qty, mid2 - bid, qty if ask_qty is None else ask_qty)


PRICE = 60_000 * 10**8


def at_basis(ts_ms, bps, **how):
    """Both legs quoted at the same time, the perpetual ``bps`` above; spot mid2 is exact."""
    mid2 = 2 * PRICE
    return [
        quote(ts_ms, 0, mid2, **how),
        quote(ts_ms, 1, mid2 + int(Fraction(str(bps)) * mid2 / 10_000), **how),
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("bps", "side"),
    [("5", 0), ("5.00000001", -1), ("4.99", 0), ("-5", 0), ("-5.00000001", 1), ("9e3", -1)],
)
def test_entry_is_strictly_beyond_the_threshold(form, bps, side):
    found = drive(bind(form), at_basis(1000, bps))
    assert [d[1:3] for d in found] == ([(1, side)] if side else [])
    if side:
        assert found[0][3] == ((1, side * 10**6), (0, -side * 10**6))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("entry", "later", "leaves"),
    [
        ("6", "2.5", False),
        ("6", "2.49999999", True),
        ("6", "-40", True),
        ("-6", "-2.5", False),
        ("-6", "-2.49999999", True),
        ("-6", "40", True),
    ],
)
def test_exit_is_strictly_inside_the_exit_threshold(form, entry, later, leaves):
    found = drive(bind(form), at_basis(0, entry) + at_basis(2000, later)[1:])
    assert len(found) == 1 + leaves
    if leaves:
        assert found[1][1] == 2 and found[1][2] == -found[0][2]
        assert found[1][3] == tuple((leg, -qty) for leg, qty in found[0][3])
        assert found[1][4].startswith("exit short" if entry == "6" else "exit long")


@pytest.mark.parametrize("form", FORMS)
def test_cooldown_holds_entries_and_exits(form):
    rows = at_basis(0, 6)
    for ts in (1, 999, 1000, 1001, 1999, 2000):
        rows += at_basis(ts, 0)[1:] + at_basis(ts, 6)[1:]
    found = drive(bind(form), rows)
    assert [(rows[d[0]][0] // MS, d[1]) for d in found] == [(0, 1), (1000, 2), (2000, 1)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("setting", "good", "bad"),
    [
        ("max_quote_age_ms=5000", quote(-4000, 0, 2 * PRICE), quote(-4001, 0, 2 * PRICE)),
        ("max_spread_bps=1", (0, 0, PRICE - 3 * 10**8, 9, PRICE + 3 * 10**8, 9), None),
        ("min_bid_qty=0.5", quote(0, 0, 2 * PRICE, qty=5 * 10**7), None),
        ("min_ask_qty=0.5", quote(0, 0, 2 * PRICE, ask_qty=5 * 10**7), None),
    ],
)
def test_filter_looks_at_the_other_leg(form, setting, good, bad):
    if bad is None:
        ts, index, bid, bid_qty, ask, ask_qty = good
        bad = {
            "max_spread_bps=1": (ts, index, bid - 1, bid_qty, ask + 1, ask_qty),
            "min_bid_qty=0.5": (ts, index, bid, bid_qty - 1, ask, ask_qty),
            "min_ask_qty=0.5": (ts, index, bid, bid_qty, ask, ask_qty - 1),
        }[setting]
    bound = bind(form, BasisCaptureConfig.load(sets=[setting]))
    now = quote(1000, 1, int(2 * PRICE * 1.001))
    assert len(drive(bound, [good, now])) == 1
    bound = bind(form, BasisCaptureConfig.load(sets=[setting]))
    assert drive(bound, [bad, now]) == []


@pytest.mark.parametrize("form", FORMS)
def test_trades_per_hour_counts_the_trailing_hour(form):
    config = BasisCaptureConfig.load(sets=["max_trades_per_hour=2 cooldown_ms=0"])
    hour = HOUR_NS // MS
    rows = []
    for ts in (0, 10, 20, hour - 1, hour, hour + 9, hour + 10, hour + 11):
        rows += at_basis(ts, 6) + at_basis(ts, 0)
    found = drive(bind(form, config), rows)
    assert [rows[d[0]][0] // MS for d in found if d[1] == 1] == [0, 10, hour, hour + 10]
    assert found == expected(config, rows)


@pytest.mark.parametrize("form", FORMS)
def test_unhedged_trades_the_perpetual_alone(form):
    found = drive(bind(form, BasisCaptureConfig(hedged=False)), at_basis(0, 6) + at_basis(2000, 0))
    assert [d[3] for d in found] == [((1, -(10**6)),), ((1, 10**6),)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("entry", "later"), [(6, 0), (-6, 0)])
def test_a_spot_leg_left_alone_is_closed_by_its_side(form, entry, later):
    rows = at_basis(0, entry) + at_basis(2000, entry) + at_basis(4000, later)
    found = drive(bind(form), rows, shares=(100, 0))
    assert [rows[d[0]][0] // MS for d in found] == [0, 4000]
    assert found[1][3] == ((0, -found[0][3][1][1]),)


@pytest.mark.parametrize("form", FORMS)
def test_orders_in_flight_and_invalid_books_hold_it_back(form):
    assert len(drive(bind(form), at_basis(0, 6) + at_basis(2000, 0), delay=9)) == 1
    crossed = [quote(0, 0, 2 * PRICE), (0, 1, PRICE * 2, 1, PRICE, 1)]
    assert drive(bind(form), crossed) == []


@pytest.mark.parametrize("form", FORMS)
def test_products_beyond_64_bits_stay_exact(form):
    config = BasisCaptureConfig.load(sets=["threshold_bps=9999.99999999 max_quote_age_ms=0"])
    top = 1 << 61  # bid + ask of both legs still fits int64
    for more, side in ((0, 0), (1, -1)):
        # perp = 2 * spot + more: basis is 10**4 bps or just above 9999.99999999 bps
        rows = [(0, 0, top // 4, 1, top // 4 + 2, 1)]
        spot2 = rows[0][2] + rows[0][4]
        limit = spot2 + spot2 * (10**12 - 1) // 10**12  # the largest perp sum not beyond
        perp2 = limit + more
        rows.append((0, 1, perp2 // 2 - 5, 1, perp2 - perp2 // 2 + 5, 1))
        assert [d[2] for d in drive(bind(form, config), rows)] == ([side] if side else [])


rows_strategy = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 40, 250, 1000, 1_200_000]),  # ms since the row before
        st.integers(0, 1),
        st.integers(-14, 14),  # ticks of about half a bps
        st.integers(-1, 6),  # spread
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=80,
)
config_strategy = st.fixed_dictionaries(
    {
        "threshold_bps": st.sampled_from(["0", "2", "3.33333333", "5"]),
        "exit_threshold_bps": st.sampled_from(["0", "1", "2.5", "6"]),
        "max_quote_age_ms": st.sampled_from([0, 300, 5000]),
        "cooldown_ms": st.sampled_from([0, 40, 1000]),
        "max_spread_bps": st.sampled_from(["0", "1", "2.00000001"]),
        "min_bid_qty": st.sampled_from(["0", "0.00000002"]),
        "min_ask_qty": st.sampled_from(["0", "0.00000003"]),
        "max_trades_per_hour": st.sampled_from([0, 1, 2, 5]),
        "hedged": st.booleans(),
    }
)


# A leg that fills short leaves the other behind, down to a spot leg held alone.
shares_strategy = st.tuples(st.sampled_from([100, 60, 0]), st.sampled_from([100, 60, 0]))


@settings(max_examples=examples(120), deadline=None)
@given(rows_strategy, config_strategy, st.sampled_from([0, 1, 3]), shares_strategy)
def test_forms_follow_the_formula(steps, values, delay, shares):
    config = BasisCaptureConfig.from_mapping({**values, "position_size": "0.00000007"})
    rows, ts = [], 1_723_161_255 * 10**9
    for ms, index, tick, spread, bid_qty, ask_qty in steps:
        ts += ms * MS
        bid = 20_000 + tick
        rows.append((ts, index, bid, bid_qty, bid + spread, ask_qty))
    wanted = expected(config, rows, delay=delay, shares=shares)
    for form in FORMS:
        assert drive(bind(form, config), rows, delay=delay, shares=shares) == wanted, form


@pytest.mark.parametrize("form", [f for f in FORMS if f != "python"])
def test_can_trade_is_the_filters_alone(form):
    config = BasisCaptureConfig.load(sets=["max_spread_bps=1"])
    bound = bind(form, config, (*PAIR, instrument(symbol="ETHUSDT", base="ETH")))
    memory = memory_of(bound)
    can_trade = caller(bound, bound.can_trade, CAN_TRADE, memory)
    assert can_trade() == 0
    for k, row in enumerate(at_basis(0, 0)):
        set_quote(memory, row, k)
    assert can_trade() == 1  # whatever the basis, the position and the cooldown
    set_quote(memory, (0, 2, 1, 1, 2, 1), 2)
    assert can_trade() == 0  # a message about another instrument
    set_quote(memory, quote(0, 1, 2 * PRICE, half_spread=PRICE // 10_000), 3)
    assert can_trade() == 0


def test_price_near_the_int64_limit_is_a_status():
    bound = bind("compiled", BasisCaptureConfig.load(sets=["max_spread_bps=1 max_quote_age_ms=0"]))
    memory = memory_of(bound)
    for k, row in enumerate(at_basis(0, 6)):
        set_quote(memory, row, k)
    memory["books"]["ask"][1] = 1 << 62
    assert caller(bound, bound.can_trade, CAN_TRADE, memory)() == -1


@pytest.mark.parametrize(
    ("instruments", "sets", "said"),
    [
        ((PAIR[0],), "", "needs a perp; the segment has BTCUSDT (spot)"),
        ((PAIR[1],), "", "needs a spot"),
        ((), "", "the segment has nothing"),
        ((PAIR[0], instrument(PERP, base="ETH")), "", "of one base and currency"),
        ((*PAIR, instrument(PERP, symbol="BTCUSDT-240927")), "", "finds 2 pairs"),
        (PAIR, "perp=BTCUSD", "needs a perp BTCUSD"),
        (PAIR, "position_size=0.000000011", "must be a multiple of 0.00000001"),
        ((PAIR[0], instrument(PERP, lot=10**5)), "position_size=0.0015", "multiple of 0.001"),
        ((PAIR[0], instrument(PERP, contract_size=2, qty_exponent=0)), "", "multiple of 2"),
    ],
)
def test_binding_refuses_what_does_not_fit(instruments, sets, said):
    with pytest.raises(StrategyError, match=r".") as caught:
        BasisCapture(BasisCaptureConfig.load(sets=[sets] if sets else [])).bind(instruments)
    assert said in str(caught.value) and "\n" not in str(caught.value)


SHIB = instrument(symbol="SHIBUSDT", base="SHIB", qty_exponent=0)
SHIB_1000 = instrument(
    PERP, symbol="1000SHIBUSDT", base="SHIB", qty_exponent=-2, contract_size=1000, price_units=1000
)
OKX = instrument(PERP, qty_exponent=0, contract_exponent=-2, lot=1)


@pytest.mark.parametrize(
    ("pair", "size", "quantities"),
    [
        ((SHIB, SHIB_1000), "25000", [25_000, 2_500]),
        ((PAIR[0], OKX), "0.25", [25_000_000, 25]),
    ],
)
def test_a_pair_of_other_contract_sizes_trades_at_equal_base_quantity(pair, size, quantities):
    config = BasisCaptureConfig.load(sets=[f"position_size={size}"])
    bound = BasisCapture(config).bind(pair)
    assert bound.params["value"].tolist()[9:11] == quantities
    held = [q * one.base_unit for q, one in zip(quantities, pair, strict=True)]
    assert held[0] == held[1] == FixedPoint.from_text(size).to_fraction()


def test_a_basis_is_of_equal_units():
    spot, perp = 1_700, 1_717_000  # 0.00001700 a coin, 0.01717 a thousand
    _, _, of_spot, of_perp = feature_arguments("mid_basis", (0, 1), (SHIB, SHIB_1000))
    assert Fraction(perp * of_perp, spot * of_spot) == Fraction(101, 100)
    assert feature_arguments("mid_basis", (0, 1), PAIR)[2:] == (1, 1)


@pytest.mark.parametrize(
    ("pair", "sets", "said"),
    [
        (
            (PAIR[0], instrument(PERP, currency="USDC")),
            "",
            "quoted in USDT, BTCUSDT-PERP in USDC",
        ),
        ((SHIB, instrument(PERP, base="1000SHIB")), "", "is of SHIB, BTCUSDT-PERP of 1000SHIB"),
        ((PAIR[0], OKX), "position_size=0.015", "must be a multiple of 0.01"),
        ((SHIB, SHIB_1000), "position_size=25", "multiple of 10, the smallest step of 1000SHIB"),
    ],
)
def test_a_pair_that_cannot_hedge_is_refused_in_one_sentence(pair, sets, said):
    with pytest.raises(StrategyError, match=r".") as caught:
        BasisCapture(BasisCaptureConfig.load(sets=[sets] if sets else [])).bind(pair)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_binding_chooses_the_named_pair_and_its_exponents():
    second = instrument(PERP, symbol="BTCUSDC-PERP", qty_exponent=-3, lot=2)
    config = BasisCaptureConfig.load(sets=["perp=BTCUSDC-PERP min_bid_qty=0.0015"])
    bound = BasisCapture(config).bind((PAIR[1], second, PAIR[0]))
    assert bound.instruments == (1, 2)
    value = bound.params["value"].tolist()
    assert value[:2] == [2, 1] and value[9:11] == [10**6, 10]
    assert value[11:] == [150_000, 0, 2, 0]  # a bound is rounded up, never down


def test_settings_have_the_documented_defaults():
    assert BasisCaptureConfig().as_texts() == {
        "threshold_bps": "5",
        "exit_threshold_bps": "2.5",
        "position_size": "0.01",
        "max_quote_age_ms": "5000",
        "cooldown_ms": "1000",
        "max_spread_bps": "0",
        "min_bid_qty": "0",
        "min_ask_qty": "0",
        "max_trades_per_hour": "0",
        "hedged": "true",
        "spot": "",
        "perp": "",
    }
    with pytest.raises(ConfigError, match="at most 8 decimals"):
        BasisCaptureConfig.load(sets=["threshold_bps=1.000000001"])
