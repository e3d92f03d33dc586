"""Contract notes by the calendar of India: sums of fees of a day, rounded half up to the unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor

from quantlaxmi.schema import FillFlag
from tests.naive.books import Row
from tests.naive.terms import Terms


def day_of(ts_ns: int) -> str:
    """India is five and a half hours ahead."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ts_ns // 10**9)
    return (moment + timedelta(hours=5, minutes=30)).date().isoformat()


def notes(fills: Sequence[Row], terms: Sequence[Terms], values: Sequence[Fraction]) -> dict:
    """What rounding adds, by day, currency and component; ``values`` are the fills' money."""
    sums: dict[tuple[str, str, str], Fraction] = {}
    seen = set()
    for fill, value in zip(fills, values, strict=True):
        own = terms[fill["instrument"]]
        if fill["flags"] & FillFlag.SETTLED:
            for c in own.components if fill["side"] < 0 else ():
                if c.rounded and c.base == "intrinsic":
                    key = day_of(fill["ts_ns"]), own.currency, c.name
                    sums[key] = sums.get(key, Fraction(0)) + c.rate * value
            continue
        paid = own.component_fees(value, fill["side"], fill["order"] not in seen)
        seen.add(fill["order"])
        for name in {c.name for c in own.components if c.rounded} & paid.keys():
            key = day_of(fill["ts_ns"]), own.currency, name
            sums[key] = sums.get(key, Fraction(0)) + paid[name]
    return {key: floor(total + Fraction(1, 2)) - total for key, total in sums.items()}
