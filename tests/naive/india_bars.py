"""Minute bars of India, the slow way: fractions, loops over every minute."""

from __future__ import annotations

import csv
import struct
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

MINUTE = 60 * 10**9
TICK = 5
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
SIDES = {"FUT": 0, "CE": 1, "PE": 2, "": -1}
QUIET = 1
#: Expiry ``YYYYMMDD``, strike in paise, side.
Contract = tuple[str, int, str]
#: Beginning, open, high, low, close, volume, line.
Bar = tuple[int, ...]


def stamp(day: str, clock: str) -> int:
    """Nanoseconds of a minute by the clock of India."""
    told = datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M").replace(tzinfo=UTC)
    return int((told - timedelta(hours=5, minutes=30)).timestamp()) * 10**9


def paise(text: str) -> int:
    """Rupees; where they are a 32-bit number's digits, the paise whose such number it is."""
    exact = Fraction(text) * 100
    if exact.denominator == 1:
        return int(exact)
    near = floor(exact + Fraction(1, 2))
    (single,) = struct.unpack("f", struct.pack("f", near / 100))
    assert Fraction(text) == Fraction(single)
    return near


def read(text: str) -> tuple[dict[Contract, list[Bar]], dict[int, str]]:
    """Bars by contract of a sound file but for times, and lines set aside with the reason."""
    bars: dict[Contract, list[Bar]] = {}
    aside: dict[int, str] = {}
    for line, row in enumerate(csv.DictReader(text.splitlines()), 2):
        named = "Instrument" in row
        day = row["Date"] if named else row["datetime"][:10].replace("-", "")
        clock = row["Time"] if named else row["datetime"][11:16]
        if not "09:15" <= clock < "15:30":
            aside[line] = "outside-session"
            continue
        contract: Contract = ("", 0, "")
        if "product_type" in row:
            d, month, year = row["expiry_date"].split("-")
            expiry = f"{year}{MONTHS.index(month) + 1:02d}{d}"
            side = "FUT"
            if row["product_type"] == "Options":
                side = {"Call": "CE", "Put": "PE"}[row["right"]]
            strike = 0 if side == "FUT" else paise(row["strike_price"])
            contract = (expiry, strike, side)
        names = ("open", "high", "low", "close")
        prices = [paise(row[name.title() if named else name]) for name in names]
        volume = int(Fraction(row["volume"])) if "product_type" in row else 0
        own = bars.setdefault(contract, [])
        begun = stamp(day, clock)
        if own and own[-1][0] >= begun:
            aside[line] = "duplicate-time" if own[-1][0] == begun else "time-reversal"
            continue
        own.append((begun, *prices, volume, line))
    return bars, aside


def session(bars: dict[Contract, list[Bar]], bps: Fraction, size: int, lot: int) -> Any:
    """Contracts in order, and rows of quotes and bars by time, as ``seq`` numbers them."""
    order = sorted((c for c in bars if bars[c]), key=lambda c: (c[0], c[1], SIDES[c[2]]))
    days = {bar[0] // MINUTE + 330 for own in bars.values() for bar in own}
    open_days = {day // 1440 for day in days}

    def trading(at: int) -> bool:
        """A bar could begin then: the day has bars and it is between 09:15 and 15:30."""
        day, minute = divmod(at // MINUTE + 330, 1440)
        return day in open_days and 555 <= minute < 930

    last = max(bar[0] for own in bars.values() for bar in own) + MINUTE
    quotes: list[tuple[Any, ...]] = []  # time, rank, instrument, is close, bid, ask, size, line
    whole: list[tuple[Any, ...]] = []
    for k, contract in enumerate(order):
        own = bars[contract]
        for n, bar in enumerate(own):
            follows = own[n + 1][0] if n + 1 < len(own) else None
            ended, told = bar[0] + MINUTE, bar[0] + MINUTE
            if follows is not None and follows > ended:
                waits = not any(trading(at) for at in range(ended, follows, MINUTE))
                told = follows if waits else ended
            whole.append((told, 0, k, (ended, *bar[:6])))
            index = contract == ("", 0, "")
            book = (_book(bar[4], bps, size, lot, index), _book(bar[1], bps, size, lot, index))
            quotes.append((told, 1, k, True, *book[0], bar[6]))
            quotes.append((bar[0], 2, k, False, *book[1], bar[6]))
            if follows != ended and ended != last:
                quotes.append((ended, 2, k, False, *book[0][:2], 0, bar[6]))
    return order, *_numbered(quotes, whole, last)


def _book(price: int, bps: Fraction, size: int, lot: int, index: bool) -> tuple[int, int, int]:
    if index:
        return price, price, 0
    share = bps / 10_000
    bid = floor(price * (1 - share) / TICK) * TICK
    ask = ceil(price * (1 + share) / TICK) * TICK
    return bid, ask, size // lot * lot if bid else 0


def _numbered(quotes: Any, whole: Any, last: int) -> tuple[list[Any], list[Any]]:
    # Of one instrument and time an open stands before a close without size.
    rows = [(*q[:3], q[6] == 0 and not q[3], "quotes", q) for q in quotes]
    rows += [(*w[:3], False, "bars", w) for w in whole]
    rows.sort(key=lambda r: r[:4])
    final = {r[0]: n for n, r in enumerate(rows) if r[4] == "quotes" and r[5][3]}
    found: dict[str, list[Any]] = {"quotes": [], "bars": []}
    for n, (at, _, k, _, table, row) in enumerate(rows):
        if table == "bars":
            ended, *values = row[3]
            found["bars"].append((n, at, k, ended, *values))
            continue
        _, _, _, _, bid, ask, size, line = row
        flags = 0 if final.get(at) == n and at != last else QUIET
        found["quotes"].append((n, at, k, at, line, bid, size, ask, size, flags))
    return found["quotes"], found["bars"]
