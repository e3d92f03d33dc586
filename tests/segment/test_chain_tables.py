"""Snapshots of chains and settlements in a segment, by every road that rows take."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from quantlaxmi.errors import SegmentError
from quantlaxmi.run.feed import merged_chunks
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import (
    SegmentWriter,
    Window,
    open_parts,
    open_segment,
    recover,
    split_segment,
    verify_segment,
)
from quantlaxmi.segment.rows import RowRules
from quantlaxmi.segment.wal import log_name
from tests.naive import segment_format
from tests.segments import INSTRUMENTS, chain_tables, make_data, write_segment

ROWS = chain_tables(40)


def equal(found, wanted):
    return all(np.array_equal(found[name], wanted[name]) for name in wanted)


def joined(batches, table):
    batches = list(batches)
    return {n: np.concatenate([b[n] for b in batches]) for n in TABLES[table]}


@pytest.mark.parametrize("way", ["sealed", "memory"])
def test_rows_are_read_as_they_were_written(tmp_path, way):
    data = make_data(way, tmp_path / "s", ROWS)
    assert data.counts["chain"].messages == 40
    assert data.counts["chain"].rows == len(ROWS["chain"]["seq"]) == 70
    assert data.counts["settlement"] == (2, 2)
    for table in ("chain", "settlement"):
        assert equal(data.columns(table), ROWS[table])
        assert equal(joined(data.log(table), table), ROWS[table])
    assert (data.first_seq, data.last_seq, data.n_messages) == (0, 41, 42)


def test_the_folder_is_what_the_format_page_says(tmp_path):
    segment = write_segment(tmp_path / "s", ROWS, batch_rows=16, roll_bytes=4000)
    assert segment_format.check(tmp_path / "s") == segment.digest
    assert segment.digest != write_segment(tmp_path / "t", chain_tables(39)).digest
    verify_segment(tmp_path / "s")
    assert (tmp_path / "s/columns/chain.arrow").exists()


def test_a_segment_without_them_has_neither_file_nor_entry(tmp_path):
    segment = write_segment(tmp_path / "s", chain_tables(0, n_rows=0))
    assert [entry.table for entry in segment.manifest.tables] == list(TABLES)[:4]
    assert not list((tmp_path / "s").glob("*/chain*")) and not len(segment.columns("chain")["seq"])


def test_chunks_of_the_log_hold_every_row_in_order():
    chunks = merged_chunks({table: iter([columns]) for table, columns in ROWS.items()})
    found = joined((c["chain"] for c in chunks if "chain" in c), "chain")
    assert equal(found, ROWS["chain"])


def test_a_torn_log_is_cut_at_its_last_whole_snapshot_and_goes_on(tmp_path):
    path, half = tmp_path / "s", chain_tables(20)["chain"]
    with SegmentWriter(path, venue="v", instruments=INSTRUMENTS) as writer:
        for k in range(20):
            here = half["seq"] == k
            writer.append("chain", {name: column[here] for name, column in half.items()})
            writer.flush()
    log = path / log_name("chain", 0)
    log.write_bytes(log.read_bytes()[:-40])
    assert recover(path).rows["chain"] == len(half["seq"]) - np.count_nonzero(half["seq"] == 19)
    with SegmentWriter.resume(path) as writer:
        rest = {name: column[ROWS["chain"]["seq"] > 18] for name, column in ROWS["chain"].items()}
        writer.append("chain", rest)
        segment = writer.seal()
    assert segment.counts["chain"].messages == 40 and len(segment.manifest.cuts) == 1
    verify_segment(path)


def test_parts_are_the_whole(tmp_path):
    segment = write_segment(tmp_path / "s", ROWS)
    parts = split_segment(segment, tmp_path / "parts", rows=10)
    assert len(parts) > 4 and all(part.n_rows <= 10 for part in parts)
    whole = open_parts([part.path for part in parts])
    assert whole.digest == segment.digest
    assert equal(whole.columns("chain"), ROWS["chain"])
    assert equal(whole.columns("settlement"), ROWS["settlement"])
    assert "settlement" not in parts[0].counts
    window = Window(segment, 5, 9)
    assert window.columns("chain")["seq"].tolist()[-1] == 9


#: What is changed in a row of two whole snapshots, and what is said of it.
BROKEN = {
    "order": ({"instrument": [1, 0, 0, 1]}, "row 1: instrument was 0, after 1 in message 1"),
    "twice": ({"instrument": [0, 0, 0, 1]}, "row 1: instrument was 0, after 0 in message 1"),
    "time": ({"ts_ns": [5, 6, 7, 7]}, "row 1: ts_ns changes inside message 1"),
    "half": ({"flags": [2, 1, 0, 1]}, "row 1: UNCHANGED changes inside message 1"),
    "bit": ({"flags": [0, 1, 0, 5]}, "flags had an unknown bit"),
    "no end": ({"flags": [0, 1, 0, 0]}, "row 3: LAST must be on the last row"),
    "early": ({"flags": [1, 1, 0, 1]}, "row 0: LAST must be on the last row"),
    "negative": ({"ask_qty": [0, 0, -1, 0]}, "row 2: ask_qty was -1, expected 0 or more"),
    "unknown": ({"instrument": [0, 1, 0, 2]}, "row 3: instrument was 2, expected 0..1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_rules_of_snapshots(tmp_path, name):
    good = {"seq": [1, 1, 2, 2], "ts_ns": [5, 5, 7, 7], "instrument": [0, 1, 0, 1]}
    good |= {"flags": [0, 1, 2, 3]}
    zeros = dict.fromkeys(TABLES["chain"], [0] * 4)

    def columns(**changed):
        rows = zeros | good | changed
        return {n: np.array(rows[n], dtype) for n, dtype in TABLES["chain"].items()}

    assert RowRules("chain", 2).add(columns()) == ""
    changed, said = BROKEN[name]
    assert said in RowRules("chain", 2).add(columns(**changed))
    with (
        SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS) as writer,
        pytest.raises(SegmentError, match="table chain"),
    ):
        writer.append("chain", columns(**changed))


def test_a_settlement_may_be_zero_and_not_below(tmp_path):
    prices = ROWS["settlement"]
    assert prices["price"][0] == 0 and RowRules("settlement", 2).add(prices) == ""
    below = prices | {"price": prices["price"] - 1}
    assert RowRules("settlement", 2).add(below) == "row 0: price was -1, expected 0 or more"


def test_a_moved_contract_keeps_its_identity(tmp_path):
    moved = replace(INSTRUMENTS[0], contract_id="NIFTY:20250130:24600:CE")
    with SegmentWriter(tmp_path / "s", venue="v", instruments=(moved,)) as writer:
        writer.seal()
    assert open_segment(tmp_path / "s").instruments == (moved,)
