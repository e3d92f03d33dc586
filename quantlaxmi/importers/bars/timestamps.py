"""Stamps of bars as nanoseconds since 1970, exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from quantlaxmi._ext.decimal_text import parse_decimal
from quantlaxmi.errors import FixedPointError
from quantlaxmi.importers.bars.mapping_file import UNITS
from quantlaxmi.importers.bars.mapping_leg import TimeColumn

FIRST_NS: Final = 946_684_800 * 10**9  # 2000-01-01
LAST_NS: Final = 4_102_444_800 * 10**9  # 2100-01-01
DAY_NS: Final = 86_400 * 10**9
#: A venue stamps a settlement a little after its time; more is no settlement of that time.
LATE_NS: Final = 60 * 10**9
_TEXT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_WORDS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


class BadStamp(ValueError):
    """A stamp that cannot be read.

    Attributes
    ----------
    unit : str
        The unit it would be right in, where there is one.
    """

    def __init__(self, problem: str, unit: str = "") -> None:
        self.unit = unit
        super().__init__(problem)


def stamp_reader(time: TimeColumn) -> Callable[[str], int]:
    """Reader of one column's stamps: text to nanoseconds; raises `BadStamp`."""
    if time.day_ns:
        return lambda text: time.day_ns + _of_day(text)
    if time.unit in UNITS:
        return lambda text: _number(text, time.unit)
    if time.unit == "text":
        return lambda text: _iso(text, time)
    return lambda text: _pattern(text, time)


def _checked(value: int, expected: str) -> int:
    if not FIRST_NS <= value < LAST_NS:
        raise BadStamp(f"expected {expected} within 2000 to 2099")
    return value


def _number(text: str, unit: str) -> int:
    expected = f"{_WORDS[unit]} since 1970"
    try:
        value = parse_decimal(text, -UNITS[unit])
    except FixedPointError:
        right = _right_unit(text)
        hint = f"; it looks like {_WORDS[right]}" if right else ""
        raise BadStamp(f"expected {expected}{hint}", right) from None
    if not FIRST_NS <= value < LAST_NS:
        right = _right_unit(text)
        hint = f"; it looks like {_WORDS[right]}" if right else ""
        raise BadStamp(f"expected {expected} within 2000 to 2099{hint}", right)
    return value


def _of_day(text: str) -> int:
    expected = f"milliseconds of a day, 0 to {DAY_NS // 10**6 - 1}"
    try:
        value = parse_decimal(text, -6)
    except FixedPointError:
        raise BadStamp(f"expected {expected}") from None
    if not 0 <= value < DAY_NS:
        raise BadStamp(f"expected {expected}")
    return value


def _right_unit(text: str) -> str:
    """The unit in which a number is a stamp, or empty."""
    for unit, digits in UNITS.items():
        try:
            if FIRST_NS <= parse_decimal(text, -digits) < LAST_NS:
                return unit
        except FixedPointError:
            continue
    return ""


def stamp_unit(text: str) -> str:
    """The unit of a mapping in which a text is a stamp; empty where it needs a pattern."""
    return "text" if _TEXT.fullmatch(text) else _right_unit(text)


def _iso(text: str, time: TimeColumn) -> int:
    expected = "a text such as 2024-01-31 07:00:00"
    found = _TEXT.fullmatch(text)
    if not found:
        right = _right_unit(text)
        hint = f"; it looks like {_WORDS[right]}" if right else ""
        raise BadStamp(f"expected {expected}{hint}", right)
    year, month, day, hour, minute, second = (int(g or 0) for g in found.groups()[:6])
    try:
        wall = datetime(year, month, day, hour, minute, second)
    except ValueError:
        raise BadStamp(f"expected {expected}") from None
    nanos = int((found[7] or "").ljust(9, "0"))
    zone = found[8]
    if zone is None:
        return _checked(_in_zone(wall, time, expected) + nanos, expected)
    offset = 0
    if zone not in ("Z", "UTC"):
        offset = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-60 if zone[0] == "-" else 60)
    return _checked(_seconds(wall, offset) + nanos, expected)


def _pattern(text: str, time: TimeColumn) -> int:
    try:
        wall = datetime.strptime(text, time.unit)
    except ValueError:
        right = _right_unit(text)
        raise BadStamp(f"expected a text as {time.unit!r}", right) from None
    nanos = wall.microsecond * 1000
    if wall.tzinfo is not None:
        offset = wall.utcoffset() or timedelta()
        plain = wall.replace(tzinfo=None, microsecond=0)
        value = _seconds(plain, 0) - offset // timedelta(microseconds=1) * 1000 + nanos
        return _checked(value, "a time")
    return _checked(_in_zone(wall.replace(microsecond=0), time, "a time") + nanos, "a time")


def _seconds(wall: datetime, offset_s: int) -> int:
    days = wall.toordinal() - _EPOCH
    return (days * 86_400 + wall.hour * 3600 + wall.minute * 60 + wall.second - offset_s) * 10**9


def _in_zone(wall: datetime, time: TimeColumn, expected: str) -> int:
    if time.zone.key == "UTC":
        return _seconds(wall, 0)
    if not 1999 <= wall.year <= 2100:  # the calendar's ends are out of range in another zone
        raise BadStamp(f"expected {expected} within 2000 to 2099")
    local = wall.replace(tzinfo=time.zone)
    earlier, later = local.utcoffset(), local.replace(fold=1).utcoffset()
    if earlier != later:
        # A clock change: the hour happens twice or not at all.
        raise BadStamp(f"expected a time that {time.zone.key} has exactly once")
    assert local.astimezone(UTC).astimezone(time.zone).replace(tzinfo=None) == wall
    assert earlier is not None
    return _seconds(wall, earlier // timedelta(seconds=1))
