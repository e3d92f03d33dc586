"""FixedPoint and FixedArray against the naive twin over the whole int64 and int8 range."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import DecimalTextError, FixedPointError, FixedPointOverflow
from quantlaxmi.fixed import FixedArray, FixedPoint, Rounding, div_round, format_decimal
from tests.depth import examples
from tests.naive import decimal_text as naive_text
from tests.naive import fixed as naive

I64_MIN, I64_MAX = -(2**63), 2**63 - 1
EDGES = [0, 1, -1, 5, -5, 15, 25, I64_MAX, I64_MAX - 1, I64_MIN, I64_MIN + 1, 10**18, -(10**18)]
MANTISSAS = st.one_of(
    st.sampled_from(EDGES), st.integers(I64_MIN, I64_MAX), st.integers(-2000, 2000)
)
#: The whole range, and neighbours: far exponents mostly overflow or vanish.
EXPONENTS = st.one_of(st.integers(-128, 127), st.integers(-12, 4))
NUMBERS = st.tuples(MANTISSAS, EXPONENTS)
ROUNDINGS = st.sampled_from([None, *Rounding])
FEW = settings(max_examples=examples(1200), deadline=None)


def same(expected, operation, *args):
    """``operation`` gives the twin's answer, whether a number or an error; for arrays too."""
    status, mantissa = expected
    numbers = [a for a in args if isinstance(a, tuple)]
    rest = [a for a in args if not isinstance(a, tuple)]
    points = [FixedPoint(*a) for a in numbers]
    columns = [FixedArray([m, m], [e, e]) for m, e in numbers]
    calls = [
        lambda: getattr(points[0], operation)(*points[1:], *rest),
        lambda: getattr(columns[0], operation)(*columns[1:], *rest)[0],
        lambda: getattr(columns[0], operation)(*points[1:], *rest)[1],
    ]
    for call in calls:
        if status == naive.OK:
            got = call()
            assert got.mantissa == mantissa
            if rest:
                assert got.exponent == rest[0]
        elif status == naive.OVERFLOW:
            with pytest.raises(FixedPointOverflow) as caught:
                call()
            for point in points:
                assert str(point) in str(caught.value)
            assert caught.value.row in (None, 0)
        else:
            with pytest.raises(FixedPointError) as caught:
                call()
            assert not isinstance(caught.value, OverflowError)
            assert ("zero" in str(caught.value)) == (status == naive.ZERO_DIVISOR)


@FEW
@given(NUMBERS, NUMBERS)
@example((I64_MIN, 0), (I64_MIN, 0))
@example((I64_MAX, 0), (1, 0))
@example((1, 19), (-(10**19 - I64_MAX), 0))
@example((1, 127), (1, -128))
@example((0, 127), (1, -128))
def test_add_and_sub_match_naive(a, b):
    same(naive.add(a, b), "add", a, b)
    same(naive.sub(a, b), "sub", a, b)


@FEW
@given(NUMBERS, NUMBERS)
@example((1, 1), (10**18, 0))
@example((-1, 127), (I64_MIN, -128))
@example((I64_MAX, 0), (I64_MAX, 0))
def test_compare_matches_naive(a, b):
    sign = naive.compare(a, b)
    x, y = FixedPoint(*a), FixedPoint(*b)
    assert x.compare(y) == sign
    assert (x < y, x <= y, x == y, x != y, x >= y, x > y) == (
        sign < 0, sign <= 0, sign == 0, sign != 0, sign >= 0, sign > 0
    )  # fmt: skip
    xs, ys = FixedArray([a[0]], a[1]), FixedArray([b[0]], [b[1]])
    for other in (y, ys):
        assert xs.compare(other).tolist() == [sign]
        flags = [xs < other, xs <= other, xs == other, xs != other, xs >= other, xs > other]
        assert [bool(f[0]) for f in flags] == [x < y, x <= y, x == y, x != y, x >= y, x > y]
    if sign == 0:
        assert hash(x) == hash(y)


@FEW
@given(NUMBERS, NUMBERS, EXPONENTS, ROUNDINGS)
@example((I64_MIN, 0), (I64_MIN, 0), 127, Rounding.UP)
@example((I64_MIN, -128), (I64_MIN, -128), 127, Rounding.HALF_UP)
@example((I64_MIN, 0), (-1, 0), 0, None)
@example((I64_MIN, 0), (1, 0), 0, None)
@example((I64_MAX, 127), (I64_MAX, 127), 127, None)
def test_mul_matches_naive(a, b, exponent, rounding):
    same(naive.mul(a, b, exponent, rounding), "mul", a, b, exponent, rounding)


@FEW
@given(NUMBERS, NUMBERS)
def test_mul_without_exponent_is_exact(a, b):
    exponent = a[1] + b[1]
    if -128 <= exponent <= 127:
        same(naive.mul(a, b, exponent, None), "mul", a, b)
        return
    with pytest.raises(FixedPointError, match=f"exponent {exponent}"):
        FixedPoint(*a).mul(FixedPoint(*b))
    with pytest.raises(FixedPointError, match=f"exponent {exponent}"):
        FixedArray([a[0]], a[1]).mul(FixedPoint(*b))


@FEW
@given(NUMBERS, NUMBERS, EXPONENTS, ROUNDINGS)
@example((I64_MIN, 0), (-1, 0), 0, Rounding.HALF_EVEN)
@example((1, 0), (2, 0), 0, Rounding.HALF_EVEN)
@example((3, 0), (-2, 0), 0, Rounding.HALF_UP)
@example((1, -128), (I64_MIN, 127), 127, Rounding.FLOOR)
@example((I64_MIN, 38), (I64_MIN, 0), 0, Rounding.HALF_EVEN)
@example((I64_MAX, 19), (I64_MIN, 0), 0, Rounding.HALF_EVEN)
@example((0, 0), (0, 0), 0, Rounding.DOWN)
def test_div_matches_naive(a, b, exponent, rounding):
    same(naive.div(a, b, exponent, rounding), "div", a, b, exponent, rounding)


@FEW
@given(NUMBERS, EXPONENTS, ROUNDINGS)
@example((5, -1), 0, Rounding.HALF_EVEN)
@example((15, -1), 0, Rounding.HALF_EVEN)
@example((I64_MAX, 0), 1, Rounding.UP)
@example((-1, -128), 127, Rounding.FLOOR)
def test_rescale_matches_naive(a, exponent, rounding):
    same(naive.rescale(a, exponent, rounding), "rescale", a, exponent, rounding)


@FEW
@given(st.integers(-(10**60), 10**60), st.integers(-(10**40), 10**40), st.sampled_from(Rounding))
def test_div_round_matches_naive(numerator, denominator, rounding):
    assume(denominator)
    expected = naive_text.round_fraction(Fraction(numerator, denominator), rounding)
    assert div_round(numerator, denominator, rounding) == expected


def test_div_round_by_zero_is_refused():
    with pytest.raises(FixedPointError, match="zero"):
        div_round(1, 0)


@FEW
@given(st.lists(NUMBERS, max_size=12))
def test_sum_matches_naive(numbers):
    column = FixedArray([m for m, _ in numbers], [e for _, e in numbers])
    exponent = min((e for _, e in numbers), default=0)
    status, mantissa = naive.at(sum(map(naive.value, numbers), Fraction(0)), exponent, None)
    aligned = [m * 10 ** (e - exponent) for m, e in numbers]
    if any(abs(sum(aligned[:i])) >= 2**127 or abs(t) >= 2**127 for i, t in enumerate(aligned)):
        status = naive.OVERFLOW  # documented: partial sums are held in 128 bits
    if status == naive.OK:
        assert (column.sum().mantissa, column.sum().exponent) == (mantissa, exponent)
    else:
        with pytest.raises(FixedPointOverflow):
            column.sum()


@FEW
@given(NUMBERS)
def test_text_and_float(a):
    x = FixedPoint(*a)
    assert naive_text.value_of(x.to_text().encode()) == naive.value(a)
    assert FixedPoint.from_text(x.to_text()) == x
    assert FixedPoint.from_text(x.to_text(), a[1]) == x
    nearest = float(naive.value(a))
    assert x.to_f64() == nearest
    assert FixedArray([a[0]], a[1]).to_f64().tolist() == [nearest]
    assert FixedArray([a[0]], [a[1]]).to_text() == [x.to_text()]


@FEW
@given(NUMBERS)
def test_neg_and_abs(a):
    x = FixedPoint(*a)
    if a[0] == I64_MIN:
        for call in (lambda: -x, lambda: abs(x), lambda: -FixedArray([a[0]], a[1])):
            with pytest.raises(FixedPointOverflow):
                call()
        return
    assert (-x).mantissa == -a[0]
    assert abs(x).mantissa == abs(a[0])
    assert (-FixedArray([a[0]], a[1]))[0] == -x
    assert bool(x) == (a[0] != 0)


def test_from_text_keeps_the_exponent_as_written():
    assert repr(FixedPoint.from_text("1.50")) == "FixedPoint(mantissa=150, exponent=-2)"
    assert FixedPoint.from_text("2.345", -2, Rounding.HALF_EVEN).mantissa == 234
    with pytest.raises(DecimalTextError):
        FixedPoint.from_text("2.345", -2)


def test_format_decimal():
    assert format_decimal(-50, -3) == "-0.050"
    assert format_decimal(12, 2) == "1200"
    assert format_decimal(0, -8) == "0.00000000"
    assert format_decimal(-(10**30), -16) == "-100000000000000.0000000000000000"


@pytest.mark.parametrize("mantissa", [I64_MAX + 1, I64_MIN - 1, 10**40])
def test_mantissa_outside_int64_is_refused(mantissa):
    with pytest.raises(FixedPointOverflow, match=str(mantissa)):
        FixedPoint(mantissa, 0)
    with pytest.raises(FixedPointOverflow, match="row 1"):
        FixedArray([0, mantissa], 0)


@pytest.mark.parametrize("exponent", [-129, 128, 10**30])
def test_exponent_outside_int8_is_refused(exponent):
    one = FixedPoint(1, 0)
    column = FixedArray([1], 0)
    calls = [
        lambda: FixedPoint(1, exponent),
        lambda: FixedArray([1, 2], exponent),
        lambda: FixedArray([1, 2], [0, exponent]),
        lambda: one.mul(one, exponent),
        lambda: one.div(one, exponent),
        lambda: one.rescale(exponent),
        lambda: column.mul(one, exponent),
        lambda: column.div(one, exponent),
        lambda: column.rescale(exponent),
    ]
    for call in calls:
        with pytest.raises(FixedPointError, match=str(exponent)):
            call()


@pytest.mark.parametrize("value", [1.0, "1", None, True, np.float64(1), np.bool_(True)])
def test_what_is_no_integer_is_refused(value):
    for call in (
        lambda: FixedPoint(value, 0),
        lambda: FixedPoint(0, value),
        lambda: FixedArray([value], 0),
        lambda: FixedArray([0], [value]),
        lambda: FixedArray([0], value),
    ):
        with pytest.raises(FixedPointError):
            call()


def test_numpy_integers_become_python_ones():
    x = FixedPoint(np.int64(5), np.int8(-1))
    assert type(x.mantissa) is int
    assert type(x.exponent) is int
    one = FixedPoint(1, 0)
    wide = np.int64(-30)
    with pytest.raises(FixedPointOverflow):
        one.rescale(wide)
    with pytest.raises(FixedPointOverflow):
        one.mul(one, np.int8(-100))
    assert type(one.div(one, np.int8(-3)).exponent) is int
    assert div_round(np.int64(I64_MAX), np.int64(I64_MAX - 1), Rounding.UP) == 2
    assert format_decimal(np.int64(7), np.int64(30)) == "7" + "0" * 30


def test_fixed_point_is_frozen_and_mixes_with_nothing():
    x = FixedPoint(1, 0)
    with pytest.raises(AttributeError):
        x.mantissa = 2
    assert x != 1
    for call in (lambda: x + 1, lambda: x - 1, lambda: x * 1, lambda: x < 1, lambda: 1.5 * x):
        with pytest.raises(TypeError):
            call()
