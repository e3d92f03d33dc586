"""Windows: which messages they hold, by number and by the clock, and their digests."""

from __future__ import annotations

import hashlib
import itertools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import InputError, SegmentCorrupt
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import MemorySegment, Window, open_segment, open_whole, split_segment
from quantlaxmi.segment.horizon import horizon
from tests.depth import examples
from tests.segments import INSTRUMENTS, START_NS, make_tables, write_segment

N = 300
STEP_NS = 50_000_000


def holes(tables):
    """The same tables without every fourth message."""
    return {
        table: {name: column[columns["seq"] % 4 != 3] for name, column in columns.items()}
        for table, columns in tables.items()
    }


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    path = tmp_path_factory.mktemp("window")
    tables = holes(make_tables(N))
    gaps = [{"start_ns": START_NS, "end_ns": START_NS + STEP_NS, "reason": "early"}]
    sealed = write_segment(path / "seg", tables, batch_rows=16, seal={"gaps": gaps})
    split_segment(sealed, path / "parts", rows=40)
    return {
        "sealed": sealed,
        "parts": open_whole(path / "parts"),
        "memory": MemorySegment(INSTRUMENTS, tables, gaps=sealed.gaps),
    }


@pytest.fixture(params=["sealed", "parts", "memory"])
def data(request, ways):
    return ways[request.param]


def check(window, data, kept):
    """Every read of a window gives the rows whose number is kept."""
    rows = messages = 0
    for table in TABLES:
        whole = data.columns(table)
        mask = np.isin(whole["seq"], kept)
        rows += int(mask.sum())
        messages += len(np.unique(whole["seq"][mask]))
        found = window.columns(table)
        batches = list(window.log(table))
        for name, column in whole.items():
            np.testing.assert_array_equal(found[name], column[mask])
            assert found[name].dtype == column.dtype
            assert not found[name].flags.writeable
            logged = [batch[name] for batch in batches] or [column[:0]]
            np.testing.assert_array_equal(np.concatenate(logged), column[mask])
        arrow = window.arrow(table)
        assert arrow.column_names == list(TABLES[table])
        assert arrow["seq"].to_pylist() == whole["seq"][mask].tolist()
    assert (window.n_rows, window.n_messages) == (rows, messages)


def numbers_of(data):
    return sorted({int(s) for table in TABLES for s in data.columns(table)["seq"]})


def times_of(data):
    return {
        int(s): int(ts)
        for table in TABLES
        for s, ts in zip(data.columns(table)["seq"], data.columns(table)["ts_ns"], strict=True)
    }


BOUND = st.none() | st.integers(-5, N + 5)


@settings(max_examples=examples(200), deadline=None)
@given(first=BOUND, last=BOUND, warmup=BOUND, way=st.sampled_from(["sealed", "parts", "memory"]))
def test_a_window_holds_the_messages_between_its_bounds(ways, first, last, warmup, way):
    data = ways[way]
    numbers, times = numbers_of(data), times_of(data)
    low, high = (numbers[0] if first is None else first), (numbers[-1] if last is None else last)
    inside = [s for s in numbers if low <= s <= high]
    if not inside:
        with pytest.raises(InputError, match="has no message from"):
            Window(data, first, last, warmup)
        return
    window = Window(data, first, last, warmup)
    begin = 0 if warmup is None else warmup
    before = [s for s in numbers if begin <= s < inside[0]]
    check(window, data, before + inside)
    assert (window.first_seq, window.last_seq) == (inside[0], inside[-1])
    assert (window.first_ts_ns, window.last_ts_ns) == (times[inside[0]], times[inside[-1]])
    assert window.warmup_seq == (before + inside)[0]
    assert (window.instruments, window.origin) == (data.instruments, data.digest)
    bounds = struct.pack("<3q", window.warmup_seq, window.first_seq, window.last_seq)
    tagged = b"quantlaxmi.window.v1\0" + bytes.fromhex(data.digest) + bounds
    assert window.digest == hashlib.sha256(tagged).hexdigest()
    assert window.segment_id == f"{data.segment_id}-{window.digest[:16]}"


@settings(max_examples=examples(200), deadline=None)
@given(outer=st.tuples(BOUND, BOUND, BOUND), inner=st.tuples(BOUND, BOUND, BOUND))
def test_a_window_of_a_window_lies_in_both(ways, outer, inner):
    data = ways["memory"]
    try:
        one = Window(data, *outer)
    except InputError:
        return
    first = max(-1 if inner[0] is None else inner[0], one.first_seq)
    last = min(N if inner[1] is None else inner[1], one.last_seq)
    begin = max(-1 if inner[2] is None else inner[2], one.warmup_seq)
    try:
        expected = Window(data, first, last, begin)
    except InputError:
        with pytest.raises(InputError):
            Window(one, *inner)
        return
    found = Window(one, *inner)
    assert found.source is data
    assert found.digest == expected.digest
    assert found.columns("depth")["seq"].tolist() == expected.columns("depth")["seq"].tolist()


def test_equal_windows_have_equal_digests_and_others_others(ways):
    data = ways["sealed"]
    assert Window(data).digest == Window(data, 0, N, 0).digest != data.digest
    # Numbers 3 and 7 have no message.
    assert Window(data, 3, 7, 0).digest == Window(data, 4, 6).digest
    assert Window(data, 4, 6).digest == Window(ways["parts"], 4, 6).digest
    found = {
        Window(data, first, last, warmup).digest
        for first in (4, 5)
        for last in (8, 9)
        for warmup in (0, 1, 2)
    }
    assert len(found) == 12
    assert Window(ways["memory"], 4, 6).digest != Window(data, 4, 6).digest


@settings(max_examples=examples(200), deadline=None)
@given(
    start=st.integers(-3, N // 3 + 3),
    steps=st.integers(-1, N // 3 + 3),
    warm=st.none() | st.integers(0, N // 3),
    way=st.sampled_from(["sealed", "parts", "memory"]),
)
def test_a_window_by_the_clock_ends_before_its_end(ways, start, steps, warm, way):
    data, times = ways[way], times_of(ways[way])
    start_ns = START_NS + start * STEP_NS
    stop_ns = start_ns + steps * STEP_NS
    inside = [s for s, ts in times.items() if start_ns <= ts < stop_ns]
    warmup_ns = None if warm is None else warm * STEP_NS
    if not inside:
        with pytest.raises(InputError, match="has no message from"):
            Window.between(data, start_ns, stop_ns, warmup_ns)
        return
    window = Window.between(data, start_ns, stop_ns, warmup_ns)
    begin = 0 if warmup_ns is None else start_ns - warmup_ns
    before = [s for s, ts in times.items() if begin <= ts < start_ns]
    check(window, data, before + inside)
    assert window.first_seq == min(inside)


def test_windows_by_the_clock_tile_the_whole(data):
    edges = [data.first_ts_ns, *range(START_NS + 10**9, data.last_ts_ns, 10**9)]
    edges.append(data.last_ts_ns + 1)
    tiles = [Window.between(data, a, b, 0) for a, b in itertools.pairwise(edges)]
    assert len(tiles) > 3
    for table in TABLES:
        joined = np.concatenate([tile.columns(table)["seq"] for tile in tiles])
        assert joined.tolist() == data.columns(table)["seq"].tolist()


def test_gaps_are_those_that_touch_it(data):
    assert len(Window(data, last=20).gaps) == 1
    assert Window(data, 100, 120, 90).gaps == ()
    assert len(Window(data, 100, 120).gaps) == 1  # its warm-up is read too
    assert Window(data, 100).quarantine == data.quarantine


@pytest.mark.parametrize("bad", [1.5, "3", True, 2**63, float("nan")])
@pytest.mark.parametrize("name", ["first", "last", "warmup"])
def test_a_bound_is_a_whole_number(ways, name, bad):
    with pytest.raises(InputError, match=f"{name} was"):
        Window(ways["memory"], **{name: bad})
    assert Window(ways["memory"], np.int64(4)).first_seq == 4


def test_times_are_whole_numbers_and_a_warm_up_is_not_negative(ways):
    with pytest.raises(InputError, match=r"start_ns was 1\.5"):
        Window.between(ways["memory"], 1.5, 2)
    with pytest.raises(InputError, match="start_ns was None"):
        Window.between(ways["memory"], None, 2)
    with pytest.raises(InputError, match="warmup_ns was -1, expected 0 or more"):
        Window.between(ways["memory"], 0, 2, -1)


def test_there_is_no_window_of_nothing(tmp_path):
    for empty in (write_segment(tmp_path / "s", make_tables(0)), MemorySegment(INSTRUMENTS, {})):
        for make in (lambda e=empty: Window(e), lambda e=empty: Window.between(e, 0, 2**62)):
            with pytest.raises(InputError, match="has no message"):
                make()


def test_a_horizon_ends_windows_too(data):
    window = Window(data, 100, 200)
    with horizon(data.origin, 150):
        assert max(window.columns("quotes")["seq"]) <= 150
        assert max(data.columns("quotes")["seq"]) <= 150
        assert Window(data, 100).last_seq <= 150
        assert sum(len(b["seq"]) for b in data.log("quotes")) == len(data.columns("quotes")["seq"])
        assert window.arrow("quotes").num_rows == len(window.columns("quotes")["seq"])
    assert max(window.columns("quotes")["seq"]) > 150


def test_a_changed_byte_of_the_log_after_the_window_is_still_refused(tmp_path):
    write_segment(tmp_path / "s", make_tables(100))
    path = tmp_path / "s" / "wal" / "depth-000.arrows"
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)
    with pytest.raises(SegmentCorrupt, match="depth-000"):
        list(Window(open_segment(tmp_path / "s"), last=10).log("depth"))
