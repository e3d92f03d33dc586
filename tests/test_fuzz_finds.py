"""What fuzzing found, each with the smallest case of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from fuzz.draw import nested
from fuzz.targets import bars_csv as parquet_target
from fuzz.targets import bindings as bindings_target
from fuzz.targets import gate_report as report_target
from fuzz.targets import klines_json as klines_target
from fuzz.targets import trace_arrow as arrow_target
from quantlaxmi.bindings import append_binding, read_bindings
from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import (
    MAX_MESSAGE,
    ConfigError,
    EngineError,
    FixedPointOverflow,
    InputError,
    ReportError,
    StrategyError,
    TraceError,
    shown,
)
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.gates.policy import load_policy
from quantlaxmi.importers.bars.mapping import load_mapping as load_bars_mapping
from quantlaxmi.importers.bars.mapping_leg import TimeColumn
from quantlaxmi.importers.bars.parquet import ParquetTable
from quantlaxmi.importers.bars.timestamps import BadStamp, stamp_reader
from quantlaxmi.importers.instrument_mapping import load_mapping as load_instruments
from quantlaxmi.importers.synthetic import generate_segment
from quantlaxmi.report import load_report
from quantlaxmi.report.differences import differences_of
from quantlaxmi.schema import RiskRule
from quantlaxmi.segment.arrow_io import read_file_header, read_header, read_schema
from quantlaxmi.strategies.basis_capture import BasisCaptureConfig
from quantlaxmi.trace import DecisionTrace, load_trace
from quantlaxmi.trace.file import TRACE_TABLES
from tests import trace_cases
from tests.bars_files import HEADER, MAPPING, random_lines

HUGE = "0x" + "f" * 4000  # TOML bounds the digits of decimal integers only


def test_messages_are_one_printable_line_whatever_a_file_holds() -> None:
    text = str(InputError("a\x1b[2Jb\udcff", "x\ny" + "z" * 10**6, "p\r"))
    assert text.isprintable()
    assert len(text) <= MAX_MESSAGE
    assert text.startswith("a\\x1b[2Jb\\udcff (p\\r): x\\nyzzz")
    assert text.endswith("z")


def test_messages_of_every_class_are_bounded() -> None:
    for error in (
        StrategyError("x" * 9999),
        EngineError("a\nb" * 999),
        FixedPointOverflow("x", ()),
    ):
        assert str(error).isprintable()
        assert len(str(error)) <= MAX_MESSAGE


def test_shown_names_any_value() -> None:
    assert shown("a") == "'a'"
    assert shown(1 << 20000) == "an integer of 20001 bits"
    assert shown([1 << 20000]) == "a list too large to be shown"
    assert shown(nested(10**5)) == "a list too large to be shown"
    assert shown("a" * 99, 3) == "'aa..."


# --- found: traces -----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [0, -1, len(RiskRule) + 1, 2**62])
def test_a_trace_with_an_unknown_risk_rule_is_refused(tmp_path: Path, rule: int) -> None:
    trace = trace_cases.pair_trace(2)
    tables = {name: trace.table(name).copy() for name in TRACE_TABLES}
    tables["risk"]["rule"] = rule
    with pytest.raises(TraceError, match="rule was"):
        DecisionTrace(trace.header, tables).save(tmp_path / "a.json")


# --- found: settings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"alpha = {HUGE}",
        f"[random_entry]\nn_sims = {HUGE}",
        f"[suites]\ng2 = [{HUGE}]",
        f"[random_entry]\nn_sims = [{HUGE}]",
        "[random_entry]\nn_sims = " + "9" * 5000,
        "min_trades = " + "[" * 5000 + "]" * 5000,
        f"[spot]\nmaker_bps = {HUGE}",
        f"[spot]\nmaker_bps = [{HUGE}]",
        f"fee_exponent = {HUGE}",
        f"fee_exponent = [{HUGE}]",
        f"threshold_bps = {HUGE}",
        f"threshold_bps = [{HUGE}]",
        f"cooldown_ms = {HUGE}",
        '"' + "\\n" * 5000 + '" = 1',
        '"a\\u001b[2J" = 1',
    ],
    ids=lambda text: text[:20],
)
def test_settings_of_any_size_and_depth_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    for load in (CostModel.load, load_policy, BasisCaptureConfig.load):
        with pytest.raises(ConfigError) as caught:
            load(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) <= MAX_MESSAGE


@pytest.mark.parametrize(
    "text",
    [
        *(MAPPING.replace(old, f"{old.partition(' ')[0]} = {HUGE}") for old in (
            'interval = "1h"', 'half_spread_bps = "1"', 'size = "5"', 'unit = "s"', 'rate = "rate"',
        )),
        MAPPING.replace('symbol = "BTCUSDT"', f'symbol = "BTCUSDT"\ninput = {HUGE}'),
        MAPPING.replace('"5"', '"\u0665"'),
        MAPPING.replace('"1h"', '"1\u0661h"'),
    ],
    ids=range(8),
)  # fmt: skip
def test_mappings_of_bars_take_no_number_that_cannot_be_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="expected"):
        load_bars_mapping(path)


@pytest.mark.parametrize(
    ("name", "told"),
    [("a" * 3000, "File name too long"), ("", "expected a file's name"), ("..", "regular file"),
     (".", "expected a file's name")],
)  # fmt: skip
def test_a_table_of_latencies_needs_the_name_of_a_file(
    tmp_path: Path, name: str, told: str
) -> None:
    path = tmp_path / "latency.toml"
    path.write_text(f'entry = {{ table = "{name}" }}')
    with pytest.raises(ConfigError, match=told):
        LatencyModel.load(path)


@pytest.mark.parametrize("unit", ["%Y %Y", "%", "%q", "%Y-%m-%d \0", "%G", "Y-m-d", "%%"])
def test_patterns_of_stamps_that_strptime_cannot_read_are_refused(
    tmp_path: Path, unit: str
) -> None:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING.replace('unit = "s"', f"unit = {json.dumps(unit)}"))
    if unit == "%%":  # of no use, and of no harm: no stamp is read by it
        load_bars_mapping(path)
        return
    with pytest.raises(ConfigError, match=r"time\.unit.*pattern"):
        load_bars_mapping(path)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("contract_size = " + "9" * 5000, "is not TOML"),
        (f"contract_size = {HUGE}", "was an integer of 16000 bits"),
        ('symbol = "A\\n"', "expected 1 to 60 letters"),
    ],
)
def test_mappings_of_instruments_take_neither_long_numbers_nor_line_ends(
    tmp_path: Path, setting: str, told: str
) -> None:
    path = tmp_path / "m.toml"
    path.write_text(f'[instruments."a/b"]\nkind = "perp"\ncurrency = "C"\nbase = "B"\n{setting}\n')
    with pytest.raises(InputError, match=told):
        load_instruments(path)


# --- found: bars -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0001-01-01 00:00", "9999-12-31 23:59:59"])
@pytest.mark.parametrize("unit", ["text", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_stamps_at_the_calendar_s_ends_are_out_of_range(text: str, unit: str, zone: str) -> None:
    with pytest.raises(BadStamp, match="expected"):
        stamp_reader(TimeColumn("t", unit, ZoneInfo(zone)))(text)


def test_a_parquet_file_whose_columns_have_no_names_is_refused(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "bars.parquet"
    names = HEADER.split(",")
    rows = zip(*(line.split(",") for line in random_lines(3)), strict=True)
    pq.write_table(pa.table([list(texts) for texts in rows], names=names), path)
    data, refused = path.read_bytes(), 0
    whole = parquet_target.imported(tmp_path, data, MAPPING.encode(), path.name).segment.digest
    shutil.rmtree(tmp_path / "seg")
    for at in [k for k in range(len(data)) if data.startswith(b"p_high", k)]:
        damaged = data[:at] + b"\xed" + data[at + 1 :]
        try:
            result = parquet_target.imported(tmp_path, damaged, MAPPING.encode(), path.name)
        except InputError as error:
            assert re.search("cannot be read as Parquet|lacks column", str(error))
            refused += 1
        else:  # a name that no reader looks at
            assert result.segment.digest == whole
            shutil.rmtree(tmp_path / "seg")
    assert refused >= 1


def test_a_kline_that_is_no_utf8_is_set_aside(tmp_path: Path) -> None:
    rows = [json.dumps(klines_target.kline(hour, 3600, False)).encode() for hour in range(3)]
    rows[1] = rows[1].replace(b'"', b'"\xff', 1)
    result = klines_target.imported(tmp_path, b"[" + b",".join(rows) + b"]")
    assert result.quarantine_reasons == {"wrong-shape": 1}


# --- found: bindings ---------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [63, 64, 100, 300, 400, 490])
def test_a_binding_is_nested_in_at_most_64_levels(tmp_path: Path, depth: int) -> None:
    """Near the interpreter's limit a line was read, and its hash could not be computed."""
    path, record = tmp_path / "bindings.jsonl", {"x": nested(depth)}
    path.write_bytes(bindings_target.chained([record])[0])
    if depth == 63:
        assert read_bindings(path)[0].record == record
        append_binding(path, record)
        return
    with pytest.raises(InputError, match="nested"):
        read_bindings(path)
    with pytest.raises(InputError, match="nested"):
        append_binding(tmp_path / "new.jsonl", record)
    assert not (tmp_path / "new.jsonl").exists()


# --- found: reports ----------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [62, 100, 300, 450, 900])
def test_a_deeply_nested_report_is_refused(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "r.json"
    plain = {**report_target.BASE, "costs": {"x": nested(depth)}}
    try:
        text = report_target.forged(plain)
    except RecursionError:
        text = json.dumps(plain).encode()
    path.write_bytes(text)
    if depth == 62:
        assert load_report(path).g3_passed is None
        return
    with pytest.raises(ReportError, match="nested deeper than 64"):
        load_report(path)


@pytest.mark.parametrize("version", [True, 1.0])
def test_a_version_that_only_equals_one_is_refused(tmp_path: Path, version: object) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(report_target.forged({**report_target.BASE, "version": version}))
    with pytest.raises(ReportError, match="version"):
        load_report(path)


@pytest.mark.parametrize(
    ("field", "recorded", "told"),
    [("tick", 1.0, "tick was 1.0"), ("tick", True, "tick was True"), ("x", None, "x was None")],
)
def test_what_differs_is_named_though_the_values_are_equal(
    field: str, recorded: object, told: str
) -> None:
    plain = {"tick": 1, "kind": "spot", "rows": (1, 2)}
    found = list(differences_of("", {**plain, field: recorded}, {**plain, "rows": [1, 2]}))
    assert [str(d).partition(",")[0] for d in found] == [told]


@pytest.mark.parametrize("exponent", [2**63 - 1, -(2**63), 1, -19, True, 0.0, None, "0"])
def test_a_report_s_fee_exponent_is_bounded(exponent: object) -> None:
    """Verifying a report whose fees are at 10**(2**63 - 1) did not end."""
    described = {**CostModel.binance().describe(), "fee_exponent": exponent}
    with pytest.raises(ConfigError, match="fee_exponent"):
        CostModel.from_description(described)


# --- found: Arrow --------------------------------------------------------------------------------


def reframed(data: bytes, **options: object) -> bytes:
    table = pa.ipc.open_file(data).read_all()
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(**options)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return arrow_target.signed(bytes(sink.getvalue()))


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_compressed_trace_is_refused_before_it_is_unpacked(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.arrow"
    path.write_bytes(reframed(arrow_target.base(2), compression=codec))
    monkeypatch.setattr("quantlaxmi.trace.arrow._content", None)  # is never come to
    with pytest.raises(TraceError, match="is compressed"):
        load_trace(path)


def test_the_old_way_to_name_a_compression_is_seen(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"a": pa.array([1, 2])})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch, custom_metadata={"ARROW:experimental_compression": "zstd"})
    source = pa.BufferReader(sink.getvalue())
    pa.ipc.read_message(source)
    header = read_header(memoryview(pa.ipc.read_message(source).metadata))
    assert header.compressed
    assert header.rows == 2


def test_a_batch_where_the_schema_was_expected_is_refused() -> None:
    """pyarrow 26 reads any message as a schema, and died of a damaged one."""
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"seq": pa.array([1, 2])})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    source = pa.BufferReader(sink.getvalue())
    pa.ipc.read_message(source)
    with pytest.raises(ValueError, match="expected a schema"):
        read_schema(source, "quotes")


def test_a_footer_names_one_batch_inside_the_file() -> None:
    data = arrow_target.base(2)
    offset, header = read_file_header(memoryview(data))
    assert header == (1, False, {})
    assert data[offset : offset + 4] == b"\xff" * 4
    for broken in (
        b"",
        b"ARROW1",
        data[:-1],
        data[:-10] + struct.pack("<i", 1 << 30) + data[-6:],
        data[:-10] + struct.pack("<i", -1) + data[-6:],
        data[:-10] + struct.pack("<i", 9) + data[-6:],
    ):
        with pytest.raises((ValueError, struct.error, LookupError)):
            read_file_header(memoryview(broken))
    words, ones = pa.array(["a", "b"]).dictionary_encode(), pa.array([1])
    for columns, batches in (({"a": words}, 1), ({"a": ones}, 0), ({"a": ones}, 2)):
        sink = pa.BufferOutputStream()
        batch = pa.record_batch(columns)
        with pa.ipc.new_file(sink, batch.schema) as writer:
            for _ in range(batches):
                writer.write_batch(batch)
        with pytest.raises(ValueError, match="one batch and no dictionary"):
            read_file_header(memoryview(bytes(sink.getvalue())))


def test_a_run_folder_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    """Arrow's own files take no such name; a command line can hold one."""
    generate_segment("planted", tmp_path / "seg", rows=300, seed=1)
    name = os.fsdecode(bytes(tmp_path) + b"/run\x99")
    words = ["backtest", "--segment-dir", str(tmp_path / "seg"), "--strategy", "basis_capture"]
    assert main_crypto([*words, "--run-dir", name]) == 0
    assert len(list(Path(name).iterdir())) > 5


def test_a_parquet_file_may_have_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/bars\x99.parquet"))
    with path.open("wb") as sink:
        pq.write_table(pa.table({"a": ["1"]}), sink)
    table = ParquetTable(path, lambda _: None)
    assert (table.header, table.raw_bytes) == (["a"], path.stat().st_size)
    table.close()
