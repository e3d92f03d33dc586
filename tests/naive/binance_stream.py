"""Slow, independent import of Binance captures: json, Fraction and lists, whole files at a time."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from quantlaxmi.schema import TABLES, DepthFlag, EventKind
from tests.naive.announced import lost_settlements, named_by_marks
from tests.naive.binance_fields import (
    Faulty,
    field_of,
    id_of,
    mantissa_of,
    price_of,
    qty_of,
    refuse_constant,
    side_of,
    stamp_of,
    time_of,
)

DAY = 86_400 * 10**9
MAX_LINE = 1 << 20
STREAM = re.compile(
    r"[a-z0-9_]{1,40}@(bookTicker|trade|depth(?:@[0-9]{1,5}ms)?|markPrice(?:@[13]s)?)"
)


class Message(NamedTuple):
    """(ts, rank, sequence, line, source) is the order; rows lack seq and instrument."""

    ts: int
    rank: int
    sequence: int
    line: int
    source: int
    rows: list[dict[str, int]]
    link: int  # id that a depth update says it joins; -1 for others
    snapshot: bool
    unknown: bool = False  # a book that could not be read


class Result(NamedTuple):
    tables: dict[str, dict[str, list[int]]]
    quarantined: list[tuple[int, int, str]]  # source, line, reason
    gaps: list[tuple[int, int, int, int]]  # source, seq before, start_ns, end_ns
    lines: int
    messages: int
    reordered: int


class Capture:
    def __init__(self, source: int, perp: bool, window_ns: int) -> None:
        self.source, self.perp, self.window_ns = source, perp, window_ns
        self.unit = 0
        self.symbol = ""
        self.high: int | None = None
        self.suspect = 0
        self.reordered = 0
        self.last_quote = self.told = -1

    def line(self, number: int, line: bytes) -> Message:
        self.told = -1  # its receive time, once that is read
        if len(line) > MAX_LINE:
            raise Faulty("line-too-long")
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise Faulty("not-utf-8") from None
        text = text.removesuffix("\r")
        if not text:
            raise Faulty("empty-line")
        match = re.match(r"([0-9]{1,19}) (?=.)", text, re.DOTALL)
        stamp = int(match.group(1)) if match else 0
        if 10**14 <= stamp <= 9_200_000_000_000_000:
            unit = 1000
        elif 10**17 <= stamp <= 9_200_000_000_000_000_000:
            unit = 1
        else:
            raise Faulty("bad-stamp")
        assert match
        if self.unit not in (0, unit):
            raise Faulty("stamp-unit")
        self.unit = unit
        self.told = stamp * unit
        message = self.message(number, stamp * unit, text[match.end() :])
        self.clock(message)
        return message

    def message(self, number: int, ts: int, text: str) -> Message:
        try:
            content = json.loads(
                text, parse_constant=refuse_constant, parse_float=lambda t: ("float", t)
            )
        except (ValueError, RecursionError):
            raise Faulty("not-json") from None
        if not isinstance(content, dict):
            raise Faulty("wrong-shape")
        if "stream" in content:
            stream = field_of(content, "stream", str)
            match = STREAM.fullmatch(stream)
            if not match:
                raise Faulty("unknown-stream")
            kind = match.group(1).split("@")[0]
            data = field_of(content, "data", dict)
            read = getattr(self, kind)
            build = read(data)  # the shape is judged before the symbol, the values after it
            symbol = data["s"]
            if stream.split("@")[0].upper() != symbol:
                raise Faulty("wrong-symbol")
            self.symbol = self.symbol or symbol
            assert symbol == self.symbol, "two symbols"
        elif "lastUpdateId" in content:
            build = self.snapshot(content)
        else:
            raise Faulty("wrong-shape")
        rank, sequence, rows, link = build()
        for row in rows:
            row["ts_ns"] = ts
        return Message(ts, rank, sequence, number, self.source, rows, link, kind_is_snapshot(rows))

    def clock(self, message: Message) -> None:
        exch = message.rows[0]["exch_ts_ns"]
        if exch and abs(message.ts - exch) > DAY:
            raise Faulty("bad-stamp")
        if self.high is not None and message.ts < self.high:
            if self.high - message.ts > self.window_ns:
                raise Faulty("time-reversal")
            self.reordered += 1
        elif self.high is not None and not exch and message.ts - self.high > DAY:
            if not self.suspect or message.ts < self.suspect - self.window_ns:
                self.suspect = message.ts
                raise Faulty("time-jump")
            self.high = message.ts
        else:
            self.high = message.ts
        self.suspect = 0
        if message.rank == EventKind.QUOTE:
            self.last_quote = message.sequence

    def unknown_book(self, number: int, line: bytes, reason: str) -> list[Message]:
        """The book is unknown from the time on of a quote that was set aside."""
        if b"@bookTicker" not in line or reason in ("unknown-stream", "wrong-symbol"):
            return []
        if self.last_quote < 0 or self.high is None:
            return []
        near = self.told >= 0 and -self.window_ns <= self.told - self.high <= DAY
        ts = self.told if near else self.high
        row = dict.fromkeys(("exch_ts_ns", "bid", "bid_qty", "ask", "ask_qty", "flags"), 0)
        row |= {"ts_ns": ts, "update_id": self.last_quote}
        rank = EventKind.QUOTE
        return [Message(ts, rank, self.last_quote, number, self.source, [row], -1, False, True)]

    def bookTicker(self, data: dict[str, Any]) -> Any:
        for name in "sbBaA":
            field_of(data, name, str)
        field_of(data, "u", int)
        _common(data, "bookTicker")

        def build() -> Any:
            update_id = id_of(data["u"])
            bid, bid_qty = side_of(data["b"], data["B"])
            ask, ask_qty = side_of(data["a"], data["A"])
            row = {
                "exch_ts_ns": stamp_of(data),
                "update_id": update_id,
                "bid": bid,
                "bid_qty": bid_qty,
                "ask": ask,
                "ask_qty": ask_qty,
                "flags": 0,
            }
            if bid and ask and bid >= ask:
                raise Faulty("crossed-book")
            return EventKind.QUOTE, update_id, [row], -1

        return build

    def trade(self, data: dict[str, Any]) -> Any:
        for name in "spq":
            field_of(data, name, str)
        field_of(data, "t", int)
        field_of(data, "m", bool)
        perp = field_of(data, "X", str, None) is not None
        spot = field_of(data, "M", bool, None) is not None
        _common(data, "trade")

        def build() -> Any:
            if (perp and not self.perp) or (spot and not perp and self.perp):
                raise Faulty("other-market")
            trade_id = id_of(data["t"])
            row = {"trade_id": trade_id, "price": price_of(data["p"]), "qty": qty_of(data["q"], 1)}
            row["exch_ts_ns"] = stamp_of(data)
            row["side"] = -1 if data["m"] else 1
            return EventKind.TRADE, trade_id, [row], -1

        return build

    def depth(self, data: dict[str, Any]) -> Any:
        field_of(data, "s", str)
        for name in ("U", "u"):
            field_of(data, name, int)
        perp = field_of(data, "pu", int, None) is not None
        _common(data, "depthUpdate")
        _shape_of_levels(data, "b", "a")

        def build() -> Any:
            if perp != self.perp:
                raise Faulty("other-market")
            first, last = id_of(data["U"]), id_of(data["u"])
            prev = id_of(data["pu"]) if perp else -1
            if first > last:
                raise Faulty("wrong-shape")
            exch = stamp_of(data)
            rows = _depth_rows(_levels(data["b"]), _levels(data["a"]), 0)
            for row in rows:
                row |= {"exch_ts_ns": exch, "first_id": first, "last_id": last, "prev_id": prev}
            return EventKind.DEPTH, last, rows, prev if perp else first - 1

        return build

    def snapshot(self, data: dict[str, Any]) -> Any:
        field_of(data, "lastUpdateId", int)
        field_of(data, "E", int, 0)
        field_of(data, "T", int, 0)
        _shape_of_levels(data, "bids", "asks")

        def build() -> Any:
            last = id_of(data["lastUpdateId"])
            exch = stamp_of(data)
            bids, asks = _levels(data["bids"]), _levels(data["asks"])
            best_bid = max((p for p, q in bids if q), default=0)
            best_ask = min((p for p, q in asks if q), default=2**63)
            if best_bid >= best_ask:
                raise Faulty("crossed-book")
            rows = _depth_rows(bids, asks, int(DepthFlag.SNAPSHOT))
            for row in rows:
                row |= {"exch_ts_ns": exch, "first_id": last, "last_id": last, "prev_id": -1}
            return EventKind.DEPTH, last, rows, -1

        return build

    def markPrice(self, data: dict[str, Any]) -> Any:
        for name in "spr":
            field_of(data, name, str)
        for name in "ET":
            field_of(data, name, int)
        index = field_of(data, "i", str, "")
        _common(data, "markPriceUpdate")

        def build() -> Any:
            if not self.perp:
                raise Faulty("other-market")
            row = {"exch_ts_ns": time_of(data["E"]), "mark": price_of(data["p"])}
            row["index"] = price_of(index) if index else 0
            row["rate"] = mantissa_of(data["r"])
            if abs(row["rate"]) > 10**8:
                raise Faulty("overflow")
            row["next_funding_ns"] = time_of(data["T"])
            return EventKind.FUNDING, row["exch_ts_ns"], [row], -1

        return build


def kind_is_snapshot(rows: list[dict[str, int]]) -> bool:
    return bool(rows[0].get("flags", 0) & DepthFlag.SNAPSHOT)


def _common(data: dict[str, Any], event: str) -> None:
    field_of(data, "E", int, 0)
    field_of(data, "T", int, 0)
    if "e" in data and data["e"] != event:
        raise Faulty("wrong-shape")


def _shape_of_levels(data: dict[str, Any], *names: str) -> None:
    for name in names:
        for level in field_of(data, name, list):
            if type(level) is not list or [type(x) for x in level] != [str, str]:
                raise Faulty("wrong-shape")


def _levels(levels: list[list[str]]) -> list[tuple[int, int]]:
    return [(price_of(p), qty_of(q)) for p, q in levels]


def _depth_rows(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], flags: int
) -> list[dict[str, int]]:
    rows = [{"side": 1, "price": p, "qty": q, "flags": flags} for p, q in bids]
    rows += [{"side": -1, "price": p, "qty": q, "flags": flags} for p, q in asks]
    rows = rows or [{"side": 0, "price": 0, "qty": 0, "flags": flags}]
    rows[-1]["flags"] |= DepthFlag.LAST
    return rows


class Ids:
    """Duplicates and falls of one stream's ids."""

    def __init__(self) -> None:
        self.last = self.before = -1

    def check(self, value: int) -> None:
        if value > self.last:
            self.before, self.last = self.last, value
            return
        if value == self.last:
            raise Faulty("duplicate-id")
        if 0 <= self.before < value:
            self.last = value
        raise Faulty("id-going-back")


def naive_import(texts: list[tuple[bytes, bool]], window_ns: int = 10**9) -> Result:
    """Rows of captures given as (text, is perpetual)."""
    quarantined: list[tuple[int, int, str]] = []
    messages: list[Message] = []
    n_lines = reordered = 0
    named: list[set[int]] = []  # settlement times of faulty mark prices
    for source, (text, perp) in enumerate(texts):
        capture = Capture(source, perp, window_ns)
        lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        whole = len(lines) - 1
        if not lines[-1]:
            lines.pop()
        n_lines += len(lines)
        for number, line in enumerate(lines, 1):
            try:
                messages.append(capture.line(number, line))
            except Faulty as fault:
                reason = str(fault)
                messages += capture.unknown_book(number, line, reason)
                textual = {"bad-stamp", "not-json", "empty-line", "not-utf-8"}
                if number > whole and reason in textual:
                    reason = "half-line"
                quarantined.append((source, number, reason))
        reordered += capture.reordered
        faults = [(number, reason) for k, number, reason in quarantined if k == source]
        named.append(named_by_marks(lines, faults))
    messages.sort(key=lambda m: (m.ts, m.rank, m.sequence, m.line, m.source))

    tables: dict[str, dict[str, list[int]]] = {t: {c: [] for c in cs} for t, cs in TABLES.items()}
    table_of = {
        EventKind.TRADE: "trades",
        EventKind.DEPTH: "depth",
        EventKind.QUOTE: "quotes",
        EventKind.FUNDING: "funding",
    }
    ids: dict[tuple[int, int], Ids] = {}
    snapshots: dict[int, int] = {}
    diffs: dict[int, tuple[int, int, int]] = {}
    gaps: list[tuple[int, int, int, int]] = []
    told: dict[tuple[int, int], tuple[int, int]] = {}  # seq and time of the last of a kind
    seq = 0
    for m in messages:
        try:
            if m.unknown:
                pass
            elif m.snapshot:
                if m.sequence < snapshots.get(m.source, -1):
                    raise Faulty("id-going-back")
                snapshots[m.source] = m.sequence
            else:
                ids.setdefault((m.source, m.rank), Ids()).check(m.sequence)
        except Faulty as fault:
            quarantined.append((m.source, m.line, str(fault)))
            continue
        n_gaps = len(gaps)
        if m.rank == EventKind.DEPTH and not m.snapshot:
            if m.source in diffs and diffs[m.source][0] != m.link:
                gaps.append((m.source, diffs[m.source][1], diffs[m.source][2], m.ts))
            diffs[m.source] = m.sequence, seq, m.ts
        last = told.get((m.source, m.rank))
        if last and not m.unknown and m.ts - last[1] > DAY // 2 and len(gaps) == n_gaps:
            gaps.append((m.source, *last, m.ts))  # silence
        if not m.unknown:
            told[m.source, m.rank] = seq, m.ts
        table = tables[table_of[EventKind(m.rank)]]
        for row in m.rows:
            for name, column in table.items():
                column.append({"seq": seq, "instrument": m.source, **row}[name])
        seq += 1
    for source, faulty in enumerate(named):
        gaps += [(source, *gap[1:]) for gap in lost_settlements(faulty, source, tables)]
    return Result(tables, sorted(quarantined), gaps, n_lines, seq, reordered)
