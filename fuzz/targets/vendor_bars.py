"""Vendors' bars, cells and lines damaged: rows and faults as the naive reading; bytes edited."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tempfile
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import feather

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes, edit_lines
from fuzz.targets.bars_csv import TOKENS, compare, expected, faults
from fuzz.targets.trace_arrow import PIECES
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_capture
from tests.naive.bars_lines import Leg, Reader, Refused, Rules
from tests.naive.list_rows import ListReader

ALLOWED = (InputError,)
BAR = ("open", "high", "low", "close", "volume")
MAPPING = (
    'interval = "1h"\nscale = "1"\nhalf_spread_bps = 1\nbase = "BTC"\n[spot]\nsymbol = "BTCUSDT"\n'
)
START_S = 1_704_067_200
CELLS = (
    '"1.5"', "1.5", "null", "true", "0", "-1", "1e-9", "1e400", "[1]", '"a,b"', '"1\\n"', "{}",
    "99999999999999999999", "1704067200", "1704067200000", '""', "0.30000000000000004", '" 7 "',
)  # fmt: skip


def cells(hour: int, stamp: str) -> list[str]:
    """A clean bar."""
    price = 100 + hour % 5
    return [stamp, f"{price}.5", f"{price + 2}", f"{price - 1}.0", f"{price + 1}", f"{hour % 3}.25"]


def one(draw: Draw) -> None:
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        draw.pick((lists, lists, candles, kraken, lean, feathers))(draw, folder)
    finally:
        shutil.rmtree(folder)


def lists(draw: Draw, folder: Path) -> None:
    """JSON of ccxt and freqtrade."""
    rows = [cells(k, str((START_S + 3600 * k) * 1000)) for k in range(draw.pick((2, 6, 14)))]
    for _ in range(draw.number(4)):
        row = draw.pick(rows)
        how = draw.number(6)
        if how == 0:
            del row[draw.number(len(row))]
        elif how == 1:
            rows.insert(draw.number(len(rows)), list(row))
        else:
            row[draw.number(len(row))] = draw.pick(CELLS)
        if not row:
            return
    text = "[" + draw.pick((",", ", ", ",\n  ")).join(
        "[" + draw.pick((",", ", ", ",\n")).join(row) + "]" for row in rows
    ) + draw.pick(("]", "]\n", "] "))  # fmt: skip
    name = draw.pick(("BTC_USDT-1h.json", "x.json"))
    data = text.encode()
    if draw.number(6) == 0:
        data = edit_bytes(draw, data, TOKENS, 3)
        imported(folder, "ohlcv", name, gzip.compress(data) if draw.number(3) == 0 else data)
        return
    rules = Rules([leg()], time="date", unit="ms", columns=["date", *BAR])
    check(folder, "ohlcv", name, data, rules, lambda: ListReader(rules).rows(text))


def candles(draw: Draw, folder: Path) -> None:
    """OKX's, as CSV, the last of them not yet ended or not."""
    lines = [
        ",".join(["BTCUSDT", *cells(k, "")[1:], "7", "700", str((START_S + 3600 * k) * 1000), "1"])
        for k in range(draw.pick((3, 9)))
    ]
    ended = draw.number(2) == 1
    header = "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm"
    text = "\n".join([header, *lines[:-1], lines[-1][:-1] + str(int(ended)), ""]).encode()
    if draw.number(4):
        imported(folder, "okx", "c.csv", edit_bytes(draw, text, TOKENS, 3))
        return
    result = imported(folder, "okx", "c.csv", text)
    assert (result.quarantined, result.message_lines) == (0, len(lines) - 1 + ended)


def kraken(draw: Draw, folder: Path) -> None:
    """OHLCVT without header."""
    n = draw.pick((3, 9, 20))
    lines = [",".join([*cells(k, str(START_S + 3600 * k)), "7"]).encode() for k in range(n)]
    text = b"\n".join(edit_lines(draw, lines, TOKENS)) + draw.pick((b"\n", b"\n", b""))
    rules = Rules([leg()], columns=["time", *BAR, "trades"])
    check(folder, "kraken", "BTCUSDT_60.csv", text, rules, lambda: Reader(rules).csv(text))


def lean(draw: Draw, folder: Path) -> None:
    """Milliseconds of a day without header, plain or in a zip."""
    lines = [",".join(cells(k, str(3_600_000 * k))).encode() for k in range(draw.pick((3, 9, 23)))]
    text = b"\n".join(edit_lines(draw, lines, TOKENS)) + draw.pick((b"\n", b"\n", b""))
    rules = Rules([leg()], columns=["time", *BAR], day_ns=START_S * 10**9)
    if draw.number(3) == 0:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("20240101_btcusdt_minute_trade.csv", text)
        data = edit_bytes(draw, made.getvalue(), (b"PK\x01\x02", b"\0"), 1 + draw.number(2))
        imported(folder, "lean", "20240101_trade.zip", data)
        return
    check(folder, "lean", "20240101_trade.csv", text, rules, lambda: Reader(rules).csv(text))


def feathers(draw: Draw, folder: Path) -> None:
    """Feather, of which the bytes are edited; a clean one is all taken."""
    rows = [cells(k, str((START_S + 3600 * k) * 1000)) for k in range(draw.pick((3, 9)))]
    columns: dict[str, Any] = {
        "date": pa.array([int(r[0]) for r in rows], pa.timestamp("ms", "UTC"))
    }
    for k, name in enumerate(BAR, 1):
        columns[name] = [float(row[k]) for row in rows]
    made = io.BytesIO()
    how = draw.pick(("lz4", "zstd", "uncompressed"))
    feather.write_feather(pa.table(columns), made, how, chunksize=draw.pick((1, 4, 100)))
    data = made.getvalue()
    if draw.number(5) == 0:
        result = imported(folder, "ohlcv", "BTC_USDT-1h.feather", data)
        assert result.quarantined == 0 and result.lines == len(rows)
        return
    imported(folder, "ohlcv", "x.feather", edit_bytes(draw, data, PIECES, 3))


def leg() -> Leg:
    return Leg({name: name for name in BAR})


def check(folder: Path, format: str, name: str, data: bytes, rules: Rules, read: Any) -> None:
    """Import and hold everything equal to the naive reading."""
    try:
        result = imported(folder, format, name, data)
    except InputError as error:
        # How wide lines are, and what is no list, are matters of the file, which have no twin.
        if any(w in str(error) for w in ("columns", "no JSON list", "quoted", "no row", "no line")):
            raise
        result = None
    try:
        found = read()
        wanted = expected(found, rules.interval_ns)
    except Refused as reason:
        assert result is None, f"was taken, expected a refusal: {reason}"
        raise InputError(name, "was refused") from None
    except json.JSONDecodeError:
        assert result is None
        raise InputError(name, "was refused") from None
    if result is None:
        assert len(found.faults) == found.lines or data == b"", "was refused, expected to be taken"
        raise InputError(name, "was refused")
    compare(result, found, wanted)


def imported(folder: Path, format: str, name: str, data: bytes) -> ImportResult:
    """Import a file; every row must be accounted for."""
    path, rules = folder / name, folder / "m.toml"
    path.write_bytes(data)
    rules.write_text(MAPPING)
    try:
        result = import_capture(
            format, inputs=[path], out=folder / "seg", mapping=rules, max_quarantine=Fraction(1)
        )
    except InputError:
        assert len(list(folder.iterdir())) == 2
        raise
    assert result.lines == result.header_lines + result.message_lines + result.quarantined
    assert len(faults(result)) == result.quarantined
    return result
