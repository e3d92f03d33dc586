"""Splitting, exporting and describing segments."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from quantlaxmi.errors import InputError, SegmentError
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import (
    MemorySegment,
    Window,
    export,
    open_segment,
    segment_info,
    split_segment,
    verify_segment,
)
from quantlaxmi.segment.split import _cuts_by_rows
from tests.segments import INSTRUMENTS, START_NS, make_tables, write_segment

DAY_NS = 86_400 * 10**9
GAPS = [
    {"start_ns": START_NS, "end_ns": START_NS + 10**9, "reason": "early", "after_seq": 0},
    {"start_ns": 0, "end_ns": 2**62, "reason": "always"},
]


@pytest.fixture(scope="module")
def segment(tmp_path_factory):
    path = tmp_path_factory.mktemp("split") / "seg"
    sources = [{"name": "a.gz", "sha256": "1" * 64, "bytes": 5, "lines": 9, "stream": "spot"}]
    seal = {"gaps": GAPS, "notes": ["note"], "sources": sources}
    return write_segment(path, make_tables(900, first_seq=40), seal=seal)


def messages(segment):
    return sorted({int(s) for t in TABLES for s in segment.columns(t)["seq"]})


def assert_parts_are_the_whole(parts, segment):
    for table in TABLES:
        for name, column in segment.columns(table).items():
            joined = np.concatenate([part.columns(table)[name] for part in parts])
            np.testing.assert_array_equal(joined, column)
    numbers = [messages(part) for part in parts]
    assert [n for part in numbers for n in part] == messages(segment)
    for part, seqs in zip(parts, numbers, strict=True):
        verify_segment(part.path)
        assert part.instruments == segment.instruments
        assert part.manifest.sources == segment.manifest.sources
        assert part.manifest.notes == ("note",)
        parent = part.manifest.parent
        assert (parent.segment_id, parent.digest) == (segment.segment_id, segment.digest)
        assert (parent.first_seq, parent.last_seq) == (seqs[0], seqs[-1])
        assert parent.manifest_sha256 == segment.manifest.manifest_sha256


@pytest.mark.parametrize("rows", [150, 400, 10**9])
def test_split_by_rows(tmp_path, segment, rows):
    parts = split_segment(segment, tmp_path / "parts", rows=rows)
    assert [part.path.name for part in parts] == [f"part-{k:04d}" for k in range(len(parts))]
    assert_parts_are_the_whole(parts, segment)
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        assert part.n_rows <= rows or part.n_messages == 1
        if after is not None:  # no part could have taken one message more
            first = sum(
                int((after.columns(t)["seq"] == after.manifest.first_seq).sum()) for t in TABLES
            )
            assert part.n_rows + first > rows
    assert all("always" in [g.reason for g in part.manifest.gaps] for part in parts)
    assert parts[0].manifest.gaps[0].reason == "early"


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 17])
def test_cuts_by_rows_are_those_of_counting_messages_one_by_one(segment, rows):
    tables = {table: segment.columns(table) for table in TABLES}
    sizes = dict.fromkeys(messages(segment), 0)
    for columns in tables.values():
        for seq in columns["seq"].tolist():
            sizes[seq] += 1
    expected, filled = [], rows + 1
    for seq, size in sizes.items():
        if filled + size > rows:
            expected.append(seq)
            filled = 0
        filled += size
    cuts = list(_cuts_by_rows(tables, rows))
    assert [first for first, _ in cuts] == expected
    assert [stop for _, stop in cuts] == [*expected[1:], max(sizes) + 1]


def test_split_by_day_cuts_at_midnight_utc(tmp_path, segment):
    parts = split_segment(segment, tmp_path / "parts", by_day=True)
    assert [part.path.name for part in parts] == ["2024-08-07", "2024-08-08"]
    assert_parts_are_the_whole(parts, segment)
    midnight = START_NS // DAY_NS * DAY_NS + DAY_NS
    assert parts[0].last_ts_ns < midnight <= parts[1].first_ts_ns


def test_split_with_missing_numbers_and_long_quiet_days(tmp_path):
    tables = make_tables(12)
    for columns in tables.values():  # a day of its own for every message
        columns["ts_ns"] += columns["seq"] * 3 * DAY_NS
        columns["seq"] *= 10**12
    segment = write_segment(tmp_path / "seg", tables, seal={"notes": ["note"]})
    assert segment_info(segment)["missing_seq"] == 11 * 10**12 + 1 - 12
    assert_parts_are_the_whole(split_segment(segment, tmp_path / "a", rows=7), segment)
    assert len(split_segment(segment, tmp_path / "b", by_day=True)) == 12


def test_split_of_a_part_and_of_nothing(tmp_path, segment):
    [first, *_] = split_segment(segment, tmp_path / "a", rows=500)
    parts = split_segment(first, tmp_path / "b", rows=200)
    assert parts[0].manifest.parent.digest == first.digest
    empty = write_segment(tmp_path / "empty", make_tables(0))
    with pytest.raises(InputError, match="no messages"):
        split_segment(empty, tmp_path / "c", rows=1)


def test_split_refuses_bad_requests_and_leaves_nothing(tmp_path, segment, monkeypatch):
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="exists already"):
        split_segment(segment, tmp_path / "there", rows=10)
    for options in ({}, {"rows": 1, "by_day": True}, {"rows": 0}, {"rows": -1}):
        with pytest.raises(InputError, match=r"either by rows or by day|expected 1 or more"):
            split_segment(segment, tmp_path / "out", **options)
    monkeypatch.setattr("quantlaxmi.segment.split.MAX_PARTS", 3)
    with pytest.raises(InputError, match="more than 3 parts"):
        split_segment(segment, tmp_path / "out", rows=10)
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def in_memory(segment):
    return MemorySegment(segment.instruments, {t: segment.columns(t) for t in TABLES})


def test_what_needs_a_folder_says_so_in_one_line(tmp_path, segment):
    for data in (in_memory(segment), Window(segment)):
        for use in (segment_info, lambda one: split_segment(one, tmp_path / "out", rows=9)):
            with pytest.raises(
                SegmentError, match=r"was given as a \w+, expected a sealed segment"
            ):
                use(data)
    with pytest.raises(SegmentError, match=r"^\(memory\): has no manifest"):
        _ = in_memory(segment).manifest
    with pytest.raises(SegmentError, match=r"^\(memory\) is not a folder|memory.*not a folder"):
        verify_segment(in_memory(segment).path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("way", ["sealed", "memory"])
@pytest.mark.parametrize("table", list(TABLES))
def test_export_to_parquet_keeps_every_value_and_says_what_it_is(tmp_path, segment, table, way):
    segment = segment if way == "sealed" else in_memory(segment)
    out = export(segment, table, tmp_path / f"{table}.parquet")
    read = pq.read_table(out)
    assert read.column_names == list(TABLES[table])
    for name, column in segment.columns(table).items():
        found = read[name].to_numpy()
        assert found.dtype == column.dtype
        np.testing.assert_array_equal(found, column)
    metadata = read.schema.metadata
    assert metadata[b"quantlaxmi.digest"].decode() == segment.digest
    known = msgspec.json.decode(metadata[b"quantlaxmi.instruments"], type=tuple[Instrument, ...])
    assert known == INSTRUMENTS
    with pytest.raises(InputError, match="exists already"):
        export(segment, table, out)
    with pytest.raises(InputError, match="cannot be written"):
        export(segment, table, tmp_path / "no" / "x")
    assert [p.name for p in tmp_path.iterdir()] == [out.name]


def test_info_and_verify_say_what_is_there(segment):
    info = segment_info(segment)
    assert json.loads(json.dumps(info)) == info
    assert info["counts"]["depth"] == segment.counts["depth"]._asdict()
    assert info["rows"] == sum(c["rows"] for c in info["counts"].values())
    assert (info["messages"], info["first_seq"], info["missing_seq"]) == (900, 40, 0)
    (segment.path / "report.json").touch()
    summary = verify_segment(segment.path)
    assert summary["unnamed"] == ["report.json"]
    size = sum(p.stat().st_size for p in segment.path.rglob("*") if p.is_file())
    assert (summary["bytes"], summary["messages"]) == (size, 900)
    assert summary["files"] == len([p for p in segment.path.rglob("*") if p.is_file()]) - 1
    assert open_segment(segment.path).digest == summary["digest"]
