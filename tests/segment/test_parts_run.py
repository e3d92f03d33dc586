"""A run over the parts of a split segment is the run over the whole, whatever a cut goes through.

Books rebuilt from depth, announced settlements, orders in flight and the clock are carried over.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.schema import TABLES
from quantlaxmi.segment import Segment, SegmentWriter, open_segment, open_whole, split_segment
from tests import market_builder, random_markets, traded, twins

DATA = Path(__file__).parents[2] / "data"
DAY = 86_400 * 10**9
MIDNIGHT = 20_000 * DAY


def seal(path: Path, tables: market_builder.Tables, instruments: Any) -> Segment:
    with SegmentWriter(path, venue="test", instruments=instruments) as writer:
        for table, columns in tables.items():
            writer.append(table, columns)
        return writer.seal()


def shifted(tables: Any, ns: int) -> market_builder.Tables:
    """The same market at another time, settlements with it."""
    moved = {t: dict(columns) for t, columns in tables.items()}
    for columns in moved.values():
        for name in ("ts_ns", "exch_ts_ns", "next_funding_ns"):
            if name in columns:
                known = columns[name] != 0
                columns[name] = np.where(known, columns[name] + ns, 0)
    return moved


def cut_times(parts: Segment) -> list[int]:
    return [part.first_ts_ns for part in parts.parts[1:]]  # type: ignore[attr-defined]


def in_flight(run: Run, ts_ns: int) -> bool:
    """Whether an order sent before a time ended at or after it."""
    sent = {o["order"]: o["ts_ns"] for o in run.exact.orders if o["kind"] == 1}
    return any(sent[o["order"]] < ts_ns <= o["ts_ns"] for o in run.exact.orders if o["kind"] == 4)


def due(run: Run, segment: Segment, ts_ns: int) -> bool:
    """Whether a settlement announced before a time is paid at or after it."""
    rows = segment.columns("funding")
    known = set(rows["next_funding_ns"][rows["ts_ns"] < ts_ns].tolist())
    return any(p["ts_ns"] in known and p["ts_ns"] >= ts_ns for p in run.exact.funding)


def held(run: Run, ts_ns: int) -> bool:
    before = run.exact.fills[run.exact.fills["ts_ns"] < ts_ns]
    return any(before["position"][before["instrument"] == i][-1:].any() for i in (0, 1))


def same(run: Run, whole: Run) -> None:
    assert run.header == whole.header
    for name in twins.TABLES:
        assert getattr(run.exact, name).tobytes() == getattr(whole.exact, name).tobytes(), name
    assert run.trace.trace_hash == whole.trace.trace_hash
    assert run.trace.outcome_hash == whole.trace.outcome_hash
    assert (run.exact.accounts, run.exact.cash, run.exact.depth_gaps) == (
        whole.exact.accounts,
        whole.exact.cash,
        whole.exact.depth_gaps,
    )


@pytest.mark.parametrize("rows", [2, 25])
@pytest.mark.parametrize(
    ("seed", "latency_ns", "quotes"), [(26, 0, True), (8, 4, False), (58, 25, True)]
)
def test_cut_by_rows(tmp_path: Path, seed: int, latency_ns: int, quotes: bool, rows: int) -> None:
    n = 25 if rows == 2 else 300
    tables = random_markets.random_market(seed, n, 2, quotes)
    whole = seal(tmp_path / "seg", tables, traded.UNIVERSES["coarse"])
    split_segment(whole, tmp_path / "parts", rows=rows)
    parts = open_whole(tmp_path / "parts")
    schedule = random_markets.random_schedule(seed, n)
    options = {"costs": traded.COSTS[1], "latency_ns": latency_ns, "flatten": True}
    expected = backtest(whole, twins.script(schedule), **options)
    for route in (backtest, replay):
        same(route(parts, twins.script(schedule), **options), expected)
    if rows == 25:
        cuts = cut_times(parts)
        assert len(cuts) > 10
        assert any(due(expected, whole, at) for at in cuts)
        assert any(held(expected, at) for at in cuts)
        assert any(in_flight(expected, at) for at in cuts) or latency_ns == 0
        assert expected.exact.fills["flags"].any()  # depth, trims


def test_cut_by_day(tmp_path: Path, seed: int = 2) -> None:
    """Three days: the market with time drawn out, so that midnights fall into it."""
    tables = random_markets.random_market(seed, 300)
    span = (
        int(max(t["ts_ns"][-1] for t in tables.values() if len(t["ts_ns"])))
        - market_builder.START_NS
    )
    stretch = 5 * DAY // 2 // span
    drawn = {
        t: {k: c * stretch if k.endswith("_ns") else c for k, c in columns.items()}
        for t, columns in tables.items()
    }
    whole = seal(
        tmp_path / "seg",
        shifted(drawn, MIDNIGHT - market_builder.START_NS * stretch),
        traded.UNIVERSES["coarse"],
    )
    split_segment(whole, tmp_path / "parts", by_day=True)
    parts = open_whole(tmp_path / "parts")
    schedule = random_markets.random_schedule(seed, 300)
    options = {"costs": traded.COSTS[1], "latency_ns": 15 * stretch}
    expected = backtest(whole, twins.script(schedule), **options)
    assert len(cut_times(parts)) == 2
    assert any(in_flight(expected, at) for at in cut_times(parts))
    for route in (backtest, replay):
        same(route(parts, twins.script(schedule), **options), expected)


@pytest.fixture(scope="module")
def crossing(tmp_path_factory) -> Segment:
    """The planted market moved: midnight falls between a decision and its orders' arrival."""
    planted = open_segment(DATA / "planted")
    run = backtest(planted, "basis_capture")
    decided = int(run.exact.decisions["ts_ns"][run.n_decisions // 2])
    tables = {t: planted.columns(t) for t in TABLES}
    # On whole seconds of the funding clock nothing else changes: costs and terms are of the day.
    moved = shifted(tables, MIDNIGHT - 1 - decided)
    return seal(tmp_path_factory.mktemp("crossing") / "seg", moved, planted.instruments)


@pytest.mark.parametrize("split", [["--by-day"], ["--rows", "4000"]])
def test_cut_on_the_command_line(
    crossing: Segment, tmp_path: Path, capsys, split: list[str]
) -> None:
    parts = tmp_path / "parts"
    words = ["segment", "split", "--segment-dir", str(crossing.path), *split, "--out", str(parts)]
    assert main_crypto(words) == 0
    costs = tmp_path / "costs.toml"
    costs.write_text(
        '[spot]\nmaker_bps = "1"\ntaker_bps = "1"\nmin_notional = "0"\n'
        '[perp]\nmaker_bps = "1"\ntaker_bps = "1"\nmin_notional = "0"\n'
    )
    told = []
    for command, where in (("backtest", crossing.path), ("backtest", parts), ("replay", parts)):
        trace = tmp_path / f"{len(told)}.json"
        capsys.readouterr()
        words = [command, "--segment-dir", str(where), "--strategy", "basis_capture", "--json"]
        words += ["--costs", str(costs), "--latency-ns", "1000000", "--output-trace", str(trace)]
        assert main_crypto(words) == 0
        told.append(json.loads(capsys.readouterr().out))
    for facts in told[1:]:
        assert facts["trace_hash"] == told[0]["trace_hash"]
        assert facts["outcome_hash"] == told[0]["outcome_hash"]
    words = [
        "verify-parity",
        "--original",
        str(tmp_path / "0.json"),
        "--replay",
        str(tmp_path / "2.json"),
    ]
    assert main_crypto(words) == 0
    run = backtest(open_whole(parts), "basis_capture", costs=_costs(costs))
    if split == ["--by-day"]:
        assert len(cut_times(open_whole(parts))) == 1
        assert in_flight(run, MIDNIGHT)


def _costs(path: Path):
    from quantlaxmi.execution.costs import CostModel

    return CostModel.load(path)
