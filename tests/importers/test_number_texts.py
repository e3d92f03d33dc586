"""How numbers are written in files of bars: digits of floats, scales, commas, tiny prices."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quantlaxmi.errors import ConfigError, InputError
from quantlaxmi.importers import import_bars, import_capture
from tests.bars_files import START
from tests.naive.bars import quote_rows
from tests.naive.bars_lines import Leg, Reader, Rules

RULES = """
interval = "1h"
base = "SHIB"
half_spread_bps = "0.5"
{more}
[time]
column = "time"
unit = "s"
[spot]
symbol = "SHIBUSDT"
open = "open"
close = "close"
volume = "volume"
"""
NAMES = ("time", "open", "close", "volume")
#: Open, close and volume as pandas writes floats that were summed.
NOISY = (
    ("0.0007839", "0.0007840999999999999", "0.30000000000000004"),
    ("0.0007840999999999999", "0.00078415", "0.6000000000000001"),
    ("7.8e-4", "0.000000785", "1.5e+06"),
    ("0.000784", "0.000784", "0.000000001"),
)


def hourly(rows: tuple[tuple[str, ...], ...], delimiter: str = ",") -> list[str]:
    """Lines of bars, one an hour."""
    return [delimiter.join((str(START // 10**9 + 3600 * k), *row)) for k, row in enumerate(rows)]


def imported(folder: Path, lines: list[str], more: str = "", name: str = "b.csv", **options):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "m.toml").write_text(RULES.format(more=more))
    return import_bars([folder / name], folder / "seg", mapping=folder / "m.toml", **options)


def as_naive(result, lines: list[str], rules: Rules) -> None:
    """Rows and faults are those of the slow reading."""
    from tests.bars_files import rows_of

    rules.legs = [Leg({name: name for name in NAMES[1:]})]
    found = Reader(rules).csv(("\n".join(lines) + "\n").encode())
    rows = quote_rows(found.bars, rules.interval_ns, Fraction(1, 20_000))
    assert rows_of(result) == rows
    path = result.segment.path / "quarantine.jsonl"
    faults = [json.loads(row) for row in path.read_text().splitlines()] if path.exists() else []
    assert [(f["line"], f["reason"]) for f in faults] == found.faults


def test_a_volume_beyond_the_exponent_costs_no_bar(tmp_path: Path) -> None:
    rows = tuple((a, a, v) for (a, _, v) in (("0.5", "", v) for _, _, v in NOISY))
    lines = [",".join(NAMES), *hourly(rows)]
    result = imported(tmp_path, lines)
    assert result.quarantined == 0
    notes = result.segment.manifest.notes
    assert "SHIBUSDT: volumes of 3 bars have digits beyond 1e-8 and were rounded down." in notes
    as_naive(result, lines, Rules([]))
    assert result.segment.columns("quotes")["bid_qty"][1] == 3_000_000  # a tenth of 0.3


def test_a_negative_volume_is_no_zero(tmp_path: Path) -> None:
    lines = [",".join(NAMES), *hourly((("1", "1", "1"), ("1", "1", "-0.000000000001")))]
    result = imported(tmp_path, lines, max_quarantine=Fraction(1))
    assert result.quarantine_reasons == {"bad-quantity": 1}


def test_prices_are_rounded_only_where_the_mapping_asks(tmp_path: Path) -> None:
    lines = [",".join(NAMES), *hourly(NOISY)]
    with pytest.raises(InputError, match=r"3 of 4 lines are faulty.*set round to round it"):
        imported(tmp_path / "exact", lines)
    result = imported(tmp_path / "rounded", lines, "round = true")
    assert result.quarantined == 0
    notes = " ".join(result.segment.manifest.notes)
    assert "prices of 3 bars have digits beyond 1e-8 and were rounded, half to even" in notes
    as_naive(result, lines, Rules([], rounds=True))


def test_rates_and_marks_are_rounded(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(
        "time,o,c,rate,mark\n"
        + "".join(
            f"{START // 10**9 + 3600 * k},100,100,{rate},{mark}\n"
            for k, (rate, mark) in enumerate(
                [("0.0000123450000000001", "100.0000000049"), ("0.000000005", "")]
            )
        )
    )
    (tmp_path / "m.toml").write_text(
        'interval = "1h"\nround = true\nhalf_spread_bps = 1\nsize = 1\nbase = "BTC"\n[time]\n'
        'column = "time"\nunit = "s"\n[perp]\nsymbol = "BTCUSDT"\nopen = "o"\nclose = "c"\n'
        '[funding]\nrate = "rate"\nmark = "mark"\n'
    )
    result = import_bars([tmp_path / "b.csv"], tmp_path / "seg", mapping=tmp_path / "m.toml")
    funding = result.segment.columns("funding")
    assert funding["rate"].tolist() == [1234, 0]  # a tie goes to the even digit
    assert funding["mark"][0] == 100 * 10**8
    assert any("2 settlements have a rate or mark" in n for n in result.segment.manifest.notes)


def test_floats_of_parquet(tmp_path: Path) -> None:
    n = 50
    table = pa.table(
        {
            "time": [START // 10**9 + 3600 * k for k in range(n)],
            "open": [0.1 * (k % 7) + 0.7 for k in range(n)],
            "close": [0.1 * ((k + 1) % 7) + 0.7 for k in range(n)],
            "volume": [0.1 * 3] * n,
        }
    )
    rules = tmp_path / "m.toml"
    pq.write_table(table, tmp_path / "b.parquet")
    pq.write_table(table.take(list(reversed(range(n)))), tmp_path / "d.parquet", row_group_size=7)
    rules.write_text(RULES.format(more="round = true"))
    result = import_bars([tmp_path / "b.parquet"], tmp_path / "a", mapping=rules)
    assert result.quarantined == 0
    quotes = result.segment.columns("quotes")
    assert set((quotes["bid"] + quotes["ask"]) // 2) == {k * 10**7 for k in range(7, 14)}
    rules.write_text(RULES.format(more='round = true\norder = "descending"'))
    again = import_bars([tmp_path / "d.parquet"], tmp_path / "b", mapping=rules)
    for name in ("ts_ns", "bid", "ask", "bid_qty"):
        assert again.segment.columns("quotes")[name].tolist() == quotes[name].tolist()
    for key in ('decimal = ","\ndelimiter = ";"', "skip_lines = 1", 'columns = ["a", "b"]'):
        rules.write_text(RULES.format(more=key))
        with pytest.raises(InputError, match=r"is Parquet; expected text, which"):
            import_bars([tmp_path / "b.parquet"], tmp_path / "c", mapping=rules)


def test_overflow_names_the_remedy(tmp_path: Path) -> None:
    lines = [",".join(NAMES), *hourly((("1e-6", "1e-6", "20123456789012.00"),) * 3)]
    with pytest.raises(InputError, match=r"fits 64 bits at 1e-8; set qty_exponent = -5"):
        imported(tmp_path / "a", lines)
    result = imported(tmp_path / "b", lines, "qty_exponent = -5")
    assert result.segment.columns("quotes")["bid_qty"][0] == 201_234_567_890_120_000
    lines = [",".join(NAMES), *hourly((("2e11", "2e11", "1"),) * 3)]
    with pytest.raises(InputError, match=r"fits 64 bits at 1e-8; set price_exponent = -7"):
        imported(tmp_path / "c", lines)
    lines = [",".join(NAMES), *hourly((("1", "1", "1e40"),) * 3)]
    with pytest.raises(
        InputError, match=r"was '1e40', expected a volume that fits 64 bits at 1e-8$"
    ):
        imported(tmp_path / "d", lines)
    lines = [",".join(NAMES), *hourly((("1", "1", "9e10"),) * 3)]
    with pytest.raises(InputError, match=r"a volume of which the share .*set qty_exponent = -7"):
        imported(tmp_path / "e", lines, 'share = "20"')


def test_overflow_of_klines_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(
        'half_spread_bps = 1\nbase = "PEPE"\n[spot]\nsymbol = "PEPEUSDT"\n'
    )
    start = START // 10**6
    rows = [
        [
            start + 3_600_000 * k,
            "1e-6",
            "1e-6",
            "1e-6",
            "1e-6",
            "2e13",
            start + 3_600_000 * (k + 1) - 1,
        ]
        for k in range(3)
    ]
    (tmp_path / "PEPEUSDT.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match=r"set qty_exponent = -5"):
        import_capture(
            "klines-json", inputs=[tmp_path / "PEPEUSDT.json"], out=tmp_path / "seg",
            mapping=tmp_path / "m.toml",
        )  # fmt: skip


def test_the_note_tells_the_largest_half_spread(tmp_path: Path) -> None:
    lines = [
        ",".join(NAMES),
        *hourly((("0.00000123", "0.00000124", "1"), ("0.00000125", "1", "1"))),
    ]
    notes = " ".join(imported(tmp_path, lines).segment.manifest.notes)
    assert "half spread assumed 0.5 bps" in notes
    assert "which makes it up to 81.3 bps, at a price of 0.00000123;" in notes


@pytest.mark.parametrize("ended", [True, False])
def test_descending_files_are_read_from_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    rows = tuple((f"{100 + k}.5", f"{101 + k}", f"{k}.25") for k in range(40))
    up = hourly(rows)
    up[7] = up[7].replace(",", ",x", 1)
    up[20] = up[19]
    down = ["made by hand", "", ",".join(NAMES), *reversed(up)]
    monkeypatch.setattr("quantlaxmi.importers.bars.descending._PIECE", 100)
    more = 'order = "descending"\nskip_lines = 2'
    options = {"max_quarantine": Fraction(1, 4)}
    result = imported(tmp_path, down, more, **options)
    as_naive(result, down, Rules([], descending=True, skip_lines=2))
    assert result.quarantine_reasons == {"bad-decimal": 1, "duplicate-time": 1}
    assert result.header_lines == 3 and result.lines == len(down)
    other = imported(tmp_path / "up", [",".join(NAMES), *up], **options)
    for name in ("ts_ns", "bid", "ask", "ask_qty", "flags"):
        same = [r.segment.columns("quotes")[name].tolist() for r in (result, other)]
        assert same[0] == same[1]


def test_a_descending_file_without_its_last_newline(tmp_path: Path) -> None:
    down = [",".join(NAMES), *reversed(hourly((("1", "1", "1"),) * 9))]
    (tmp_path / "b.csv").write_text("\n".join(down))
    (tmp_path / "m.toml").write_text(RULES.format(more='order = "descending"'))
    result = import_bars(
        [tmp_path / "b.csv"], tmp_path / "seg", mapping=tmp_path / "m.toml",
        max_quarantine=Fraction(1, 4),
    )  # fmt: skip
    assert result.quarantine_reasons == {"half-line": 1}
    assert json.loads((tmp_path / "seg" / "quarantine.jsonl").read_text())["line"] == 10


def test_an_ascending_file_read_as_descending_is_refused(tmp_path: Path) -> None:
    lines = [",".join(NAMES), *hourly((("1", "1", "1"),) * 9)]
    with pytest.raises(InputError, match=r"8 of 9 lines are faulty.*time-reversal"):
        imported(tmp_path, lines, 'order = "descending"')


def test_files_without_header(tmp_path: Path) -> None:
    lines = hourly((("1", "2", "3"), ("2", "3", "4")))
    result = imported(tmp_path / "a", lines, f"columns = {json.dumps(NAMES)}")
    assert (result.header_lines, result.lines) == (0, 2)
    as_naive(result, lines, Rules([], columns=list(NAMES)))
    with pytest.raises(InputError, match=r"lacks column 'volume', which spot.volume names"):
        imported(tmp_path / "b", lines, 'columns = ["time", "open", "close", "v"]')
    with pytest.raises(InputError, match=r"has 4 cells, expected 5"):
        imported(tmp_path / "c", lines, 'columns = ["time", "open", "close", "volume", "n"]')


def test_decimal_commas(tmp_path: Path) -> None:
    rows = (("0,5", "1.000,5", "3"), ("0,25", "0.25", "3"), ("1,5", "2,5", "1,5"))
    lines = [";".join(NAMES), *hourly(rows, ";")]
    more = 'decimal = ","\ndelimiter = ";"'
    result = imported(tmp_path, lines, more, max_quarantine=Fraction(1))
    assert result.quarantine_reasons == {"bad-decimal": 2}
    as_naive(result, lines, Rules([], comma=True, delimiter=";"))
    with pytest.raises(ConfigError, match=r"decimal.*which is the delimiter, too"):
        imported(tmp_path / "b", lines, 'decimal = ","')


def test_scales_are_exact_powers_of_ten(tmp_path: Path) -> None:
    lines = [",".join(NAMES), *hourly((("1320100", "1320500", "49320"), ("1", "0.12345", "1")))]
    result = imported(tmp_path / "a", lines, 'scale = "0.0001"', max_quarantine=Fraction(1))
    as_naive(result, lines, Rules([], scale=-4))
    assert result.quarantine_reasons == {"too-fine": 1}
    with pytest.raises(ConfigError, match=r"scale.*was.*0.25.*a power of ten such as 0.0001"):
        imported(tmp_path / "b", lines, 'scale = "0.25"')
