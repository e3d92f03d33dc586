"""Data quality against a naive count on bundled, imported and made-up segments; its document."""

from __future__ import annotations

import importlib
import json
import random
import re
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.cli.main import COMMANDS
from quantlaxmi.cli.usage import parse
from quantlaxmi.data_quality import SegmentQuality, quantiles, segment_quality
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_binance_stream, import_capture
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import MarketData, MemorySegment, SegmentWriter, open_segment
from tests import captures
from tests.naive import data_quality as naive
from tests.run.test_real_capture import PERP, REAL, SPOT
from tests.segments import INSTRUMENTS, WAYS, make_data, make_tables, write_segment

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/DATA_QUALITY.md").read_text(encoding="utf-8")
OLD = REAL / "crypto/binance_capture_2023_04_us/usdm/btcusdt_20230404.dat.gz"


seq_of = itemgetter("seq")


def rows_of(segment: MarketData, table: str) -> list[dict[str, int]]:
    columns = segment.columns(table)
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]


def shape(found: Any) -> Any:
    return None if found is None else (found.n, found.values)


def check(segment: MarketData, stale_ns: int = 5 * 10**9) -> SegmentQuality:
    """Measure a segment and hold every figure equal to the naive count."""
    quality = segment_quality(segment, stale_ns=stale_ns)
    tables = {table: rows_of(segment, table) for table in TABLES}
    messages = {
        t: list({r["seq"]: r for r in reversed(rows)}.values())[::-1] for t, rows in tables.items()
    }
    every = sorted((row for rows in messages.values() for row in rows), key=seq_of)
    stamps = [row["ts_ns"] for row in every]
    assert quality.messages == len(every)
    assert quality.equal_stamps == sum(a == b for a, b in pairwise(stamps))
    for k, found in enumerate(quality.instruments):
        mine = {t: [r for r in rows if r["instrument"] == k] for t, rows in messages.items()}
        assert set(found.kinds) == {t for t, rows in mine.items() if rows}
        for table, told in found.kinds.items():
            plain = msgspec.structs.asdict(told)
            plain["clock_offset_ns"] = shape(told.clock_offset_ns)
            assert plain == naive.kind(mine[table], stale_ns), (k, table)
        assert found.messages == sum(map(len, mine.values()))
        quotes = mine["quotes"]
        both = [q for q in quotes if min(q["bid"], q["ask"]) > 0]
        assert found.quotes_crossed == sum(q["bid"] > q["ask"] for q in both)
        assert found.quotes_locked == sum(q["bid"] == q["ask"] for q in both)
        assert found.quotes_one_sided == len(quotes) - len(both)
        assert (shape(found.spread), shape(found.spread_bps)) == naive.spreads(quotes)
        depth = [r for r in tables["depth"] if r["instrument"] == k]
        columns = {name: [r[name] for r in depth] for name in TABLES["depth"]}
        if found.depth is None:
            assert not depth
        else:
            assert msgspec.structs.asdict(found.depth) == naive.depth(columns, quotes)
    exponents = [i.price_exponent for i in segment.instruments]
    for pair in quality.pairs:
        symbols = [i.symbol for i in segment.instruments]
        places = symbols.index(pair.spot), symbols.index(pair.perp)
        assert shape(pair.basis_bps) == naive.basis(messages["quotes"], *places, exponents)
    return quality


@pytest.mark.parametrize("name", ["planted", "edgeless"])
@pytest.mark.parametrize("stale_ns", [10**9, 5 * 10**9])
def test_bundled_segments_measure_as_counted(name: str, stale_ns: int) -> None:
    quality = check(open_segment(ROOT / "data" / name), stale_ns)
    assert [i.quotes_crossed + i.quotes_locked for i in quality.instruments] == [0, 0]
    assert [(p.spot, p.perp) for p in quality.pairs] == [("BTCUSDT", "BTCUSDT-PERP")]


def noise(n: int) -> dict[str, dict[str, Any]]:
    """Random tables, but that rows of one depth message share its ids."""
    tables = make_tables(n)
    depth = tables["depth"]
    first = np.searchsorted(depth["seq"], depth["seq"])
    for name in ("first_id", "last_id", "prev_id"):
        depth[name] = depth[name][first]
    return tables


@pytest.mark.parametrize("way", WAYS)
def test_noise_measures_as_counted(tmp_path: Path, way: str) -> None:
    quality = check(make_data(way, tmp_path / "seg", noise(400)), 10**8)
    assert quality.equal_stamps > 100
    assert sum(i.quotes_crossed for i in quality.instruments) > 10


def test_an_import_with_gaps_measures_as_counted(tmp_path: Path) -> None:
    pick = random.Random(3)
    spot, perp = captures.spot_lines(300), captures.perp_lines(300)
    for lines in (spot, perp):
        for _ in range(6):
            del lines[pick.randrange(1, len(lines))]
    spot.append(captures.ticker(captures.T0 + 10**11, 10**6, "100", "100.5"))
    result = import_binance_stream(
        captures.write(tmp_path / "s", spot), captures.write(tmp_path / "p", perp), tmp_path / "seg"
    )
    quality = check(result.segment)
    gaps = sum(i.depth.gaps for i in quality.instruments if i.depth)
    assert gaps > 0
    assert quality.instruments[0].kinds["quotes"].stale == 1
    assert quality.recorded_gaps == len(result.segment.manifest.gaps)


def test_prices_near_the_end_of_64_bits_measure_exactly(tmp_path: Path) -> None:
    top = 2**63 - 1
    tables = noise(60)
    quotes = tables["quotes"]
    for k, (bid, ask) in enumerate(((top - 1, top), (1, top), (top, 1), (-5, 5), (7, 7), (1, 2))):
        quotes["bid"][k::9], quotes["ask"][k::9] = bid, ask
    check(write_segment(tmp_path / "seg", tables))


def test_an_empty_segment_and_one_message_are_measured(tmp_path: Path) -> None:
    with SegmentWriter(tmp_path / "none", venue="x", instruments=INSTRUMENTS) as writer:
        none = writer.seal()
    for empty in (none, MemorySegment(INSTRUMENTS, {})):
        quality = check(empty)
        assert quality.messages == 0
        assert quality.pairs[0].basis_bps is None
    for way in WAYS:
        one = make_data(way, tmp_path / "one", make_tables(1))
        kinds = check(one).instruments
        assert [k.longest_ns for i in kinds for k in i.kinds.values()] == [0]


def test_a_quantile_is_the_least_value_that_the_share_does_not_exceed() -> None:
    found = quantiles(np.arange(1, 101)[::-1], -2)
    assert found is not None
    assert found.values == (1, 1, 5, 25, 50, 75, 95, 99, 100)
    assert found.exponent == -2
    rng = random.Random(1)
    for n in (1, 2, 3, 19, 20, 21, 199):
        values = [rng.randrange(-50, 50) for _ in range(n)]
        assert shape(quantiles(np.array(values), 0)) == naive.quantiles(values)
    assert naive.bps(Fraction(-1, 3)) == -33333334
    assert quantiles(np.empty(0, np.int64), 0) is None


def test_the_bound_must_be_positive() -> None:
    with pytest.raises(InputError, match="stale_ns"):
        segment_quality(open_segment(ROOT / "data/planted"), stale_ns=0)


def test_the_command_prints_tables_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["segment", "quality", "--segment-dir", str(ROOT / "data/planted")]
    assert main_crypto(line) == 0
    text = capsys.readouterr().out
    assert "a silence is a time of more than 5 s without one" in text
    assert "BTCUSDT-PERP - BTCUSDT" in text
    assert main_crypto([*line, "--json", "--stale-ms", "1000"]) == 0
    told = json.loads(capsys.readouterr().out)
    quality = segment_quality(open_segment(ROOT / "data/planted"), stale_ns=10**9)
    assert told["stale_ns"] == 10**9
    assert told["instruments"][0]["kinds"]["quotes"]["stale"] > 0
    basis = quality.pairs[0].basis_bps
    assert basis is not None
    assert Fraction(told["pairs"][0]["basis_bps"]["p50"]) * 10**4 == basis.values[4]
    assert told["instruments"][1]["spread"]["p50"] == "0.1"
    assert main_crypto([*line, "--stale-ms", "0"]) == 2
    assert main_crypto(["segment", "info", *line[2:], "--rows", "3"]) == 2


# --- the document --------------------------------------------------------------------------------


def commands() -> list[list[str]]:
    found = re.findall(r"^    quantlaxmi-crypto ((?:.*\\\n)*.*)$", DOCUMENT, re.MULTILINE)
    return [text.replace("\\\n", " ").split() for text in found]


def test_the_document_s_commands_are_valid_usage() -> None:
    lines = commands()
    assert len(lines) >= 4
    for command, *words in lines:
        module = importlib.import_module(f"quantlaxmi.cli.{COMMANDS[command][0]}")
        assert parse(module.USAGE, "quantlaxmi-crypto", command, words) is not None


@pytest.mark.skipif(not (SPOT.exists() and PERP.exists() and OLD.exists()), reason="no captures")
def test_the_document_holds_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    import_capture("binance-stream", spot=SPOT, perp=PERP, out=tmp_path / "pair-2024-08")
    import_capture("binance-stream", spot=None, perp=OLD, out=tmp_path / "perp-2023-04")
    block = r"^    quantlaxmi-crypto (segment quality .*)\n\n```\n([^`]*)```"
    printed = re.findall(block, DOCUMENT, re.MULTILINE)
    assert len(printed) == 2
    for line, expected in printed:
        assert main_crypto(line.split()) == 0
        assert capsys.readouterr().out == expected
