"""Decimal text parsing against the naive twin, the standard library, and by cases."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantlaxmi._ext import decimal_text
from quantlaxmi.errors import DecimalTextError, FixedPointError, FixedPointOverflow
from tests.depth import examples
from tests.naive import decimal_text as naive

I64_MIN, I64_MAX = -(2**63), 2**63 - 1
ROUNDINGS = [None, 0, 1, 2, 3, 4, 5]
STATUS_ERRORS = {
    naive.EMPTY: DecimalTextError,
    naive.MALFORMED: DecimalTextError,
    naive.INEXACT: DecimalTextError,
    naive.OVERFLOW: FixedPointOverflow,
}


def check(text: bytes, exponent: int, rounding: int | None) -> None:
    status, mantissa = naive.parse(text, exponent, rounding)
    if status == naive.OK:
        assert decimal_text.parse_decimal(text, exponent, rounding) == mantissa
    else:
        with pytest.raises(STATUS_ERRORS[status]):
            decimal_text.parse_decimal(text, exponent, rounding)


@st.composite
def decimals(draw):
    digits = st.text("0123456789", max_size=24)
    whole, fraction = draw(digits), draw(st.none() | digits)
    zeros = "0" * draw(st.integers(0, 12))
    text = draw(st.sampled_from(["", "-", "+"])) + whole
    if fraction is not None:
        text += "." + fraction + zeros
    if draw(st.integers(0, 3)) == 0:
        text += draw(st.sampled_from("eE")) + draw(st.sampled_from(["", "-", "+"]))
        text += str(draw(st.integers(0, 60)))
    return text.encode()


@settings(max_examples=examples(1500), deadline=None)
@given(decimals(), st.integers(-30, 12), st.sampled_from(ROUNDINGS))
@example(b"9223372036854775807", 0, None)
@example(b"-9223372036854775808", 0, None)
@example(b"9223372036854775808", 0, None)
@example(b"-9223372036854775809", 0, None)
@example(b"9223372036854775807.5", 0, 0)
@example(b"-9223372036854775808.5", 0, 0)
@example(b"99999999999999999999999", 4, 2)
@example(b"0.5", 0, 0)
@example(b"1.5", 0, 0)
@example(b"-0.5", 0, 1)
@example(b"0.05", 0, 0)
@example(b"0.50000000000000000000000000001", 0, 0)
@example(b"0.0000000000000000000000000000001", -8, 3)
@example(b"5", 1, 0)
@example(b"15", 1, 0)
@example(b"1.", 0, None)
@example(b".5", -1, None)
def test_parse_matches_naive(text, exponent, rounding):
    check(text, exponent, rounding)


def small_power(text: bytes) -> bool:
    """The twin builds 10**power, so powers stay below ten thousand."""
    return len(text.lower().rpartition(b"e")[2]) < 5 or b"e" not in text.lower()


@settings(max_examples=examples(800), deadline=None)
@given(
    st.text("0123456789.-+eE_ nN", max_size=12).map(str.encode).filter(small_power),
    st.integers(-9, 2),
)
def test_parse_of_near_numbers_matches_naive(text, exponent):
    check(text, exponent, None)


@settings(max_examples=examples(500), deadline=None)
@given(st.binary(max_size=16).filter(small_power), st.integers(-128, 127))
def test_parse_of_any_bytes_matches_naive(text, exponent):
    check(text, exponent, None)


@settings(max_examples=examples(800), deadline=None)
@given(st.integers(I64_MIN, I64_MAX), st.integers(-128, 127), st.booleans())
def test_parse_inverts_decimal_printing(mantissa, exponent, positional):
    number = Decimal(mantissa).scaleb(exponent)
    text = format(number, "f") if positional else str(number)
    assert decimal_text.parse_decimal(text, exponent) == mantissa


@settings(max_examples=examples(500), deadline=None)
@given(st.integers(0, 10**8 - 1), st.binary(min_size=1, max_size=1), st.integers(0, 7))
def test_eight_digit_block_accepts_digits_only(number, byte, place):
    whole = f"{number:08d}".encode()
    check(b"61837." + whole, -8, None)
    check(b"61837." + whole[:place] + byte + whole[place + 1 :], -8, None)


@pytest.mark.parametrize("n", range(1, 20))
def test_every_length_with_a_point_at_every_place_matches_naive(n):
    """Numbers of 4 to 15 bytes are read in words, others digit by digit."""
    digits = b"9182736450918273645"[:n]
    for place in range(n + 1):
        whole = digits if place == n else digits[:place] + b"." + digits[place + 1 :]
        for sign, exponent in ((b"", -8), (b"-", -15), (b"+", -3), (b"", 0)):
            check(sign + whole, exponent, None)
        for k in range(n):
            for byte in (b".", b"/", b":", b"-", b" ", b"\xb1"):
                check(whole[:k] + byte + whole[k + 1 :], -8, None)


@pytest.mark.parametrize("text", [b"9223372036854", b"9223372036855", b"999999999999999"])
@pytest.mark.parametrize("shift", range(20))
def test_zeros_behind_a_number_fit_or_overflow_as_in_naive(text, shift):
    """Milliseconds of today are 19 digits of nanoseconds."""
    for sign in (b"", b"-"):
        check(sign + text, -shift, None)
        check(sign + text[:5] + b"." + text[5:], -shift, None)


BAD = [
    "", "-", "+", ".", "-.", "+.", "--1", "+-1", "-+1", "1-", "1+", "1..2", "1.2.3", ".1.", "NaN",
    "nan", "inf", "-Infinity", "1_000", "1 000", " 1", "1 ", "1\n", "\t1", "1,5", "0x10", "1e",
    "1e+", "e5", ".e5", "1e5.0", "1ee5", "1e5e5", "1\0", "\0", "٣", "１２", "1٫5", "−1", "½",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_malformed_text_is_refused(text):
    with pytest.raises(DecimalTextError):
        decimal_text.parse_decimal(text, -8)
    with pytest.raises(DecimalTextError):
        decimal_text.parse_decimal(text.encode(), -8)
    with pytest.raises(DecimalTextError):
        decimal_text.natural_exponent(text)


def test_lone_surrogate_is_refused():
    with pytest.raises(DecimalTextError):
        decimal_text.parse_decimal("1\ud800", 0)


@pytest.mark.parametrize(
    ("text", "exponent", "mantissa"),
    [
        ("61837.63000000", -8, 6183763000000),
        ("-0.00000001", -8, -1),
        ("0E-8", -8, 0),
        ("-0.0", -8, 0),
        ("1.50000000000000000000000000000000", -1, 15),
        ("000000000000000000000000000000000001", 0, 1),
        ("1200", 2, 12),
        ("0e999999999999999999999999", 0, 0),
        ("1e-127", -127, 1),
    ],
)
def test_known_values(text, exponent, mantissa):
    assert decimal_text.parse_decimal(text, exponent) == mantissa
    assert decimal_text.parse_decimal(text.encode(), exponent) == mantissa


@pytest.mark.parametrize("text", ["1e99999999999999999999999", "9" * 5000, "1e19", "-1e19"])
def test_overflow_names_the_text(text):
    with pytest.raises(FixedPointOverflow) as caught:
        decimal_text.parse_decimal(text, 0)
    assert text[:60] in str(caught.value)
    assert len(str(caught.value)) < 200


def test_inexact_names_the_exponent():
    with pytest.raises(DecimalTextError, match=r"'0\.123' has digits beyond 10\*\*-2"):
        decimal_text.parse_decimal("0.123", -2)
    assert decimal_text.parse_decimal("1e-99999999999999999999999", 0, 2) == 0
    assert decimal_text.parse_decimal("1e-99999999999999999999999", 0, 3) == 1


def test_parse_decimals_names_the_first_failing_row():
    texts = ["1.5", b"-2.25", "3"]
    kept = list(texts)
    out = decimal_text.parse_decimals(texts, -2)
    assert out.dtype == np.int64
    assert out.tolist() == [150, -225, 300]
    assert texts == kept
    assert decimal_text.parse_decimals([], -2).shape == (0,)
    assert decimal_text.parse_decimals(np.array(["1", "2.5"]), -1).tolist() == [10, 25]
    assert decimal_text.parse_decimals(np.array([b"1", b"2.5"]), 0, 0).tolist() == [1, 2]
    with pytest.raises(DecimalTextError, match="row 2"):
        decimal_text.parse_decimals(["1", "2", "x", "y"], 0)
    with pytest.raises(FixedPointOverflow, match="row 1"):
        decimal_text.parse_decimals(["1", "1e30"], 0)
    with pytest.raises(TypeError):
        decimal_text.parse_decimals(["1", 2.5], 0)


@pytest.mark.parametrize("exponent", [-129, 128, 10**30])
def test_exponent_outside_int8_is_refused(exponent):
    with pytest.raises(FixedPointError, match=str(exponent)):
        decimal_text.parse_decimal("1", exponent)


@pytest.mark.parametrize("rounding", [-1, 6])
def test_unknown_rounding_is_refused(rounding):
    with pytest.raises(FixedPointError, match="rounding"):
        decimal_text.parse_decimal("1", 0, rounding)


@pytest.mark.parametrize(
    ("text", "exponent"),
    [
        ("1.50", -2),
        ("2e3", 3),
        ("100", 0),
        ("0.000", -3),
        ("0e500", 127),
        ("0e-500", -128),
        ("1" + "0" * 22, 4),
        ("1." + "0" * 30, -18),
        ("1e128", 127),
        ("1.0e-128", -128),
    ],
)
def test_natural_exponent(text, exponent):
    assert decimal_text.natural_exponent(text) == exponent
    decimal_text.parse_decimal(text, exponent)


def test_natural_exponent_refuses_what_cannot_fit():
    with pytest.raises(DecimalTextError):
        decimal_text.natural_exponent("1e-129")
    with pytest.raises(FixedPointOverflow):
        decimal_text.natural_exponent("1e150")
    with pytest.raises(FixedPointOverflow):
        decimal_text.natural_exponent("9223372036854775809")
