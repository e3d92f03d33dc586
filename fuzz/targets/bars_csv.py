"""Bars as CSV under mappings of every kind, lines damaged: rows and faults as the naive reading.

With a damaged header or mapping the file must be imported or refused; there is no twin of that.
"""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from fuzz import scratch
from fuzz.draw import WORDS, Draw, edit_bytes, edit_lines
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_bars
from tests.bars_files import rows_of
from tests.naive.bars import quote_rows, sides
from tests.naive.bars_lines import UNITS, Found, Leg, Reader, Refused, Rules

ALLOWED = (InputError,)
HALF_SPREAD = Fraction(1, 10_000)
#: A day before clocks changed in Europe, and in America.
STARTS = (1_711_749_600, 1_710_032_400, 1_704_067_200, 1_729_900_800)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
TOKENS = (
    *(word for word in WORDS if len(word) < 1000),
    b",,", b",", b";", b'"1"', b'"a,b"', b"1704067200", b"1704067200000", b"0.000000001", b"1e12",
    b"2024-03-31 02:30:00", b"2024-10-27T02:30:00", b"0001-01-01 00:00", b"9999-12-31 23:59",
    b"+05:30", b"Z", b" ", b"1700000000.5", b"1.5", b"-0.0001", b"1,5", b"1.234,5",
    b"0.30000000000000004", b"-0.000000001", b"100.0000000050000000", b"0.000000005",
)  # fmt: skip


def drawn_rules(draw: Draw) -> Rules:
    """A mapping of one kind or another."""
    named = ["open", "close", *draw.pick((("high", "low"), ("high",), ()))]
    named += draw.pick(((), (), ("volume",), ("close_time",)))
    legs = draw.pick(("sp", "sp", "s", "p"))
    rules = Rules(
        [Leg({name: f"{leg}_{name}" for name in named}, size=5 * 10**8) for leg in legs],
        unit=draw.pick(("text", "text", *UNITS)),
        zone=draw.pick(ZONES),
        at_close=draw.number(3) == 0,
        delimiter=draw.pick((",", ",", ";", "\t")),
        jump_bps=draw.pick((None, None, Fraction(40))),
        rounds=draw.number(3) == 0,
        scale=draw.pick((0, 0, 0, -2, 1)),
        descending=draw.number(4) == 0,
        skip_lines=draw.pick((0, 0, 0, 2)),
    )
    rules.next_bar = draw.number(3) == 0
    rules.comma = rules.delimiter != "," and draw.number(2) == 0
    if rules.unit != "text":
        rules.zone = "UTC"
    if legs[-1] == "p" and draw.number(3):
        rules.rate = "rate"
        rules.mark = draw.pick(("", "mark"))
        rules.times = Fraction(draw.pick(("1", "8", "0.5")))
        rules.every_ns = draw.pick((0, 8, 8, 1)) * 3600 * 10**9
        rules.paid_time = draw.pick(("", "", "paid"))
    return rules


def mapping_text(rules: Rules) -> bytes:
    """The rules as a mapping file."""
    lines = ['interval = "1h"', "half_spread_bps = 1", "size = 5", 'base = "BTC"']
    lines.append(f"delimiter = {json.dumps(rules.delimiter)}")
    lines += ["round = true"] * rules.rounds + ['decimal = ","'] * rules.comma
    lines += [f'scale = "1e{rules.scale}"'] * bool(rules.scale)
    lines += [f"skip_lines = {rules.skip_lines}"] * bool(rules.skip_lines)
    lines += ['order = "descending"'] * rules.descending
    lines += ['gap = "next_bar"'] * rules.next_bar
    lines += [f"columns = {json.dumps(rules.columns)}"] * bool(rules.columns)
    if rules.jump_bps is not None:
        lines.append(f"max_jump_bps = {rules.jump_bps}")
    stamp = "close" if rules.at_close else "open"
    lines += ["[time]", f'column = "{rules.time}"', f'unit = "{rules.unit}"']
    lines += [f'zone = "{rules.zone}"', f'stamp = "{stamp}"']
    for leg in rules.legs:
        kind = "spot" if leg.columns["open"][0] == "s" else "perp"
        lines += [f"[{kind}]", 'symbol = "BTCUSDT"']
        lines += [f'{name} = "{column}"' for name, column in leg.columns.items()]
    if rules.rate:
        lines += ["[funding]", 'rate = "rate"', f'times = "{float(rules.times)}"']
        lines += ['mark = "mark"'] * bool(rules.mark)
        lines += [f'every = "{rules.every_ns // 3600 // 10**9}h"'] * bool(rules.every_ns)
        lines += ['time = { column = "paid" }'] * bool(rules.paid_time)
    return "\n".join(lines).encode()


def written(ns: int, rules: Rules) -> str:
    """A time as the column has it."""
    if rules.unit != "text":
        return str(ns // 10 ** UNITS[rules.unit])
    zone = ZoneInfo(rules.zone)
    utc = datetime.datetime.fromtimestamp(ns // 10**9, datetime.UTC)
    return utc.astimezone(zone).replace(tzinfo=None).isoformat(" ")


def number(rules: Rules, text: str) -> str:
    """A number as the columns have it."""
    return text.replace(".", ",") if rules.comma else text


def clean_lines(rules: Rules, n: int, start: int) -> list[bytes]:
    """Header and ``n`` bars."""
    columns = [rules.time, *(c for leg in rules.legs for c in leg.columns.values())]
    columns += [c for c in (rules.rate, rules.mark, rules.paid_time) if c] + ["note"]
    lines = [rules.delimiter.join(columns)]
    for hour in reversed(range(n)) if rules.descending else range(n):
        opened = (start + 3600 * hour) * 10**9
        price = 100 + hour % 7 * 0.25
        cells = {rules.time: written(opened + rules.at_close * rules.interval_ns, rules)}
        for column in columns[1:]:
            name = column[2:]
            value = price + {"high": 1, "low": -1, "close": 0.25}.get(name, 0)
            cells[column] = number(rules, f"{value / 10.0**rules.scale:.4f}")
            if name == "close_time":
                cells[column] = written(opened + rules.interval_ns, rules)
        mark = f"{100.5 / 10.0**rules.scale:.4f}"
        cells["rate"] = number(rules, f"0.000{hour % 9}")
        cells["mark"] = ("", number(rules, mark))[hour % 2]
        cells |= {"paid": written(opened, rules), "note": "x"}
        lines.append(rules.delimiter.join(cells[column] for column in columns))
    return [line.encode() for line in lines]


def one(draw: Draw) -> None:
    rules = drawn_rules(draw)
    header, *lines = clean_lines(rules, draw.pick((5, 12, 27)), draw.pick(STARTS))
    if draw.number(4) == 0:  # the last cell is one that is read
        header, *lines = [line.rpartition(rules.delimiter.encode())[0] for line in (header, *lines)]
    end = draw.pick((b"\n", b"\n", b"", b"\r\n"))
    head = [b"made by hand,"] * rules.skip_lines + [header]
    if draw.number(4) == 0:  # no header: the mapping tells the columns
        rules.columns = head.pop().decode().split(rules.delimiter)
    text = b"\n".join([*head, *edit_lines(draw, lines, TOKENS)]) + end
    mapping = mapping_text(rules)
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        damage = draw.number(6)
        if damage == 0:
            imported(folder, edit_bytes(draw, text, TOKENS, 3), mapping)
        elif damage == 1:
            imported(folder, text, edit_bytes(draw, mapping, WORDS, 2))
        else:
            check(folder, text, mapping, rules)
    finally:
        shutil.rmtree(folder)


def imported(folder: Path, text: bytes, mapping: bytes, name: str = "bars.csv") -> ImportResult:
    """Import a file; every line must be accounted for."""
    (folder / name).write_bytes(text)
    (folder / "m.toml").write_bytes(mapping)
    out = folder / "seg"
    try:
        result = import_bars(
            [folder / name], out, mapping=folder / "m.toml", max_quarantine=Fraction(1)
        )
    except InputError:
        assert sorted(path.name for path in folder.iterdir()) == sorted((name, "m.toml"))
        raise
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    assert result.segment.manifest.quarantine.lines == result.quarantined == len(faults(result))
    return result


def faults(result: ImportResult) -> list[tuple[int, str]]:
    """Line and reason of what was set aside."""
    path = result.segment.path / "quarantine.jsonl"
    rows = [json.loads(row) for row in path.read_text().splitlines()] if path.exists() else []
    return [(row["line"], row["reason"]) for row in rows]


def check(folder: Path, text: bytes, mapping: bytes, rules: Rules) -> None:
    """Import and hold everything equal to the naive reading."""
    try:
        found = Reader(rules).csv(text)
        wanted = expected(found, rules.interval_ns, rules.next_bar)
    except Refused:
        imported(folder, text, mapping)
        raise AssertionError("was taken, expected a refusal") from None
    compare(imported(folder, text, mapping), found, wanted)


def compare(result: ImportResult, found: Found, wanted: list[tuple[str, tuple[int, ...]]]) -> None:
    """Hold an import equal to the naive reading."""
    assert faults(result) == found.faults, (faults(result), found.faults)
    assert result.lines == found.lines
    assert rows_of(result) == wanted


def expected(
    found: Found, interval_ns: int, next_bar: bool = False
) -> list[tuple[str, tuple[int, ...]]]:
    """Rows of the segment; `Refused` where a price leaves no room for the spread."""
    if any(not bars for bars in found.bars):
        raise Refused("no bar")
    first = min(bars[0]["open_ns"] for bars in found.bars)
    last = max(bars[-1]["open_ns"] for bars in found.bars) + interval_ns
    for bar in (bar for bars in found.bars for bar in bars):
        for name in ("open", "close"):
            bid, ask = sides(bar[name], HALF_SPREAD)
            if bid <= 0 or ask >= 2**63:
                raise Refused("spread")
    paid = [row[:3] for row in found.settlements if first <= row[0] <= last]
    return quote_rows(found.bars, interval_ns, HALF_SPREAD, paid, lambda ended, begun: next_bar)
