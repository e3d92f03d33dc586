"""The builder of a trace from decisions."""

from __future__ import annotations

import msgspec
import pytest

from quantlaxmi.errors import TraceError
from quantlaxmi.events import (
    DecisionEvent,
    rationale_hash,
)
from quantlaxmi.schema import MAX_LEGS
from quantlaxmi.trace import DecisionTraceBuilder
from tests import trace_cases as cases


def test_builder_collects_the_texts() -> None:
    builder = DecisionTraceBuilder(cases.header(rationales=("known",)))
    for k, text in enumerate(["b", "known", "a", "b"]):
        builder.record(cases.decision(k, rationale=text))
    trace = builder.finalize()
    assert len(builder) == 4
    assert trace.header.rationales == ("known", "b", "a")
    assert [d.rationale for d in trace.decisions] == ["b", "known", "a", "b"]
    assert trace.decisions[0].rationale_hash == rationale_hash("b")


def test_builder_goes_on_after_finalize() -> None:
    builder = DecisionTraceBuilder(cases.header())
    builder.record(cases.decision(0))
    first = builder.finalize()
    builder.record(cases.decision(1))
    assert len(first) == 1
    assert (
        builder.finalize().trace_hash == cases.build([cases.decision(k) for k in (0, 1)]).trace_hash
    )


def test_builder_refuses_what_is_not_the_next_decision() -> None:
    builder = DecisionTraceBuilder(cases.header())
    with pytest.raises(TraceError, match="sequence was 1; 0 was expected"):
        builder.record(cases.decision(1))
    for n in (0, MAX_LEGS + 1):
        with pytest.raises(TraceError, match=f"{n} legs"):
            builder.record(cases.decision(0, legs=cases.decision(0).legs[:1] * n))
    assert len(builder) == 0


@pytest.mark.parametrize(
    "event",
    [
        cases.decision(0, decision_type=9),
        *(
            cases.decision(0, legs=(msgspec.structs.replace(cases.decision(0).legs[0], **change),))
            for change in ({"side": 0}, {"instrument": 2}, {"qty": 0})
        ),
    ],
    ids=["decision_type", "side", "instrument", "qty"],
)
def test_builder_refuses_what_rows_cannot_say(event: DecisionEvent) -> None:
    builder = DecisionTraceBuilder(cases.header())
    builder.record(event)
    with pytest.raises(TraceError, match="out of range"):
        builder.finalize()
