"""What verify_replay_parity says of two runs."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.events import DecisionEvent
from quantlaxmi.schema import OrderType
from quantlaxmi.trace import DecisionTrace
from quantlaxmi.trace.parity import (
    Divergence,
    FieldDifference,
    HeaderMismatch,
    LengthMismatch,
    Match,
    OutcomeMismatch,
    ReplayParityResult,
    verify_replay_parity,
)
from tests import trace_cases as cases
from tests.depth import examples

N = 6


def changed(index: int, **changes: Any) -> DecisionTrace:
    events = [cases.decision(k, **(changes if k == index else {})) for k in range(N)]
    return cases.build(events, **cases.outcomes(N))


def told(result: ReplayParityResult) -> str:
    text = result.text()
    assert "\n" not in text
    assert text.startswith("PARITY_MATCH" if result.matched else "PARITY_BROKEN")
    assert json.loads(json.dumps(result.to_dict()))["matched"] == result.matched
    assert result.to_dict()["type"] == type(result).__name__
    return text


def test_the_same_run_matches() -> None:
    a, b = cases.pair_trace(N), cases.pair_trace(N)
    result = verify_replay_parity(a, b)
    assert result == Match(N, a.trace_hash.hex(), a.outcome_hash.hex())
    assert told(result) == f"PARITY_MATCH: 6 decisions, trace {a.trace_hash.hex()}"
    assert a.verify_parity(b)


def test_empty_runs_match() -> None:
    assert verify_replay_parity(cases.pair_trace(0), cases.pair_trace(0)).matched


def _leg(k: int, **changes: Any) -> tuple[Any, ...]:
    legs = list(cases.decision(2).legs)
    snapshot = {name: changes.pop(name) for name in ("bid", "quote_ts_ns") if name in changes}
    changes["snapshot"] = msgspec.structs.replace(legs[k].snapshot, **snapshot)
    legs[k] = msgspec.structs.replace(legs[k], **changes)
    return tuple(legs)


@pytest.mark.parametrize(
    ("changes", "field", "values"),
    [
        ({"seq": 21}, "seq", (20, 21)),
        ({"ts_ns": 5}, "ts_ns", (1_723_075_200_002_000_000, 5)),
        ({"decision_type": 3}, "decision_type", (1, 3)),
        ({"direction": -1}, "direction", (1, -1)),
        ({"bundle": False}, "bundle", (True, False)),
        ({"confidence": 7}, "confidence", (None, 7)),
        ({"rationale": "other"}, "rationale", ("basis above threshold", "other")),
        ({"legs": cases.decision(2).legs[:1]}, "len(legs)", (2, 1)),
        ({"legs": _leg(1, qty=9)}, "legs[1].qty", (10**6, 9)),
        ({"legs": _leg(1, limit_price=9)}, "legs[1].limit_price", (6_006_000_000_000, 9)),
        (
            {"legs": _leg(1, order_type=OrderType.MARKET, limit_price=None)},
            "legs[1].order_type",
            (1, 0),
        ),
        ({"legs": _leg(0, bid=1)}, "legs[0].snapshot.bid", (6_000_000_000_000, 1)),
        ({"legs": _leg(0, quote_ts_ns=1)}, "legs[0].snapshot.quote_ts_ns", (92, 1)),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_first_difference_of_a_decision_is_named(
    changes: dict[str, Any], field: str, values: tuple[object, object]
) -> None:
    a, b = cases.pair_trace(N), changed(2, **changes)
    result = verify_replay_parity(a, b)
    assert isinstance(result, Divergence)
    assert (result.index, result.field, result.header_field) == (2, field, None)
    assert (result.original, result.replay) == (a.decisions[2], b.decisions[2])
    assert result.values == values
    assert f"decision 2 differs in {field}: " in told(result)
    assert not a.verify_parity(b)


def test_a_decision_is_found_beyond_one_step() -> None:
    events = [cases.decision(k) for k in range(1500)]
    other = list(events)
    other[1337] = cases.decision(1337, direction=0)
    result = verify_replay_parity(cases.build(events), cases.build(other))
    assert isinstance(result, Divergence)
    assert (result.index, result.field) == (1337, "direction")


@settings(max_examples=examples(60), deadline=None)
@given(cases.decisions(), cases.decisions(), st.integers(0, 4))
def test_divergence_is_where_the_bytes_differ(
    one: list[DecisionEvent], two: list[DecisionEvent], shared: int
) -> None:
    two = [*one[:shared], *two[len(one[:shared]) :]]
    pairs = list(zip(one, two, strict=False))
    wanted = [k for k, (a, b) in enumerate(pairs) if a.canonical_bytes() != b.canonical_bytes()]
    result = verify_replay_parity(cases.build(one), cases.build(two))
    if wanted:
        assert isinstance(result, Divergence)
        assert result.index == wanted[0]
        assert result.values[0] != result.values[1]
    elif len(one) != len(two):
        assert isinstance(result, LengthMismatch)
    else:
        assert isinstance(result, Match)
    told(result)


@pytest.mark.parametrize(("a", "b"), [(6, 4), (4, 6), (0, 1)])
def test_lengths_differ(a: int, b: int) -> None:
    result = verify_replay_parity(cases.pair_trace(a), cases.pair_trace(b))
    assert result == LengthMismatch(a, b)
    assert f"original has {a} decisions, replay {b}; the first {min(a, b)} are" in told(result)


def test_headers_differ() -> None:
    other = cases.header(config_hash=b"\x09" * 32, seed=9)
    result = verify_replay_parity(cases.pair_trace(N), cases.pair_trace(N, other))
    assert result == HeaderMismatch("config_hash", "01" * 32, "09" * 32)
    assert "the headers differ in config_hash: original " in told(result)
    result = verify_replay_parity(cases.pair_trace(N), cases.pair_trace(N, cases.header(seed=9)))
    assert result == HeaderMismatch("seed", 7, 9)


def test_instruments_of_headers_differ() -> None:
    first, second = cases.header().instruments
    moved = msgspec.structs.replace(second, expiry_ns=5)
    result = verify_replay_parity(
        cases.pair_trace(N), cases.pair_trace(N, cases.header(instruments=(first, moved)))
    )
    assert result == HeaderMismatch("instruments[1].expiry_ns", None, 5)
    more = cases.header(instruments=(first, second, second))
    result = verify_replay_parity(cases.pair_trace(N), cases.pair_trace(N, more))
    assert result == HeaderMismatch("len(instruments)", 2, 3)
    told(result)


def test_decisions_come_before_the_header_which_is_mentioned() -> None:
    events = [cases.decision(0, direction=0)]
    other = cases.build(events, cases.header(seed=9))
    result = verify_replay_parity(cases.pair_trace(N), other)
    assert isinstance(result, Divergence)
    assert result.header_field == "seed"
    assert told(result).endswith("(the headers differ too, in seed)")
    shorter = cases.pair_trace(2, cases.header(seed=9))
    result = verify_replay_parity(cases.pair_trace(N), shorter)
    assert result == LengthMismatch(6, 2, "seed")
    assert told(result).endswith("(the headers differ too, in seed)")


def _with(stage: str, rows: np.ndarray) -> DecisionTrace:
    events = [cases.decision(k) for k in range(N)]
    return cases.build(events, **{**cases.outcomes(N), stage: rows})


@pytest.mark.parametrize(
    "stage", ["orders", "fills", "funding", "risk", "borrow", "bundles", "settled"]
)
def test_every_outcome_field_is_named(stage: str) -> None:
    a = cases.pair_trace(N)
    for field in a.table(stage).dtype.names:
        rows = a.table(stage).copy()
        rows[field][-1] ^= 1
        result = verify_replay_parity(a, _with(stage, rows))
        assert isinstance(result, OutcomeMismatch)
        assert (result.stage, result.index) == (stage, len(rows) - 1)
        (difference,) = result.differences
        name = field[:-3] if field.endswith(("_hi", "_lo")) else field
        assert difference.field == name
        assert told(result).startswith(f"PARITY_BROKEN: {stage} differ at row {len(rows) - 1}: ")


def test_wide_money_is_joined_and_all_fields_are_told() -> None:
    a = cases.pair_trace(N)
    rows = a.table("fills").copy()
    rows["realized_hi"][3] = 2
    rows["price"][3] += 1
    result = verify_replay_parity(a, _with("fills", rows))
    assert result == OutcomeMismatch(
        "fills",
        3,
        (
            FieldDifference("price", 6_000_000_000_000, 6_000_000_000_001),
            FieldDifference("realized", 2**65 - 5, 3 * 2**64 - 5),
        ),
    )
    assert str(3 * 2**64 - 5) in told(result)


def test_missing_rows_are_told() -> None:
    a = cases.pair_trace(N)
    result = verify_replay_parity(a, _with("fills", a.table("fills")[:-2]))
    assert result == OutcomeMismatch("fills", 10, (FieldDifference("rows", 12, 10),))
    assert told(result) == "PARITY_BROKEN: fills differ at row 10: rows 12 -> 10"


def test_orders_come_before_fills() -> None:
    a = cases.pair_trace(N)
    tables = cases.outcomes(N)
    tables["orders"]["status"][9] = 2
    tables["fills"]["price"][0] = 1
    b = cases.build([cases.decision(k) for k in range(N)], **tables)
    result = verify_replay_parity(a, b)
    assert isinstance(result, OutcomeMismatch)
    assert (result.stage, result.index) == ("orders", 9)
