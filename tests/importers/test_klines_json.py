"""Archives of Binance kline arrays: milli- and microseconds, partial bars, broken months."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_klines_json
from quantlaxmi.importers.bars import json_archive
from quantlaxmi.importers.bars.cell_checks import (
    Faulty,
    bar_prices,
    check_prices,
    plain_bar,
    price_cell,
    volume_size,
)
from quantlaxmi.importers.bars.mapping_leg import LegMapping, TimeColumn
from quantlaxmi.importers.bars.text_form import Numbers
from quantlaxmi.segment import verify_segment
from tests.bars_files import HOUR, START, rows_of
from tests.depth import examples, some
from tests.naive import bars as naive
from tests.segments import INSTRUMENTS

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
KLINES = REAL / "crypto/binance_spot_klines"
MAPPING = """
venue = "binance"
base = "BTC"
half_spread_bps = "1"
[spot]
symbol = "BTCUSDT"
"""


def kline(hour: int, opened: str = "100", closed: str = "101", micro: bool = False) -> list[Any]:
    unit = 10**3 if micro else 10**6
    start = (START + hour * HOUR) // unit
    low, high = sorted((opened, closed), key=Fraction)
    return [
        start,
        opened,
        high,
        low,
        closed,
        "2.5",
        start + HOUR // unit - 1,
        "0",
        1,
        "0",
        "0",
        "0",
    ]


def archive(path: Path, months: dict[str, Any], mode: str = "w:gz") -> Path:
    """A tar of JSON files; a value that is bytes is written as it is."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in months.items():
            text = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


def run(tmp_path: Path, path: Path, mapping: str = MAPPING, **options: Any):
    rules = tmp_path / "mapping.toml"
    rules.write_text(mapping)
    options.setdefault("max_quarantine", Fraction(1))
    return import_klines_json([path], tmp_path / "seg", mapping=rules, **options)


def expected(klines: list[list[Any]], lot: int = 1) -> list[tuple[str, tuple[int, ...]]]:
    bars = []
    for k in klines:
        unit = 10**3 if k[0] > 10**14 else 10**6
        size = int(Fraction(k[5]) * 10**8) // 10 // lot * lot
        bars.append(
            {"open_ns": k[0] * unit, "open": Fraction(k[1]), "close": Fraction(k[4]), "size": size}
        )
    return naive.quote_rows([bars], HOUR, Fraction(1, 10_000))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_months_in_any_order_and_unit(tmp_path: Path, mode: str) -> None:
    klines = [kline(h, f"{100 + h}", f"{101 + h}.5", micro=h >= 5) for h in range(9)]
    months = {"BTCUSDT/1h/b.json": klines[5:], "BTCUSDT/1h/a.json": klines[:5]}
    result = run(tmp_path, archive(tmp_path / "BTCUSDT_1h.tar.gz", months, mode))
    assert rows_of(result) == expected(klines)
    assert (result.lines, result.message_lines, result.quarantined) == (9, 9, 0)
    verify_segment(result.segment.path)
    assert "0.1 of the bar's volume" in " ".join(result.segment.manifest.notes)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_one_json_file(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "month.json"
    klines = [kline(h) for h in range(3)]
    path.write_bytes(pack(json.dumps(klines, indent=1).encode()))
    assert rows_of(run(tmp_path, path)) == expected(klines)


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        (lambda k: k.__setitem__(1, ""), "empty-cell", "column 'open' was '', expected a price"),
        (lambda k: k.__setitem__(1, 100.5), "wrong-shape", "open was '100.5', expected a text"),
        (lambda k: k.__setitem__(0, True), "wrong-shape", "expected an integer"),
        (lambda k: k.__setitem__(0, 17040672), "bad-stamp", "expected milli- or microseconds"),
        (lambda k: k.__setitem__(6, k[6] * 1000), "stamp-unit", "expected one unit"),
        (lambda k: k.__setitem__(6, k[6] - 2000), "partial-bar", "expected its whole 3600 s"),
        (lambda k: k.__setitem__(0, k[0] - 7_200_000) or k.__setitem__(6, k[6] - 7_200_000),
         "time-reversal", "before that of line"),
        (lambda k: k.__setitem__(0, k[0] - 3_600_000) or k.__setitem__(6, k[6] - 3_600_000),
         "duplicate-time", "of line 3"),
        (lambda k: k.__setitem__(2, "1"), "inconsistent-bar", "high"),
        (lambda k: k.__setitem__(5, "-1"), "bad-quantity", "a volume of 0 or more"),
        (lambda k: k.clear(), "wrong-shape", "has 0 values, expected 7 or more"),
    ],
)  # fmt: skip
def test_a_faulty_kline_is_set_aside(tmp_path, change, reason: str, detail: str) -> None:
    klines = [kline(h) for h in range(6)]
    change(klines[3])
    path = archive(tmp_path / "x.tar.gz", {"a.json": klines[:2], "b.json": klines[2:]})
    result = run(tmp_path, path)
    assert result.quarantine_reasons == {reason: 1}
    assert result.lines == result.message_lines + 1 == 6
    (row,) = (result.segment.path / "quarantine.jsonl").read_text().splitlines()
    found = json.loads(row)
    assert found["line"] == 4
    assert found["detail"].startswith("b.json kline 2: ")
    assert detail in found["detail"]
    (tmp_path / "strict").mkdir()
    with pytest.raises(InputError, match=rf"x.tar.gz \(line 4\): {reason}"):
        run(tmp_path / "strict", path, strict=True)


GOOD = json.dumps([kline(0), kline(1)]).encode()


@pytest.mark.parametrize(
    ("months", "match"),
    [
        ({"BTCUSDT/a.json": GOOD, "SOLUSDT/b.json": GOOD}, "has SOLUSDT; expected BTCUSDT"),
        ({"one/a.json": GOOD, "two/b.json": GOOD}, "has folders one and two; expected one symb"),
        ({"a.json": GOOD[:-30]}, r"\(a.json\): is no JSON array of klines"),
        ({"a.json": b'{"code": 1}'}, "is no JSON array of klines"),
        ({"a.json": b"[]"}, "has no kline"),
        ({}, "has no kline"),
        ({"a.json": b"[[1]]"}, "has no kline that shows its interval"),
    ],
)
def test_archives_that_cannot_be_used(tmp_path: Path, months: dict, match: str) -> None:
    path = archive(tmp_path / "x.tar.gz", months)
    with pytest.raises(InputError, match=match) as caught:
        run(tmp_path, path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "seg").exists()


def test_archives_that_are_cut_or_dangerous(tmp_path: Path, monkeypatch) -> None:
    whole = archive(tmp_path / "x.tar.gz", {"a.json": GOOD * 1}).read_bytes()
    path = tmp_path / "y.tar.gz"
    for content in (b"", whole[:-12], whole[:40], b"\x1f\x8b" + b"x" * 60, b"x" * 2000, b"["):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"y\.tar\.gz"):
            run(tmp_path, path)
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("a.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(InputError, match=r"\(a.json\): has a link or device"):
        run(tmp_path, path)
    monkeypatch.setattr(json_archive, "MAX_MEMBER", 10)
    with pytest.raises(InputError, match="more than an archive of klines may"):
        run(tmp_path, tmp_path / "x.tar.gz")


def test_mappings_name_no_columns(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.tar.gz", {"a.json": GOOD})
    for more, match in (
        ('open = "o"', "spot.open.*unknown setting"),
        ('[time]\ncolumn = "x"', "time.*unknown setting"),
        ('[funding]\nrate = "x"', "funding.*unknown setting"),
    ):
        with pytest.raises(InputError, match=match):
            run(tmp_path, path, mapping=MAPPING + more)
    result = run(tmp_path, path, mapping=MAPPING.replace("half", 'interval = "1h"\nhalf'))
    assert result.message_lines == 2


def test_the_command_line_imports_klines(tmp_path: Path, capsys) -> None:
    path = archive(tmp_path / "x.tar.gz", {"a.json": GOOD})
    (tmp_path / "m.toml").write_text(MAPPING)
    words = ["import", "--format", "klines-json", "--out", str(tmp_path / "seg"), "--input",
             str(path), "--mapping", str(tmp_path / "m.toml")]  # fmt: skip
    assert main_crypto(words) == 0
    assert "quotes" in capsys.readouterr().out


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["member", "file"]))
def test_no_bytes_crash_the_import(tmp_path_factory, noise: bytes, where: str) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "x"
    if where == "member":
        archive(path, {"a.json": GOOD[:-1] + b"," + noise + b"]"})
    else:
        path.write_bytes(noise)
    try:
        result = run(folder, path)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert result.lines == result.message_lines + result.quarantined


@pytest.mark.skipif(
    not KLINES.exists(), reason=f"no real klines under {KLINES}; set QUANTLAXMI_REAL_DATA"
)
@pytest.mark.parametrize("symbol", some(["SOLUSDT", "BTCUSDT"], 1))
def test_every_real_kline_is_accounted_for(tmp_path: Path, symbol: str) -> None:
    path = KLINES / f"{symbol}_1h.tar.gz"
    mapping = MAPPING.replace("BTCUSDT", symbol).replace('"BTC"', f'"{symbol[:3]}"')
    result = run(tmp_path, path, mapping=mapping, max_quarantine=Fraction(1, 100))
    klines = []
    with tarfile.open(path) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            klines += json.load(file) if file else []
    klines.sort(key=lambda k: k[0] * (1 if k[0] > 10**14 else 1000))
    whole = [k for k in klines if (k[6] - k[0] + 1) in (3_600_000, 3_600_000_000)]
    assert result.lines == len(klines)
    assert result.quarantine_reasons == {"partial-bar": len(klines) - len(whole)}
    lot = result.segment.instruments[0].lot
    assert (lot > 0) == (symbol == "BTCUSDT")
    assert rows_of(result) == expected(whole, lot or 1)


CELLS = st.sampled_from(
    ["100", "101.5", "99.25", "0", "-1", "", "1e2", "100.123456789", "9" * 19, "1,5", "+100", "007"]
)


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(CELLS, min_size=5, max_size=5), st.booleans(), st.booleans())
def test_a_plain_bar_is_what_its_cells_are_one_by_one(cells, comma, rounds):
    leg = LegMapping(
        INSTRUMENTS[0], 0, TimeColumn("t", "ms"), {}, Fraction(1), Fraction(1, 3), Fraction(0),
        numbers=Numbers(comma, rounds),
    )  # fmt: skip
    try:
        prices, fine = {}, False
        for name, cell in zip(("open", "high", "low", "close"), cells, strict=False):
            prices[name], was = price_cell(cell, leg, name)
            fine |= was
        check_prices(prices, -8)
        volume, size, cut = volume_size(cells[4], leg, "volume")
        exact = None if fine or cut or comma else (*bar_prices(prices), volume, size)
    except Faulty:
        exact = None
    assert plain_bar(cells, leg) == exact
