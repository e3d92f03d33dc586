"""One depth index a market: when it is made, kept, shared by windows, and not made at all."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi._ext.depth_index import DepthIndex
from quantlaxmi.errors import EngineError
from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, replay, run_columns
from quantlaxmi.run.session import Session
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import MemorySegment, Window, depth_index, open_segment, open_whole
from quantlaxmi.segment.depth_index import depth_index_of
from quantlaxmi.segment.horizon import horizon
from quantlaxmi.segment.split import split_segment
from quantlaxmi.strategies import StrategyRegistry
from tests import cases, twins

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def planted():
    return open_segment(DATA / "planted")


def in_memory(segment):
    return MemorySegment(segment.instruments, {t: segment.columns(t) for t in TABLES})


def test_it_is_made_once_and_goes_with_the_segment():
    gc.collect()
    before, segment = len(depth_index._KEPT), open_segment(DATA / "planted")
    index = depth_index_of(segment)
    assert (index.n_messages, index.n_rows) == segment.counts["depth"]
    assert depth_index_of(segment) is index
    assert len(depth_index._KEPT) == before + 1
    del segment
    gc.collect()
    assert len(depth_index._KEPT) == before


def test_a_market_without_depth_has_none(planted):
    tables = {t: planted.columns(t) for t in ("quotes", "trades")}
    assert depth_index_of(MemorySegment(planted.instruments, tables)) is None


def test_a_window_shares_the_index_of_its_whole_where_both_begin(planted):
    depth = planted.columns("depth")
    last = int(depth["seq"][len(depth["seq"]) // 2])
    early, late = Window(planted, None, last), Window(planted, last, None, last)
    own = depth_index_of(early)  # that of the whole is not at hand
    assert own.n_rows == len(early.columns("depth")["seq"]) < len(depth["seq"])
    whole = depth_index_of(planted)
    assert depth_index_of(Window(planted, None, last)) is whole
    assert depth_index_of(Window(planted, last)) is whole  # all before it is its warm-up
    assert depth_index_of(late) is not whole
    config = RunConfig.of()
    for window in (early, late, Window(planted, None, last), Window(planted, last)):
        runs = [run_columns(window, "basis_capture", config, depth=d) for d in ("live", "index")]
        runs.append(replay(window, "basis_capture"))
        assert len({run.trace.trace_hash for run in runs}) == 1
        assert len({run.trace.outcome_hash for run in runs}) == 1


def test_parts_and_rows_in_memory_have_one_too(planted, tmp_path):
    split_segment(planted, tmp_path / "parts", rows=5_000)
    expected = backtest(planted, "basis_capture")
    for market in (open_whole(tmp_path / "parts"), in_memory(planted)):
        assert depth_index_of(market).n_rows == len(planted.columns("depth")["seq"])
        run = run_columns(market, "basis_capture", RunConfig.of(), depth="index")
        for name in twins.TABLES:
            assert getattr(run.exact, name).tobytes() == getattr(expected.exact, name).tobytes()


def test_an_index_made_within_a_horizon_is_made_anew_after_it(planted):
    depth = planted.columns("depth")
    last = int(depth["seq"][len(depth["seq"]) // 2])
    with horizon(planted.origin, last):
        short = depth_index_of(planted)
        assert short.n_rows < len(depth["seq"])
        assert depth_index_of(planted) is short
    whole = depth_index_of(planted)
    assert whole.n_rows == len(depth["seq"])
    with horizon(planted.origin, last):  # the whole serves its beginning
        assert depth_index_of(planted) is whole
        run = run_columns(planted, "basis_capture", RunConfig.of(), depth="index")
        assert run.trace.trace_hash == backtest(planted, "basis_capture").trace.trace_hash


def test_what_cannot_be_indexed_is_read_row_by_row():
    case = next(c for c in cases.replay_cases() if len(c.tables["depth"]["seq"]))
    depth = {name: column.copy() for name, column in case.tables["depth"].items()}
    depth["instrument"][:] = 7
    market = twins.MemorySegment({**case.tables, "depth": depth}, case.instruments)
    assert depth_index_of(market) is None
    said = []
    for way in ("live", "index"):
        with pytest.raises(EngineError) as caught:
            run_columns(market, twins.script({}), RunConfig.of(costs=case.costs), depth=way)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "names an instrument the segment does not have" in said[0]


def test_a_market_that_nothing_can_be_kept_for_is_read_row_by_row():
    case = next(c for c in cases.replay_cases() if len(c.tables["depth"]["seq"]))

    class Unhashable(twins.MemorySegment):
        __hash__ = None

    market = Unhashable(case.tables, case.instruments)
    assert depth_index_of(market) is None
    assert depth_index_of(twins.MemorySegment(case.tables, case.instruments)) is not None


def session_of(segment):
    bound = StrategyRegistry().create("basis_capture").bind(segment.instruments)
    return Session(segment.instruments, bound, RunConfig.of().complete_for(segment))


def test_an_engine_refuses_the_index_of_another_table(planted):
    tables = {t: planted.columns(t) for t in TABLES}
    index = DepthIndex(tables["depth"], 2)
    others = [
        DepthIndex({n: c[20:] for n, c in tables["depth"].items()}, 2),
        DepthIndex(tables["depth"], 3),
    ]
    for other in others:
        with pytest.raises(ValueError, match="of another table"):
            session_of(planted).feed(tables, depth_index=other)
    cut = {name: column[:5] for name, column in tables["depth"].items()}  # within a message
    with pytest.raises(ValueError, match="of another table"):
        session_of(planted).feed({"depth": cut}, depth_index=index)
    session = session_of(planted)
    session.feed(tables, depth_index=index)
    with pytest.raises(RuntimeError, match="one chunk"):
        session.engine.load(tables)


def test_progress_counts_rows_with_an_index_too(planted):
    seen = []
    run_columns(
        planted,
        "basis_capture",
        RunConfig.of(),
        progress=lambda *at: seen.append(at),
        depth="index",
    )
    assert seen[-1] == (planted.n_rows, planted.n_rows)
    assert np.all(np.diff([done for done, _ in seen]) >= 0)
