"""Klines of the archive: months of both units, with and without header, with funding."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError
from quantlaxmi.importers import ImportResult, import_capture
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.segment import verify_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.trace.parity import Match, verify_replay_parity
from tests.bars_files import HOUR, START, rows_of
from tests.naive import bars as naive

MAPPING = """
half_spread_bps = "1"
base = "BTC"
size = "5"
share = "1"
[spot]
venue = "binance"
symbol = "BTCUSDT"
[perp]
venue = "binance-usdm"
symbol = "BTCUSDT"
input = 2
[funding]
input = 3
"""
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore"
)


def line(hour: int, opened: int, closed: int, micro: bool = False) -> str:
    unit = 10**3 if micro else 10**6
    start = (START + hour * HOUR) // unit
    low, high = sorted((opened, closed))
    return (
        f"{start},{opened}.50,{high}.50,{low}.50,{closed}.50,7.00000,{start + HOUR // unit - 1},"
        "0,1,0,0,0"
    )


def months(folder: Path, first: int, header: bool, micro: bool) -> list[tuple[int, int, int]]:
    """Two files of twelve hours in a folder, and what they hold."""
    folder.mkdir()
    bars = [(h, 42_000 + first + h % 5, 42_000 + first + (h + 1) % 5) for h in range(24)]
    for k, name in enumerate(("BTCUSDT-1h-2024-01.csv", "BTCUSDT-1h-2023-12.csv")):
        rows = [line(*bar, micro=micro and k == 1) for bar in bars[12 * k : 12 * k + 12]]
        (folder / name).write_text("\n".join([HEADER] * header + rows) + "\n")
    return bars


def write(tmp_path: Path) -> tuple[list[Path], list[list[tuple[int, int, int]]]]:
    spot = months(tmp_path / "spot", 0, header=False, micro=True)
    perp = months(tmp_path / "um", 3, header=True, micro=False)
    paid = tmp_path / "BTCUSDT-fundingRate-2024-01.csv"
    rows = [f"{START // 10**6 + 8 * 3_600_000 * k + 3},8,0.0001{k}" for k in range(3)]
    paid.write_text("calc_time,funding_interval_hours,last_funding_rate\n" + "\n".join(rows) + "\n")
    (tmp_path / "m.toml").write_text(MAPPING)
    return [tmp_path / "spot", tmp_path / "um", paid], [spot, perp]


def run(tmp_path: Path, inputs: list[Path]) -> ImportResult:
    return import_capture(
        "binance-vision", inputs=inputs, mapping=tmp_path / "m.toml", out=tmp_path / "seg",
        max_quarantine=Fraction(1, 2),
    )  # fmt: skip


def test_months_of_both_markets_and_funding_are_one_segment(tmp_path: Path) -> None:
    inputs, bars = write(tmp_path)
    result = run(tmp_path, inputs)
    assert (result.lines, result.header_lines, result.quarantined) == (24 + 26 + 4, 3, 0)
    legs = [
        [{"open_ns": START + h * HOUR, "open": Fraction(2 * a + 1, 2),
          "close": Fraction(2 * b + 1, 2), "size": 7 * 10**8} for h, a, b in leg]
        for leg in bars
    ]  # fmt: skip
    late = 3 * 10**6
    marks = [legs[1][8 * k]["open"] for k in range(3)]
    funding = [
        (START + 8 * k * HOUR + late, naive.units(mark), 10_000 + 1_000 * k)
        for k, mark in enumerate(marks)
    ]
    found = [row for row in rows_of(result) if row[0] == "quotes"]
    assert found == naive.quote_rows(legs, HOUR, Fraction(1, 10_000))
    assert [row[1] for row in rows_of(result) if row[0] == "funding"] == funding
    assert [c.file for c in result.captures][:2] == [
        "BTCUSDT-1h-2024-01.csv", "BTCUSDT-1h-2023-12.csv"
    ]  # fmt: skip
    verify_segment(result.segment.path)
    strategy = StrategyRegistry(installed=False).create("basis_capture", sets=["threshold_bps=1"])
    once, again = backtest(result.segment, strategy), replay(result.segment, strategy)
    assert isinstance(verify_replay_parity(once.trace, again.trace), Match)


def test_faults_are_told_by_file_and_line(tmp_path: Path) -> None:
    inputs, _ = write(tmp_path)
    path = tmp_path / "um" / "BTCUSDT-1h-2023-12.csv"  # the later one in time
    lines = path.read_text().splitlines()
    lines[1] = line(11, 42_000, 42_001)
    lines[4] = lines[4].replace(",7.00000,", ",-7,")
    path.write_text("\n".join(lines) + "\n")
    result = run(tmp_path, inputs)
    faults = [json.loads(row) for row in
              (tmp_path / "seg" / "quarantine.jsonl").read_text().splitlines()]  # fmt: skip
    assert [(f["file"], f["line"], f["reason"]) for f in faults] == [
        (path.name, 2, "duplicate-time"), (path.name, 5, "bad-quantity")
    ]  # fmt: skip
    assert "line 13 of BTCUSDT-1h-2024-01.csv" in faults[0]["detail"]
    assert result.lines == result.header_lines + result.message_lines + result.quarantined


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("BTCUSDT-1h-2024-01.csv", "ETHUSDT-1h-2024-01.csv", "has symbol ETHUSDT; expected BTC"),
        ("BTCUSDT-1h-2024-01.csv", "BTCUSDT-4h-2024-01.csv", "has interval"),
        ("BTCUSDT-1h-2024-01.csv", "bars.csv", "is not named as klines are"),
    ],
)
def test_names_of_other_files(tmp_path: Path, old: str, new: str, match: str) -> None:
    inputs, _ = write(tmp_path)
    (tmp_path / "spot" / old).rename(tmp_path / "spot" / new)
    with pytest.raises(InputError, match=match):
        run(tmp_path, inputs)
    assert not (tmp_path / "seg").exists()


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, _ = write(tmp_path)
    words = ["import", "--format", "binance-vision", "--out", str(tmp_path / "seg")]
    for path in inputs:
        words += ["--input", str(path)]
    assert main_crypto(words) == 2
    assert "has klines; expected --mapping FILE" in capsys.readouterr().err
    assert main_crypto([*words, "--mapping", str(tmp_path / "m.toml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == 54
