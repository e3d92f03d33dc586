"""Format ``udiff``: days of bhavcopies as sealed segments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from quantlaxmi.cli import main_india
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_capture
from quantlaxmi.importers.nse.bhavcopy import read_bhavcopy
from quantlaxmi.schema import TABLES, InstrumentKind
from quantlaxmi.segment import verify_segment
from tests.naive import segment_format
from tests.naive import udiff as naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
DAYS = REAL / "india" / "fo_bhavcopy_udiff"
HEAD = (
    "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,FininstrmActlXpryDt,"
    "StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,PrvsClsgPric,UndrlygPric,"
    "SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,TtlNbOfTxsExctd,SsnId,NewBrdLotQty,"
    "Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4"
)
NAMES = HEAD.split(",")
#: Kind, token, expiry, strike, side, close, open interest, contracts traded, lot.
MORNING = (
    ("IDO", 11, "2025-01-09", "23500.00", "CE", "120.05", 750, 12, 75),
    ("IDF", 12, "2025-01-30", "", "", "23900.10", 325, 4, 25),
    ("IDO", 13, "2025-01-30", "24000.00", "PE", "0.05", 50, 1, 25),
    ("IDO", 14, "2025-02-26", "24000.00", "CE", "310.00", 13, 0, 75),
    ("IDO", 15, "2025-01-09", "23500.00", "PE", "95.30", 0, 2, 75),
)


def text(day: str, rows: Any, underlying: str = "23526.50", **changes: str) -> str:
    lines = [HEAD]
    for kind, token, expiry, strike, side, close, oi, volume, lot in rows:
        cells = dict.fromkeys(NAMES, "") | {"Sgmt": "FO", "Src": "NSE", "SsnId": "F1"}
        cells |= {"TradDt": day, "FinInstrmTp": kind, "FinInstrmId": str(token)}
        cells |= {"TckrSymb": "NIFTY", "XpryDt": expiry, "StrkPric": strike, "OptnTp": side}
        cells |= {"FinInstrmNm": f"NIFTY{token}", "ClsPric": close, "UndrlygPric": underlying}
        cells |= {"SttlmPric": underlying if expiry == day else close, "OpnIntrst": str(oi)}
        cells |= {"TtlTradgVol": str(volume), "NewBrdLotQty": str(lot)} | changes
        lines.append(",".join(cells[name] for name in NAMES))
    return "\n".join(lines) + "\n"


def write(folder: Path, day: str, rows: Any = MORNING, **options: str) -> Path:
    (folder / day).mkdir(parents=True, exist_ok=True)
    path = folder / day / "NIFTY.csv"
    path.write_text(text(day, rows, **options))
    return path


def days(folder: Path) -> list[Path]:
    """Three days: on the second an expiry is moved, on the third contracts end."""
    moved = [(*r[:2], "2025-02-27", *r[3:]) if r[1] == 14 else r for r in MORNING]
    return [
        write(folder, "2025-01-07"),
        write(folder, "2025-01-08", moved[::-1], underlying="23688.95"),
        write(folder, "2025-01-09", moved, underlying="23526.50"),
    ]


def imported(out: Path, *paths: Path, **options: Any) -> Any:
    options = {"underlying": "NIFTY"} | options
    return import_capture("udiff", inputs=list(paths), out=out, **options)


def compare(segment: Any, paths: list[Path], underlying: str, *assumed: Any) -> None:
    """All rows and contracts equal the naive twin's."""
    order, chain, settled = naive.session(paths, underlying, *assumed)
    for table, wanted in (("chain", chain), ("settlement", settled)):
        columns = [segment.columns(table)[name].tolist() for name in TABLES[table]]
        assert list(zip(*columns, strict=True)) == wanted
    kinds = (InstrumentKind.FUTURE, InstrumentKind.CALL, InstrumentKind.PUT)
    for one, ((expiry, strike, side), first, lot) in zip(segment.instruments, order, strict=True):
        name = "FUT" if side == 0 else f"{strike // 100}-{('CE', 'PE')[side - 1]}"
        assert one.symbol == f"{underlying}-{expiry:%Y%m%d}-{name}"
        assert (one.kind, one.lot, one.strike) == (kinds[side], lot, strike if side else None)
        assert one.expiry_ns == naive.stamp(expiry)
        named = f"{underlying}:{first:%Y%m%d}:{name.replace('-', ':')}" if first else None
        assert one.contract_id == named


def test_days_become_a_segment(tmp_path: Path) -> None:
    paths = days(tmp_path / "in")
    (tmp_path / "in/2025-01-07/RELIANCE.csv").write_text("x")
    result = imported(tmp_path / "s", tmp_path / "in")
    compare(result.segment, paths, "NIFTY")
    assert segment_format.check(tmp_path / "s") == result.segment.digest
    verify_segment(tmp_path / "s")
    assert (result.lines, result.header_lines, result.message_lines) == (18, 3, 15)
    assert (result.messages_by_kind["chain"], result.messages_by_kind["settlement"]) == (3, 2)
    manifest = result.segment.manifest
    assert manifest.gaps == () and manifest.cadence == "snapshots"
    told = " ".join(manifest.notes)
    assert "The files have no quotes, so that nothing can be traded" in told
    assert "1 contract is of 2025-02-27 from 2025-01-08 on, before of 2025-02-26" in told
    assert "2 contracts settle at the close of the underlying, on 2025-01-09" in told
    assert "3 rows did not trade" in told and "Lots of the files are those" in told
    [moved] = [one for one in result.segment.instruments if one.contract_id]
    assert moved.contract_id == "NIFTY:20250226:24000:CE" and moved.venue_symbol == "NIFTY14"


@pytest.mark.parametrize(("bps", "size"), [("5", 100), ("0.000000000000001", 75), ("9999.9", 160)])
def test_quotes_are_assumed_around_closes_that_traded(tmp_path: Path, bps: str, size: int) -> None:
    paths, rules = days(tmp_path / "in"), tmp_path / "m.toml"
    rules.write_text(f"half_spread_bps = {bps}\nsize = {size}\n")
    result = imported(tmp_path / "s", *paths, mapping=rules)
    compare(result.segment, paths, "NIFTY", bps, size)
    quoted = result.segment.columns("chain")
    assert (quoted["ask"] > quoted["bid"]).sum() == 12 and (quoted["bid"] == 0).sum() >= 3
    note = next(note for note in result.segment.manifest.notes if note.startswith("Quotes are"))
    assert f"{size} units in whole lots; 12 of 15 rows have one" in note


def test_a_lot_of_the_file_that_differs_is_said(tmp_path: Path) -> None:
    other = [(*row[:8], 50) if row[1] == 12 else row for row in MORNING]
    paths = [write(tmp_path / "in", "2025-01-07"), write(tmp_path / "in", "2025-01-08", other)]
    result = imported(tmp_path / "s", *paths)
    compare(result.segment, paths, "NIFTY")
    told = " ".join(result.segment.manifest.notes)
    assert "The lot of 1 contract changes within the files; the last stands for all." in told
    assert "such as 2025-01-30 on 2025-01-08: 50 in the file, 25 in the table" in told
    early = write(tmp_path / "old", "2024-10-01")
    told = " ".join(imported(tmp_path / "t", early).segment.manifest.notes)
    assert "Lots of the files are not in it for 3 expiries and days" in told


def test_missing_weekdays_are_a_gap_and_a_token_used_again_is_none(tmp_path: Path) -> None:
    late = [(*row[:2], "2026-01-27", *row[3:]) for row in MORNING]
    future = [(*MORNING[1][:2], "2025-02-27", *MORNING[1][3:])]
    rows = {"2025-01-07": MORNING, "2026-01-09": late, "2025-01-31": future}
    paths = [write(tmp_path / "in", day, own) for day, own in rows.items()]
    result = imported(tmp_path / "s", *paths)
    compare(result.segment, sorted(paths), "NIFTY")
    gaps = [gap.reason for gap in result.segment.manifest.gaps]
    assert gaps[0] == "no file of 17 weekdays between 2025-01-07 and 2025-01-31"
    assert all(one.contract_id is None for one in result.segment.instruments)


#: A cell of the third row that is wrong, and what is said.
WRONG = [
    ("TradDt", "2025-01-08", "expected 2025-01-07 as in the rows before"),
    ("TradDt", "2025-02-30", "expected a day of the calendar"),
    ("XpryDt", "2025-01-06", "expected the day of trading 2025-01-07 or later"),
    ("XpryDt", "30-Jan-2025", "expected a day such as 2025-01-30"),
    ("FinInstrmTp", "STO", "expected an index: stocks are delivered"),
    ("FinInstrmTp", "XXX", "expected IDO or IDF"),
    ("OptnTp", "", "expected CE or PE of an option"),
    ("StrkPric", "-5", "expected rupees with at most two decimals"),
    ("StrkPric", "0.00", "expected above 0"),
    ("ClsPric", "0.07", "expected a multiple of the tick 0.05"),
    ("ClsPric", "nan", "expected rupees"),
    ("UndrlygPric", "", "expected rupees"),
    ("SttlmPric", "1e5", "expected rupees"),
    ("OpnIntrst", "-1", "expected a whole number of 0 or more"),
    ("TtlTradgVol", "1.5", "expected a whole number"),
    ("NewBrdLotQty", "0", "expected a lot above 0"),
    ("FinInstrmId", "9" * 13, "expected a whole number"),
    ("FinInstrmNm", "NIFTY\x1b", "expected a contract's name"),
]


def test_a_future_has_no_strike(tmp_path: Path) -> None:
    for strike, says in (("5.00", "expected no strike of a future"), ("x", "expected rupees")):
        path = write(tmp_path / strike, "2025-01-07", [(*MORNING[1][:3], strike, *MORNING[1][4:])])
        with pytest.raises(InputError, match=rf"StrkPric, row 2\): was '{strike}', {says}"):
            read_bhavcopy(path, "NIFTY")
    path = write(tmp_path / "0", "2025-01-07", [(*MORNING[1][:3], "0.00", *MORNING[1][4:])])
    assert read_bhavcopy(path, "NIFTY") is not None


@pytest.mark.parametrize(("column", "value", "says"), WRONG)
def test_a_bad_row_ends_the_command_in_one_line(
    tmp_path: Path, capsys: Any, column: str, value: str, says: str
) -> None:
    path = write(tmp_path / "in", "2025-01-07")
    lines = path.read_text().split("\n")
    cells = lines[3].split(",")
    cells[NAMES.index(column)] = value
    lines[3] = ",".join(cells)
    path.write_text("\n".join(lines))
    words = ["import", "--format", "udiff", "--input", str(path), "--underlying", "NIFTY"]
    assert main_india([*words, "--out", str(tmp_path / "s")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"/NIFTY.csv ({column}, row " in told and says in told
    assert not (tmp_path / "s").exists()


def test_contracts_that_come_twice_and_files_that_are_none(tmp_path: Path) -> None:
    path = write(tmp_path / "in", "2025-01-07", [*MORNING, MORNING[2]])
    with pytest.raises(InputError, match=r"FinInstrmNm, row 7\): was 'NIFTY13', which came before"):
        read_bhavcopy(path, "NIFTY")
    assert read_bhavcopy(path, "BANKNIFTY") is None
    with pytest.raises(InputError, match="has no row of BANKNIFTY"):
        imported(tmp_path / "s", path, underlying="BANKNIFTY")
    with pytest.raises(InputError, match=r"has no file BANKNIFTY\.csv or BhavCopy"):
        imported(tmp_path / "s", tmp_path / "in", underlying="BANKNIFTY")
    good = text("2025-01-07", MORNING)
    for name, data, says in (
        ("column", good.replace("ClsPric", "Close").encode(), "ClsPric"),
        ("cut", good.encode()[:-40], "is no UDiFF bhavcopy"),
        ("bytes", good.encode().replace(b"NIFTY13", b"NIFTY\xff3"), "is no UDiFF bhavcopy: .*UTF"),
        ("empty", b"", "is no UDiFF bhavcopy"),
        ("twice", good.replace("OpnPric", "ClsPric").encode(), "ClsPric"),
    ):
        bad = tmp_path / f"{name}.csv"
        bad.write_bytes(data)
        with pytest.raises(InputError, match=f"^{tmp_path.name}/{name}.csv.*{says}"):
            read_bhavcopy(bad, "NIFTY")
    first = write(tmp_path / "a", "2025-01-07")
    second = write(tmp_path / "b", "2025-01-07", MORNING[:3])
    with pytest.raises(InputError, match=r"is of 2025-01-07, as .* is"):
        imported(tmp_path / "s", first, second)
    with pytest.raises(InputError, match="needs --underlying NAME"):
        imported(tmp_path / "s", first, underlying=None)


def test_a_market_file_has_the_rows_of_one_underlying(tmp_path: Path) -> None:
    rows = text("2025-01-07", MORNING)
    other = "\n".join(rows.replace("NIFTY", "BANKNIFTY").split("\n")[1:])
    path = tmp_path / "in" / "BhavCopy_NSE_FO_0_0_0_20250107_F_0000.csv"
    path.parent.mkdir()
    path.write_text(rows + other)
    result = imported(tmp_path / "s", path.parent)
    compare(result.segment, [path], "NIFTY")
    assert result.segment.counts["chain"].rows == 5


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("half_spread_bps = 5\nsize = 50\n", "size.*was 50, expected the lot 75 or more"),
        ("half_spread_bps = 0\nsize = 75\n", "half_spread_bps"),
        ("half_spread_bps = 5\n", "size"),
        ("half_spread_bps = 5\nsize = 75\nshare = 1\n", "share"),
        ("half_spread_bps = 5\nsize = 75.5\n", "size"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(tmp_path: Path, rules: str, says: str) -> None:
    (tmp_path / "m.toml").write_text(rules)
    with pytest.raises((ConfigError, InputError), match=says):
        imported(tmp_path / "s", write(tmp_path / "in", "2025-01-07"), mapping=tmp_path / "m.toml")


@pytest.mark.skipif(not DAYS.exists(), reason=f"no days under {DAYS}; set QUANTLAXMI_REAL_DATA")
def test_real_days(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("half_spread_bps = 50\nsize = 300\n")
    for name, rows, ended, rules in (
        ("NIFTY", 22_835, 198 + 188 + 166, ("50", 300)),
        ("BANKNIFTY", 11_661, 0, ()),
    ):
        mapping = tmp_path / "m.toml" if rules else None
        result = imported(tmp_path / name, DAYS, underlying=name, mapping=mapping)
        assert result.message_lines == result.segment.counts["chain"].rows == rows
        assert result.segment.columns("settlement")["seq"].size == ended
        compare(result.segment, sorted(DAYS.glob(f"*/{name}.csv")), name, *rules)
    told = " ".join(result.segment.manifest.notes)
    assert "231 contracts are of 2025-01-30 from 2025-01-02 on, before of 2025-01-29" in told
    prices = {p for one in [tmp_path / "NIFTY"] for p in naive.session(
        sorted(DAYS.glob("*/NIFTY.csv")), "NIFTY")[2] for p in p[4:]}  # fmt: skip
    assert prices == {2418865, 2352650, 2617870}
