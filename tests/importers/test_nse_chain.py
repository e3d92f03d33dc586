"""Format ``nse-chain``: snapshots of option chains as sealed segments."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantlaxmi.cli import main_india
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.nse import StaleSnapshot, contracts
from quantlaxmi.schema import TABLES, ChainFlag, InstrumentKind
from quantlaxmi.segment import open_segment, verify_segment
from quantlaxmi.venues import nse
from tests.importers.test_nse_snapshot import rows, written
from tests.naive import nse_chain as naive
from tests.naive import segment_format

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
DAYS = REAL / "india" / "chain_1m_bidask"
IST_NS = 19_800 * 10**9
#: Time of collection, the exchange's time, and the bid of the first row's call.
GOOD = (
    ("092416", "09:22:45", 203.05),
    ("092520", "09:22:45", 203.05),  # unchanged
    ("092625", "09:25:31", 203.05),
    ("092730", "09:25:31", 203.10),  # an old stamp, and another price
    ("093900", "09:38:00", 203.10),  # after a gap
)


def make_day(folder: Path, *snapshots: tuple[str, str, float], day: str = "20250829") -> Path:
    """A folder of snapshots; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for time, fetched, bid in snapshots:
        columns = rows()
        columns |= {"Fetch_Time": [f"{date.fromisoformat(day):%d-%b-%Y} {fetched}"] * 4}
        columns |= {"collection_timestamp": [f"{day}_{time}"] * 4}
        columns["CALLS_Bid_Price"][0] = bid
        written(folder, columns, f"NIFTY_{day}_{time}")
    return folder


def imported(out: Path, *folders: Path, **options: Any) -> Any:
    options = {"underlying": "NIFTY"} | options
    return import_capture("nse-chain", inputs=list(folders), out=out, **options)


def compare(segment: Any, folder: Path, underlying: str) -> None:
    """Rows and contracts equal the naive twin's."""
    day = date(2025, 8, 29)
    order, wanted = naive.session(folder, underlying, lambda e: nse.lot(underlying, e, day))
    columns = segment.columns("chain")
    assert list(zip(*(columns[name].tolist() for name in TABLES["chain"]), strict=True)) == wanted
    for one, (expiry, strike, put) in zip(segment.instruments, order, strict=True):
        end = int(np.datetime64(f"{expiry}T15:30:00", "s").astype(int)) * 10**9 - IST_NS
        side = ("CE", "PE")[put]
        assert one.symbol == f"{underlying}-{expiry:%Y%m%d}-{strike // 100}-{side}"
        assert (one.strike, one.expiry_ns, one.lot) == (
            strike,
            end,
            nse.lot(underlying, expiry, day),
        )
        assert one.kind == (InstrumentKind.CALL, InstrumentKind.PUT)[put]
        terms = (one.price_exponent, one.qty_exponent, one.tick, one.currency, one.base, one.venue)
        assert terms == (-2, 0, 5, "INR", underlying, "nse") and one.contract_id is None


def test_a_day_becomes_a_segment(tmp_path: Path) -> None:
    day = make_day(tmp_path / "day", *GOOD, ("093000", "09:30:06", 203.1))
    result = imported(tmp_path / "s", day, max_quarantine=1)
    compare(result.segment, day, "NIFTY")
    assert segment_format.check(tmp_path / "s") == result.segment.digest
    verify_segment(tmp_path / "s")
    assert (result.lines, result.message_lines, result.quarantined) == (6, 5, 1)
    assert result.messages_by_kind["chain"] == 5
    assert result.quarantine_reasons == {"exchange-ahead": 1}
    manifest = result.segment.manifest
    assert manifest.cadence == "snapshots" and [one.lines for one in manifest.sources] == [1] * 6
    assert manifest.sources[0].name == "NIFTY_20250829_092416.parquet"
    assert "NIFTY_20250829_093000.parquet" in (tmp_path / "s/quarantine.jsonl").read_text()
    flags = result.segment.columns("chain")["flags"].reshape(5, 8)
    unchanged = (flags & int(ChainFlag.UNCHANGED)) != 0
    assert unchanged.all(1).tolist() == unchanged.any(1).tolist() == [False, True] + [False] * 3
    [gap] = manifest.gaps
    assert (gap.table, gap.after_seq) == ("chain", 3)
    assert gap.reason == (
        "690 s between snapshots, the median is 65 s; set aside: NIFTY_20250829_093000.parquet"
    )
    told = " ".join(manifest.notes)
    assert "5 snapshots of 8 options on NIFTY in 2 expiries" in told
    assert "1 snapshot differs from the one before in time alone" in told
    assert "1 snapshot has other content under the exchange time of the one before" in told
    assert (
        "1 of 8 instruments has no book at all" in told
        and "1 step between snapshots is a gap" in told
    )


def test_two_days_are_one_segment_without_a_gap_at_night(tmp_path: Path) -> None:
    second = make_day(tmp_path / "b", *GOOD[:2])
    first = make_day(tmp_path / "a", *GOOD[:2], day="20250828")
    result = imported(tmp_path / "s", second, first)
    assert result.segment.counts["chain"].messages == 4 and result.segment.manifest.gaps == ()
    flags = result.segment.columns("chain")["flags"].reshape(4, 8)[:, 0]
    assert flags.tolist() == [0, 2, 0, 2]
    shutil.copy(first / "NIFTY_20250828_092416.parquet", second)
    with pytest.raises(InputError, match="has the time of collection of NIFTY_20250828_092416"):
        imported(tmp_path / "t", second, first)


def test_one_snapshot_is_a_segment(tmp_path: Path) -> None:
    result = imported(tmp_path / "s", make_day(tmp_path / "day", GOOD[0]))
    assert result.segment.counts["chain"] == (1, 8) and result.segment.manifest.gaps == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"underlying": None}, "needs --underlying NAME"),
        ({"mapping": "m.toml"}, "--mapping: is not for nse-chain"),
        ({"underlying": "SENSEX"}, r"has no file SENSEX_\*"),
        ({"strict": True}, "exchange-ahead: exchange time is 6 s after collection; expected at"),
        ({}, r"1 of 3 snapshots would be set aside, expected at most 5 %; first at line 1"),
    ],
)
def test_what_cannot_be_imported_is_said(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    day = make_day(tmp_path / "day", *GOOD[:2], ("093000", "09:30:06", 203.1))
    with pytest.raises(InputError, match=says):
        imported(tmp_path / "s", day, **change)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("name", "row", "value", "says"),
    [
        ("CALLS_Bid_Price", 1, 121.0, "row 2): was 121, expected at most the ask"),
        ("PUTS_Ask_Price", 3, 94.02, "row 4): was 94.02, expected a multiple of the tick 0.05"),
        ("CALLS_Ask_Qty", 2, 80, "row 3): was 80, expected a multiple of the lot"),
        ("Strike_Price", 2, 24550, "row 3): contract 2025-09-09 24550 came twice"),
        ("Expiry_Date", 1, "02-Sep-2024", "was 02-Sep-2024, expected the day of"),
        ("Fetch_Time", 0, "26-Aug-2025 15:30:00", "stale: exchange time is 26-Aug-2025 15:30:00"),
    ],
)
def test_a_fault_ends_the_command_in_one_line(
    tmp_path: Path, capsys: Any, name: str, row: int, value: Any, says: str
) -> None:
    columns = rows()
    columns[name][row] = value
    if name == "Fetch_Time":
        columns[name] = [value] * 4
    day = tmp_path / "day"
    day.mkdir()
    written(day, columns)
    words = ["--format", "nse-chain", "--input", str(day), "--underlying", "NIFTY"]
    assert main_india(["import", *words, "--out", str(tmp_path / "s")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and says in told and not (tmp_path / "s").exists()


def test_a_truncated_file_and_a_changed_lot(tmp_path: Path, monkeypatch: Any) -> None:
    day = make_day(tmp_path / "day", *GOOD[:2])
    path = day / "NIFTY_20250829_092520.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    with pytest.raises(InputError, match=f"^{path.name}: is no Parquet file"):
        imported(tmp_path / "s", day)
    path.write_bytes(data)
    real = nse.lot

    def lot(underlying: str, expiry: date, on: date) -> int:
        return real(underlying, expiry, on) // (5 if on.day == 28 else 1)

    monkeypatch.setattr(nse, "lot", lot)
    other = make_day(tmp_path / "a", *GOOD[:1], day="20250828")
    with pytest.raises(InputError, match="has the lot 75, before it was 15; expected one lot"):
        imported(tmp_path / "s", day, other)


def test_an_expiry_without_a_session_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    def none(market: str, day: date) -> Any:
        raise ConfigError("nse", f"has no row for {market} on {day}", "sessions")

    monkeypatch.setattr(nse, "session_hours", none)
    contracts.expires_ns.cache_clear()
    with pytest.raises(ConfigError, match="has no row for option on 2025-09-02"):
        imported(tmp_path / "s", make_day(tmp_path / "day", GOOD[0]))
    assert contracts.expires_ns.cache_info().currsize == 0


@pytest.mark.skipif(not DAYS.exists(), reason=f"no days under {DAYS}; set QUANTLAXMI_REAL_DATA")
def test_real_days(tmp_path: Path, capsys: Any) -> None:
    for name, messages, n_rows, gaps in (("NIFTY", 64, 97_748, 6), ("BANKNIFTY", 62, 52_538, 5)):
        result = imported(tmp_path / name, DAYS / "20250829", underlying=name)
        assert result.segment.counts["chain"] == (messages, n_rows)
        assert (result.quarantined, len(result.segment.manifest.gaps)) == (64 - messages > 0, gaps)
        assert result.segment.digest.startswith(
            {"NIFTY": "154fd7c8", "BANKNIFTY": "0aec1f06"}[name]
        )
    compare(open_segment(tmp_path / "BANKNIFTY"), DAYS / "20250829", "BANKNIFTY")
    words = ["--format", "nse-chain", "--input", str(DAYS / "20250827"), "--underlying", "NIFTY"]
    assert main_india(["import", *words, "--out", str(tmp_path / "no")]) == 2
    assert "stale: exchange time is 26-Aug-2025 15:30:00" in capsys.readouterr().err
    with pytest.raises(StaleSnapshot):
        imported(tmp_path / "no", DAYS / "20250829", DAYS / "20250827")


def test_a_weekend_is_no_gap_and_a_week_is(tmp_path: Path) -> None:
    """Times of day that happen to repeat in the names of files make nothing of a weekend."""
    friday = make_day(tmp_path / "a", *GOOD[:2], day="20250822")
    monday = make_day(tmp_path / "b", *GOOD[:2], day="20250825")
    assert imported(tmp_path / "s", friday, monday).segment.manifest.gaps == ()
    later = make_day(tmp_path / "c", *GOOD[:2])
    (gap,) = imported(tmp_path / "t", friday, monday, later).segment.manifest.gaps
    assert (gap.table, gap.after_seq) == ("chain", 3)
    assert gap.reason == "no snapshot of 3 weekdays between 2025-08-25 and 2025-08-29"
