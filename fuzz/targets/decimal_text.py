"""Decimal text against Fraction: value, rounding, refusals and their kind."""

from __future__ import annotations

import re
from fractions import Fraction

from fuzz.draw import Draw, edit_bytes
from quantlaxmi._ext.decimal_text import parse_decimal, parse_decimals
from quantlaxmi.errors import DecimalTextError, FixedPointError, FixedPointOverflow
from quantlaxmi.fixed import FixedPoint
from tests.naive import decimal_text as naive

ALLOWED = ()
SEEDS = (
    b"1", b"0", b"-1.5", b"+0.00000001", b"9223372036854775807", b"-92233720368.54775808", b"0E-8",
    b"1e18", b".5", b"5.", b"00012.50", b"0e999999999999", b"1e-400", b"12345678.12345678",
    b"0.123456785", b"99999999999999999999e-20",
)  # fmt: skip
PIECES = (*(b"%d" % k for k in range(10)), b".", b"-", b"+", b"e", b"E", b"e-8", b"00000000", b"\0")


def one(draw: Draw) -> None:
    text = draw.pick(SEEDS)
    text = edit_bytes(draw, text, PIECES, 4) if draw.number(4) else draw.bytes(40)
    if _power(text) > 5000:
        return  # the twin writes every zero out
    exponent = draw.pick((-8, -8, 0, -18, 18, 2, -1, -2))
    rounding = draw.pick((None, None, 0, 1, 2, 3, 4, 5))
    status, mantissa = naive.parse(text, exponent, rounding)
    for form in _forms(text):
        found = _parsed(form, exponent, rounding)
        assert found == (status, mantissa), (form, exponent, rounding, found, status, mantissa)
    try:
        row = parse_decimals([b"0", text, b"0"], exponent, rounding)
    except FixedPointError:
        assert status != naive.OK, (text, exponent, rounding)
    else:
        assert row.tolist()[1] == mantissa
        assert status == naive.OK
    _fixed(text)


def _power(text: bytes) -> int:
    digits = re.search(rb"[eE][+-]?0*([0-9]+)$", text)
    return int(digits[1]) if digits else 0


def _forms(text: bytes) -> list[str | bytes]:
    try:
        return [text, text.decode("ascii")]
    except UnicodeDecodeError:
        return [text]


def _parsed(text: str | bytes, exponent: int, rounding: int | None) -> tuple[int, int]:
    try:
        return naive.OK, parse_decimal(text, exponent, rounding)
    except FixedPointOverflow:
        return naive.OVERFLOW, 0
    except DecimalTextError as error:
        if not text:
            return naive.EMPTY, 0
        value = naive.value_of(text.encode() if isinstance(text, str) else text)
        assert error.reason
        return (naive.MALFORMED if value is None else naive.INEXACT), 0


def _fixed(text: bytes) -> None:
    try:
        value = FixedPoint.from_text(text.decode("ascii"))
    except (UnicodeDecodeError, FixedPointError):
        return
    exact = naive.value_of(text)
    assert exact is not None
    assert Fraction(value.mantissa) * Fraction(10) ** value.exponent == exact
    assert FixedPoint.from_text(value.to_text()) == value
