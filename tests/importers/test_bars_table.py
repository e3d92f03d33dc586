"""The table ``bars``: whole bars beside the quotes that are made of them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from quantlaxmi.errors import SegmentCorrupt
from quantlaxmi.importers import import_bars
from quantlaxmi.schema import TABLES, QuoteFlag
from quantlaxmi.segment import (
    MemorySegment,
    export,
    open_parts,
    open_segment,
    segment_info,
    split_segment,
    verify_segment,
)
from quantlaxmi.segment.window import Window
from tests.bars_files import HOUR, START, random_lines, run_import
from tests.naive import bars as naive

MAPPING = """
interval = "1h"
venue = "binance"
currency = "USDT"
base = "BTC"
half_spread_bps = "1"
{rule}
[time]
column = "time"
unit = "s"
[spot]
symbol = "BTCUSDT"
open = "open"
high = "high"
low = "low"
close = "close"
volume = "volume"
share = "0.1"
"""
CLOSED = 'gap = "next_bar"'


def ohlcv(hours: list[int], seed: int = 3) -> tuple[list[str], list[dict]]:
    """Lines of a CSV file, and the same bars in units."""
    random, lines, bars = Random(seed), [], []
    for hour in hours:
        low = random.randrange(90_00, 99_00)
        high = low + random.randrange(10, 500)
        opened, closed = random.randint(low, high), random.randint(low, high)
        volume = random.randrange(0, 5000)
        cells = [f"{v / 100:.2f}" for v in (opened, high, low, closed, volume)]
        lines.append(f"{START // 10**9 + 3600 * hour},{','.join(cells)}")
        unit = 10**6
        bars.append(
            {
                "open_ns": START + hour * HOUR,
                "open": opened * unit,
                "high": high * unit,
                "low": low * unit,
                "close": closed * unit,
                "volume": volume * unit,
            }
        )
    return lines, bars


def import_lines(tmp_path: Path, lines: list[str], rule: str = ""):
    data, mapping = tmp_path / "bars.csv", tmp_path / "mapping.toml"
    data.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    mapping.write_text(MAPPING.format(rule=rule))
    return import_bars([data], tmp_path / "seg", mapping=mapping).segment


def rows(segment) -> list[tuple[int, ...]]:
    columns = segment.columns("bars")
    names = ("ts_ns", "instrument", "exch_ts_ns", "open_ns")
    names += ("open", "high", "low", "close", "volume")
    return list(zip(*(columns[name].tolist() for name in names), strict=True))


@pytest.mark.parametrize("rule", ["", CLOSED])
@pytest.mark.parametrize("gone", [[], [4], [1, 2, 3], [9, 10]])
def test_bars_match_naive(tmp_path: Path, gone: list[int], rule: str) -> None:
    lines, bars = ohlcv([k for k in range(12) if k not in gone])
    segment = import_lines(tmp_path, lines, rule)
    waits = (lambda ended, begun: True) if rule else (lambda ended, begun: False)
    assert rows(segment) == naive.bar_rows([bars], HOUR, waits)
    # Each bar stands before the quote of its close, and is known at the same time.
    quotes, found = segment.columns("quotes"), segment.columns("bars")
    at = np.searchsorted(quotes["seq"], found["seq"])
    assert quotes["seq"][at].tolist() == (found["seq"] + 1).tolist()
    assert quotes["ts_ns"][at].tolist() == found["ts_ns"].tolist()
    asks = (quotes["flags"] & QuoteFlag.QUIET) == 0
    assert np.isin(quotes["seq"][asks], found["seq"] + 1).all()
    verify_segment(segment.path)


def test_more_bars_than_a_piece_of_work(tmp_path: Path) -> None:
    lines, bars = ohlcv(list(range(20_000)))
    assert rows(import_lines(tmp_path, lines)) == naive.bar_rows([bars], HOUR)


def test_two_instruments_without_volume(tmp_path: Path) -> None:
    segment = run_import(tmp_path, random_lines(5)).segment
    columns = segment.columns("bars")
    assert columns["instrument"].tolist() == [0, 1] * 5
    assert not columns["volume"].any()
    assert (columns["low"] <= columns["open"]).all()
    assert (columns["high"] >= columns["close"]).all()


def test_a_part_a_window_and_a_copy_have_them(tmp_path: Path) -> None:
    lines, _ = ohlcv(list(range(30)))
    segment = import_lines(tmp_path, lines)
    parts = split_segment(segment, tmp_path / "parts", rows=1)
    assert {"bars" in part.counts for part in parts} == {True, False}
    whole = open_parts([part.path for part in parts], verify="all")
    assert whole.digest == segment.digest
    assert rows(whole) == rows(segment)
    assert [len(b["seq"]) for b in whole.log("bars")] == [1] * 30
    assert whole.counts == segment.counts
    window = Window(segment, last=int(segment.columns("bars")["seq"][9]))
    assert rows(window) == rows(segment)[:10]
    copy = MemorySegment(segment.instruments, {t: segment.columns(t) for t in TABLES})
    assert rows(copy) == rows(segment)
    assert copy.counts == segment.counts
    import pyarrow.parquet as pq

    assert pq.read_table(export(segment, "bars", tmp_path / "bars.parquet")).num_rows == 30
    assert segment_info(segment)["missing_seq"] == 0


def test_a_capture_has_no_such_table() -> None:
    segment = open_segment("data/planted")
    assert "bars" not in segment.counts
    assert list(segment.columns("bars")) == list(TABLES["bars"])
    assert not len(segment.columns("bars")["seq"])
    assert segment.arrow("bars").num_rows == 0
    assert list(segment.log("bars")) == []
    assert not (segment.path / "columns" / "bars.arrow").exists()


def test_a_file_of_bars_that_is_not_named_is_refused(tmp_path: Path) -> None:
    import shutil

    shutil.copytree("data/planted", tmp_path / "seg")
    (tmp_path / "seg" / "columns" / "bars.arrow").write_bytes(b"")
    with pytest.raises(SegmentCorrupt, match="not named by the manifest"):
        open_segment(tmp_path / "seg")


def test_a_changed_bar_is_found(tmp_path: Path) -> None:
    lines, _ = ohlcv([0, 1, 2])
    path = import_lines(tmp_path, lines).path / "columns" / "bars.arrow"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    with pytest.raises(SegmentCorrupt):
        open_segment(path.parent.parent, verify="all")
