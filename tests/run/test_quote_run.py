"""The short way of quotes: pieces of any size, and rows that it leaves to the general way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import EngineError, FixedPointOverflow
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.session import Session
from quantlaxmi.schema import TABLES, EventKind
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def segment():
    return open_segment(DATA / "planted")


@pytest.fixture
def tables(segment):
    return {
        t: {name: column[:4_000].copy() for name, column in segment.columns(t).items()}
        for t in TABLES
    }


def session_of(segment, **changes):
    bound = StrategyRegistry().create("basis_capture").bind(segment.instruments)
    config = RunConfig.of().complete_for(segment)
    return Session(segment.instruments, dataclasses.replace(bound, **changes), config)


def outcome(session):
    session.finish()
    tables = {name: rows.tobytes() for name, rows in session.engine.tables().items()}
    state = {
        name: session.memory[name].tobytes() for name in ("books", "event", "features", "state")
    }
    return tables, state, session.engine.n_messages, session.engine.venue_clocks()


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_pieces_of_any_size_give_one_result(segment, tables, size):
    whole, pieces = session_of(segment), session_of(segment)
    whole.feed(tables)
    pieces.engine.load(tables)
    done, before = False, 0
    while not done:
        status, done = pieces.engine.run(size)
        assert status == 0
        assert 0 <= pieces.engine.chunk_rows - before <= size
        assert done or pieces.engine.chunk_rows == before + size
        before = pieces.engine.chunk_rows
    assert outcome(pieces) == outcome(whole)
    assert len(whole.engine.tables()["fills"]) > 20


def test_a_strategy_that_is_asked_elsewhere_sees_the_same_event_books_and_features(segment, tables):
    """Asked at trades only, whose rows stand between runs of quotes that nobody looks at."""
    quiet = {**tables, "quotes": {**tables["quotes"]}}
    quiet["quotes"]["flags"] = np.full_like(tables["quotes"]["flags"], 1)
    masks = {1 << EventKind.TRADE: tables, 1 << EventKind.TRADE | 1 << EventKind.QUOTE: quiet}
    found = []
    for mask, rows in masks.items():
        session = session_of(segment, event_mask=mask)
        session.feed(rows)
        found.append(outcome(session))
    assert found[0] == found[1]
    assert found[0][2] == sum(
        len(np.unique(rows["seq"])) for rows in tables.values() if len(rows["seq"])
    )


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("instrument", 2, EngineError, "names an instrument"),
        ("instrument", -1, EngineError, "names an instrument"),
        ("ts_ns", 0, EngineError, "receive time goes back"),
        ("ask", 2**63 // 10 + 1, FixedPointOverflow, "replay"),
        ("bid", -(2**63 // 10) - 1, FixedPointOverflow, "replay"),
    ],
)
def test_a_faulty_row_is_named(segment, tables, name, value, error, words):
    quotes = tables["quotes"]
    at = 2_000
    quotes[name][at] = value
    if name == "bid":
        quotes["ask"][at] = 0
    session = session_of(segment)
    with pytest.raises(error, match=words) as caught:
        session.feed(tables)
    assert str(int(quotes["seq"][at])) in str(caught.value)


@pytest.mark.parametrize("shift", [2**63 // 10 + 1, -(2**63 // 10) - 1, 2**63 // 10])
def test_a_shift_out_of_range_is_an_overflow(segment, tables, shift):
    quotes = tables["quotes"]
    quotes["shift"] = np.zeros(len(quotes["seq"]), np.int64)
    quotes["shift"][2_000] = shift
    with pytest.raises(FixedPointOverflow):
        session_of(segment).feed(tables)
