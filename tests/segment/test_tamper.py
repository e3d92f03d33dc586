"""A changed, missing, added or hostile file is refused by name."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import struct

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest

from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files import write_whole
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import SegmentWriter, open_segment, verify_segment
from quantlaxmi.segment import manifest as manifests
from quantlaxmi.segment.arrow_io import read_header, table_schema
from quantlaxmi.segment.rows import RowRules
from quantlaxmi.segment.wal import batch_crc
from tests.depth import examples
from tests.segments import INSTRUMENTS, make_tables, rows_of, write_segment


def consume(path, verify):
    segment = open_segment(path, verify=verify)
    for table in TABLES:
        if verify == "log":
            for _ in segment.log(table):
                pass
        else:
            segment.columns(table)
    return segment


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    path = tmp_path_factory.mktemp("tamper") / "seg"
    with SegmentWriter(
        path, venue="binance", instruments=INSTRUMENTS, batch_rows=16, roll_bytes=4000
    ) as writer:
        for table, columns in make_tables(60).items():
            writer.append(table, columns)
        write_whole(path / "quarantine.jsonl", b'{"line":1}\n')
        writer.seal(
            gaps=[{"start_ns": 1, "end_ns": 2, "reason": "x"}],
            quarantine={"lines": 3, "reasons": {"b": 1, "a": 2}},
            notes=["a note"],
            sources=[{"name": "f.gz", "sha256": "0" * 64, "bytes": 3, "lines": 63}],
            files=["quarantine.jsonl"],
        )
    return path


@pytest.fixture
def copy(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "seg")


def files_of(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def test_every_flipped_bit_of_any_file_is_refused_by_name(copy):
    pick, tried = random.Random(3), 0
    for name in files_of(copy):
        data = (copy / name).read_bytes()
        # The manifest at every byte; elsewhere the ends (framing, footers) and places between.
        places = (
            range(len(data))
            if name == "segment.json" and len(data) < 2000
            else {
                *range(examples(40)),
                *range(len(data) - examples(40), len(data)),
                *pick.choices(range(len(data)), k=examples(60)),
            }
        )
        routes = ["all"]
        if name.startswith("columns/") or name == "segment.json":
            routes.append("columns")
        if name.startswith("wal/") or name == "segment.json":
            routes.append("log")
        for at in sorted(place for place in places if 0 <= place < len(data)):
            changed = bytearray(data)
            changed[at] ^= 1 << pick.randrange(8)
            (copy / name).write_bytes(changed)
            for verify in routes:
                with pytest.raises(SegmentError) as caught:
                    consume(copy, verify)
                assert isinstance(caught.value, SegmentCorrupt), (name, at, caught.value)
                assert str(caught.value).startswith(str(copy / name)), (name, at, caught.value)
                assert "\n" not in str(caught.value)
            tried += 1
        (copy / name).write_bytes(data)
    assert tried > examples(500)
    verify_segment(copy)


def test_every_third_byte_of_a_columns_file_is_covered(copy):
    path = copy / "columns/funding.arrow"
    data = path.read_bytes()
    for at in range(0, len(data), 3):
        path.write_bytes(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
        with pytest.raises(SegmentCorrupt, match=r"funding\.arrow"):
            open_segment(copy, verify="manifest").columns("funding")


@pytest.mark.parametrize("verify", ["manifest", "columns", "log", "all"])
def test_missing_short_long_linked_and_added_files_are_refused(copy, verify):
    for name in files_of(copy):
        data = (copy / name).read_bytes()
        for change in (data[:-1], data + b"\0", b"", None, "link"):
            if change == "link":
                shutil.copy(copy / name, copy.parent / "target")
                (copy / name).unlink()
                (copy / name).symlink_to(copy.parent / "target")
            elif change is None:
                (copy / name).unlink()
            else:
                (copy / name).write_bytes(change)
            with pytest.raises(SegmentError, match=name.replace(".", r"\.")):
                open_segment(copy, verify=verify)
            (copy / name).unlink(missing_ok=True)
            (copy / name).write_bytes(data)
    for name in ("wal/quotes-900.arrows", "wal/x", "columns/more.arrow"):
        (copy / name).touch()
        with pytest.raises(SegmentCorrupt, match=r"wal/|columns/"):
            open_segment(copy, verify=verify)
        (copy / name).unlink()
    (copy / "report.json").touch()  # beside the segment's files anything may lie
    open_segment(copy, verify=verify)


def test_a_linked_folder_is_refused(copy):
    (copy / "columns").rename(copy.parent / "elsewhere")
    (copy / "columns").symlink_to(copy.parent / "elsewhere")
    with pytest.raises(SegmentCorrupt, match="columns"):
        open_segment(copy)


def test_a_segment_reached_through_a_link_or_in_a_read_only_folder_opens(copy, tmp_path):
    (tmp_path / "link").symlink_to(copy)
    for path in [*copy.rglob("*"), copy]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert consume(tmp_path / "link", "all").n_messages == 60
    finally:
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o755)


def reseal(path, **changes):
    """Write a manifest with other content and a self-hash that fits, as a forger would."""
    old = manifests.load_manifest(path)
    new = msgspec.structs.replace(old, **changes)
    new = msgspec.structs.replace(new, manifest_sha256=manifests.manifest_hash(new))
    (path / "segment.json").write_bytes(manifests.encode_manifest(new))


def test_a_manifest_is_canonical_or_refused(copy):
    path = copy / "segment.json"
    data = path.read_bytes()
    plain = json.loads(data)
    variants = [
        json.dumps(plain).encode(),
        data + b"\n",
        data.rstrip(),
        data.replace(b'"notes"', b'"\\u006eotes"'),
        data.replace(b"{\n", b'{\n  "extra": 1,\n', 1),
        data.replace(b'"venue"', b'"venue": "x",\n  "venue"', 1),
        b"\xef\xbb\xbf" + data,
        b"[" * 100_000,
        b"",
        b"null",
        b"\xff\xfe",
    ]
    for variant in variants:
        path.write_bytes(variant)
        with pytest.raises(SegmentCorrupt, match=r"segment\.json"):
            open_segment(copy, verify="manifest")


def test_a_manifest_that_is_too_long_is_refused_unread(copy):
    with (copy / "segment.json").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(SegmentCorrupt, match="longer than"):
        open_segment(copy, verify="manifest")


def entry_with(path, table, **changes):
    tables = manifests.load_manifest(path).tables
    return tuple(msgspec.structs.replace(e, **changes) if e.table == table else e for e in tables)


def test_a_forged_manifest_is_refused_though_its_hash_fits(copy):
    old = manifests.load_manifest(copy)
    quotes = old.tables[0]
    outside = msgspec.structs.replace(quotes.log[0], file="../../etc/passwd")
    other_column = msgspec.structs.replace(quotes.columns[0], sha256="0" * 64)
    forgeries = [
        {"tables": entry_with(copy, "quotes", file="/etc/passwd")},
        {"tables": entry_with(copy, "quotes", log=(outside, *quotes.log[1:]))},
        {"tables": old.tables[1:]},
        {"tables": entry_with(copy, "quotes", rows=quotes.rows + 1)},
        {"tables": entry_with(copy, "quotes", columns=(other_column, *quotes.columns[1:]))},
        {"files": (msgspec.structs.replace(old.files[0], file="../x"),)},
        {"files": (msgspec.structs.replace(old.files[0], file="segment.json"),)},
        {"digest": "0" * 64},
        {"segment_id": "other"},
        {"last_ts_ns": old.last_ts_ns + 1},
        {"messages": old.messages - 1},
        {"instruments": ()},
        {"instruments": (INSTRUMENTS[0], INSTRUMENTS[0])},
        {"instruments": INSTRUMENTS[:1]},
        {"quarantine": manifests.Quarantine(lines=1)},
        {"schema_version": 2},
    ]
    good = (copy / "segment.json").read_bytes()
    for forgery in forgeries:
        reseal(copy, **forgery)
        with pytest.raises(SegmentError, match=r"segment\.json|columns/"):
            open_segment(copy)
        (copy / "segment.json").write_bytes(good)
    open_segment(copy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contract_size", 0), ("contract_size", -1), ("contract_size", 10**18 + 1),
        ("contract_exponent", 1), ("contract_exponent", -13), ("price_units", 0),
        ("price_units", 20), ("price_units", 10**10), ("tick", -1), ("lot", -1), ("lot", 2**63),
        ("symbol", "BTC\x1b[2J"), ("symbol", "x" * 129), ("currency", "U" * 10**5),
        ("venue", "a\nb"), ("venue_symbol", "\x00"), ("currency", "\t"),
        ("contract_id", "a\nb"), ("contract_id", "x" * 129),
        ("base", "\u202e"),
    ],
)  # fmt: skip
def test_instruments_are_checked_on_opening(copy, name, value):
    wrong = msgspec.structs.replace(INSTRUMENTS[0], **{name: value})
    reseal(copy, instruments=(wrong, *INSTRUMENTS[1:]))
    with pytest.raises(SegmentError, match=f"instrument .*{name}") as refused:
        open_segment(copy)
    assert str(refused.value).isprintable()


def test_a_contract_size_is_written_one_way_and_only_where_it_is_no_whole_one(copy):
    text = (copy / "segment.json").read_text()
    assert '"contract_size": 1' in text
    assert all(x not in text for x in ("contract_exponent", "price_units", "contract_id"))
    hundredth = msgspec.structs.replace(INSTRUMENTS[0], contract_exponent=-2, price_units=1000)
    reseal(copy, instruments=(hundredth, *INSTRUMENTS[1:]))
    assert open_segment(copy).instruments[0] == hundredth
    assert '"contract_exponent": -2' in (copy / "segment.json").read_text()
    twice = msgspec.structs.replace(hundredth, contract_size=10)
    reseal(copy, instruments=(twice, *INSTRUMENTS[1:]))
    with pytest.raises(SegmentError, match="without a zero at its end"):
        open_segment(copy)


@pytest.mark.parametrize("table", TABLES)
def test_the_number_that_ends_the_engines_merge_is_no_message(tmp_path, table):
    """With it in a segment, backtest, replay and gates never ended and heard no signal."""
    rows = make_tables(60)[table]
    rows = rows if len(rows["seq"]) else rows_of(table, range(60))
    last = rows["seq"][-1]
    for seq, allowed in ((2**63 - 2, True), (2**63 - 1, False)):
        changed = {**rows, "seq": np.where(rows["seq"] == last, seq, rows["seq"])}
        rules = RowRules(table, len(INSTRUMENTS))
        problem = rules.add(changed)
        assert (problem == "") == allowed
        assert allowed or f"seq was {seq}, expected at most {2**63 - 2}" in problem
        path = tmp_path / str(seq)
        with SegmentWriter(path, venue="x", instruments=INSTRUMENTS) as writer:
            if allowed:
                writer.append(table, changed)
                assert writer.seal().n_messages
            else:
                with pytest.raises(SegmentError, match="expected at most"):
                    writer.append(table, changed)


def forge_log(path, table, columns, *, options=None, metadata=None, schema=None, null=False):
    """Replace a table's first log file by a stream of one batch, with hashes that fit."""
    schema = schema or table_schema(table)
    arrays = [
        pa.array(c, field.type, mask=np.arange(len(c)) == 0 if null else None)
        for c, field in zip(columns.values(), schema, strict=True)
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=options) as stream:
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        crc = {"batch": "0", "crc32c": f"{batch_crc(0, columns):08x}"}
        stream.write_batch(batch, custom_metadata=crc | (metadata or {}))
    data = sink.getvalue().to_pybytes()
    (path / f"wal/{table}-000.arrows").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    old = next(e for e in manifests.load_manifest(path).tables if e.table == table)
    log = msgspec.structs.replace(old.log[0], bytes=len(data), sha256=sha256)
    reseal(path, tables=entry_with(path, table, log=(log,)))


def test_forged_logs_are_refused_though_every_hash_fits(tmp_path):
    path = tmp_path / "seg"
    tables = make_tables(60)
    write_segment(path, tables, pieces=1)
    quotes = tables["quotes"]
    zstd = pa.ipc.IpcWriteOptions(compression="zstd")
    wide = pa.schema([pa.field(f.name, pa.int64()) for f in table_schema("quotes")])
    forgeries = [
        ({"options": zstd}, "uncompressed"),
        ({"metadata": {"crc32c": "00000000"}}, "checksum"),
        ({"metadata": {"batch": "1"}}, "batch 1 where batch 0"),
        ({"metadata": {f"k{k}": "" for k in range(100)}}, "64 metadata"),
        ({"schema": wide}, "the schema of table"),
        ({"null": True}, "without nulls"),
    ]
    forge_log(path, "quotes", quotes)
    verify_segment(path)
    for options, words in forgeries:
        forge_log(path, "quotes", quotes, **options)
        with pytest.raises(SegmentCorrupt, match=rf"quotes-000\.arrows: .*{words}"):
            consume(path, "log")
    forge_log(path, "quotes", quotes | {"instrument": quotes["instrument"] + np.int16(5)})
    with pytest.raises(SegmentCorrupt, match="instrument was"):
        consume(path, "log")
    forge_log(path, "quotes", quotes | {"bid": quotes["bid"] + 1})
    consume(path, "log")
    with pytest.raises(SegmentCorrupt, match="column bid is not the log's"):
        verify_segment(path)


def test_reading_a_log_ends_in_an_error_when_only_its_framing_was_changed(copy):
    name = next(n for n in files_of(copy) if n.startswith("wal/depth"))
    data = bytearray((copy / name).read_bytes())
    at = data.find(b"\0\0\0\0\0\0\0", 300)
    data[at] ^= 4
    (copy / name).write_bytes(data)
    segment = open_segment(copy, verify="log")
    with pytest.raises(SegmentCorrupt, match=name):
        for _ in segment.log("depth"):
            pass


@pytest.mark.parametrize("seed", range(3))
def test_headers_of_noise_are_refused_without_reading_outside(seed):
    noise = random.Random(seed)
    refused = 0
    for size in [*range(64), *[noise.randrange(64, 400) for _ in range(300)]]:
        try:
            read_header(memoryview(noise.randbytes(size)))
        except Exception as error:
            assert isinstance(error, (ValueError, struct.error, IndexError)), error
            refused += 1
    assert refused > 300


def test_opening_a_pipe_in_place_of_a_file_does_not_hang(copy):
    (copy / "columns/quotes.arrow").unlink()
    os.mkfifo(copy / "columns/quotes.arrow")
    with pytest.raises(SegmentCorrupt, match="not a regular file"):
        open_segment(copy, verify="manifest")
