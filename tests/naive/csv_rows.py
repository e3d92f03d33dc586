"""Slow, independent import of CSV market data: split, Fraction and lists, whole files at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

from quantlaxmi.schema import TABLES, DepthFlag, EventKind
from tests.naive.announced import lost_settlements, named
from tests.naive.csv_cells import (
    DECIMALS,
    LAYOUTS,
    Faulty,
    Lane,
    anything,
    price,
    price_or_none,
    qty,
    trade_id,
)

DAY = 86_400 * 10**9
APART = 600 * 10**9
TABLE_OF = {
    EventKind.TRADE: "trades",
    EventKind.DEPTH: "depth",
    EventKind.QUOTE: "quotes",
    EventKind.FUNDING: "funding",
}
NUMBERED = {"incremental_book_L2", "book_snapshot_2"}
TRADES = {"aggTrades", "aggTrades_spot", "trades_perp", "trades_spot"}
BYBIT = {"bybit_trading", "bybit_spot"}
NO_RECEIVE = TRADES | BYBIT | {"fundingRate", "T_DEPTH", "okx_trades"}
UNCHECKED = {"quotes", "trades", "derivative_ticker"} | NUMBERED | BYBIT
COUNTED = TRADES | {"trade"}


class Message(NamedTuple):
    ts: int
    rank: int
    sequence: int
    line: int
    lane: int
    lines: list[int]
    rows: list[dict[str, int]]
    snapshot: bool
    join: int  # what a difference must follow
    lost: bool = False  # a settlement before it was set aside


class Result(NamedTuple):
    tables: dict[str, dict[str, list[int]]]
    quarantined: list[tuple[int, int, str]]  # lane, line, reason
    gaps: list[tuple[str, int, int, int]]  # table, seq before, start_ns, end_ns
    lines: int
    messages: int
    reordered: int


class Reader:
    def __init__(self, number: int, lane: Lane, window_ns: int) -> None:
        self.number, self.lane, self.window_ns = number, lane, window_ns
        self.kind, self.grouping, self.columns = LAYOUTS[lane.layout]
        self.faults: list[tuple[int, str]] = []
        self.messages: list[Message] = []
        self.high: int | None = None
        self.suspect = self.reordered = self.numbers = 0
        self.decimals: int | str = "none"
        self.last_id = -1
        self.lost = False

    def fields(self, text: str) -> tuple[dict[str, int], str]:
        """What could be read, and the first fault."""
        cells = text.split(",")
        if len(cells) != len(self.columns):
            return {}, "column-count"
        found: dict[str, int] = {}
        fault = ""
        empty: set[str] = set()
        for k, ((name, key, read), cell) in enumerate(zip(self.columns, cells, strict=True)):
            try:
                if self.lane.layout == "book_snapshot_2" and k >= 4:
                    pair = cells[k - k % 2 : k - k % 2 + 2]
                    if k % 2 == 0 and not cell:
                        continue
                    if k % 2 == 1 and (not pair[0]) != (not pair[1]):
                        raise Faulty("missing-value")
                    if not cell:
                        continue
                elif not cell and self.kind == EventKind.QUOTE and read in (price, qty):
                    empty.add(key)
                    found[key] = 0
                    continue
                elif not cell and read is not trade_id and read is not anything:
                    if key == "index":
                        continue
                    raise Faulty("missing-value")
                if self.kind == EventKind.QUOTE and read is price:
                    read = price_or_none
                found[key] = read(self.lane, name, cell)
            except Faulty as reason:
                fault = fault or str(reason)
        if not fault and "first" in found and found["first"] > found["id"]:
            fault = "wrong-shape"
        for side in ("bid", "ask") if self.kind == EventKind.QUOTE and not fault else ():
            # A side is there with both of its cells, or absent with none or zeros.
            if not found[side] and found[side + "_qty"]:
                fault = fault or ("missing-value" if side in empty else "price-not-positive")
            if found[side] and side + "_qty" in empty:
                fault = fault or "missing-value"
        return found, fault

    def last_decimals(self, text: str) -> int:
        name, _, read = self.columns[-1]
        cell = text.split(",")[-1]
        return len(cell.partition(".")[2]) if cell and (read in DECIMALS or "]" in name) else -1

    def run(self) -> None:
        lines = self.lane.text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        whole_lines = len(lines) - 1
        if not lines[-1]:
            lines.pop()
        self.n_lines = len(lines)
        open_: dict[str, Any] | None = None
        hole = unknown = False
        was = 0  # whether the line before was a snapshot's
        groups: list[dict[str, Any]] = []
        for number, raw in enumerate(lines, 1):
            if number <= self.lane.n_header:
                continue
            cut = number > whole_lines
            found: dict[str, int] = {}
            decimals = -1
            try:
                text = raw.decode().removesuffix("\r")
                if not text:
                    fault = "empty-line"
                elif text.startswith("#"):
                    fault = "comment-line"
                else:
                    found, fault = self.fields(text)
                    decimals = self.last_decimals(text)
            except UnicodeDecodeError:
                fault = "not-utf-8"
            if not fault and cut and decimals >= 0 and (not decimals or decimals != self.decimals):
                fault = "column-count"
            if not fault and decimals >= 0:
                same = self.decimals in ("none", decimals)
                self.decimals = decimals if same else "varied"
            if self.grouping == "line":
                if not fault:
                    fault = self.finish([number], [found])
            elif fault == "empty-line":
                hole = True
            else:
                wanted = ["recv", "snapshot"]
                if self.grouping == "ids":
                    keys = {"difference_depth": ["id", "first"], "depth_snapshot": ["id"]}
                    wanted = keys.get(self.lane.layout, ["id", "first", "snapshot"])
                key = tuple(found.get(name) for name in wanted)
                if None in key:
                    was = found.get("snapshot", was)
                    if open_:
                        open_["bad"] = True
                    unknown, hole = True, False
                else:
                    begins = open_ is None or open_["key"] != key
                    if self.grouping == "stamps":
                        # One receive time is one message; a snapshot line after one that is none
                        # resets the book, which only a message's first line can.
                        reset = found["snapshot"] == 1 and was != 1
                        begins = open_ is None or open_["key"][0] != key[0] or reset
                        was, found = found["snapshot"], found | {"snapshot": int(reset)}
                    if begins:
                        open_ = {"key": key, "bad": unknown, "lines": [], "rows": []}
                        open_["head"] = found
                        groups.append(open_)
                    else:
                        head = open_["head"]
                        same_head = self.grouping == "stamps" or all(
                            found.get(k) == head.get(k)
                            for k in ("recv", "exch", "event", "request", "prev")
                        )
                        if not fault and not open_["bad"] and not same_head:
                            fault = "message-mismatch"
                        open_["bad"] = open_["bad"] or hole
                    hole = unknown = False
                    if fault:
                        open_["bad"] = True
                    else:
                        open_["lines"].append(number)
                        open_["rows"].append(found)
            if fault and self.lane.layout == "fundingRate":
                self.lost |= fault not in ("empty-line", "comment-line", "wrong-symbol")
            if fault and self.books:
                self.unknown_book(number, found, fault)
            if fault:
                if cut and fault not in ("empty-line", "comment-line"):
                    fault = "half-line"
                self.faults.append((number, fault))
        for group in groups:
            reason = "incomplete-message"
            if not group["bad"]:
                reason = self.finish(group["lines"], group["rows"])
            elif self.lane.layout in NUMBERED:
                self.numbers += 1
            if reason:
                self.faults += [(line, reason) for line in group["lines"]]
        self.named = named(self.lane.layout, lines, self.faults)

    @property
    def books(self) -> bool:
        """Every line tells a whole book."""
        return self.kind == EventKind.QUOTE or self.lane.layout == "book_snapshot_2"

    def unknown_book(self, line: int, found: dict[str, int], fault: str) -> None:
        """The book that a line should have told is unknown from the line's time on."""
        if fault in ("empty-line", "comment-line", "wrong-symbol") or self.high is None:
            return
        ts, exch = self.high, 0  # where its own time cannot be believed
        if fault not in ("outside-day", "time-apart") and {"recv", "exch"} <= found.keys():
            near = abs(found["recv"] - found["exch"]) <= APART
            if near and -self.window_ns <= found["recv"] - self.high <= DAY:
                ts, exch = found["recv"], found["exch"]
        common = {"ts_ns": ts, "exch_ts_ns": exch}
        if self.kind == EventKind.QUOTE:
            row = dict.fromkeys(("bid", "bid_qty", "ask", "ask_qty", "flags"), 0)
            row["update_id"] = sequence = self.last_id
        else:
            self.numbers += 1
            sequence = self.numbers
            row = {"side": 0, "price": 0, "qty": 0, "first_id": sequence, "last_id": sequence}
            row |= {"prev_id": sequence - 1, "flags": DepthFlag.SNAPSHOT | DepthFlag.LAST}
        self.messages.append(
            Message(ts, int(self.kind), sequence, line, self.number, [], [common | row],
                    self.kind == EventKind.DEPTH, -1)
        )  # fmt: skip

    def finish(self, lines: list[int], found: list[dict[str, int]]) -> str:
        head = found[0]
        ts = head["recv"]
        exch = max(row.get("exch", 0) for row in found) or head.get("event", 0)
        if self.lane.layout in NO_RECEIVE:
            exch = ts
        sequence = head.get("id", 0)
        common = {"ts_ns": ts, "exch_ts_ns": exch}
        snapshot, join = False, -1
        if self.kind == EventKind.QUOTE:
            rows = [{k: head[k] for k in ("bid", "bid_qty", "ask", "ask_qty")}]
            rows[0] |= {"update_id": sequence, "flags": 0}
            if head["bid"] and head["ask"] and head["bid"] >= head["ask"]:
                return "crossed-book"
        elif self.kind == EventKind.TRADE:
            rows = [{k: head[k] for k in ("price", "qty", "side")} | {"trade_id": sequence}]
        elif self.kind == EventKind.FUNDING:
            if self.lane.layout == "fundingRate":
                sequence, join = ts, head["hours"]
            rows = [{"mark": head.get("mark", 0), "index": head.get("index", 0)}]
            rows[0] |= {"rate": head["rate"], "next_funding_ns": head.get("next", ts)}
        else:
            levels = found
            if self.lane.layout == "book_snapshot_2":
                levels = [
                    {"side": s, "price": head[f"{w}{k}price"], "qty": head[f"{w}{k}amount"]}
                    for w, s in (("bid", 1), ("ask", -1)) for k in range(2)
                    if f"{w}{k}price" in head
                ]  # fmt: skip
            snapshot = "snapshot" in self.lane.layout or bool(head.get("snapshot"))
            bids = [row for row in levels if row["side"] > 0]
            asks = [row for row in levels if row["side"] < 0]
            first, prev = (sequence if snapshot else head.get("first", 0)), -1
            if "prev" in head:
                prev = -1 if snapshot else head["prev"]
            join = prev if "prev" in head else first - 1
            if self.lane.layout in NUMBERED:
                self.numbers += 1
                sequence = first = self.numbers
                prev = join = sequence - 1
            flags = int(DepthFlag.SNAPSHOT) if snapshot else 0
            rows = [
                {k: row[k] for k in ("side", "price", "qty")} | {"flags": flags}
                for row in bids + asks
            ] or [{"side": 0, "price": 0, "qty": 0, "flags": flags}]
            rows[-1]["flags"] |= int(DepthFlag.LAST)
            for row in rows:
                row |= {"first_id": first, "last_id": sequence, "prev_id": prev}
            best_bid = max((row["price"] for row in bids if row["qty"]), default=0)
            best_ask = min((row["price"] for row in asks if row["qty"]), default=2**63)
            if snapshot and best_bid >= best_ask:
                return "crossed-book"
        if self.lane.day != (0, 0) and not self.lane.day[0] <= ts < self.lane.day[1]:
            return "outside-day"
        if "request" in head and abs(ts - head["request"]) > APART:
            return "time-apart"
        if exch and abs(ts - exch) > APART:
            return "time-apart"
        if self.high is not None and ts < self.high:
            if self.high - ts > self.window_ns:
                return "time-reversal"
            self.reordered += 1
        elif self.high is not None and not exch and ts - self.high > DAY:
            if not self.suspect or ts < self.suspect - self.window_ns:
                self.suspect = ts
                return "time-jump"
            self.high = ts
        else:
            self.high = ts
        self.suspect = 0
        self.last_id = sequence
        self.messages.append(
            Message(ts, int(self.kind), sequence, lines[0], self.number, lines,
                    [common | row for row in rows], snapshot, join, self.lost)
        )  # fmt: skip
        self.lost = False
        return ""


class Ids:
    def __init__(self) -> None:
        self.last = self.before = -1

    def check(self, value: int) -> str:
        if value > self.last:
            self.before, self.last = self.last, value
            return ""
        if value == self.last:
            return "duplicate-id"
        if 0 <= self.before < value:
            self.last = value
        return "id-going-back"


def naive_csv(lanes: list[Lane], window_ns: int = 10**9) -> Result:
    """Rows of files, one a lane, in the order that lanes have in a segment."""
    quarantined: list[tuple[int, int, str]] = []
    messages: list[Message] = []
    n_lines = reordered = 0
    readers: list[Reader] = []
    for number, lane in enumerate(lanes):
        reader = Reader(number, lane, window_ns)
        reader.run()
        quarantined += [(number, line, reason) for line, reason in reader.faults]
        messages += reader.messages
        n_lines += reader.n_lines
        reordered += reader.reordered
        readers.append(reader)
    lost = [r.high or 0 for r in readers if r.lost]
    messages.sort(key=lambda m: (m.ts, m.rank, m.sequence, m.line, m.lane))
    tables: dict[str, dict[str, list[int]]] = {t: {c: [] for c in cs} for t, cs in TABLES.items()}
    ids = [Ids() for _ in lanes]
    snapshots = [-1] * len(lanes)
    before: list[tuple[int, int, int] | None] = [None] * len(lanes)  # id, seq, ts
    gaps: list[tuple[str, int, int, int]] = []
    told: dict[int, tuple[int, int]] = {}  # seq and time of the last message of a lane
    seq = 0
    for m in messages:
        layout, instrument = lanes[m.lane].layout, lanes[m.lane].instrument
        reason = ""
        if layout not in UNCHECKED and m.lines:
            if m.snapshot:
                reason = "id-going-back" if m.sequence < snapshots[m.lane] else ""
                snapshots[m.lane] = max(snapshots[m.lane], m.sequence)
            else:
                reason = ids[m.lane].check(m.sequence)
        if reason:
            quarantined += [(m.lane, line, reason) for line in m.lines]
            continue
        n_gaps = len(gaps)
        depth = m.rank == EventKind.DEPTH
        last = before[m.lane]
        if (depth and not m.snapshot) or layout in COUNTED:
            wanted = m.join if depth else m.sequence - 1
            if last is not None and last[0] != wanted:
                gaps.append((TABLE_OF[EventKind(m.rank)], last[1], last[2], m.ts))
        if layout == "fundingRate":
            longest = max(m.join, last[0] if last else 0) * 3600 * 10**9
            far = m.join and last and last[0] and m.ts - last[2] > longest + 60 * 10**9
            if last and last[0] and (m.lost or far):
                gaps.append(("funding", last[1], last[2], m.ts))
            elif m.lost:
                gaps.append(("funding", -1, m.ts, m.ts))
            if m.join or m.lost:
                before[m.lane] = m.join, seq, m.ts
        if m.lines and not (layout == "fundingRate" and (m.join or m.lost)):
            if m.lane in told and m.ts - told[m.lane][1] > DAY // 2 and len(gaps) == n_gaps:
                gaps.append((TABLE_OF[EventKind(m.rank)], *told[m.lane], m.ts))  # silence
            told[m.lane] = seq, m.ts
        if (depth and (not m.snapshot or layout in NUMBERED)) or layout in COUNTED:
            before[m.lane] = m.sequence, seq, m.ts
        for row in m.rows:
            for name, column in tables[TABLE_OF[EventKind(m.rank)]].items():
                column.append({"seq": seq, "instrument": instrument, **row}[name])
        seq += 1
    end = max((r.high or 0 for r in readers), default=0)
    gaps += [("funding", seq - 1, high, end) for high in lost]
    gaps += [gap for r in readers for gap in lost_settlements(r.named, r.lane.instrument, tables)]
    return Result(tables, sorted(quarantined), gaps, n_lines, seq, reordered)
