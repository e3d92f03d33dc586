"""The total order of an import, its reorder window and depth gaps; random captures and damage."""

from __future__ import annotations

import random
import shutil
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.binance_rows import BinanceRows
from quantlaxmi._ext.stream_merge import StreamMerge
from quantlaxmi.errors import InputError
from quantlaxmi.importers import import_binance_stream, import_capture
from quantlaxmi.importers.binance.messages import RAW_DECODERS, UNSET, classify
from quantlaxmi.schema import InstrumentKind
from tests import captures
from tests.captures import (
    MS,
    T0,
    check_against_naive,
    diff,
    mark,
    perp_lines,
    snapshot,
    spot_lines,
    ticker,
    trade,
    write,
)
from tests.depth import examples

ALL = Fraction(1)


def text(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"


def test_both_captures_make_one_segment(tmp_path: Path) -> None:
    pair = [(text(spot_lines(60)), False), (text(perp_lines(80)), True)]
    result, _ = check_against_naive(tmp_path, pair)
    spot, perp = result.segment.instruments
    assert (spot.symbol, spot.venue, spot.kind) == ("BTCUSDT", "binance", InstrumentKind.SPOT)
    assert (perp.symbol, perp.venue, perp.kind) == (
        "BTCUSDT-PERP", "binance-usdm", InstrumentKind.PERP,
    )  # fmt: skip
    for instrument in (spot, perp):
        assert (instrument.price_exponent, instrument.qty_exponent) == (-8, -8)
        assert (instrument.base, instrument.currency) == ("BTC", "USDT")
    assert [c.lines for c in result.captures] == [60, 80]
    assert result.quarantined == 0
    assert result.messages_by_kind["funding"] == 16


@pytest.mark.parametrize("perp", [False, True])
def test_one_capture_alone_makes_a_segment_of_one_instrument(tmp_path: Path, perp: bool) -> None:
    lines = perp_lines() if perp else spot_lines()
    result, _ = check_against_naive(tmp_path, [(text(lines), perp)])
    assert len(result.segment.instruments) == 1
    given = {"perp" if perp else "spot": result.segment.path.parent / result.captures[0].file}
    alone = import_capture("binance-stream", **given, out=tmp_path / "alone")
    assert alone.segment.digest == result.segment.digest


def test_an_import_needs_a_capture_and_a_folder_to_make(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs --spot FILE, --perp FILE or both"):
        import_capture("binance-stream", out=tmp_path / "seg")
    path = write(tmp_path / "spot.txt", spot_lines())
    with pytest.raises(TypeError, match="'out'"):
        import_capture("binance-stream", spot=path)


def test_microsecond_stamps_are_told_by_size(tmp_path: Path) -> None:
    lines = [b"%d %s" % (int(x.split()[0]) // 1000, x.split(b" ", 1)[1]) for x in perp_lines()]
    pair = [(text(spot_lines()), False), (text(lines), True)]
    result, expected = check_against_naive(tmp_path, pair)
    assert result.quarantined == 0
    assert expected.tables["trades"]["ts_ns"][0] > 10**18


def test_equal_stamps_stand_by_stream_then_exchange_sequence(tmp_path: Path) -> None:
    spot = [
        ticker(T0, 9, "100", "101"), ticker(T0, 8, "100", "101"), diff(T0, 3, 4),
        snapshot(T0, 2, [["1", "1"]]), trade(T0, 6), trade(T0, 5), trade(T0, 6),
    ]  # fmt: skip
    perp = [
        mark(T0), ticker(T0, 8, "100", "101", True), diff(T0, 3, 4, 2),
        trade(T0, 6, True), trade(T0, 7, True),
    ]  # fmt: skip
    pair = [(text(spot), False), (text(perp), True)]
    result, _ = check_against_naive(tmp_path, pair, max_quarantine=ALL)
    columns = captures.columns_of(result)
    assert captures.quarantined(result) == [("spot", 7, "duplicate-id")]
    # spot before perpetual where receive time, stream, sequence and line are all equal
    assert columns["trades"]["trade_id"] == [5, 6, 6, 7]
    assert columns["trades"]["instrument"] == [0, 1, 0, 1]
    assert columns["depth"]["last_id"] == [2, 4, 4]
    assert columns["quotes"]["update_id"] == [8, 8, 9]
    assert columns["funding"]["seq"] == [10]


def test_lines_within_the_window_are_reordered_and_counted(tmp_path: Path) -> None:
    lines = spot_lines(120)
    lines[20], lines[60] = lines[60], lines[20]  # 400 ms
    result, _ = check_against_naive(tmp_path, [(text(lines), False)])
    assert result.quarantined == 0
    assert result.captures[0].reordered == 40
    assert "40 lines were out of order" in result.segment.manifest.notes[0]
    (tmp_path / "clean").mkdir()
    clean, _ = check_against_naive(tmp_path / "clean", [(text(spot_lines(120)), False)])
    assert clean.segment.digest == result.segment.digest


@pytest.mark.parametrize("window", [0, 99 * MS, 100 * MS, 10**10])
def test_lines_beyond_the_window_are_set_aside(tmp_path: Path, window: int) -> None:
    lines = spot_lines(50)
    lines.insert(31, trade(T0 + 200 * MS, 521))
    result, _ = check_against_naive(
        tmp_path, [(text(lines), False)], reorder_window_ns=window, max_quarantine=ALL
    )
    expected = [] if window >= 100 * MS else [("spot", 32, "time-reversal")]
    assert captures.quarantined(result) == expected


def test_depth_gaps_are_counted_and_their_rows_kept(tmp_path: Path) -> None:
    spot = spot_lines(100)
    spot.append(diff(T0 + 2 * 10**9, 5000, 5001, None, [["9", "1"]]))
    spot.append(diff(T0 + 3 * 10**9, 5002, 5003))
    spot.append(diff(T0 + 4 * 10**9, 5003, 5009))
    perp = perp_lines(50)
    perp.append(diff(T0 + 2 * 10**9, 99_001, 99_009, 99_000))
    perp.append(diff(T0 + 3 * 10**9, 99_020, 99_029, 99_009))
    perp.append(snapshot(T0 + 4 * 10**9, 99_028))
    result, _ = check_against_naive(tmp_path, [(text(spot), False), (text(perp), True)])
    assert result.quarantined == 0
    assert [c.depth_gaps for c in result.captures] == [2, 1]
    gaps = result.segment.manifest.gaps
    assert [(g.table, g.symbol, g.end_ns) for g in gaps] == [
        ("depth", "BTCUSDT", T0 + 2 * 10**9),
        ("depth", "BTCUSDT-PERP", T0 + 2 * 10**9),
        ("depth", "BTCUSDT", T0 + 4 * 10**9),
    ]
    assert gaps[2].reason == "depth update after 5003 is missing, the next joins 5003"
    assert gaps[2].start_ns == T0 + 3 * 10**9


def test_a_set_aside_diff_leaves_a_gap(tmp_path: Path) -> None:
    lines = spot_lines(150)
    lines[61] = lines[61].replace(b'"99.5"', b'"-1"')
    result, _ = check_against_naive(tmp_path, [(text(lines), False)])
    assert captures.quarantined(result) == [("spot", 62, "price-not-positive")]
    assert result.captures[0].depth_gaps == 1


def test_captures_far_apart_in_time_are_merged_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantlaxmi.importers.delimited.text_source.PIECE_BYTES", 1000)
    pending = []
    release = StreamMerge.release

    class Spy(StreamMerge):
        def release(self, finished):  # type: ignore[no-untyped-def]
            pending.append(sum(rows.pending for rows in rows_of))
            return release(self, finished)

    rows_of: list[BinanceRows] = []

    def made(rows: list[BinanceRows]) -> StreamMerge:
        rows_of.extend(rows)
        return Spy(rows)

    monkeypatch.setattr("quantlaxmi.importers.delimited.merge.StreamMerge", made)
    spot = spot_lines(600)
    perp = perp_lines(600, T0 + 3600 * 10**9)
    result, _ = check_against_naive(tmp_path, [(text(spot), False), (text(perp), True)])
    assert result.quarantined == 0
    # one second of lines waits in each capture, and a piece or two: not the whole
    assert max(pending) < 250


def test_ties_without_end_are_sorted(tmp_path: Path) -> None:
    ids = list(range(1, 3001))
    random.Random(5).shuffle(ids)
    lines = [trade(T0, k) if k % 2 else ticker(T0, k, "1", "2") for k in ids]
    result, _ = check_against_naive(tmp_path, [(text(lines), False)])
    assert result.quarantined == 0


def test_rows_are_handed_out_once_and_in_the_schemas_types() -> None:
    rows = BinanceRows("x", False, RAW_DECODERS, classify, UNSET, 10**9)
    rows.feed(text(spot_lines(9)), True)
    merge = StreamMerge([rows])
    tables = merge.release([True])
    assert merge.seq == 9
    assert rows.pending == 0
    assert set(tables) == {"quotes", "depth", "trades"}
    assert tables["quotes"]["instrument"].dtype == np.dtype("<i2")
    with pytest.raises(ValueError, match=r"1\.\.64 sources"):
        StreamMerge([])


def test_what_is_final_comes_in_parts_of_65536_rows() -> None:
    rows = BinanceRows("x", False, RAW_DECODERS, classify, UNSET, 10**9)
    lines = [trade(T0 + k, 70_000 - k) for k in range(10)]
    lines += [trade(T0 + 10 + k, 70_010 + k) for k in range(70_000)]
    rows.feed(text(lines), True)
    merge = StreamMerge([rows])
    ids, seqs, parts = [], [], []
    while True:
        tables = merge.release([True])
        parts.append(len(tables["trades"]["seq"]) + len(merge.take_faults()))
        ids += tables["trades"]["trade_id"].tolist()
        seqs += tables["trades"]["seq"].tolist()
        if not merge.more:
            break
    assert parts == [1 << 16, 70_010 - (1 << 16)]
    assert seqs == list(range(len(ids)))
    assert ids == [70_000, *range(70_010, 140_010)]  # the falling ones are faults
    assert merge.take_counts() == [{"trades": 70_001, "depth": 0, "quotes": 0, "funding": 0}]


# --- random captures against the naive import ---------------------------------------------------

steps = st.integers(-3, 12) | st.integers(-400, 1500)
decimals = st.sampled_from(
    ["1", "0.5", "100.00000001", "0", "-1", "NaN", "1e2", "1e-9", "+7", "92233720368.54775807",
     "92233720368.54775808", "", "0.000", "00012.50", "1E-8", "1e-400", "0e999", "١"]
)  # fmt: skip
good = st.sampled_from(["1", "2.50", "100.00000001", "3", "1e2"])
prices = st.one_of(good, good, good, good, decimals)
levels = st.lists(st.tuples(prices, prices).map(list), max_size=3)


@st.composite
def capture(draw: st.DrawFn, perp: bool) -> bytes:
    ts, lines, ids = T0, [], [10, 10, 10]
    for _ in range(draw(st.integers(1, 25))):
        ts += draw(steps) * MS
        kind = draw(st.integers(0, 4 if perp else 3))
        for k in range(3):
            ids[k] += draw(st.sampled_from([0, 1, 1, 1, 2, -1]))
        if kind == 0:
            lines.append(trade(ts, max(ids[0], 0), perp, p=draw(prices), q=draw(prices)))
        elif kind == 1:
            bid, ask = draw(prices), draw(prices)
            lines.append(ticker(ts, max(ids[1], 0), bid, ask, perp, B=draw(prices)))
        elif kind == 2:
            prev = max(ids[2] - 1, 0) if perp else None
            last = max(ids[2], 0)
            lines.append(diff(ts, last, last, prev, draw(levels), draw(levels)))
        elif kind == 3:
            lines.append(snapshot(ts, max(ids[2], 0), draw(levels), draw(levels)))
        else:
            lines.append(mark(ts, p=draw(prices), r=draw(prices), i=draw(prices)))
    return text(lines)


def run_against_naive(texts: list[tuple[bytes, bool]], window: int = 10**9) -> None:
    folder = Path(tempfile.mkdtemp(prefix="quantlaxmi-test-"))
    try:
        check_against_naive(folder, texts, max_quarantine=ALL, reorder_window_ns=window)
    except InputError as error:
        # Both are a file's fault and tested elsewhere; the naive import knows lines only.
        if not any(
            x in str(error) for x in ("no acceptable line", "names its symbol", "was given")
        ):
            raise
    finally:
        shutil.rmtree(folder)


@settings(max_examples=examples(60), deadline=None)
@given(capture(False), capture(True), st.sampled_from([0, 5 * MS, 10**9]))
def test_random_captures_equal_the_naive_import(spot: bytes, perp: bytes, window: int) -> None:
    run_against_naive([(spot, False), (perp, True)], window)


DAMAGE = b'0129-+.eE"\\,:{}[] aNtrue\n\r\x00\x80\xc3\xa9'


@settings(max_examples=examples(120), deadline=None)
@given(
    st.booleans(),
    st.lists(
        st.tuples(st.floats(0, 0.999), st.sampled_from(range(len(DAMAGE))), st.integers(0, 2)),
        min_size=1,
        max_size=6,
    ),
)
def test_damaged_captures_equal_the_naive_import(
    perp: bool, damage: list[tuple[float, int, int]]
) -> None:
    content = bytearray(text(perp_lines(12) if perp else spot_lines(12)))
    for place, byte, how in damage:
        at = int(place * len(content))
        if how == 0:
            content[at] = DAMAGE[byte]
        elif how == 1:
            del content[at : at + byte]
        else:
            content.insert(at, DAMAGE[byte])
    run_against_naive([(bytes(content), perp)])


def test_a_negative_window_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "spot.txt", spot_lines())
    with pytest.raises(InputError, match="reorder window"):
        import_binance_stream(path, None, tmp_path / "seg", reorder_window_ns=-1)
