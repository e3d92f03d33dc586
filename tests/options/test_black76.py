"""Black-76 against published values, a twin of 160 digits, and what must hold of any option."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi._ext import black76 as kernel
from quantlaxmi.errors import InputError
from quantlaxmi.options import YEAR_SECONDS, OptionStatus, black76, greeks, implied_vol
from tests.naive import black76 as naive
from tests.naive import mills_fit

#: Forward, strike, seconds, volatility, call or put, price, vega: 50 digits, rounded.
VECTORS = [
    (24575, 24600, 60, 0.1, "C", 3.7511706282690304e-14, 2.14717264561e-11),
    (24575, 24575, 60, 0.1, "P", 1.3523089231139939, 13.5230892097),
    (24575, 24650, 60, 0.12, "C", 1.2028483713481191e-76, 3.42720001523e-73),
    (24575, 24550, 3600, 0.1, "P", 2.3909986174433612, 66.507829727),
    (24575, 24600, 86400, 0.1, "C", 39.808227373704395, 503.828133548),
    (24575, 25500, 86400, 0.12, "C", 5.1247054944794415e-8, 1.59970077153e-5),
    (24575, 22000, 604800, 0.2, "P", 0.0046759561805489602, 0.437209395773),
    (24575, 27000, 604800, 0.2, "C", 0.062366982369702339, 4.42906558294),
    (24575, 24600, 367544, 0.10155, "C", 95.498085173943556, 1054.39021912),
    (24606, 24600, 972344, 0.10655, "P", 180.64910213033514, 1723.25242377),
    (24606, 23850, 972344, 0.12, "P", 15.619409155369714, 566.738496129),
    (24679, 25400, 2786744, 0.105, "C", 75.283237220537239, 1939.7977003),
    (54390, 54400, 2781066, 0.1112, "C", 711.57751325022462, 6443.25710167),
    (54390, 60000, 2781066, 0.14, "C", 7.2576578871073562, 416.634184029),
    (24800, 15000, 5200266, 0.35, "P", 0.13762698853570938, 5.97225598773),
    (24800, 15000, 5200266, 0.35, "C", 9800.1376269885357, 5.97225598773),
    (25080, 25000, 10649144, 0.1175, "C", 722.69518518410988, 5795.21249729),
    (26600, 40000, 42100000, 0.13, "C", 4.9153140116072368, 374.937670332),
    (26600, 12000, 63072000, 0.25, "P", 26.301953509333581, 786.962967845),
    (26600, 26600, 63072000, 0.125, "P", 1873.4906074154963, 14948.9344472),
]
F, K, SECONDS, SIGMA = (np.array([v[i] for v in VECTORS], float) for i in range(4))
CALL = np.array([v[4] == "C" for v in VECTORS])
PRICE, VEGA = (np.array([v[i] for v in VECTORS]) for i in (5, 6))
YEARS = SECONDS / YEAR_SECONDS
OK = OptionStatus.OK


def relative(found: float, exact: Decimal) -> float:
    with localcontext(naive._work()):
        return abs(float((Decimal(found) - exact) / exact))


def test_vectors_hold() -> None:
    found = black76(F, K, YEARS, SIGMA, CALL)
    assert (found.status == OK).all()
    np.testing.assert_allclose(found.value, PRICE, rtol=1e-12, atol=0)
    np.testing.assert_allclose(greeks(F, K, YEARS, SIGMA, CALL).vega, VEGA, rtol=1e-11, atol=0)
    solved = implied_vol(PRICE, F, K, YEARS, CALL)
    assert (solved.status == OK).all()
    np.testing.assert_allclose(solved.value, SIGMA, rtol=0, atol=1e-9)


@pytest.mark.parametrize("k", range(len(VECTORS)))
def test_vectors_are_the_twins(k: int) -> None:
    exact = naive.black(F[k], K[k], YEARS[k], SIGMA[k], bool(CALL[k]))
    assert relative(PRICE[k], exact.price) < 1e-15
    found = greeks(F[k], K[k], YEARS[k], SIGMA[k], CALL[k])
    for name in ("delta", "gamma", "vega", "theta"):
        assert relative(float(getattr(found, name)), getattr(exact, name)) < 1e-12, name


#: Far and near the money, seconds to decades, volatilities from nothing to absurd.
WIDE = [
    (f, k, t, s, c)
    for f, k in [(100, 100), (100, 101), (100, 60), (100, 260), (1e-6, 3e-6), (24575, 24600.05)]
    for t in (1e-6, 0.02, 1.7)
    for s in (0.05, 0.4, 2.5, 9.0)
    for c in (True, False)
]


@pytest.mark.parametrize("case", WIDE, ids=str)
def test_prices_and_volatilities_are_the_twins(
    case: tuple[float, float, float, float, bool],
) -> None:
    f, k, t, s, call = case
    exact = naive.black(f, k, t, s, call)
    price = black76(f, k, t, s, call)
    assert price.status == OK
    if exact.price < Decimal("1e-290"):
        assert price.value < 1e-289
        return
    assert relative(float(price.value), exact.price) < 4e-12
    solved = implied_vol(price.value, f, k, t, call)
    bound = f if call else k
    worth = max(f - k, 0) if call else max(k - f, 0)
    if solved.status != OK:  # rounding left no time value, or nothing below the bound
        assert solved.status in (OptionStatus.BELOW_INTRINSIC, OptionStatus.ABOVE_BOUND)
        at_edge = min(float(price.value) - worth, bound - float(price.value))
        assert at_edge < 4e-15 * bound
        return
    # What rounding the price alone does to a volatility, and a few steps of the last digit.
    floor = math.ulp(float(price.value)) / float(exact.vega)
    assert abs(float(solved.value) - s) < 8 * floor + 1e-13 * s


@pytest.mark.parametrize("k", range(0, len(VECTORS), 3))
def test_volatility_twin_solves_the_same_equation(k: int) -> None:
    exact = naive.volatility(Decimal(PRICE[k]), F[k], K[k], YEARS[k], bool(CALL[k]))
    found = implied_vol(PRICE[k], F[k], K[k], YEARS[k], CALL[k])
    assert relative(float(found.value), exact) < 1e-11


def test_polynomials_of_the_header_are_what_their_maker_makes() -> None:
    text = (Path(kernel.__file__).parent / "black76.h").read_text(encoding="utf-8")
    near, far = mills_fit.guess_coefficients(8)
    for name, made in (
        ("mills", mills_fit.mills_coefficients(24)),
        ("slope", mills_fit.slope_coefficients(24)),
        ("near", near),
        ("far", far),
    ):
        body = text.split(f"ql_{name}_c[{len(made)}] = {{")[1].split("}")[0]
        assert [float.fromhex(word) for word in body.split(",")] == made, name
    bound, near_scale, far_scale = mills_fit.guess_scales()
    for number in (bound, near_scale[0], *far_scale):
        assert number.hex() in text


forwards = st.floats(1.0, 1e5)
moneyness = st.floats(-1.0, 1.0)
times = st.floats(1e-6, 3.0)
vols = st.floats(0.01, 3.0)


@given(forwards, moneyness, times, vols)
def test_put_call_parity(f: float, m: float, t: float, s: float) -> None:
    k = f * math.exp(m)
    call, put = black76(f, k, t, s, [True, False]).value
    assert abs((call - put) - (f - k)) <= 4e-15 * (f + k)


@given(forwards, moneyness, times, vols, st.booleans())
def test_price_rises_with_volatility_and_stays_in_its_bounds(
    f: float, m: float, t: float, s: float, call: bool
) -> None:
    k = f * math.exp(m)
    low, high = black76(f, k, t, [s, s * 1.001], call).value
    assert low <= high * (1 + 1e-14)
    assert max(f - k if call else k - f, 0.0) <= low <= (f if call else k)


@given(forwards, moneyness, times, vols, st.booleans())
def test_price_moves_with_the_strike_one_way(
    f: float, m: float, t: float, s: float, call: bool
) -> None:
    k = f * math.exp(m)
    low, high = black76(f, [k, k * 1.001], t, s, call).value
    assert (high <= low * (1 + 1e-13) + 1e-300) if call else (low <= high * (1 + 1e-13) + 1e-300)


@given(forwards, moneyness, times, vols)
def test_volatility_comes_back(f: float, m: float, t: float, s: float) -> None:
    k = f * math.exp(m)
    call = k > f  # out of the money: nothing is lost to the intrinsic value
    price = black76(f, k, t, s, call).value
    found = implied_vol(price, f, k, t, call)
    if price < 1e-280 * f:
        return
    if found.status == OptionStatus.ABOVE_BOUND:
        assert price >= (f if call else k) * (1 - 1e-15)
        return
    vega = float(greeks(f, k, t, s, call).vega)
    floor = math.ulp(float(price)) / vega if vega else math.inf
    assert found.status == OK
    assert abs(float(found.value) - s) <= 16 * floor + 1e-12 * s


def test_greeks_are_slopes_of_the_price() -> None:
    f, k, t, s = 24575.0, 24700.0, 0.02, 0.11
    for call in (True, False):
        g = greeks(f, k, t, s, call)
        for name, up, down, step in (
            ("delta", (f + 0.5, k, t, s), (f - 0.5, k, t, s), 1.0),
            ("vega", (f, k, t, s + 1e-5), (f, k, t, s - 1e-5), 2e-5),
            ("theta", (f, k, t - 1e-6, s), (f, k, t + 1e-6, s), 2e-6),
        ):
            slope = (black76(*up, call).value - black76(*down, call).value) / step
            assert float(getattr(g, name)) == pytest.approx(float(slope), rel=1e-6)
        bend = (greeks(f + 0.5, k, t, s, call).delta - greeks(f - 0.5, k, t, s, call).delta) / 1.0
        assert float(g.gamma) == pytest.approx(float(bend), rel=1e-5)


NASTY = [0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, 5e-324, 1e-300, 1e300, 1e-100, 1e100, 7.0]


def test_nothing_is_not_a_number() -> None:
    grid = np.meshgrid(NASTY, NASTY, [1e-100, 50.0, 1e100], [0.0, 5e-324, 1e-9, 1.0, 1e3], [0, 1])
    price, f, k, t, call = (axis.ravel() for axis in grid)
    call = call.astype(bool)
    for sigma in (0.0, 5e-324, 1e-200, 0.2, 1e3):
        value, status = black76(f, k, t, sigma, call)
        assert np.isfinite(value).all()
        assert (value[status != OK] == 0).all()
        found = greeks(f, k, t, sigma, call)
        assert all(np.isfinite(one).all() for one in found[:4])
    value, status = implied_vol(price, f, k, t, call)
    assert np.isfinite(value).all() and (value[status != OK] == 0).all()
    assert (value >= 0).all()


def test_statuses() -> None:
    f, k, t = 100.0, 90.0, 0.1
    cases = [
        (9.0, f, t, "BELOW_INTRINSIC"),
        (10.0, f, t, "BELOW_INTRINSIC"),
        (100.0, f, t, "ABOVE_BOUND"),
        (math.inf, f, t, "ABOVE_BOUND"),
        (0.0, f, t, "NO_QUOTE"),
        (math.nan, f, t, "NO_QUOTE"),
        (12.0, 0.0, t, "NO_FORWARD"),
        (12.0, math.nan, t, "NO_FORWARD"),
        (12.0, f, 0.0, "EXPIRED"),
        (12.0, f, -1.0, "EXPIRED"),
        (0.0, 0.0, 0.0, "NO_FORWARD"),
        (12.0, f, t, "OK"),
    ]
    price, forward, years, names = zip(*cases, strict=True)
    found = implied_vol(price, forward, k, years, True)
    assert [OptionStatus(code).name for code in found.status] == list(names)
    assert black76(0.0, k, t, 0.2, True).status == OptionStatus.NO_FORWARD
    assert greeks(f, k, 0.0, 0.2, True).status == OptionStatus.EXPIRED


def test_without_volatility_a_price_is_intrinsic() -> None:
    value, status = black76(100, [90, 100, 110], 0.1, 0.0, [[True], [False]])
    assert value.tolist() == [[10, 0, 0], [0, 0, 10]] and (status == OK).all()
    found = greeks(100, [90, 100, 110], 0.1, 0.0, True)
    assert found.delta.tolist() == [1.0, 0.5, 0.0] and found.gamma.tolist() == [0, 0, 0]


def test_shapes_and_inputs() -> None:
    strikes = np.arange(90.0, 110.0).reshape(4, 5)[:, ::2]
    kept = strikes.copy()
    value, status = black76(100, strikes, 0.1, 0.2, True)
    assert value.shape == status.shape == (4, 3)
    assert value[2, 1] == black76(100, strikes[2, 1], 0.1, 0.2, True).value
    np.testing.assert_array_equal(strikes, kept)
    empty = black76(np.empty(0), np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool))
    assert empty.value.shape == (0,)
    assert isinstance(float(black76(100, 100, 1, 0.2, True).value), float)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((100, 0.0, 1, 0.2, True), r"strike, row 0.*was 0.0, expected from 1e-100"),
        ((100, [90, math.nan], 1, 0.2, True), r"strike, row 1.*was nan"),
        ((100, 90, math.inf, 0.2, True), r"years, row 0.*was inf"),
        ((100, 90, 1, -0.1, True), r"sigma, row 0.*was -0.1, expected from 0 to 1000"),
        ((100, 90, 1, math.nan, True), r"sigma, row 0.*was nan"),
        ((100, 90, 1, 0.1, 1), r"call.*was 1, expected true or false"),
        (("100", 90, 1, 0.1, True), r"forward.*was '100', expected numbers"),
        ((100, [90, [91]], 1, 0.1, True), r"strike.*expected numbers"),
        (([100, 101], [90, 91, 92], 1, 0.1, True), r"shapes were \(2,\), \(3,\)"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple, says: str) -> None:
    with pytest.raises(InputError, match=says):
        black76(*arguments)
    if arguments[3] == 0.2:
        with pytest.raises(InputError, match=says):
            implied_vol(5.0, *arguments[:3], arguments[4])
