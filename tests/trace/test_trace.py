"""Records, hashes, objects and the builder of decision traces."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi._ext.canonical import MAX_RECORD_BYTES, pack_records
from quantlaxmi.errors import TraceError
from quantlaxmi.events import (
    DecisionEvent,
    OrderCancel,
    OrderModify,
    OrderNew,
    OrderUpdate,
)
from quantlaxmi.events.ids import Stage, derived_id
from quantlaxmi.instruments import Instrument
from quantlaxmi.schema import DECISION_DTYPE, LEG_DTYPE, OrderType, Side
from quantlaxmi.trace import TRACE_TABLES, DecisionTrace
from quantlaxmi.trace.header import TraceHeader
from tests import trace_cases as cases
from tests.depth import examples
from tests.naive import canonical as naive


def arrays(trace: DecisionTrace) -> dict[str, np.ndarray]:
    return {name: trace.table(name).copy() for name in TRACE_TABLES}


# --- header -----------------------------------------------------------------------------------


@settings(max_examples=examples(50), deadline=None)
@given(
    text=cases.TEXT,
    seed=st.integers(0, 2**64 - 1),
    tick=cases.NATURAL,
    strike=st.none() | cases.I64,
    exponent=st.integers(-128, 127),
)
def test_header_bytes_match_naive(
    text: str, seed: int, tick: int, strike: int | None, exponent: int
) -> None:
    first, second = cases.header().instruments
    changed = msgspec.structs.replace(
        second, base=text, tick=tick, strike=strike, expiry_ns=strike, price_exponent=exponent
    )
    header = cases.header(strategy_id=text, seed=seed, instruments=(first, changed))
    assert header.canonical_bytes() == naive.header_bytes(cases.plain_header(header))
    assert header.run_id.hex == naive.uuid8(header.header_hash)


CHANGED = {
    "segment_digest": b"\x09" * 32,
    "strategy_id": "other",
    "config_hash": b"\x09" * 32,
    "cost_hash": b"\x09" * 32,
    "latency_hash": b"\x09" * 32,
    "risk_hash": b"\x09" * 32,
    "instruments": cases.header().instruments[:1],
    "seed": 8,
    "rationales": ("other",),
    "schema_version": 1,
    "semantics_version": 1,
}


@pytest.mark.parametrize("name", TraceHeader.__struct_fields__)
def test_every_header_field_but_the_texts_moves_the_hash(name: str) -> None:
    header, other = cases.header(), cases.header(**{name: CHANGED[name]})
    moved = header.header_hash != other.header_hash
    assert moved == (name != "rationales")
    assert (header.first_difference(other) is not None) == moved


INSTRUMENT_CHANGED = {
    "symbol": "X",
    "venue": "X",
    "venue_symbol": "X",
    "kind": "future",
    "price_exponent": 1,
    "qty_exponent": 1,
    "currency": "X",
    "base": "X",
    "tick": 1,
    "lot": 1,
    "contract_size": 2,
    "contract_exponent": -2,
    "price_units": 1000,
    "contract_id": "X:20250130:1:CE",
    "expiry_ns": 0,
    "strike": 0,
}


@pytest.mark.parametrize("name", Instrument.__struct_fields__)
def test_every_instrument_field_moves_the_header_hash(name: str) -> None:
    header = cases.header()
    first, second = header.instruments
    fields = {**msgspec.structs.asdict(second), name: INSTRUMENT_CHANGED[name]}
    changed = msgspec.convert(fields, Instrument)
    other = cases.header(instruments=(first, changed))
    assert header.header_hash != other.header_hash
    assert header.first_difference(other) == (
        f"instruments[1].{name}",
        getattr(second, name),
        getattr(changed, name),
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config_hash": b"short"}, "config_hash"),
        ({"segment_digest": "00" * 32}, "segment_digest"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
    ],
)
def test_header_refuses_values_out_of_range(changes: dict, words: str) -> None:
    with pytest.raises(TraceError, match=words):
        cases.header(**changes)


@pytest.mark.parametrize("changes", [{"strategy_id": "x" * 70_000}, {"strategy_id": "\udc00"}])
def test_header_refuses_text_that_cannot_be_written(changes: dict) -> None:
    with pytest.raises(TraceError, match="does not fit"):
        cases.header(**changes).canonical_bytes()


# --- records and hashes -----------------------------------------------------------------------


@settings(max_examples=examples(100), deadline=None)
@given(cases.decisions())
def test_packed_records_match_objects_and_naive(drawn: list[DecisionEvent]) -> None:
    trace = cases.build(drawn)
    raw = trace.records_bytes()
    assert raw == b"".join(event.canonical_bytes() for event in drawn)
    plain = [cases.plain(event) for event in drawn]
    assert raw == b"".join(map(naive.decision_bytes, plain))
    header = cases.plain_header(trace.header)
    assert trace.trace_hash == naive.trace_hash(header, plain)
    read = [msgspec.structs.replace(event, correlation=None) for event in trace.decisions]
    assert read == drawn


def test_outcome_hash_matches_naive() -> None:
    for trace in (cases.pair_trace(3), cases.pair_trace(0)):
        tables = [
            [row.item() for row in trace.table(n)]
            for n in ("orders", "fills", "funding", "risk", "borrow", "bundles", "settled")
        ]
        assert trace.outcome_hash == naive.outcome_hash(cases.plain_header(trace.header), *tables)


def test_records_span_chunks() -> None:
    events = [cases.decision(k) for k in range(3000)]
    trace = cases.build(events)
    chunks = [bytes(chunk) for chunk in trace.records()]
    assert len(chunks) > 1
    assert b"".join(chunks) == b"".join(event.canonical_bytes() for event in events)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 7])
def test_fewer_decisions_are_a_byte_prefix(n: int) -> None:
    whole = cases.build([cases.decision(k) for k in range(7)])
    part = cases.build(
        [cases.decision(k) for k in range(n)], cases.header(segment_digest=b"\x55" * 32)
    )
    assert whole.records_bytes().startswith(part.records_bytes())
    assert (whole.trace_hash == part.trace_hash) is False


def test_the_order_of_texts_does_not_move_the_hash() -> None:
    events = [cases.decision(k) for k in range(4)]
    a, b = cases.build(events), cases.build(events, cases.header(rationales=("unused",)))
    assert a.header.rationales != b.header.rationales
    assert a.trace_hash == b.trace_hash
    assert a.verify_parity(b)


def test_an_empty_trace_has_a_hash() -> None:
    header = cases.header(rationales=())
    trace = DecisionTrace(header, {})
    raw = header.canonical_bytes()
    wanted = b"QLT\x01" + len(raw).to_bytes(4, "little") + raw + bytes(8)
    assert trace.trace_hash == hashlib.sha256(wanted).digest()
    assert len(trace) == len(trace.decisions) == 0
    assert trace.records_bytes() == b""


def test_arrays_and_objects_have_the_same_hash() -> None:
    trace = cases.pair_trace(5)
    rows = arrays(trace)
    before = {name: table.copy() for name, table in rows.items()}
    again = DecisionTrace.from_arrays(trace.header, **rows)
    assert again.trace_hash == trace.trace_hash
    assert again.outcome_hash == trace.outcome_hash
    assert again.verify_parity(trace)
    for name, table in rows.items():
        np.testing.assert_array_equal(table, before[name])
        assert table.flags.writeable
        assert not again.table(name).flags.writeable


def test_strided_and_read_only_arrays_are_taken() -> None:
    trace = cases.pair_trace(4)
    rows = arrays(trace)
    wide = np.zeros(2 * len(rows["legs"]), LEG_DTYPE)
    wide[::2] = rows["legs"]
    rows["legs"] = wide[::2]
    rows["decisions"].flags.writeable = False
    assert DecisionTrace.from_arrays(trace.header, **rows).trace_hash == trace.trace_hash


HASHED = {
    "decisions": ("seq", "ts_ns", "direction", "confidence", "rationale", "bundle"),
    "legs": (
        "instrument",
        "order_type",
        "time_in_force",
        "qty",
        "reference_price",
        "bid",
        "bid_qty",
        "ask",
        "ask_qty",
        "quote_ts_ns",
    ),
}


@pytest.mark.parametrize(
    ("table", "field"), [(t, f) for t, fields in HASHED.items() for f in fields]
)
def test_every_field_moves_the_trace_hash(table: str, field: str) -> None:
    trace = cases.pair_trace(2)
    rows = arrays(trace)
    value = rows[table][field][1]
    rows[table][field][1] = 1 - value if field in {"instrument", "order_type"} else value ^ 1
    if field == "confidence":
        rows[table][field][1] = 0
    changed = DecisionTrace.from_arrays(trace.header, **rows)
    assert changed.trace_hash != trace.trace_hash
    assert not changed.verify_parity(trace)
    again = b"".join(event.canonical_bytes() for event in changed.decisions)
    assert changed.records_bytes() == again


def test_every_outcome_field_moves_the_outcome_hash_alone() -> None:
    trace = cases.pair_trace(2)
    for name in ("orders", "fills", "funding", "risk", "borrow", "bundles", "settled"):
        for field in trace.table(name).dtype.names:
            rows = arrays(trace)
            rows[name][field][0] ^= 1
            changed = DecisionTrace.from_arrays(trace.header, **rows)
            assert changed.outcome_hash != trace.outcome_hash
            assert changed.trace_hash == trace.trace_hash


@pytest.mark.parametrize(
    ("table", "field", "value", "words"),
    [
        ("decisions", "sequence", 5, "decision 1): sequence 5"),
        ("decisions", "decision_type", 0, "decision 1): decision_type 0"),
        ("decisions", "decision_type", 4, "decision 1): decision_type 4"),
        ("decisions", "direction", 128, "decision 1): direction 128"),
        ("decisions", "direction", -129, "decision 1): direction -129"),
        ("decisions", "bundle", 5, "decision 1): bundle 5"),
        ("decisions", "bundle", -1, "decision 1): bundle -1"),
        ("decisions", "units", 2, "decision 1): units 2"),
        ("decisions", "units", 0, "decision 1): units 0"),
        ("decisions", "rationale", 2, "decision 1): rationale 2"),
        ("decisions", "rationale", -1, "decision 1): rationale -1"),
        ("decisions", "first_leg", 0, "decision 1): first_leg 0"),
        ("decisions", "n_legs", 0, "legs): 4 legs; the decisions name 2"),
        ("legs", "decision", 0, "decision 1, leg 1): decision 0"),
        ("legs", "instrument", 2, "decision 1, leg 1): instrument 2"),
        ("legs", "instrument", -1, "decision 1, leg 1): instrument -1"),
        ("legs", "side", 0, "decision 1, leg 1): side 0"),
        ("legs", "order_type", 2, "decision 1, leg 1): order_type 2"),
        ("legs", "qty", 0, "decision 1, leg 1): qty 0"),
        ("legs", "action", 3, "decision 1, leg 1): action 3"),
        ("legs", "action", -1, "decision 1, leg 1): action -1"),
        ("legs", "action", 1, "decision 1, leg 1): target -1"),
        ("legs", "action", 2, "decision 1, leg 1): order_type 1"),
        ("legs", "target", 0, "decision 1, leg 1): target 0"),
        ("legs", "target", -2, "decision 1, leg 1): target -2"),
        ("legs", "time_in_force", 7, "decision 1, leg 1): time_in_force 7"),
        ("legs", "time_in_force", -1, "decision 1, leg 1): time_in_force -1"),
    ],
)
def test_rows_out_of_range_are_named(table: str, field: str, value: int, words: str) -> None:
    trace = cases.pair_trace(2)
    rows = arrays(trace)
    rows[table][field][-1] = value
    with pytest.raises(TraceError) as caught:
        DecisionTrace.from_arrays(trace.header, **rows).compute_hash()
    assert words in str(caught.value)


def test_legs_must_fit_the_decisions() -> None:
    rows = arrays(cases.pair_trace(2))
    rows["decisions"]["n_legs"] = [-2, 6]
    trace = DecisionTrace.from_arrays(cases.header(), **rows)
    with pytest.raises(TraceError, match="n_legs -2"):
        trace.compute_hash()
    rows["decisions"]["n_legs"] = [3, 1]
    with pytest.raises(TraceError, match=r"decision 0, leg 2\): decision 1"):
        DecisionTrace.from_arrays(cases.header(), **rows).compute_hash()


@pytest.mark.parametrize(
    "rows", [np.zeros(1, LEG_DTYPE), np.zeros((1, 1), DECISION_DTYPE), np.zeros(3)]
)
def test_other_row_types_are_refused(rows: np.ndarray) -> None:
    with pytest.raises(TraceError, match="decisions rows expected"):
        DecisionTrace(cases.header(), {"decisions": rows})
    with pytest.raises(TraceError, match="unknown table"):
        DecisionTrace(cases.header(), {"decision": rows})


def test_kernel_refuses_what_it_could_not_do() -> None:
    d, legs = np.zeros(1, DECISION_DTYPE), np.zeros(1, LEG_DTYPE)
    hashes, out = np.zeros((1, 8), np.uint8), np.zeros(MAX_RECORD_BYTES, np.uint8)
    with pytest.raises(IndexError):
        pack_records(d, legs, hashes, 1, 0, 2, out)
    with pytest.raises(ValueError, match="wide"):
        pack_records(d, legs, hashes[:, :7].copy(), 1, 0, 1, out)
    with pytest.raises(ValueError, match="long"):
        pack_records(d, legs, hashes, 1, 0, 1, out[1:])
    assert pack_records(d, legs, hashes, 1, 1, 1, out)[1:] == (1, -1, 0)


# --- objects ----------------------------------------------------------------------------------


def test_a_fill_leads_to_its_decision_and_market_row() -> None:
    trace = cases.pair_trace(3)
    fill = trace.fills[3]
    decision = trace.decisions[fill.decision]
    order = next(o for o in trace.orders if o.order == fill.order)
    assert fill.correlation is not None
    assert order.correlation is not None
    assert fill.correlation.decision_id == decision.decision_id
    assert fill.correlation.order_id == order.correlation.order_id
    assert fill.correlation.fill_id == derived_id(trace.header.header_hash, Stage.FILL, 3)
    assert decision.seq == 15
    assert decision.strategy_id == "basis_capture"
    assert (fill.symbol, fill.fee_asset, fill.side) == ("BTCUSDT-PERP", "USDT", Side.SELL)
    assert (fill.fee, fill.cash) == (6 * 10**15, -(10**18))
    assert fill.realized == 2**65 - 5


def test_order_events_have_their_kind() -> None:
    rows = cases.outcomes(1)
    rows["orders"]["kind"] = [1, 2, 3, 4]
    trace = cases.build([cases.decision(0)], **rows)
    assert [type(o) for o in trace.orders] == [OrderNew, OrderModify, OrderCancel, OrderUpdate]
    market, _, limit, _ = trace.orders
    assert (market.order_type, market.limit_price) == (OrderType.MARKET, None)
    assert (limit.order_type, limit.limit_price) == (OrderType.LIMIT, 6_006_000_000_000)


def test_funding_and_risk_are_read() -> None:
    trace = cases.pair_trace(1)
    (paid,), (refused,) = trace.funding, trace.risk_events
    assert (paid.symbol, paid.rate, paid.amount) == ("BTCUSDT-PERP", 10_000, -77)
    assert (refused.rule, refused.value, refused.limit) == (2, 5, 4)
    assert refused.correlation is not None
    assert refused.correlation.decision_id == trace.decisions[0].decision_id


def test_lazy_rows_are_a_sequence() -> None:
    rows = cases.pair_trace(4).decisions
    assert len(rows) == 4
    assert rows[-1] == rows[3]
    assert rows[1:3] == [rows[1], rows[2]]
    assert list(rows) == list(rows[:])
    assert rows == list(rows)
    assert rows != list(rows)[:3]
    assert rows != 5
    for bad in (4, -5):
        with pytest.raises(IndexError):
            rows[bad]
