"""Slow, independent reading of bars: lines of a CSV file or klines to bars, or why not.

Cells are Python texts, prices Fractions, stamps found by trying the offsets of their zone.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.naive.decimal_text import EMPTY, INEXACT, MALFORMED, OK, parse, round_fraction

UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
RANGE = range(946_684_800 * 10**9, 4_102_444_800 * 10**9)
ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"[ \t\n\r\f\v]*(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
)
WALL = datetime(1970, 1, 1)


class Faulty(Exception):
    """The reason a line is set aside for."""


class Refused(Exception):
    """The whole file is refused."""


@dataclass
class Leg:
    """Columns of one instrument, by what they hold."""

    columns: dict[str, str]
    share: Fraction = Fraction(1, 10)
    size: int = 0


@dataclass
class Rules:
    """What a mapping says."""

    legs: list[Leg]
    interval_ns: int = 3600 * 10**9
    time: str = "time"
    unit: str = "s"
    zone: str = "UTC"
    at_close: bool = False
    delimiter: str = ","
    rate: str = ""
    mark: str = ""
    paid_time: str = ""  # column of a settlement's time, where it has its own
    times: Fraction = Fraction(1)
    every_ns: int = 0
    jump_bps: Fraction | None = None
    rounds: bool = False  # half to even, where digits do not fit
    comma: bool = False  # the decimal point
    scale: int = 0  # prices are in units of ten to its power
    columns: list[str] = field(default_factory=list)  # of a file without header
    skip_lines: int = 0
    descending: bool = False
    next_bar: bool = False  # decisions wait over missing bars
    day_ns: int = 0  # of the day whose milliseconds stamps are


@dataclass
class Found:
    """Bars of each leg, settlements as (time, mark, rate, line), and what was set aside."""

    bars: list[list[dict[str, Any]]]
    settlements: list[tuple[int, int, int, int]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    lines: int = 0


def mantissa(text: str, exponent: int = -8, rounding: int | None = None) -> int:
    # A power of more than four digits is never written out: far beyond 64 bits, too fine, or 0.
    text = re.sub(r"([eE][+-]?0*)[1-9][0-9]{4,}$", r"\g<1>9999", text)
    try:
        status, value = parse(text.encode("ascii"), exponent, rounding)
    except UnicodeEncodeError:
        status, value = MALFORMED, 0
    if status == OK:
        return value
    names = {EMPTY: "empty-cell", MALFORMED: "bad-decimal", INEXACT: "too-fine"}
    raise Faulty(names.get(status, "overflow"))


def price(text: str, exponent: int = -8, rounding: int | None = None) -> int:
    value = mantissa(text, exponent, rounding)
    if value <= 0:
        raise Faulty("price-not-positive")
    return value


def as_unit(text: str, unit: str) -> int | None:
    try:
        value = mantissa(text, -UNITS[unit])
    except Faulty:
        return None
    return value if value in RANGE else None


def stamp(text: str, rules: Rules) -> int:
    """Nanoseconds; a stamp of another unit is told apart from one that cannot be read."""
    if rules.day_ns:
        try:
            within = mantissa(text, -6)
        except Faulty:
            raise Faulty("bad-stamp") from None
        if not 0 <= within < 86_400 * 10**9:
            raise Faulty("bad-stamp")
        return rules.day_ns + within
    found = as_unit(text, rules.unit) if rules.unit in UNITS else iso(text, rules.zone)
    if found is not None:
        return found
    looks = any(as_unit(text, unit) is not None for unit in UNITS)
    if rules.unit not in UNITS and ISO.fullmatch(text):
        looks = False
    raise Faulty("stamp-unit" if looks else "bad-stamp")


def iso(text: str, zone: str) -> int | None:
    match = ISO.fullmatch(text)
    if match is None:
        return None
    try:
        wall = datetime(*(int(group or 0) for group in match.groups()[:6]))
    except ValueError:
        return None
    local = (wall - WALL) // timedelta(seconds=1)
    told = match[8]
    if told in ("Z", "UTC"):
        seconds = [local]
    elif told:
        apart = int(told[1:3]) * 3600 + int(told[-2:]) * 60
        seconds = [local + apart if told[0] == "-" else local - apart]
    else:
        seconds = instants(wall, ZoneInfo(zone))
    if len(seconds) != 1:
        return None
    value = seconds[0] * 10**9 + int((match[7] or "0").ljust(9, "0"))
    return value if value in RANGE else None


def instants(wall: datetime, zone: ZoneInfo) -> list[int]:
    """Seconds since 1970 at which clocks of the zone show ``wall``."""
    found = set()
    for minutes in range(-15 * 60, 15 * 60 + 1, 15):
        try:
            utc = wall - timedelta(minutes=minutes)
            shown = (utc.replace(tzinfo=ZoneInfo("UTC"))).astimezone(zone)
        except OverflowError:
            continue
        if shown.replace(tzinfo=None) == wall:
            found.add((utc - WALL) // timedelta(seconds=1))
    return sorted(found)


class Reader:
    """Reads the lines of one file that holds every leg and the funding."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.found = Found([[] for _ in rules.legs])
        self.rate_cells: list[tuple[bool, bool]] = []  # (has a rate, is on the schedule)
        self.rate_cell = (False, True)

    def csv(self, text: bytes) -> Found:
        """All of a file's text, header included."""
        lines = text.split(b"\n")
        n_whole = len(lines) - 1
        if not lines[-1]:
            lines.pop()
        begun = self.rules.skip_lines
        self.header = self.rules.columns
        if not self.header:
            self.header = lines[begun].decode().split(self.rules.delimiter)
            begun += 1
        self.found.lines = len(lines)
        numbered = list(enumerate(lines[begun:], begun + 1))
        if self.rules.descending:
            numbered.reverse()
        for number, raw in numbered:
            try:
                self.line(number, raw, number > n_whole)
            except Faulty as reason:
                if str(reason) == "stamp-unit" and number == numbered[0][0]:
                    raise Refused("stamp-unit") from None
                self.found.faults.append((number, str(reason)))
        return self.end()

    def line(self, number: int, raw: bytes, cut: bool) -> None:
        if len(raw) > 1 << 16:
            raise Faulty("line-too-long")
        raw = raw.removesuffix(b"\r")
        if not raw:
            raise Faulty("empty-line")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise Faulty("not-utf-8") from None
        cells = text.split(self.rules.delimiter)
        if '"' in text:
            try:
                cells = next(csv.reader([text], delimiter=self.rules.delimiter, strict=True))
            except (csv.Error, StopIteration):
                raise Faulty("wrong-shape") from None
        if len(cells) != len(self.header):
            raise Faulty("half-line" if cut and len(cells) < len(self.header) else "wrong-shape")
        named = dict(zip(self.header, (cell.strip() for cell in cells), strict=True))
        rules = self.rules
        used = {rules.time, rules.rate, rules.mark, rules.paid_time}
        used |= {column for leg in self.rules.legs for column in leg.columns.values()}
        made = [self.bar(k, leg, named) for k, leg in enumerate(self.rules.legs)]
        paid = self.settlement(named) if self.rules.rate else None
        if cut and self.header[-1] in used:
            raise Faulty("half-line")
        self.keep(number, made, paid)

    def keep(
        self, number: int, made: list[dict[str, Any]], paid: tuple[int, int, int] | None
    ) -> None:
        for bars, bar in zip(self.found.bars, made, strict=True):
            bars.append(bar | {"line": number})
        if paid is not None:
            self.found.settlements.append((*paid, number))
        self.rate_cells.append(self.rate_cell)

    def bar(self, k: int, leg: Leg, cells: dict[str, str]) -> dict[str, Any]:
        columns, rules = leg.columns, self.rules
        prices = {
            name: self.priced(cells[columns[name]])
            for name in ("open", "high", "low", "close")
            if name in columns
        }
        open_ns = stamp(cells[rules.time], rules) - rules.interval_ns * rules.at_close
        if "close_time" in columns:
            try:
                closed = stamp(cells[columns["close_time"]], rules)
            except Faulty:
                raise Faulty("bad-stamp") from None
            self.whole(open_ns, closed)
        self.order(prices)
        size = leg.size
        if "volume" in columns:
            size = self.displayed(cells[columns["volume"]], leg.share)
        self.grid(k, open_ns)
        return self.made(open_ns, prices, size)

    def made(self, open_ns: int, prices: dict[str, int], size: int) -> dict[str, Any]:
        opened, closed = (Fraction(prices[name], 10**8) for name in ("open", "close"))
        return {"open_ns": open_ns, "open": opened, "close": closed, "size": size}

    def whole(self, open_ns: int, closed: int) -> None:
        if not 0 <= open_ns + self.rules.interval_ns - closed <= 10**9:
            raise Faulty("partial-bar")

    def order(self, prices: dict[str, int]) -> None:
        low = min(prices["open"], prices["close"])
        high = max(prices["open"], prices["close"])
        if prices.get("low", low) > low or prices.get("high", high) < high:
            raise Faulty("inconsistent-bar")

    def pointed(self, text: str) -> str:
        """A number's text with a point; what was a point is none."""
        if not self.rules.comma:
            return text
        return "".join({",": ".", ".": "?"}.get(c, c) for c in text)

    def priced(self, text: str) -> int:
        text, exponent = self.pointed(text), -8 - self.rules.scale
        if not self.rules.rounds:
            return price(text, exponent)
        return price(text, exponent, 0)

    def displayed(self, text: str, share: Fraction) -> int:
        volume = mantissa(self.pointed(text), rounding=4)  # always down
        if volume < 0:
            raise Faulty("bad-quantity")
        return int(volume * share)

    def grid(self, k: int, open_ns: int) -> None:
        bars = self.found.bars[k]
        if not bars:
            return
        if open_ns <= bars[-1]["open_ns"]:
            same = open_ns == bars[-1]["open_ns"]
            raise Faulty("duplicate-time" if same else "time-reversal")
        if (open_ns - bars[0]["open_ns"]) % self.rules.interval_ns:
            raise Faulty("off-grid")

    def settlement(self, cells: dict[str, str]) -> tuple[int, int, int] | None:
        rules = self.rules
        at_ns = stamp(cells[rules.paid_time or rules.time], rules)
        on_time = True
        if rules.every_ns:
            late = at_ns % rules.every_ns
            on_time = late <= 60 * 10**9
            at_ns -= late * on_time
        text = cells[rules.rate]
        self.rate_cell = bool(text), on_time
        if not text and not (rules.every_ns and on_time):
            return None
        rounding = 0 if rules.rounds else None
        rate = Fraction(mantissa(self.pointed(text), -16, rounding), 10**16) * rules.times * 10**8
        if rules.rounds:
            rate = Fraction(round_fraction(rate, 0))
        if rate.denominator != 1:
            raise Faulty("too-fine")
        if abs(rate) > 10**8:
            raise Faulty("overflow")
        mark = self.priced(cells[rules.mark]) if rules.mark and cells[rules.mark] else 0
        if not on_time:
            return None
        before = self.found.settlements
        if before and at_ns <= before[-1][0]:
            raise Faulty("duplicate-time" if at_ns == before[-1][0] else "time-reversal")
        return at_ns, mark, int(rate)

    def end(self) -> Found:
        """Drop partial bars and settlements without a price, and give the others their marks."""
        found, step = self.found, self.rules.interval_ns
        if self.rules.jump_bps is not None:
            partial = {
                bar["line"]
                for bars in found.bars
                for bar, after in pairwise(bars)
                if after["open_ns"] - bar["open_ns"] == step
                and abs(after["open"] / bar["close"] - 1) * 10_000 > self.rules.jump_bps
            }
            self.drop(partial, "partial-bar")
        if any(not bars for bars in found.bars):
            raise Refused("no bar")
        first = next((k for k, (rate, _) in enumerate(self.rate_cells) if rate), 0)
        beside = {rate for rate, on_time in self.rate_cells[first:] if not on_time}
        if beside == {True, False}:  # neither carried on nor only at settlements
            raise Refused("every")
        perp = {bar["open_ns"]: bar for bar in found.bars[-1]}
        marked, lacking = [], set()
        for at_ns, mark, rate, line in found.settlements:
            begun = at_ns - (at_ns - min(perp)) % step
            if not mark and begun == at_ns and begun - step in perp:
                mark = int(perp[begun - step]["close"] * 10**8)
            elif not mark and begun in perp:
                mark = int(perp[begun]["open"] * 10**8)
            elif not mark:
                lacking.add(line)
            marked.append((at_ns, mark, rate, line))
        found.settlements = marked
        self.drop(lacking, "no-mark")
        found.faults.sort()
        return found

    def drop(self, lines: set[int], reason: str) -> None:
        found = self.found
        found.faults += [(line, reason) for line in lines]
        found.bars = [[bar for bar in bars if bar["line"] not in lines] for bars in found.bars]
        found.settlements = [paid for paid in found.settlements if paid[3] not in lines]
