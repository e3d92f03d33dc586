"""Instruments of an import have the tick and lot of their date, and quotes off them are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantlaxmi.importers import ImportResult, import_binance_stream
from tests.captures import MS, T0, perp_lines, spot_lines, ticker

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
CAPTURE = REAL / "crypto" / "binance_capture_2024_08"
DAY = 86_400 * 10**9


def run(tmp_path: Path, spot: list[bytes] | None, perp: list[bytes] | None) -> ImportResult:
    paths = []
    for name, lines in (("spot", spot), ("perp", perp)):
        path = tmp_path / name
        if lines is not None:
            path.write_bytes(b"\n".join(lines) + b"\n")
        paths.append(None if lines is None else path)
    return import_binance_stream(*paths, tmp_path / "seg")


def test_steps_are_those_of_the_data_s_date(tmp_path: Path) -> None:
    segment = run(tmp_path, spot_lines(), perp_lines()).segment
    assert [(i.tick, i.lot) for i in segment.instruments] == [(10**6, 10**3), (10**7, 10**5)]


def test_a_symbol_or_a_date_no_table_knows_has_none_and_says_so(tmp_path: Path) -> None:
    early = T0 - 1500 * DAY  # 2019-10-06
    segment = run(tmp_path, spot_lines(ts=early), None).segment
    assert [(i.tick, i.lot) for i in segment.instruments] == [(0, 0)]
    said = (
        "BTCUSDT: tick and lot on 2019-10-06 22:13 UTC not known; 0 stands for it and nothing is "
        "enforced."
    )
    assert said in segment.manifest.notes
    (tmp_path / "other").mkdir()
    lines = [x.replace(b"BTCUSDT", b"DOGEUSDT").replace(b"btc", b"doge") for x in spot_lines()]
    segment = run(tmp_path / "other", lines, None).segment
    assert [(i.tick, i.lot) for i in segment.instruments] == [(0, 0)]
    assert any("DOGEUSDT: tick and lot" in note for note in segment.manifest.notes)


def test_quotes_off_step_are_kept_and_counted(tmp_path: Path) -> None:
    lines = [ticker(T0 + k * MS, 10 + k, "100.00", "100.01") for k in range(20)]
    lines[3] = ticker(T0 + 3 * MS, 13, "100.001", "100.01")
    lines[7] = ticker(T0 + 7 * MS, 17, "100.00", "100.01", B="0.000001")
    lines[8] = ticker(T0 + 8 * MS, 18, "100.00", "100.011", A="0.0000001")
    result = run(tmp_path, lines, None)
    assert result.quarantined == 0
    assert result.messages_by_kind["quotes"] == 20
    assert "BTCUSDT: 3 of 20 quotes are off tick or lot." in result.segment.manifest.notes


def test_clean_captures_need_no_note_of_steps(tmp_path: Path) -> None:
    lines = [ticker(T0 + k * MS, 10 + k, "100.00", "100.01") for k in range(20)]
    notes = run(tmp_path, lines, None).segment.manifest.notes
    assert not any("tick" in note for note in notes)


def test_real_captures_keep_to_their_steps(tmp_path: Path) -> None:
    if not CAPTURE.exists():
        pytest.skip("the real capture is not here; set QUANTLAXMI_REAL_DATA")
    segment = import_binance_stream(
        CAPTURE / "spot" / "btcusdt_20240808.gz",
        CAPTURE / "usdm" / "btcusdt_20240808.gz",
        tmp_path / "seg",
    ).segment
    assert [(i.tick, i.lot) for i in segment.instruments] == [(10**6, 10**3), (10**7, 10**5)]
    assert not any("off tick" in note for note in segment.manifest.notes)
