"""The parts of a split segment together are the segment, to the last hash."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import SegmentError
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import open_parts, open_segment, open_whole, split_segment

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def whole():
    return open_segment(DATA / "planted")


@pytest.fixture(scope="module", params=[3_000, 11_111])
def folder(request, whole, tmp_path_factory):
    out = tmp_path_factory.mktemp("split") / "parts"
    split_segment(whole, out, rows=request.param)
    return out


def test_a_run_over_the_parts_is_the_run_over_the_whole(whole, folder):
    expected = backtest(whole, "basis_capture").trace
    parts = open_whole(folder)
    assert len(parts.parts) > 2
    for run in (backtest(parts, "basis_capture"), replay(parts, "basis_capture")):
        assert run.header == backtest(whole, "basis_capture").header
        assert run.trace.trace_hash == expected.trace_hash
        assert run.trace.outcome_hash == expected.outcome_hash


def test_parts_have_the_wholes_columns(whole, folder):
    parts = open_whole(folder)
    assert (parts.n_messages, parts.n_rows) == (whole.n_messages, whole.n_rows)
    assert parts.counts == whole.counts
    assert (parts.first_ts_ns, parts.last_ts_ns) == (whole.first_ts_ns, whole.last_ts_ns)
    for table in TABLES:
        for name, column in whole.columns(table).items():
            assert np.array_equal(parts.columns(table)[name], column)
            assert not parts.columns(table)[name].flags.writeable
        count = whole.counts.get(table)
        assert parts.arrow(table).num_rows == (0 if count is None else count.rows)


def test_order_of_the_folders_does_not_matter(whole, folder):
    paths = sorted(folder.iterdir(), reverse=True)
    assert open_parts(paths).digest == whole.digest


def test_a_missing_part_is_refused(folder):
    paths = sorted(folder.iterdir())
    for left_out in (0, len(paths) // 2, len(paths) - 1):
        some = [p for k, p in enumerate(paths) if k != left_out]
        with pytest.raises(SegmentError, match="some are missing"):
            open_parts(some)


def test_a_part_given_twice_is_refused(folder):
    paths = sorted(folder.iterdir())
    with pytest.raises(SegmentError, match="overlaps"):
        open_parts([*paths, paths[0]])


def test_what_is_no_part_is_refused_by_name(folder, whole, tmp_path):
    with pytest.raises(SegmentError, match=r"planted.*is not a part"):
        open_parts([whole.path])
    other = tmp_path / "other"
    split_segment(open_segment(DATA / "edgeless"), other, rows=20_000)
    with pytest.raises(SegmentError, match="is of another segment"):
        open_parts([*sorted(folder.iterdir()), *sorted(other.iterdir())])


def test_a_changed_part_is_refused(folder, tmp_path):
    copy = tmp_path / "parts"
    shutil.copytree(folder, copy)
    victim = sorted(copy.iterdir())[1] / "columns" / "quotes.arrow"
    victim.chmod(0o644)
    raw = bytearray(victim.read_bytes())
    raw[len(raw) // 2] ^= 1
    victim.write_bytes(raw)
    with pytest.raises(SegmentError, match=r"quotes\.arrow"):
        open_whole(copy)
