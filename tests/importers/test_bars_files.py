"""Files of bars and mappings that cannot be used: one line of file, line, column and value."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_bars, import_capture
from quantlaxmi.importers.bars.mapping import load_mapping
from quantlaxmi.importers.bars.mapping_leg import TimeColumn
from quantlaxmi.importers.bars.timestamps import BadStamp, stamp_reader
from tests.bars_files import HEADER, HOUR, MAPPING, START, random_lines, run_import, write_files
from tests.depth import examples

LINES = random_lines(30)


def refuse(tmp_path: Path, match: str, lines: list[str] = LINES, **options: Any) -> None:
    """The import fails in one line and leaves the folder as it was."""
    options.setdefault("max_quarantine", Fraction(1, 100))
    with pytest.raises(InputError, match=match) as caught:
        run_import(tmp_path, lines, **options)
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bars.csv", "mapping.toml"]


def quarantined(tmp_path: Path, lines: list[str], **options: Any) -> list[tuple[int, str, str]]:
    """Line, reason and detail of what an import set aside; the sums hold."""
    result = run_import(tmp_path, lines, **options)
    assert result.lines == 1 + result.message_lines + result.quarantined
    manifest = result.segment.manifest
    assert manifest.quarantine.lines == result.quarantined
    path = result.segment.path / "quarantine.jsonl"
    found = [json.loads(row) for row in path.read_text().splitlines()] if path.exists() else []
    assert len(found) == result.quarantined
    assert {f["file"] for f in found} <= {"bars.csv"}
    return [(f["line"], f["reason"], f["detail"]) for f in found]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"s_close"', '"s_clos"', r"bars.csv \(line 1\): lacks column 's_clos', which spot.close"
         " names; did you mean 's_close'?"),
        ('"rate"', '"zzz"', "lacks column 'zzz', which funding.rate names; it has time, s_open"),
        ('column = "time"', 'column = "stamp"', "lacks column 'stamp', which spot.time names"),
        ('"s"', '"ms"', r"bars.csv \(line 2\): column 'time' was '1704067200', expected "
         "milliseconds since 1970 within 2000 to 2099; it looks like seconds"),
        ('"s"', '"ns"', "expected nanoseconds since 1970 within 2000 to 2099; it looks like sec"),
        ('"s"', '"text"', "expected a text such as 2024-01-31 07:00:00; it looks like seconds"),
        ('"s"', '"%Y-%m-%d"', "expected a text as '%Y-%m-%d'"),
        ('"1h"', '"7h"', "30 lines are faulty .* first at line 3, off-grid: column 'time': the bar "
         "begins 3600 s after that of line 2; expected a multiple of 25200 s"),
        ('"s_open"', '"time"', "inconsistent-bar"),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_the_file(
    tmp_path: Path, old: str, new: str, match: str
) -> None:
    assert old in MAPPING
    refuse(tmp_path, match, mapping=MAPPING.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("interval", "intervall", "intervall.*unknown setting; did you mean interval"),
        ('"1h"', '"1x"', "interval.*was '1x', expected a length such as 1m, 4h, 1d"),
        ('interval = "1h"', "", "interval.*is missing"),
        ('half_spread_bps = "1"', "", "spot.half_spread_bps.*is missing"),
        (
            'half_spread_bps = "1"',
            "half_spread_bps = 0",
            "half_spread_bps.*was 0, expected a dec",
        ),
        ('half_spread_bps = "1"', 'half_spread_bps = "a"', "was 'a', expected a decimal"),
        ('half_spread_bps = "1"', "half_spread_bps = nan", "was nan, expected a decimal"),
        ('half_spread_bps = "1"', "half_spread_bps = 10000", "above 0 and below 10000"),
        ('size = "5"', "", "spot.size.*is missing"),
        ('open = "s_open"', "", "spot.open.*is missing"),
        ('open = "s_open"', "open = 3", "spot.open.*was 3, expected a text"),
        ('open = "s_open"', 'opne = "s_open"', "spot.opne.*unknown setting; did you mean open"),
        ('column = "time"', "", "time.column.*is missing"),
        ('unit = "s"', 'unit = "min"', "time.unit.*was 'min'"),
        ('unit = "s"', 'zone = "Mars"', "time.zone.*was 'Mars'"),
        ('unit = "s"', 'zone = "../../etc"', "time.zone"),
        ('unit = "s"', 'stamp = "middle"', "time.stamp.*was 'middle', expected open or close"),
        ("[funding]", "[funding", "is not TOML"),
        ("[funding]", "[spot.funding]", "spot.funding.*unknown setting"),
        ('every = "8h"', 'times = "-1"', "funding.times.*was '-1'"),
        ("[perp]", "[perp]\ninput = 0", "perp.input.*was 0, expected a whole number from 1"),
        ("[perp]", "[perp]\ninput = 2", "was given 1 times; .* names 2"),
        ('every = "8h"', 'every = "30m"', "funding.every.*shorter than a bar"),
    ],
)
def test_a_mapping_that_is_wrong(tmp_path: Path, old: str, new: str, match: str) -> None:
    assert old in MAPPING
    refuse(tmp_path, match, mapping=MAPPING.replace(old, new, 1))


def test_mappings_without_bars_or_a_payer(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    for text, match in (
        ('interval = "1h"', "names no bars"),
        (MAPPING.partition("[perp]")[0] + '[funding]\nrate = "r"', r"there is no \[perp\]"),
        ("spot = 3", "was 3, expected a table"),
        ("x" * (1 << 20) + "y", "is longer than"),
        ("\x00", "is not TOML"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=match):
            load_mapping(path)
    with pytest.raises(ConfigError, match="No such file"):
        load_mapping(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("cell", "value", "reason", "detail"),
    [
        (4, "", "empty-cell", "column 's_close' was '', expected a price"),
        (8, "x", "bad-decimal", "column 'p_close' was 'x', expected a price"),
        (8, "nan", "bad-decimal", "column 'p_close' was 'nan'"),
        (5, "1.123456789", "too-fine", "expected a price of at most 8 decimals"),
        (5, "1e12", "overflow", "column 'p_open' was '1e12'"),
        (5, "0", "price-not-positive", "column 'p_open' was '0', expected a price above 0"),
        (5, "-1", "price-not-positive", "column 'p_open' was '-1'"),
        (2, "1", "inconsistent-bar", "high 1,"),
        (3, "999999", "inconsistent-bar", "low 999999,"),
        (0, "", "bad-stamp", "column 'time' was ''"),
        (0, "soon", "bad-stamp", "column 'time' was 'soon', expected seconds since 1970"),
        (0, "1704067200000", "stamp-unit", "it looks like milliseconds"),
        (0, str(START // 10**9), "time-reversal", "before that of line 9"),
        (0, str(START // 10**9 + 7 * 3600), "duplicate-time", "the bar of line 9"),
        (0, str(START // 10**9 + 8 * 3600 + 1), "off-grid", "3601 s after that of line 9"),
        (9, "", "empty-cell", "column 'rate' was '', expected a rate"),
        (9, "1.5", "overflow", "expected a rate within -1 to 1"),
        (9, "0.000000001", "too-fine", "expected a rate that times 1 has at most 8 decimals"),
    ],
)
def test_a_faulty_line_is_set_aside_whole(
    tmp_path: Path, cell: int, value: str, reason: str, detail: str
) -> None:
    lines = list(LINES)
    cells = lines[8].split(",")
    cells[cell] = value
    lines[8] = ",".join(cells)
    (found,) = quarantined(tmp_path, lines)
    assert found[:2] == (10, reason)
    assert detail in found[2]
    gaps = [(g.table, g.symbol) for g in load_gaps(tmp_path)]
    assert gaps == [("quotes", "BTCUSDT"), ("quotes", "BTCUSDT-PERP"), ("funding", "BTCUSDT-PERP")]
    strict = tmp_path / "strict"
    strict.mkdir()
    with pytest.raises(InputError, match=rf"bars.csv \(line 10\): {reason}.*a strict import"):
        run_import(strict, lines, strict=True)


def load_gaps(tmp_path: Path):
    from quantlaxmi.segment import open_segment

    return open_segment(tmp_path / "seg").manifest.gaps


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "empty-line"),
        ("1,2", "wrong-shape"),
        (LINES[8] + ",1", "wrong-shape"),
        ('"1,2', "wrong-shape"),
        ("\udcff" + LINES[8], "not-utf-8"),
        ("9" * 70_000, "line-too-long"),
    ],
)
def test_a_broken_line_is_set_aside(tmp_path: Path, line: str, reason: str) -> None:
    data, rules = write_files(tmp_path, [])
    text = "\n".join([HEADER, *LINES[:8], line, *LINES[9:], ""])
    data.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = import_bars([data], tmp_path / "seg", mapping=rules, max_quarantine=Fraction(1, 10))
    assert result.quarantine_reasons == {reason: 1}
    assert result.lines == 31


@pytest.mark.parametrize("cut", [1, 3, 20, len(LINES[-1]) - 3])
def test_half_a_line_at_the_end_is_set_aside(tmp_path: Path, cut: int) -> None:
    """Also where the cut leaves a number: its last digits may be missing."""
    lines = [*LINES[:-1], LINES[-1][:-cut]]
    (found,) = quarantined(tmp_path, lines, end="")
    assert found[:2] == (31, "half-line")


def rates(*cells: str) -> list[str]:
    """Hourly lines with these cells of the rate."""
    return [f"{line.rpartition(',')[0]},{cell}" for line, cell in zip(LINES, cells, strict=False)]


def test_settlements_beside_the_schedule_end_the_import(tmp_path: Path) -> None:
    cells = ["0.0001" if k in (0, 8, 16, 20, 24) else "" for k in range(30)]
    match = r"bars.csv \(line 22\): column 'rate' has a rate at no multiple .* none in line 3; exp"
    refuse(tmp_path, match, rates(*cells), max_quarantine=Fraction(1))
    taken = run_import(tmp_path, rates(*cells), mapping=MAPPING.replace('every = "8h"', ""))
    assert taken.segment.columns("funding")["ts_ns"].tolist() == [
        START + k * HOUR for k in (0, 8, 16, 20, 24)
    ]


def test_a_rate_that_is_carried_on_may_begin_late(tmp_path: Path) -> None:
    result = run_import(tmp_path, rates("0.0001", *["0.0002"] * 29))
    assert len(result.segment.columns("funding")["seq"]) == 4


def test_a_settlement_that_is_set_aside_is_not_forgiven(tmp_path: Path) -> None:
    lines = random_lines(200)
    lines[16] = f"{lines[16].rpartition(',')[0]},x"
    refuse(tmp_path, "1 funding settlement is set aside, which the 1 % of --max-q", lines)
    result = run_import(tmp_path, lines, max_quarantine=Fraction(2, 100))
    gaps = [gap for gap in result.segment.manifest.gaps if gap.table == "funding"]
    assert [gap.start_ns for gap in gaps] == [START + 16 * HOUR]


def test_a_last_line_without_newline_is_taken_where_its_end_is_not_read(tmp_path: Path) -> None:
    lines = [line + ",x" for line in LINES]
    assert quarantined(tmp_path, lines, end="", header=HEADER + ",other") == []


def test_partial_bars_are_set_aside_by_close_time_and_by_jump(tmp_path: Path) -> None:
    seconds = START // 10**9
    closes = [f"{seconds + 3600 * (k + 1) - (1 if k % 2 else 0)}" for k in range(30)]
    closes[5] = str(int(closes[5]) - 60)
    lines = [f"{line},{close}" for line, close in zip(LINES, closes, strict=True)]
    mapping = MAPPING.replace('close = "p_close"', 'close = "p_close"\nclose_time = "end"')
    found = quarantined(tmp_path, lines, mapping=mapping, header=HEADER + ",end")
    assert [row[:2] for row in found] == [(7, "partial-bar")]
    assert "column 'end' was" in found[0][2]
    assert "expected its whole 3600 s" in found[0][2]


def test_a_jump_marks_the_bar_before_it(tmp_path: Path) -> None:
    flat = ",100,100,100,100"
    lines = [f"{START // 10**9 + 3600 * k}{flat}{flat},0.0001" for k in range(6)]
    lines[3] = lines[3].replace("100,100,100,100,0.0001", "100,100.06,100,100.06,0.0001")
    (found,) = quarantined(tmp_path, lines, mapping='max_jump_bps = "5"\n' + MAPPING)
    assert found[:2] == (5, "partial-bar")
    assert "column 'p_close' is 6.00 bps from the next bar's open, expected at most 5" in found[2]


def test_mixed_symbols_end_the_import(tmp_path: Path) -> None:
    mapping = MAPPING.replace('symbol = "BTCUSDT"', 'symbol = "BTCUSDT"\nsymbol_column = "sym"', 1)
    lines = [line + ",BTCUSDT" for line in LINES]
    lines[11] = LINES[11] + ",ETHUSDT"
    refuse(
        tmp_path,
        r"bars.csv \(line 13\): column 'sym' was 'ETHUSDT', expected 'BTCUSDT'",
        lines,
        mapping=mapping,
        header=HEADER + ",sym",
    )


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b"time,s_open", "has no whole header"),
        (b"\n\n", "has no whole header"),
        (HEADER.encode() + b"\n", "has no line below its header"),
        (b"a,b,a\n1,2,3\n", "has column 'a' twice"),
        (b"PAR1" + b"x" * 50, "cannot be read as Parquet"),
        (b"\x1f\x8b" + b"x" * 50, "corrupt gzip"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 50, "zstd"),
        (b"\x00" * 100 + b"\n", "lacks column"),
    ],
)
def test_files_that_are_no_bars(tmp_path: Path, content: bytes, match: str) -> None:
    data, rules = write_files(tmp_path, LINES)
    data.write_bytes(content)
    with pytest.raises(InputError, match=match) as caught:
        import_bars([data], tmp_path / "seg", mapping=rules)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "seg").exists()


def test_files_that_are_missing_or_given_twice(tmp_path: Path) -> None:
    data, rules = write_files(tmp_path, LINES)
    out = tmp_path / "seg"
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        import_bars([tmp_path / "none.csv"], out, mapping=rules)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        import_bars([folder], out, mapping=rules)
    with pytest.raises(InputError, match="was given 2 times"):
        import_bars([data, data], out, mapping=rules)
    rules.write_text(MAPPING.replace("[perp]", "[perp]\ninput = 2"))
    copy = tmp_path / "copy.csv"
    copy.write_bytes(data.read_bytes())
    with pytest.raises(InputError, match=r"copy\.csv: has the same content as .*bars\.csv"):
        import_bars([data, copy], out, mapping=rules)


def test_underlying_is_held(tmp_path: Path) -> None:
    data, rules = write_files(tmp_path, LINES)
    with pytest.raises(InputError, match="names BTCUSDT; expected ETH, as --underlying says"):
        import_bars([data], tmp_path / "seg", mapping=rules, underlying="ETH")
    import_bars([data], tmp_path / "seg", mapping=rules, underlying="btc")


def test_parquet_rows_with_nulls_are_set_aside(tmp_path: Path) -> None:
    cells = [line.split(",") for line in LINES]
    columns: dict[str, Any] = {
        name: [float(c[k]) for c in cells] for k, name in enumerate(HEADER.split(",")) if k
    }
    columns["s_open"][4] = None
    columns["p_open"][9] = float("nan")
    columns["rate"][10] = float("inf")
    columns["time"] = [int(c[0]) for c in cells]
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table(columns), path)
    _, rules = write_files(tmp_path, [])
    result = import_bars([path], tmp_path / "seg", mapping=rules, max_quarantine=Fraction(1))
    assert result.quarantine_reasons == {"empty-cell": 2, "bad-decimal": 1}
    assert result.lines == 30


def test_the_command_line_imports_bars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, rules = write_files(tmp_path, LINES)
    words = ["import", "--format", "bars", "--out", str(tmp_path / "seg")]
    assert main_crypto([*words, "--input", str(data), "--mapping", str(rules), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == 31
    for more, match in (
        (["--input", str(data)], "needs --mapping FILE for bars"),
        (["--mapping", str(rules)], "needs --input PATH"),
        (["--spot", str(data)], "--spot: is not for bars"),
    ):
        words[words.index("--out") + 1] = str(tmp_path / "none")
        assert main_crypto([*words, *more]) == 2
        assert match in capsys.readouterr().err


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_import(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    data, rules = write_files(folder, LINES)
    data.write_bytes("\n".join([HEADER, *LINES[:5], ""]).encode() + tail)
    result = import_bars([data], folder / "seg", mapping=rules, max_quarantine=Fraction(1))
    assert result.lines == 1 + result.message_lines + result.quarantined
    assert result.message_lines >= 5


@settings(max_examples=examples(150), deadline=None)
@given(st.integers(946_684_800 * 10**9, 4_102_444_800 * 10**9 - 1))
def test_stamps_read_back_exactly(ns: int) -> None:
    for unit, digits in (("s", 9), ("ms", 6), ("us", 3), ("ns", 0)):
        text = f"{ns // 10**digits}" + (f".{ns % 10**digits:0{digits}d}" if digits else "")
        assert stamp_reader(TimeColumn("t", unit))(text) == ns
    import numpy as np

    iso = str(np.datetime64(ns, "ns"))
    read = stamp_reader(TimeColumn("t"))
    assert read(iso) == read(iso.replace("T", " ")) == read(iso + "Z") == ns
    if ns > 946_684_800 * 10**9 + 10**14:
        assert read(iso + "+05:30") == ns - 19_800 * 10**9


def test_hours_of_a_clock_change_are_refused() -> None:
    from zoneinfo import ZoneInfo

    read = stamp_reader(TimeColumn("t", "text", ZoneInfo("Europe/Berlin")))
    assert read("2024-03-31 01:59:59") + 10**9 == read("2024-03-31 03:00:00")
    for text in ("2024-03-31 02:30:00", "2024-10-27 02:30:00"):
        with pytest.raises(BadStamp, match="exactly once"):
            read(text)


def test_formats_are_reached_by_name(tmp_path: Path) -> None:
    data, rules = write_files(tmp_path, LINES)
    result = import_capture("bars", inputs=[data], mapping=rules, out=tmp_path / "seg")
    kinds = result.messages_by_kind
    assert kinds["bars"] == 60
    assert result.segment.n_messages == kinds["quotes"] + 60 + 4
