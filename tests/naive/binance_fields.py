"""Fields of a Binance message, read slowly: exact integers, or why a line is set aside."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

UNIT = Fraction(1, 10**8)
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
NOTHING = object()


class Faulty(Exception):
    """The reason a line is set aside for."""


def refuse_constant(text: str) -> Any:
    raise ValueError(text)


def field_of(data: dict[str, Any], name: str, kind: type, default: Any = NOTHING) -> Any:
    if name not in data:
        if default is NOTHING:
            raise Faulty("wrong-shape")
        return default
    value = data[name]
    if type(value) is not kind:  # bool is no int here
        raise Faulty("wrong-shape")
    return value


def mantissa_of(text: str) -> int:
    match = DECIMAL.fullmatch(text)
    if not match:
        raise Faulty("bad-decimal")
    if match.group(1) and abs(int(match.group(1))) > 500:
        digits = text.lower().split("e")[0]
        if not re.search("[1-9]", digits):
            return 0
        raise Faulty("too-fine" if int(match.group(1)) < 0 else "overflow")
    value = Fraction(text) / UNIT
    if value.denominator != 1:
        raise Faulty("too-fine")
    if not -(2**63) <= value < 2**63:
        raise Faulty("overflow")
    return int(value)


def price_of(text: str) -> int:
    value = mantissa_of(text)
    if value <= 0:
        raise Faulty("price-not-positive")
    return value


def qty_of(text: str, least: int = 0) -> int:
    value = mantissa_of(text)
    if value < least:
        raise Faulty("bad-quantity")
    return value


def side_of(price: str, qty: str) -> tuple[int, int]:
    """Price and quantity of a side; both 0 where there is none."""
    value = mantissa_of(price)
    if value < 0:
        raise Faulty("price-not-positive")
    size = qty_of(qty)
    if size and not value:
        raise Faulty("price-not-positive")
    return value, size


def id_of(value: int) -> int:
    if value >= 2**63:
        raise Faulty("overflow")
    if value < 0:
        raise Faulty("wrong-shape")
    return value


def time_of(value: int) -> int:
    for unit in (10**6, 10**3, 1):
        if 10**17 <= value * unit <= 9_200_000_000_000_000_000:
            return value * unit
    raise Faulty("bad-stamp")


def stamp_of(data: dict[str, Any]) -> int:
    value = data.get("T", 0) or data.get("E", 0)
    return time_of(value) if value else 0
