"""Snapshots of NSE's option chain: real days, and every fault that a file can have."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers.nse import StaleSnapshot, read_day, read_snapshot
from quantlaxmi.options import OptionStatus, surface

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
DAYS = REAL / "india" / "chain_1m_bidask"
NAME = "NIFTY_20250829_092416"
IST_NS = 19_800 * 10**9


def rows() -> dict[str, list[Any]]:
    """Two expiries of two strikes, not in order; the second strike's call has no bid."""
    found: dict[str, list[Any]] = {
        "Fetch_Time": ["29-Aug-2025 09:22:45"] * 4,
        "Symbol": ["NIFTY"] * 4,
        "Expiry_Date": ["09-Sep-2025", "02-Sep-2025", "09-Sep-2025", "02-Sep-2025"],
        "Strike_Price": [24550, 24550, 24600, 24600],
        "collection_timestamp": ["20250829_092416"] * 4,
    }
    for side in ("CALLS", "PUTS"):
        found |= {
            f"{side}_Bid_Price": [203.05, 120.0, 176.1, 93.7],
            f"{side}_Bid_Qty": [75, 150, 225, 75],
            f"{side}_Ask_Price": [204.0, 120.35, 177.0, 94.0],
            f"{side}_Ask_Qty": [75, 75, 75, 300],
            f"{side}_LTP": [203.5, 120.0, 176.0, 93.9],
            f"{side}_Volume": [10, 2_000, 0, 4_000],
            f"{side}_OI": [4.333333333333333, 100.0, 12.0, 7.0],
            f"{side}_IV": [10.25, 9.8, 0.0, 9.91],
        }
    found["CALLS_Bid_Price"][2], found["CALLS_Bid_Qty"][2] = 0.0, 0
    return found


def written(folder: Path, columns: dict[str, list[Any]], name: str = NAME) -> Path:
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_a_snapshot_in_integers(tmp_path: Path) -> None:
    one = read_snapshot(written(tmp_path, rows()), "NIFTY")
    collected = int(np.datetime64("2025-08-29T09:24:16").astype("datetime64[ns]").astype(int))
    assert one.ts_ns == collected - IST_NS
    assert one.ahead_s == -91 and one.exch_ts_ns == one.ts_ns - 91 * 10**9
    assert one.expiries == (date(2025, 9, 2), date(2025, 9, 9))
    assert {name: column.tolist() for name, column in one.columns.items()} == {
        "expiry": [1, 0, 1, 0] * 2,
        "call": [1] * 4 + [0] * 4,
        "lot": [75] * 8,
        "strike": [2455000, 2455000, 2460000, 2460000] * 2,
        "bid": [20305, 12000, 0, 9370, 20305, 12000, 17610, 9370],
        "ask": [20400, 12035, 17700, 9400] * 2,
        "bid_qty": [75, 150, 0, 75, 75, 150, 225, 75],
        "ask_qty": [75, 75, 75, 300] * 2,
        "last": [20350, 12000, 17600, 9390] * 2,
        "volume": [750, 150_000, 0, 300_000] * 2,
        "oi": [325, 7500, 900, 525] * 2,
        "iv": [102_500, 98_000, 0, 99_100] * 2,
    }
    chain = one.option_chain()
    assert chain.seconds.tolist() == [367_544, 972_344]
    found = surface(chain)
    assert found.call.status.tolist() == [0, 0, 0, OptionStatus.NO_QUOTE]


def test_integers_and_floats_are_both_known(tmp_path: Path) -> None:
    other = rows()
    for name in ("CALLS_Volume", "CALLS_Bid_Qty", "Strike_Price"):
        other[name] = [float(value) for value in other[name]]
    for folder, columns in ((tmp_path / "a", rows()), (tmp_path / "b", other)):
        folder.mkdir()
        written(folder, columns)
    first, second = (read_snapshot(tmp_path / f / f"{NAME}.parquet", "NIFTY") for f in "ab")
    assert first.same_as(second)


@pytest.mark.parametrize(
    ("name", "row", "value", "says"),
    [
        (
            "CALLS_Bid_Price",
            1,
            121.0,
            r"CALLS_Bid_Price, row 2\): was 121, expected at most the ask",
        ),
        ("PUTS_Ask_Price", 0, -1.0, r"PUTS_Ask_Price, row 1\): was -1, expected at least 0"),
        ("PUTS_Ask_Price", 3, 94.02, r"row 4\): was 94.02, expected a multiple of the tick 0.05"),
        ("CALLS_LTP", 3, float("nan"), r"CALLS_LTP, row 4\): was nan, expected a number"),
        (
            "CALLS_Ask_Qty",
            2,
            80,
            r"CALLS_Ask_Qty, row 3\): was 80, expected a multiple of the lot 75",
        ),
        ("PUTS_Bid_Qty", 2, 0, r"PUTS_Bid_Qty, row 3\): was 0, expected a size where"),
        ("PUTS_OI", 1, 4.41, r"PUTS_OI, row 2\): was 4.41, expected whole units"),
        ("Strike_Price", 2, 24550, r"row 3\): contract 2025-09-09 24550 came twice"),
        ("Strike_Price", 0, 0, r"Strike_Price, row 1\): was 0, expected above 0"),
        ("Symbol", 3, "BANKNIFTY", r"Symbol, row 4\): was 'BANKNIFTY', expected 'NIFTY'"),
        ("Expiry_Date", 0, "soon", r"Expiry_Date, row 1\): was 'soon', expected a time"),
        ("Expiry_Date", 2, "28-Aug-2025", r"Expiry_Date, row 3\): was 28-Aug-2025, expected the"),
        ("Fetch_Time", 1, "29-Aug-2025 09:22:46", r"Fetch_Time, row 2\): was '29-Aug"),
        ("collection_timestamp", 0, "20250829_092417", r"collection_timestamp, row 1\): was"),
        ("CALLS_IV", 2, None, r"CALLS_IV, row 3\): is empty"),
    ],
)
def test_a_fault_is_named_with_file_row_and_value(
    tmp_path: Path, name: str, row: int, value: Any, says: str
) -> None:
    columns = rows()
    columns[name][row] = value
    with pytest.raises(InputError, match=f"^{NAME}.parquet.*{says}"):
        read_snapshot(written(tmp_path, columns), "NIFTY")


def test_files_that_are_none(tmp_path: Path) -> None:
    columns = rows()
    columns["CALLS_OI"] = ["1"] * 4
    with pytest.raises(InputError, match=r"CALLS_OI\): is string, a type that is not known"):
        read_snapshot(written(tmp_path, columns), "NIFTY")
    del columns["CALLS_OI"]
    with pytest.raises(InputError, match="has no column CALLS_OI"):
        read_snapshot(written(tmp_path, columns), "NIFTY")
    with pytest.raises(InputError, match=r"has 0 rows"):
        read_snapshot(written(tmp_path, {n: c[:0] for n, c in rows().items()}), "NIFTY")
    path = written(tmp_path, rows())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="is no Parquet file"):
        read_snapshot(path, "NIFTY")
    for name in ("NIFTY_20250829_0924", "NIFTY_20251329_092416", "NIFTY"):
        with pytest.raises(InputError, match=r"expected NIFTY_YYYYMMDD_HHMMSS\.parquet"):
            read_snapshot(written(tmp_path, rows(), name), "NIFTY")
    with pytest.raises(InputError, match=r"NIFTY_20250829_100000\.parquet: "):
        read_snapshot(tmp_path / "NIFTY_20250829_100000.parquet", "NIFTY")


def test_a_stale_day_is_refused(tmp_path: Path) -> None:
    columns = rows() | {"Fetch_Time": ["28-Aug-2025 15:30:00"] * 4}
    written(tmp_path, columns)
    with pytest.raises(StaleSnapshot, match=r"stale: exchange time is 28-Aug-2025 15:30:00$"):
        read_day(tmp_path, "NIFTY")


def test_a_contract_without_a_lot_is_refused(tmp_path: Path) -> None:
    at = datetime(2024, 8, 29, 9, 24, 16)
    columns = rows() | {
        "Fetch_Time": ["29-Aug-2024 09:24:00"] * 4,
        "collection_timestamp": ["20240829_092416"] * 4,
    }
    path = written(tmp_path, columns, f"NIFTY_{at:%Y%m%d_%H%M%S}")
    with pytest.raises(ConfigError, match="has no row for NIFTY expiring 2025-09-02 on 2024-08-29"):
        read_snapshot(path, "NIFTY")


def test_a_day_of_snapshots(tmp_path: Path) -> None:
    for time, fetched, bid in (
        ("092416", "09:24:21", 203.05),  # five seconds ahead: kept
        ("092520", "09:24:21", 203.05),  # unchanged
        ("092625", "09:26:31", 203.05),  # six seconds ahead: left out
        ("092730", "09:24:21", 203.10),  # an old stamp, and another price
    ):
        columns = rows() | {
            "Fetch_Time": [f"29-Aug-2025 {fetched}"] * 4,
            "collection_timestamp": [f"20250829_{time}"] * 4,
        }
        columns["CALLS_Bid_Price"][0] = bid
        written(tmp_path, columns, f"NIFTY_20250829_{time}")
    written(tmp_path, rows(), "BANKNIFTY_20250829_092416")  # is not looked at
    (tmp_path / "notes.txt").write_text("x")
    day = read_day(tmp_path, "NIFTY")
    assert [one.name[-14:-8] for one in day.snapshots] == ["092416", "092520", "092730"]
    assert day.unchanged == {1}
    assert day.quarantined == (
        "NIFTY_20250829_092625.parquet: exchange time is 6 s after the collection, "
        "expected at most 5 s",
    )
    with pytest.raises(InputError, match=r"has no file SENSEX_\*.parquet"):
        read_day(tmp_path, "SENSEX")
    with pytest.raises(InputError, match="cannot be read as a folder"):
        read_day(tmp_path / "none", "NIFTY")


def test_a_day_of_nothing_but_quarantine(tmp_path: Path) -> None:
    written(tmp_path, rows() | {"Fetch_Time": ["29-Aug-2025 10:22:45"] * 4})
    with pytest.raises(InputError, match="every snapshot is in quarantine, the first: NIFTY"):
        read_day(tmp_path, "NIFTY")


@pytest.mark.skipif(not DAYS.exists(), reason=f"no days under {DAYS}; set QUANTLAXMI_REAL_DATA")
def test_real_days() -> None:
    nifty, bank = (read_day(DAYS / "20250829", name) for name in ("NIFTY", "BANKNIFTY"))
    assert len(nifty.snapshots) == 64 and nifty.unchanged == set() and nifty.quarantined == ()
    contracts = [len(one.columns["strike"]) for one in nifty.snapshots]
    assert sum(contracts) == 2 * 48_874
    assert {len(one.expiries) for one in nifty.snapshots} == {18}
    assert len(bank.snapshots) == 62 and len(bank.unchanged) == 2
    assert bank.quarantined[0].startswith(
        "BANKNIFTY_20250829_103757.parquet: exchange time is 51 s"
    )
    found = surface(nifty.snapshots[0].option_chain())
    assert found.forward.value[0] == pytest.approx(24575.45398873768, abs=1e-9)
    for name in ("NIFTY", "BANKNIFTY"):
        with pytest.raises(StaleSnapshot, match="stale: exchange time is 26-Aug-2025 15:30:00"):
            read_day(DAYS / "20250827", name)


def test_a_text_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, rows())
    data = path.read_bytes()
    assert data.count(b"29-Aug-2025 09:22:45") > 0
    path.write_bytes(data.replace(b"29-Aug-2025 09:22:45", b"29-Aug\xe72025 09:22:45"))
    with pytest.raises(InputError, match=r"is no Parquet file: .*UTF"):
        read_snapshot(path, "NIFTY")
