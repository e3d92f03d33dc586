"""docs/TRACE_FORMAT.md is what the code does: its worked vector, columns and numbers."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from quantlaxmi import trace
from quantlaxmi.events import RECORD_TAG, DecisionEvent, DecisionLeg, MarketSnapshot, ids
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import (
    MAX_LEGS,
    DecisionType,
    InstrumentKind,
    OrderAction,
    OrderType,
    Side,
    TimeInForce,
)
from quantlaxmi.trace import DecisionTrace, DecisionTraceBuilder, header
from quantlaxmi.trace.file import OUTCOME_TABLES, RARE_TABLES, TRACE_TABLES, HeaderText
from quantlaxmi.trace.header import TraceHeader
from tests import trace_cases as cases
from tests.naive import canonical as naive
from tests.naive.trace_json import trace_json

DOCUMENT = Path(__file__).parents[2] / "docs" / "TRACE_FORMAT.md"
if not DOCUMENT.exists():
    pytest.skip("the tests run without the documents", allow_module_level=True)
PAGE = DOCUMENT.read_text(encoding="utf-8")
HASHES = ("segment_digest", "config_hash", "cost_hash", "latency_hash", "risk_hash")


def fenced(name: str) -> str:
    (found,) = re.findall(rf"^```{name}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return found


def hex_of(name: str) -> bytes:
    lines = fenced(f"hex {name}").splitlines()
    return bytes.fromhex("".join(line.split("#")[0] for line in lines))


@cache
def vector() -> dict[str, Any]:
    told = json.loads(fenced("json"))
    told["header"].update({k: bytes.fromhex(told["header"][k]) for k in HASHES})
    return told


@cache
def results() -> dict[str, str]:
    return dict(line.split() for line in fenced("text").splitlines())


@cache
def library_trace() -> DecisionTrace:
    told = vector()
    fields = {**told["header"], "instruments": ()}
    instruments = tuple(msgspec.convert(i, Instrument) for i in told["header"]["instruments"])
    builder = DecisionTraceBuilder(TraceHeader(**{**fields, "instruments": instruments}))
    for d in told["decisions"]:
        legs = []
        for leg in d["legs"]:
            symbol = instruments[leg["instrument"]].symbol
            book = {k: leg[k] for k in ("bid", "bid_qty", "ask", "ask_qty", "quote_ts_ns")}
            own = {k: v for k, v in leg.items() if k not in book}
            own["side"], own["order_type"] = Side(own["side"]), OrderType(own["order_type"])
            own["action"] = OrderAction(own["action"])
            own["time_in_force"] = TimeInForce(own["time_in_force"])
            snapshot = MarketSnapshot(symbol=symbol, **book)
            legs.append(DecisionLeg(symbol=symbol, snapshot=snapshot, **own))
        kind = DecisionType(d["decision_type"])
        changed = {"legs": tuple(legs), "decision_type": kind, "bundle": bool(d["bundle"])}
        builder.record(DecisionEvent(**{**d, **changed}))
    return builder.finalize(
        **{n: np.array([tuple(r) for r in told.get(n, [])], t) for n, t in OUTCOME_TABLES.items()}
    )


def test_vector_is_reproduced_with_struct_and_hashlib() -> None:
    told, wanted = vector(), results()
    header, decisions = told["header"], told["decisions"]
    assert naive.header_bytes(header) == hex_of("header")
    for k, decision in enumerate(decisions):
        assert naive.decision_bytes(decision) == hex_of(f"decision-{k}")
    header_hash = naive.hashlib.sha256(hex_of("header")).digest()
    assert header_hash.hex() == wanted["header_hash"]
    assert naive.trace_hash(header, decisions).hex() == wanted["trace_hash"]
    tables = (told[name] for name in ("orders", "fills", "funding", "risk"))
    assert naive.outcome_hash(header, *tables).hex() == wanted["outcome_hash"]
    assert naive.uuid8(header_hash) == wanted["run_id"]
    for stage, name in enumerate(("decision", "order", "fill"), start=1):
        assert naive.derived_id(header_hash, stage, 0) == wanted[f"{name}_id_0"]


def test_vector_is_reproduced_by_the_library() -> None:
    made, wanted = library_trace(), results()
    assert made.header.canonical_bytes() == hex_of("header")
    assert made.records_bytes() == hex_of("decision-0") + hex_of("decision-1")
    assert made.trace_hash.hex() == wanted["trace_hash"]
    assert made.outcome_hash.hex() == wanted["outcome_hash"]
    assert made.header.run_id.hex == wanted["run_id"]
    fill = made.fills[0].correlation
    assert fill is not None
    for name in ("decision", "order", "fill"):
        assert getattr(fill, f"{name}_id").hex == wanted[f"{name}_id_0"]
    # The vector's money: bought 0.01 at 55000.01 for a fee of 10 bps.
    assert made.fills[0].fee == 5500001000000 * 10**6 // 1000
    assert made.fills[0].cash == -5500001000000 * 10**6 - made.fills[0].fee


#: What the text of an instrument leaves out where it has these values.
LEFT_OUT = {"contract_exponent": 0, "price_units": 1, "contract_id": None}


@pytest.mark.parametrize(
    "made", [library_trace, lambda: cases.pair_trace(3)], ids=["page", "pairs"]
)
def test_json_file_is_written_by_the_standard_library(tmp_path: Path, made: Any) -> None:
    run = made()
    path = tmp_path / "a.json"
    run.save(path)
    header = {k: getattr(run.header, k) for k in HeaderText.__struct_fields__}
    header.update({k: header[k].hex() for k in HASHES})
    header["instruments"] = [
        {k: v for k, v in msgspec.structs.asdict(i).items() if LEFT_OUT.get(k, ...) != v}
        for i in header["instruments"]
    ]
    hashes = (run.header.header_hash.hex(), run.trace_hash.hex(), run.outcome_hash.hex())
    tables = {
        name: {field: run.table(name)[field].tolist() for field in dtype.names or ()}
        for name, dtype in TRACE_TABLES.items()
        if name not in RARE_TABLES or len(run.table(name))
    }
    if set(tables["decisions"]["units"]) <= {1}:
        del tables["decisions"]["units"]
    assert path.read_bytes() == trace_json(str(run.header.run_id), header, hashes, tables)


def test_json_strings_are_escaped_as_the_page_says(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028µ\U0001f600'
    run, path = cases.build([], cases.header(strategy_id=text)), tmp_path / "a.json"
    run.save(path)
    wanted = f'"strategy_id":{json.dumps(text, ensure_ascii=False)},'
    assert wanted.encode() in path.read_bytes()


def test_columns_of_the_page_are_those_of_the_rows() -> None:
    for name, dtype in OUTCOME_TABLES.items():
        assert f"| {name} | {' '.join(dtype.names or ())} |" in PAGE
    flowing = " ".join(PAGE.split())
    for name in ("decisions", "legs"):
        assert " ".join(TRACE_TABLES[name].names or ()) in flowing
    assert " ".join(HeaderText.__struct_fields__) in flowing
    assert " ".join(Instrument.__struct_fields__[:4]) in flowing
    named = set(vector()["header"]["instruments"][0])
    assert set(Instrument.__struct_fields__) - set(LEFT_OUT) == named


def test_numbers_of_the_page_are_those_of_the_code() -> None:
    tags = (header.HEADER_TAG, RECORD_TAG, trace.TRACE_TAG, trace.OUTCOME_TAG, ids.ID_TAG)
    for tag in tags:
        assert f"| `{tag[:3].decode()}` {tag[3]} | `{tag.hex()}` |" in PAGE
    assert [s.value for s in ids.Stage] == [1, 2, 3]
    assert [t.value for t in DecisionType] == [1, 2, 3]
    assert f"1 to {MAX_LEGS}" in PAGE
    assert f"`{' '.join(InstrumentKind)}`" in PAGE
