"""Trace files: the same content in both kinds, and every edit refused."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import TraceError
from quantlaxmi.events import DecisionEvent
from quantlaxmi.schema import BundlePolicy
from quantlaxmi.trace import DecisionTrace, load_trace
from quantlaxmi.trace import arrow as trace_arrow
from quantlaxmi.trace import file as trace_file
from quantlaxmi.trace.file import TRACE_TABLES
from tests import trace_cases as cases
from tests.depth import examples

KINDS = ("json", "arrow")


@pytest.fixture(params=KINDS)
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"trace.{request.param}"
    cases.pair_trace(2).save(path)
    return path


def refused(path: Path, words: str = ".") -> None:
    with pytest.raises(TraceError, match=words) as caught:
        load_trace(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def assert_same(a: DecisionTrace, b: DecisionTrace) -> None:
    assert a.header == b.header
    for name in TRACE_TABLES:
        np.testing.assert_array_equal(a.table(name), b.table(name))
    assert (a.trace_hash, a.outcome_hash) == (b.trace_hash, b.outcome_hash)


def sign(body: bytes) -> bytes:
    """The text with a file hash that fits it, as a forger would write it."""
    digest = hashlib.sha256(body).hexdigest()
    return body + b',\n"file_hash":"' + digest.encode() + b'"}\n'


def body_of(path: Path) -> bytes:
    return path.read_bytes().rpartition(b',\n"file_hash"')[0]


# --- round trip -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_saved_traces_load_as_they_were(tmp_path: Path, kind: str, n: int) -> None:
    trace, path = cases.pair_trace(n), tmp_path / f"a.{kind}"
    trace.save(path)
    assert_same(load_trace(path), trace)
    first = path.read_bytes()
    load_trace(str(path)).save(path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@settings(max_examples=examples(30), deadline=None)
@given(drawn=cases.decisions(), kind=st.sampled_from(KINDS), text=cases.TEXT)
def test_any_decisions_load_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[DecisionEvent], kind: str, text: str
) -> None:
    path = tmp_path_factory.mktemp("t") / f"a.{kind}"
    trace = cases.build(drawn, cases.header(strategy_id=text))
    trace.save(path)
    assert_same(load_trace(path), trace)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rare_column_is_written_only_where_it_says_something(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a.{kind}"
    some = cases.decision(0, policy=BundlePolicy.LEGS, units=3)
    cases.build([some]).save(path)
    assert b"units" in path.read_bytes()
    assert load_trace(path).decisions[0].units == 3
    cases.build([cases.decision(0)]).save(path)
    assert b"units" not in path.read_bytes()
    with monkeypatch.context() as patch:
        module = trace_file if kind == "json" else trace_arrow
        patch.setattr(module, "written_columns", lambda name, rows: rows.dtype.names)
        cases.build([cases.decision(0)]).save(path)
    refused(path, "canonical form" if kind == "json" else "usual value")


def test_both_kinds_hold_the_same(tmp_path: Path) -> None:
    trace = cases.pair_trace(3)
    for kind in KINDS:
        trace.save(tmp_path / f"a.{kind}")
    a, b = (load_trace(tmp_path / f"a.{kind}") for kind in KINDS)
    assert_same(a, b)


def test_json_is_read_by_the_standard_library(tmp_path: Path) -> None:
    trace, path = cases.pair_trace(2), tmp_path / "a.json"
    trace.save(path)
    told = json.loads(path.read_text())
    assert told["trace_hash"] == trace.trace_hash.hex()
    assert told["outcome_hash"] == trace.outcome_hash.hex()
    assert told["header_hash"] == trace.header.header_hash.hex()
    assert told["run_id"] == str(trace.header.run_id)
    assert told["header"]["instruments"][1]["symbol"] == "BTCUSDT-PERP"
    for name, dtype in TRACE_TABLES.items():
        rare = {field for table, field in trace_file.RARE_COLUMNS if table == name}
        assert list(told[name]) == [field for field in dtype.names if field not in rare]
        for field, values in told[name].items():
            assert values == trace.table(name)[field].tolist()


def test_arrow_is_read_by_pyarrow(tmp_path: Path) -> None:
    trace, path = cases.pair_trace(2), tmp_path / "a.arrow"
    trace.save(path)
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    metadata = table.schema.metadata
    assert metadata[b"trace_hash"].decode() == trace.trace_hash.hex()
    fills = table.column("fills").combine_chunks().flatten()
    assert fills.field("price").to_pylist() == trace.table("fills")["price"].tolist()


def test_saving_replaces_a_file_whole(saved: Path) -> None:
    cases.pair_trace(1).save(saved)
    assert len(load_trace(saved)) == 1


# --- files that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_trace_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    refused(path, "cannot be read: No such file")
    path.write_bytes(b"")
    refused(path)
    path.write_bytes(os.urandom(2000))
    refused(path)
    path.unlink()
    path.mkdir()
    refused(path, "is a folder")


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_does_not_hang(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    os.mkfifo(path)
    refused(path, "regular file")


@pytest.mark.parametrize("name", ["a", "a.txt", "a.JSON", "a.arrows"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    refused(path, "suffix")
    with pytest.raises(TraceError, match="suffix"):
        cases.pair_trace(1).save(path)
    assert not path.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TraceError, match="cannot be written: there is no folder"):
        cases.pair_trace(1).save(tmp_path / "no" / f"a.{kind}")


def test_large_files_are_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_file, "MAX_JSON_BYTES", 1000)
    monkeypatch.setattr(trace_arrow, "MAX_ARROW_BYTES", 1000)
    refused(saved, "at most 1000")


def test_a_json_text_too_long_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_file, "MAX_JSON_BYTES", 1000)
    with pytest.raises(TraceError, match=r"write \.arrow instead"):
        cases.pair_trace(2).save(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


# --- edits ------------------------------------------------------------------------------------


def test_every_changed_byte_is_refused(saved: Path) -> None:
    whole = bytearray(saved.read_bytes())
    step = 1 if saved.suffix == ".json" else 5
    with saved.open("r+b", buffering=0) as file:
        for at in range(0, len(whole), step):
            file.seek(at)
            file.write(bytes([whole[at] ^ (1 << at % 8)]))
            refused(saved)
            file.seek(at)
            file.write(whole[at : at + 1])
    assert len(load_trace(saved)) == 2


def test_every_cut_and_every_added_byte_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        saved.write_bytes(whole[:length])
        refused(saved)
    for extra in (b" ", b"\n", b"\0", b"}"):
        saved.write_bytes(whole + extra)
        refused(saved)
        saved.write_bytes(extra + whole)
        refused(saved)


# Edits by someone who also writes a fitting file hash: still no second text for one content, and
# no content that its own hashes deny.
FORGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "space": (lambda b: b.replace(b'"version":2', b'"version": 2'), "canonical form"),
    "newline": (lambda b: b.replace(b",\n", b",", 1), "canonical form"),
    "indent": (lambda b: b.replace(b'"seq":[', b'"seq":[ '), "decisions.seq"),
    "zeros": (lambda b: b.replace(b'"seq":[10,', b'"seq":[010,'), "decisions.seq|is not a trace"),
    "float": (lambda b: b.replace(b'"seq":[10,', b'"seq":[10.0,'), "decisions.seq"),
    "exponent": (lambda b: b.replace(b'"seq":[10,', b'"seq":[1e1,'), "decisions.seq"),
    "wide": (lambda b: b.replace(b'"seq":[10,', b'"seq":[9223372036854775808,'), "64 bits"),
    "text": (lambda b: b.replace(b'"seq":[10,', b'"seq":["10",'), "decisions.seq"),
    "null": (lambda b: b.replace(b'"seq":[10,15]', b'"seq":null'), "decisions.seq"),
    "short": (lambda b: b.replace(b'"seq":[10,15]', b'"seq":[10]'), "1 values; 2 were"),
    "renamed": (lambda b: b.replace(b'"seq":[10', b'"sex":[10'), "decisions.sex"),
    "missing": (lambda b: b.replace(b'"seq":[10,15],\n', b""), "in this order"),
    "order": (
        lambda b: re.sub(rb'("sequence":\[.*?\]),\n("seq":\[.*?\])', rb"\2,\n\1", b, count=1),
        "in this order",
    ),
    "twice": (lambda b: b.replace(b'"seq":[10,15]', b'"seq":[1,2],\n"seq":[10,15]'), "canonical"),
    "unknown": (lambda b: b.replace(b'"version":2', b'"version":2,\n"x":1'), "unknown field"),
    "header_unknown": (lambda b: b.replace(b'"seed":7', b'"seed":7,"x":1'), "unknown field"),
    "upper": (
        lambda b: re.sub(rb'"cost_hash":"\w+"', b'"cost_hash":"' + b"AB" * 32 + b'"', b),
        "canonical form",
    ),
    "hex": (lambda b: re.sub(rb'"cost_hash":"02', b'"cost_hash":"zz', b), "hex expected"),
    "hash_length": (lambda b: b.replace(b'"cost_hash":"02', b'"cost_hash":"'), "32 bytes"),
    "escape": (lambda b: b.replace(b"basis above", b"\\u0062asis above"), "canonical form"),
    "rationale": (lambda b: b.replace(b"basis above", b"basis under"), "trace_hash"),
    "format": (lambda b: b.replace(b"quantlaxmi-trace", b"quantlaxmi-other"), "is read"),
    "version": (lambda b: b.replace(b'"version":2', b'"version":1'), "is read"),
    "schema": (lambda b: b.replace(b'"schema_version":2', b'"schema_version":1'), "is read"),
    "seed": (lambda b: b.replace(b'"seed":7', b'"seed":-7'), "seed"),
    "semantics": (
        lambda b: b.replace(b'"semantics_version":6', b'"semantics_version":1'),
        "canonical form|header_hash",
    ),
    "run_id": (lambda b: re.sub(rb'"run_id":"\w', b'"run_id":"Z', b), "canonical form"),
    "decision": (lambda b: b.replace(b'"seq":[10,15]', b'"seq":[10,16]'), "trace_hash"),
    "decision_row": (lambda b: b.replace(b'"n_legs":[2,2]', b'"n_legs":[2,3]'), "legs"),
    "outcome": (lambda b: b.replace(b'"position":[1', b'"position":[2'), "outcome_hash"),
    "outcome_range": (lambda b: b.replace(b'"kind":[1', b'"kind":[9'), "orders, row 0"),
    "kind": (lambda b: b.replace(b'"kind":"spot"', b'"kind":"spat"'), "is not a trace"),
    "deep": (lambda b: b.replace(b'"seq":[10', b'"seq":[' + b"[" * 100_000 + b"10"), "."),
    "utf8": (lambda b: b.replace(b"basis above", b"basis \xff\xfebove"), "is not a trace"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_text_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.json"
    cases.pair_trace(2).save(path)
    edit, words = FORGED[name]
    body = body_of(path)
    assert sign(body) == path.read_bytes()
    edited = edit(body)
    assert edited != body
    path.write_bytes(sign(edited))
    refused(path, words)


def _forge_arrow(path: Path, **changes: bytes) -> None:
    """Write an Arrow trace with other metadata and a fitting file hash."""
    with path.open("rb") as file:
        table = pa.ipc.open_file(file).read_all()
    tag = b"quantlaxmi-file-sha256:"
    metadata = {**table.schema.metadata, **{k.encode(): v for k, v in changes.items()}}
    metadata[b"file_hash"] = tag + b"0" * 64
    sink = pa.BufferOutputStream()
    schema = table.schema.with_metadata(metadata)
    with pa.ipc.new_file(sink, schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(pa.record_batch(batch.columns, schema=schema))
    raw = sink.getvalue().to_pybytes()
    digest = hashlib.sha256(raw).hexdigest().encode()
    path.write_bytes(raw.replace(tag + b"0" * 64, tag + digest))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"trace_hash": b"0" * 64}, "trace_hash"),
        ({"outcome_hash": b"0" * 64}, "outcome_hash"),
        ({"header_hash": b"0" * 64}, "header_hash"),
        ({"run_id": b"0" * 32}, "run_id"),
        ({"format": b"x"}, "format"),
        ({"version": b"1"}, "version"),
        ({"other": b"x"}, "other metadata"),
        ({"header": b"{}"}, "is not a trace"),
        ({"header": b"\xff"}, "is not a trace"),
    ],
    ids=str,
)
def test_forged_arrow_metadata_is_refused(
    tmp_path: Path, changes: dict[str, bytes], words: str
) -> None:
    path = tmp_path / "a.arrow"
    cases.pair_trace(2).save(path)
    _forge_arrow(path, **changes)
    if words:
        refused(path, words)
    else:
        assert len(load_trace(path)) == 2


def test_arrow_mark_inside_the_header_is_refused(tmp_path: Path) -> None:
    text = "quantlaxmi-file-sha256:" + "0" * 64
    with pytest.raises(TraceError, match="cannot be written"):
        cases.pair_trace(2, cases.header(strategy_id=text)).save(tmp_path / "a.arrow")


# --- outcomes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        ("orders", "kind", 0),
        ("orders", "status", 6),
        ("orders", "time_in_force", 7),
        ("orders", "reason", -1),
        ("orders", "side", 0),
        ("orders", "instrument", 2),
        ("orders", "order_type", 2),
        ("orders", "decision", 2),
        ("orders", "leg", 4),
        ("orders", "order", -1),
        ("fills", "flags", 1 << 20),
        ("fills", "instrument", -1),
        ("funding", "instrument", 2),
        ("risk", "decision", -2),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_outcome_rows_out_of_range_are_not_written(
    tmp_path: Path, kind: str, table: str, field: str, value: int
) -> None:
    rows = cases.outcomes(2)
    rows[table][field][-1] = value
    trace = cases.build([cases.decision(k) for k in range(2)], **rows)
    place = f"{table}, row {len(rows[table]) - 1}"
    with pytest.raises(TraceError, match=rf"{place}\): {field} was {value}"):
        trace.save(tmp_path / f"a.{kind}")
    assert list(tmp_path.iterdir()) == []
