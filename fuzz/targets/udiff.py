"""Bhavcopies of NSE's derivatives: cells that are edited, and edited bytes of the files."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from fuzz import scratch
from fuzz.draw import Draw, edit_bytes
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers.nse.bhavcopy import Bhavcopy, read_bhavcopy
from quantlaxmi.importers.nse.bhavcopy_days import day_rows
from quantlaxmi.importers.nse.udiff_mapping import AssumedQuotes
from quantlaxmi.schema import TABLES
from quantlaxmi.segment.manifest import check_instruments
from quantlaxmi.segment.rows import RowRules, check_order, empty_columns
from tests.naive import udiff as naive

ALLOWED = (InputError, ConfigError)
NAMES = (
    "TradDt", "FinInstrmTp", "FinInstrmId", "TckrSymb", "XpryDt", "StrkPric", "OptnTp",
    "FinInstrmNm", "ClsPric", "UndrlygPric", "SttlmPric", "OpnIntrst", "TtlTradgVol",
    "NewBrdLotQty",
)  # fmt: skip
CELLS = (
    "", "0", "-1", "5", "75", "0.05", "0.07", "24000.00", "1e9", "nan", "999999999.95",
    "2025-01-07",
    "2025-01-30", "2025-02-30", "2099-12-31", "IDF", "IDO", "STO", "CE", "PE", "NIFTY", "é",
    '"', ",", "123456789012", "1234567890123", "1.005",
)  # fmt: skip
PIECES = (
    b",",
    b"\n",
    b'"',
    b"\r\n",
    b"\x00",
    b"\xff",
    b"NIFTY",
    b"0.05",
    b"2025-01-07",
    b"ClsPric",
)
RULES = (None, AssumedQuotes(half_spread_bps=Decimal("7.5"), size=150))


def clean(draw: Draw, day: str) -> list[list[str]]:
    """Sound rows of a day; tokens and contracts are the same from day to day."""
    rows = []
    for token in range(1 + draw.number(6)):
        future = token % 5 == 4
        expiry = ("2025-01-09", "2025-01-30", "2025-02-27")[token % 3]
        close = f"{5 * draw.number(90_000) / 100:.2f}"
        rows.append([
            day, "IDF" if future else "IDO", str(40_000 + token), "NIFTY", expiry,
            "" if future else f"{23_000 + 50 * token}.00",
            "" if future else ("CE", "PE")[token % 2], f"NIFTY{token}", close, "23526.50", close,
            str(draw.number(10**6)), str(draw.number(3) * draw.number(999)),
            ("75", "25")[token % 3 == 1],
        ])  # fmt: skip
    return rows


def rows_of_nifty(rows: list[list[str]]) -> bool:
    return any(row[3] == "NIFTY" for row in rows)


def text(rows: list[list[str]]) -> bytes:
    return "\n".join([",".join(NAMES), *(",".join(row) for row in rows), ""]).encode()


@contextlib.contextmanager
def written(files: list[bytes]) -> Iterator[list[Path]]:
    """The files on disk."""
    folder = Path(tempfile.mkdtemp(dir=scratch.folder()))
    try:
        paths = [folder / f"{k}.csv" for k in range(len(files))]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        yield paths
    finally:
        shutil.rmtree(folder)


def read(paths: list[Path]) -> list[Bhavcopy]:
    """The days that the files are."""
    return [one for path in paths if (one := read_bhavcopy(path, "NIFTY")) is not None]


def check(days: list[Bhavcopy], assumed: AssumedQuotes | None) -> Any:
    """What holds of all that is taken."""
    days = sorted(days, key=lambda one: one.day)
    if not days or len({one.day for one in days}) < len(days):
        return None
    found = day_rows(days, "NIFTY", assumed)
    tables = {"chain": found.chain, "settlement": found.settlement}
    for table, rows in tables.items():
        assert RowRules(table, len(found.instruments)).add(rows) == ""
    assert check_order({t: empty_columns(t) for t in TABLES} | tables) == ""
    assert check_instruments(tuple(found.instruments)) == ""
    assert (found.chain["bid"] < found.chain["ask"])[found.chain["bid"] > 0].all()
    return found


def one(draw: Draw) -> None:
    names = ("2025-01-07", "2025-01-08", "2025-01-09")[: 1 + draw.number(3)]
    days = [clean(draw, day) for day in names]
    for _ in range(draw.number(4)):
        rows = days[draw.number(len(days))]
        rows[draw.number(len(rows))][draw.number(len(NAMES))] = draw.pick(CELLS)
    assumed = draw.pick(RULES)
    files = [text(rows) for rows in days]
    if draw.number(3) == 0:
        with written([edit_bytes(draw, data, PIECES, 3) for data in files]) as paths:
            check(read(paths), assumed)
        return
    quoted = any('"' in cell or "," in cell for rows in days for row in rows for cell in row)
    with written(files) as paths:
        found = check(read(paths), assumed)
        if found is None or quoted:
            return
        mine = [path for path, rows in zip(paths, days, strict=True) if rows_of_nifty(rows)]
        rules = () if assumed is None else (assumed.half_spread_bps, assumed.size)
        _, chain, settled = naive.session(mine, "NIFTY", *rules)
    for table, rows in (("chain", chain), ("settlement", settled)):
        columns = [getattr(found, table)[name].tolist() for name in TABLES[table]]
        assert list(zip(*columns, strict=True)) == rows
