"""Ticks and lots of imported bars, and settlements of bars as short as their delay."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantlaxmi.errors import ConfigError
from tests.bars_files import HEADER, MAPPING, START, random_lines, rows_of, run_import

LINES = random_lines(12)
VOLUMES = MAPPING.replace('close = "s_close"', 'close = "s_close"\nvolume = "s_volume"')


def steps(tmp_path: Path, mapping: str) -> list[tuple[int, int]]:
    segment = run_import(tmp_path, LINES, mapping=mapping).segment
    return [(i.tick, i.lot) for i in segment.instruments]


def test_bars_of_a_known_market_have_the_steps_of_their_date(tmp_path: Path) -> None:
    result = run_import(tmp_path, LINES)
    segment = result.segment
    assert [(i.tick, i.lot) for i in segment.instruments] == [(10**6, 10**3), (10**7, 10**5)]
    notes = segment.manifest.notes
    # Quotes are made with an assumed spread: that they are off tick says nothing of the data.
    assert not any("off tick" in note for note in notes)
    assert any("in whole lots" in note for note in notes)


def test_bars_of_unknown_markets_have_none_and_say_so(tmp_path: Path) -> None:
    mapping = MAPPING.replace('venue = "binance"', 'venue = "elsewhere"').replace("BTC", "XY")
    result = run_import(tmp_path, LINES, mapping=mapping)
    assert [(i.tick, i.lot) for i in result.segment.instruments] == [(0, 0), (0, 0)]
    told = [note for note in result.segment.manifest.notes if "not known" in note]
    assert [note.partition(":")[0] for note in told] == ["XYUSDT", "XYUSDT-PERP"]


def test_a_mapping_s_steps_stand_above_the_tables(tmp_path: Path) -> None:
    mapping = MAPPING.replace("[perp]", 'tick = "0.05"\n[perp]\nlot = 2')
    assert steps(tmp_path, mapping) == [(5 * 10**6, 10**3), (10**7, 2 * 10**8)]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ('tick = "0.000000001"', "spot.tick.*was 0.000000001, expected a multiple of 1e-8"),
        ('lot = "-1"', "spot.lot.*expected a decimal"),
        ('size = "999999999999999"', "spot.size.*fit 64 bits"),
    ],
)
def test_steps_that_cannot_be(tmp_path: Path, line: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        run_import(tmp_path, LINES, mapping=MAPPING.replace("[perp]", f"{line}\n[perp]"))


def test_displayed_sizes_are_whole_lots(tmp_path: Path) -> None:
    """A fill of less than a lot could not be closed again."""
    lines = [f"{line},{volume}" for line, volume in zip(LINES[:2], ("1.23456", "0.00005"),
                                                        strict=True)]  # fmt: skip
    result = run_import(tmp_path, lines, mapping=VOLUMES, header=f"{HEADER},s_volume")
    sizes = [row[1][3] for row in rows_of(result) if row[0] == "quotes" and row[1][1] == 0]
    assert sizes == [12_345_000, 12_345_000, 0, 0]


@pytest.mark.parametrize("careful", [False, True])
def test_the_minute_after_a_settlement_is_no_late_line_of_it(tmp_path: Path, careful: bool) -> None:
    quote = '"' if careful else ""
    lines = []
    for k, line in enumerate(random_lines(600)):
        cells = line.split(",")
        stamp = f"{START // 10**9 + 60 * k}"
        lines.append(",".join([stamp, *cells[1:-1], f"{quote}{cells[-1]}{quote}"]))
    result = run_import(tmp_path, lines, mapping=MAPPING.replace('"1h"', '"1m"'))
    assert result.quarantined == 0
    assert result.messages_by_kind["funding"] == 2
