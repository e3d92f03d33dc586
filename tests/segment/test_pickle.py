"""Segments travel to other processes by path and digest; there they are verified anew."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil

import pytest

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.segment import open_parts, open_segment, split_segment
from tests.segments import make_tables, write_segment


@pytest.fixture
def segment(tmp_path):
    return write_segment(tmp_path / "one", make_tables(60))


def rows_of(segment):
    return segment.digest, segment.n_messages, len(segment.columns("quotes")["seq"])


def test_a_segment_goes_to_another_process(segment):
    segment.columns("quotes")  # which maps its file
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(rows_of, [segment]) == [rows_of(segment)]


def test_another_segment_under_the_path_is_refused(segment, tmp_path):
    sent = pickle.dumps(segment)
    shutil.rmtree(segment.path)
    with pytest.raises(SegmentError, match="is not a folder"):
        pickle.loads(sent)
    write_segment(segment.path, make_tables(61))
    with pytest.raises(SegmentCorrupt, match=f"expected {segment.digest}: replaced"):
        pickle.loads(sent)


def test_a_changed_column_is_refused_where_it_arrives(segment):
    sent = pickle.dumps(open_segment(segment.path))
    file = segment.path / segment.manifest.tables[0].file
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(SegmentCorrupt):
        pickle.loads(sent).columns("quotes")


def test_parts_travel_together(segment, tmp_path):
    parts = split_segment(segment, tmp_path / "parts", rows=20)
    together = open_parts([part.path for part in parts])
    again = pickle.loads(pickle.dumps(together))
    assert rows_of(again) == rows_of(together) == rows_of(segment)
