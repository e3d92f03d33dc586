"""Real captures, where they are at hand: every line accounted for, rows as the naive import's."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_binance_stream
from quantlaxmi.segment import open_segment
from tests.captures import check_against_naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
PAIR = REAL / "crypto/binance_capture_2024_08"
SPOT, PERP = PAIR / "spot/btcusdt_20240808.gz", PAIR / "usdm/btcusdt_20240808.gz"
MICRO = REAL / "crypto/binance_capture_2023_04_us/usdm/btcusdt_20230404.dat.gz"

needs_pair = pytest.mark.skipif(
    not (SPOT.exists() and PERP.exists()),
    reason=f"no real captures under {REAL}; set QUANTLAXMI_REAL_DATA",
)
needs_micro = pytest.mark.skipif(
    not MICRO.exists(), reason=f"no real capture {MICRO}; set QUANTLAXMI_REAL_DATA"
)


@needs_pair
def test_every_line_of_the_2024_pair_is_accounted_for(tmp_path: Path) -> None:
    result = import_binance_stream(SPOT, PERP, tmp_path / "seg", underlying="BTCUSDT")
    assert result.lines == 135_203
    assert result.quarantined == 0
    assert result.messages_by_kind == {
        "quotes": 28_040 + 66_089,
        "depth": 3_451 + 1 + 6_551 + 1,
        "trades": 9_757 + 21_313,
        "funding": 0,
    }
    assert [c.lines for c in result.captures] == [41_249, 93_954]
    assert [c.depth_gaps for c in result.captures] == [0, 0]
    assert [c.reordered for c in result.captures] == [0, 0]
    segment = open_segment(tmp_path / "seg", verify="all")
    seqs = np.concatenate([np.unique(segment.columns(t)["seq"]) for t in segment.counts])
    assert np.array_equal(np.sort(seqs), np.arange(135_203))
    for path, source in zip((SPOT, PERP), segment.manifest.sources, strict=True):
        assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    spot_quotes = segment.columns("quotes")["instrument"] == 0
    exch = segment.columns("quotes")["exch_ts_ns"]
    assert not exch[spot_quotes].any()
    assert exch[~spot_quotes].all()


@needs_pair
def test_the_start_of_the_2024_pair_equals_the_naive_import(tmp_path: Path) -> None:
    texts = []
    for path, perp in ((SPOT, False), (PERP, True)):
        with gzip.open(path) as file:
            texts.append((b"".join(file.readline() for _ in range(6000)), perp))
    result, _ = check_against_naive(tmp_path, texts)
    assert result.lines == 12_000


@needs_pair
def test_the_2024_captures_are_refused_when_exchanged_or_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has perpetual streams"):
        import_binance_stream(PERP, SPOT, tmp_path / "seg")
    cut = tmp_path / "cut.gz"
    cut.write_bytes(SPOT.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"cut\.gz.*truncated gzip"):
        import_binance_stream(cut, PERP, tmp_path / "seg")
    assert [p.name for p in tmp_path.iterdir()] == ["cut.gz"]


@needs_micro
def test_the_microsecond_capture_brings_funding(tmp_path: Path) -> None:
    result = import_binance_stream(None, MICRO, tmp_path / "seg")
    with gzip.open(MICRO) as file:
        streams = Counter(x.split(b'"', 4)[3].partition(b"@")[2].split(b"@")[0] for x in file)
    assert result.quarantined == 0
    assert result.lines == sum(streams.values())
    assert result.messages_by_kind["funding"] == streams[b"markPrice"] == 99
    assert result.messages_by_kind["quotes"] == streams[b"bookTicker"]
    assert result.messages_by_kind["trades"] == streams[b"trade"]
    funding = result.segment.columns("funding")
    assert (funding["mark"][0], funding["rate"][0]) == (2_814_727_373_413, 2_754)
    assert funding["next_funding_ns"][0] == 1_680_652_800_000_000_000
    assert funding["ts_ns"][0] == 1_680_652_701_048_293_000
