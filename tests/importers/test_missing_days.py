"""Days without a file, told by the files' names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.importers import import_capture
from quantlaxmi.importers.missing_days import LastMessages, _dated, with_missing_days
from quantlaxmi.importers.quarantine import QuarantineLog
from quantlaxmi.importers.source import ImportedFile
from quantlaxmi.segment.manifest import Gap
from tests.csv_texts import T0_MS, header

DAY_MS = 86_400_000
DAY_NS = 86_400 * 10**9


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BTCUSDT-bookTicker-2024-03-01.csv", (False, "2024-03-01", "BTCUSDT-bookTicker-*.csv")),
        ("bybit_trades_2024-07-01_X.csv.gz", (False, "2024-07-01", "bybit_trades_*_X.csv.gz")),
        ("BTCUSDT20240229.csv.gz", (False, "2024-02-29", "BTCUSDT*.csv.gz")),
        ("trade_spot_trxusdt_04-03-2025.csv", (False, "2025-03-04", "trade_spot_trxusdt_*.csv")),
        ("LUNAUSDT-1h-2022-05.csv", (True, "2022-05-01", "LUNAUSDT-1h-*.csv")),
        ("BTCUSDT_240329-1h-2024-03.csv", (True, "2024-03-01", "BTCUSDT_240329-1h-*.csv")),
        ("X-2024-01-01_2024-01-31.csv", None),  # a range
        ("X-2023-02-29.csv", None),
        ("X-2024-13.csv", None),
        ("X-120240301.csv", None),
        ("1000SHIB.csv", None),
    ],
)  # fmt: skip
def test_the_date_of_a_name(name: str, expected) -> None:
    found = _dated(name)
    if found is None or expected is None:
        assert found is expected
        return
    monthly, number, pattern = found
    year, month, day = map(int, expected[1].split("-"))
    assert (monthly, pattern) == (expected[0], expected[2])
    day_number = int((np.datetime64(expected[1]) - np.datetime64("0001-01-01")).astype(int)) + 1
    assert number == (12 * year + month - 1 if monthly else day_number) and day


def file(name: str, lines: int = 5, symbol: str = "X") -> ImportedFile:
    path = Path(name)
    kinds = {"quotes": lines} if lines else {}
    return ImportedFile(
        path=path,
        log=QuarantineLog(path, "bookTicker"),
        symbol=symbol,
        lines=lines,
        messages_by_kind=kinds,
    )


def at(day: str) -> int:
    return int(np.datetime64(day, "ns").astype(np.int64))


def named(*days: str, empty: tuple[str, ...] = ()) -> list[ImportedFile]:
    return [file(f"X-{day}.csv", 0 if day in empty else 5) for day in days]


def told(gap: Gap) -> tuple[str, str, int, int, int, str]:
    return gap.table, gap.symbol, gap.start_ns, gap.end_ns, gap.after_seq, gap.reason


def test_a_day_without_a_file_is_a_gap() -> None:
    last = LastMessages()
    last.add(
        {
            "quotes": {
                "ts_ns": np.array([at("2024-03-01") + 5, at("2024-03-01") + 6, at("2024-03-05")]),
                "seq": np.array([7, 8, 20]),
            },
            "trades": {"ts_ns": np.array([at("2024-03-01") + 9]), "seq": np.array([9])},
        }
    )
    files = named("2024-03-01", "2024-03-02", "2024-03-05", "2024-03-07")
    gaps = with_missing_days([], [*files, file("other.csv")], last)
    assert [told(gap) for gap in gaps] == [
        ("quotes", "X", at("2024-03-03"), at("2024-03-05"), 9,
         "no file of 2024-03-03 to 2024-03-04"),
        ("quotes", "X", at("2024-03-06"), at("2024-03-07"), 20, "no file of 2024-03-06"),
    ]  # fmt: skip


def test_a_month_without_a_file_is_a_gap() -> None:
    gaps = with_missing_days([], named("2023-11", "2024-02"), LastMessages())
    assert [told(gap) for gap in gaps] == [
        ("quotes", "X", at("2023-12-01"), at("2024-02-01"), -1, "no file of 2023-12 to 2024-01")
    ]


def test_a_gap_that_the_rows_tell_is_not_told_twice() -> None:
    silence = Gap(
        table="quotes", symbol="X", start_ns=at("2024-03-01") + 1, end_ns=at("2024-03-03") + 1,
        reason="no quotes for 48 hours",
    )  # fmt: skip
    other = [Gap(table="trades", symbol="X", start_ns=0, end_ns=2**62, reason="trades")]
    days = named("2024-03-01", "2024-03-03")
    gaps = with_missing_days([silence, *other], days, LastMessages())
    assert [gap.reason for gap in gaps] == [
        "no quotes for 48 hours; no file of 2024-03-02",
        "trades",
    ]
    days = named("2024-03-01", "2024-03-02", "2024-03-03", empty=("2024-03-02",))
    gaps = with_missing_days([silence], days, LastMessages())
    assert [gap.reason for gap in gaps] == [
        "no quotes for 48 hours; the file of 2024-03-02 is empty"
    ]
    assert with_missing_days([], days, LastMessages()) == []


def test_a_day_on_which_the_market_of_bars_was_closed_is_none() -> None:
    days = named("2024-03-01", "2024-03-04")
    assert with_missing_days([], days, None) == []
    hole = Gap(table="quotes", symbol="X", start_ns=at("2024-03-02"), end_ns=at("2024-03-03"),
               reason="24 bars are missing")  # fmt: skip
    gaps = with_missing_days([hole], days, None)
    assert [gap.reason for gap in gaps] == [
        "24 bars are missing; no file of 2024-03-02 to 2024-03-03"
    ]


def test_series_of_other_symbols_and_kinds_are_their_own() -> None:
    files = [file("X-2024-03-01.csv"), file("X-2024-03-03.csv", symbol="Y")]
    assert with_missing_days([], files, LastMessages()) == []


@pytest.mark.parametrize("kind", ["aggTrades", "bookTicker"])
def test_an_import_says_which_day_it_lacks(tmp_path: Path, kind: str) -> None:
    paths = []
    for n in (14, 16):
        rows = []
        for k in range(20):
            ms = T0_MS - T0_MS % DAY_MS + (n - 14) * DAY_MS + k * 4_000_000
            number = 700 + 100 * n + k
            if kind == "aggTrades":
                rows.append(f"{number},100.5,0.5,{number},{number},{ms},True")
            else:
                rows.append(f"{number},100,5,101,5,{ms},{ms + 2}")
        paths.append(tmp_path / f"BTCUSDT-{kind}-2023-11-{n}.csv")
        paths[-1].write_text("\n".join([header(kind), *rows]) + "\n")
    manifest = import_capture("binance-vision", inputs=paths, out=tmp_path / "seg").segment.manifest
    assert len(manifest.gaps) == 1
    assert manifest.gaps[0].reason.endswith("; no file of 2023-11-15")
