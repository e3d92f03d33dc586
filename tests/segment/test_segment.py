"""Writing, sealing and opening segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import InputError, SegmentCorrupt, SegmentError
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import MemorySegment, SegmentWriter, open_segment
from quantlaxmi.segment.rows import whole_messages
from tests.depth import examples
from tests.segments import INSTRUMENTS, WAYS, make_data, make_tables, write_segment


def same(left, right):
    assert list(left) == list(right)
    for name in left:
        assert left[name].dtype == np.dtype(right[name].dtype), name
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_messages", [0, 1, 7, 500])
def test_segment_gives_back_what_was_written(tmp_path, n_messages, way):
    tables = make_tables(n_messages)
    written = make_data(way, tmp_path / "seg", tables, batch_rows=64)
    opened = written if way == "memory" else open_segment(tmp_path / "seg", verify="all")
    stamps = [t["ts_ns"] for t in tables.values() if len(t["ts_ns"])]
    for segment in (written, opened):
        assert segment.instruments == INSTRUMENTS
        assert segment.n_messages == n_messages
        assert segment.n_rows == sum(len(t["seq"]) for t in tables.values())
        assert (segment.first_seq, segment.last_seq) == (0 if n_messages else -1, n_messages - 1)
        assert segment.first_ts_ns == min((int(ts[0]) for ts in stamps), default=-1)
        assert segment.last_ts_ns == max((int(ts[-1]) for ts in stamps), default=-1)
        assert (segment.origin, segment.gaps) == (segment.digest, ())
        assert segment.quarantine.lines == 0
        for table in TABLES:
            same(segment.columns(table), tables[table])
            batches = list(segment.log(table))
            for name in TABLES[table] if batches else ():
                whole = np.concatenate([batch[name] for batch in batches])
                np.testing.assert_array_equal(whole, tables[table][name])
            arrow = segment.arrow(table)
            assert arrow.column_names == list(TABLES[table])
            assert arrow.num_rows == len(tables[table]["seq"])
            for name, column in tables[table].items():
                assert arrow[name].to_pylist() == column.tolist()


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_table_is_refused(tmp_path, way):
    segment = make_data(way, tmp_path / "seg", make_tables(3))
    for read in (segment.columns, segment.arrow, lambda table: list(segment.log(table))):
        with pytest.raises(SegmentError, match="no table 'ticks', expected one of quotes"):
            read("ticks")


@pytest.mark.parametrize("way", WAYS)
def test_columns_are_read_only_views(tmp_path, way):
    segment = make_data(way, tmp_path / "seg", make_tables(20))
    for table in TABLES:
        for column in segment.columns(table).values():
            assert not column.flags.writeable
            assert not column.flags.owndata or not len(column)
            with pytest.raises(ValueError, match=r"read-only|WRITEABLE"):
                column.flags.writeable = True


@pytest.mark.parametrize("way", WAYS)
def test_depth_messages_are_counted_by_their_last_row(tmp_path, way):
    tables = make_tables(200)
    segment = make_data(way, tmp_path / "seg", tables)
    depth = tables["depth"]
    assert segment.counts["depth"].messages == len(np.unique(depth["seq"]))
    assert segment.counts["depth"].rows == len(depth["seq"]) > segment.counts["depth"].messages
    for batch in segment.log("depth"):
        assert batch["flags"][-1] & 1


def test_writer_refuses_a_folder_that_holds_something(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="not empty"):
        SegmentWriter(tmp_path, venue="binance", instruments=INSTRUMENTS)


def test_open_says_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(SegmentError, match="not a folder"):
        open_segment(tmp_path / "none")
    with pytest.raises(SegmentError, match=r"no segment\.json"):
        open_segment(tmp_path)
    with SegmentWriter(tmp_path / "seg", venue="binance", instruments=INSTRUMENTS):
        pass
    with pytest.raises(SegmentError, match="not sealed"):
        open_segment(tmp_path / "seg")


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "words"),
    [
        ("quotes", "seq", 3, 0, "seq was 0, after"),
        ("quotes", "ts_ns", 3, 5, "ts_ns was 5, after"),
        ("quotes", "instrument", 3, 2, "instrument was 2, expected 0..1"),
        ("quotes", "instrument", 0, -1, "instrument was -1"),
        ("quotes", "seq", 0, -1, "seq was -1"),
        ("trades", "side", 1, 2, "side was outside"),
        ("depth", "flags", 0, 5, "unknown bit"),
        ("quotes", "flags", 0, 2, "unknown bit"),
        ("quotes", "flags", 2, -1, "unknown bit"),
        ("depth", "flags", -1, 0, "LAST must be"),
    ],
)
def test_rows_that_break_a_rule_are_refused_whole(tmp_path, table, column, row, value, words):
    rows = {name: array.copy() for name, array in make_tables(100)[table].items()}
    rows[column][row] = value
    with pytest.raises(SegmentError, match=words):
        MemorySegment(INSTRUMENTS, {table: rows})
    with SegmentWriter(tmp_path / "s", venue="binance", instruments=INSTRUMENTS) as writer:
        with pytest.raises(SegmentError, match=words):
            writer.append(table, rows)
        writer.append(table, make_tables(100)[table])
        assert writer.seal().counts[table].rows == len(rows["seq"])


def test_columns_that_do_not_fit_are_refused(tmp_path):
    good = make_tables(30)["quotes"]
    with pytest.raises(SegmentError, match=r"memory.*missing or unknown: \['bid'\]"):
        MemorySegment(INSTRUMENTS, {"quotes": {k: v for k, v in good.items() if k != "bid"}})
    with pytest.raises(SegmentError, match=r"memory.*expected integers"):
        MemorySegment(INSTRUMENTS, {"quotes": good | {"bid": good["bid"] * 1.0}})
    with pytest.raises(SegmentError, match=r"memory.*no table 'ticks'"):
        MemorySegment(INSTRUMENTS, {"ticks": good})
    lists = {k: v.tolist() for k, v in good.items()}
    same(MemorySegment(INSTRUMENTS, {"quotes": lists}).columns("quotes"), good)
    with SegmentWriter(tmp_path / "s", venue="binance", instruments=INSTRUMENTS) as writer:
        with pytest.raises(SegmentError, match=r"missing or unknown: \['bid'\]"):
            writer.append("quotes", {k: v for k, v in good.items() if k != "bid"})
        with pytest.raises(SegmentError, match="expected integers"):
            writer.append("quotes", good | {"bid": good["bid"] * 1.0})
        with pytest.raises(SegmentError, match="do not fit <i2"):
            writer.append("quotes", good | {"instrument": good["seq"] + 40_000})
        with pytest.raises(SegmentError, match="shape"):
            writer.append("quotes", good | {"ask": good["ask"][1:]})
        with pytest.raises(SegmentError, match="no table 'ticks'"):
            writer.append("ticks", good)
        writer.append("quotes", {k: v.tolist() for k, v in good.items()})
        same(writer.seal().columns("quotes"), good)


def test_tables_must_stand_in_one_order(tmp_path):
    tables = make_tables(50)
    for change, words in ((0, "is in both"), (10**9, "receive-time order")):
        rows = {name: array[:1].copy() for name, array in tables["trades"].items()}
        rows["seq"][0] = tables["quotes"]["seq"][2] if not change else 10**6
        rows["ts_ns"][0] = 0 if change else tables["quotes"]["ts_ns"][2]
        with pytest.raises(SegmentError, match=words):
            MemorySegment(INSTRUMENTS, {"quotes": tables["quotes"], "trades": rows})
        with SegmentWriter(tmp_path / f"{change}", venue="v", instruments=INSTRUMENTS) as writer:
            writer.append("quotes", tables["quotes"])
            writer.append("trades", rows)
            with pytest.raises(SegmentError, match=words):
                writer.seal()


def test_digest_is_of_the_data_not_of_its_packing(tmp_path):
    tables = make_tables(300)
    digests = {
        write_segment(
            tmp_path / f"{k}", tables, batch_rows=rows, roll_bytes=roll, pieces=pieces
        ).digest
        for k, (rows, roll, pieces) in enumerate([(1, 4096, 5), (50, 1 << 20, 1), (10_000, 1, 300)])
    }
    assert len(digests) == 1
    tables["quotes"]["bid"][4] += 1
    assert write_segment(tmp_path / "other", tables).digest not in digests


@pytest.mark.parametrize("verify", ["columns", "log"])
def test_a_changed_byte_in_the_file_that_is_read_is_refused(tmp_path, verify):
    write_segment(tmp_path / "s", make_tables(100))
    name = "columns/depth.arrow" if verify == "columns" else "wal/depth-000.arrows"
    path = tmp_path / "s" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(SegmentCorrupt, match=name):
        list(open_segment(tmp_path / "s", verify=verify).log("depth"))


INT64 = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=examples(25), deadline=None)
@given(data=st.data(), lengths=st.lists(st.integers(1, 9), max_size=12), size=st.integers(1, 7))
def test_any_depth_values_survive_any_packing(tmp_path_factory, data, lengths, size):
    numbers = sorted(
        data.draw(st.sets(st.integers(0, 2**63 - 2), min_size=len(lengths), max_size=len(lengths)))
    )
    columns = {name: [] for name in TABLES["depth"]}
    for number, length in zip(numbers, lengths, strict=True):
        for row in range(length):
            for name, column in columns.items():
                fixed = {
                    "seq": number,
                    "ts_ns": number,
                    "instrument": number % 2,
                    "side": number % 3 - 1,
                    "flags": int(row == length - 1),
                }
                column.append(fixed[name] if name in fixed else data.draw(INT64))
    arrays = {name: np.array(c, TABLES["depth"][name]) for name, c in columns.items()}
    path = tmp_path_factory.mktemp("any") / "s"
    with SegmentWriter(
        path, venue="v", instruments=INSTRUMENTS, batch_rows=size, roll_bytes=size * 500
    ) as writer:
        for start, stop in whole_messages(arrays["seq"], 2 * size):
            writer.append("depth", {name: array[start:stop] for name, array in arrays.items()})
        writer.seal()
    segment = open_segment(path, verify="all")
    for read in (segment, MemorySegment(INSTRUMENTS, {"depth": arrays})):
        same(read.columns("depth"), arrays)
        assert read.counts["depth"] == (len(lengths), sum(lengths))
    for batch in segment.log("depth"):
        assert len(batch["seq"]) <= max(size, max(lengths))


@given(lengths=st.lists(st.integers(1, 9), max_size=30), size=st.integers(1, 20))
def test_whole_messages_cuts_only_between_messages(lengths, size):
    seq = np.repeat(np.arange(len(lengths)), lengths)
    ranges = list(whole_messages(seq, size))
    assert [row for start, stop in ranges for row in range(start, stop)] == list(range(len(seq)))
    for start, stop in ranges:
        assert stop == len(seq) or seq[stop] != seq[stop - 1]
        assert stop - start <= size or seq[start] == seq[stop - 1]


def test_a_message_longer_than_any_batch_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("quantlaxmi.segment.write.MAX_BATCH_ROWS", 64)
    rows = {name: np.ones(65, dtype) for name, dtype in TABLES["depth"].items()}
    rows["flags"][:-1] = 0
    with SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS, batch_rows=8) as writer:
        with pytest.raises(SegmentError, match="a message has 65 rows, at most 64"):
            writer.append("depth", rows)
        rows = {name: column[1:] for name, column in rows.items()}
        writer.append("depth", rows)
        same(writer.seal().columns("depth"), rows)


def test_appended_arrays_may_be_used_again(tmp_path):
    quotes = make_tables(60)["quotes"]
    scratch = {name: column.copy() for name, column in quotes.items()}
    memory = MemorySegment(INSTRUMENTS, {"quotes": scratch})
    with SegmentWriter(tmp_path / "s", venue="v", instruments=INSTRUMENTS) as writer:
        writer.append("quotes", scratch)
        for column in scratch.values():
            column[:] = 1
        same(memory.columns("quotes"), quotes)
        same(writer.seal().columns("quotes"), quotes)
