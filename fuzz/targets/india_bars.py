"""Minute bars of India: contracts and the index, edited cells and bytes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from fuzz.draw import Draw, edit_bytes
from fuzz.targets.kite_frames import compare, folder
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_capture
from tests.naive import india_bars as naive

ALLOWED = (InputError, ConfigError)
BPS, SIZE, LOT = "37.5", 160, 75
MAPPING = f"half_spread_bps = {BPS}\nsize = {SIZE}\n"
HEADS = (
    "datetime,Close,close,expiry_date,high,low,open,product_type,right,stock_code,strike_price,volume",
    "datetime,close,high,low,open",
    "Instrument,Date,Time,Open,High,Low,Close",
)
CELLS = (
    "", "0", "-1", "0.05", "0.07", "1e9", "nan", "999999999.95", "22545.900390625", "22545.9001",
    "Futures", "Call", "NIFTY", "13-MAR-2025", "31-FEB-2025", "14-JAN-2031", "2025-03-12 15:30:00",
    "2025-03-12 09:15:30", "2019-03-12 09:16:00", "20250312", "09:20", "é", '"', ",", "1234567890",
)  # fmt: skip
PIECES = (b",", b"\n", b'"', b"\r\n", b"\x00", b"\xff", b"NIFTY", b"0.05", b"2025", b"open")
DAYS = ("2025-03-12", "2025-03-13", "2025-03-17")


def lines(draw: Draw, form: int) -> list[list[str]]:
    """Bars of two days or three, some minutes missing."""
    rows = []
    contracts = range(1 + draw.number(3)) if form == 0 else (0,)
    for k in contracts:
        for day in DAYS[: 1 + draw.number(3)]:
            if form == 0 and k < 2 and day == DAYS[2]:
                continue
            minute = 555 + draw.pick((0, 0, 3, 370))
            for _ in range(1 + draw.number(4)):
                rows.append(line(draw, form, k, day, minute))
                minute += draw.pick((1, 1, 2, 0, -1, 40))
    return rows


def line(draw: Draw, form: int, k: int, day: str, minute: int) -> list[str]:
    clock = f"{minute // 60:02d}:{minute % 60:02d}"
    low = 5 * (1 + draw.number(4_000))
    opened, closed = (low + 5 * draw.number(9) for _ in range(2))
    high = max(opened, closed) + 5 * draw.number(3)
    o, h, lo, c = (f"{paise / 100:.2f}" for paise in (opened, high, low, closed))
    if form == 2:
        return ["NIFTY", day.replace("-", ""), clock, o, h, lo, c]
    if form == 1:
        return [f"{day} {clock}:00", c, h, lo, o]
    kind = "Futures" if k == 2 else "Options"
    expiry = "27-MAR-2025" if k == 2 else "13-MAR-2025"
    side = ("Call", "Put", "Others")[k]
    volume = str(75 * draw.number(50))
    return [f"{day} {clock}:00", "1", c, expiry, h, lo, o, kind, side, "NIFTY", "22150.0", volume]


def one(draw: Draw) -> None:
    form = draw.number(3)
    rows = lines(draw, form)
    edited = draw.number(2) == 0
    if edited:
        for _ in range(1 + draw.number(3)):
            row = rows[draw.number(len(rows))]
            row[draw.number(len(row))] = draw.pick(CELLS)
    data = "\n".join([HEADS[form], *(",".join(row) for row in rows), ""]).encode()
    if edited and draw.number(2) == 0:
        data = edit_bytes(draw, data, PIECES, 3)
    with folder() as place:
        (place / "m.toml").write_text(MAPPING)
        (place / "bars.csv").write_bytes(data)
        result: Any = import_capture(
            "india-bars", inputs=[place / "bars.csv"], mapping=place / "m.toml", out=place / "s",
            max_quarantine=1, underlying="NIFTY",
        )  # fmt: skip
        left = {path.name for path in place.iterdir()} - {"m.toml", "bars.csv", "s"}
        assert not left, f"left behind: {left}"
        if edited:
            check(result)
            return
        bars, faults = naive.read(data.decode())
        _, quotes, whole = naive.session(bars, Fraction(BPS), SIZE, LOT)
        compare(result, {"quotes": quotes, "bars": whole}, faults)


def check(result: Any) -> None:
    """What holds of all that is taken."""
    quotes = result.segment.columns("quotes")
    traded = quotes["bid_qty"] > 0
    assert (quotes["bid"][traded] < quotes["ask"][traded]).all()
    assert (quotes["bid"] <= quotes["ask"]).all()
    assert len(result.segment.columns("bars")["seq"]) + result.quarantined == result.lines - 1
