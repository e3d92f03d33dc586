"""Replay: rows a second of the engine with a kernel and with a plain-Python strategy.

``rows`` measures the loop alone, by kinds of row: least processor time of several passes.

Prediction for the short way of plain quotes (``_ext/quote_run``), from a trial on an earlier
engine: a row at which the strategy is asked 21.9 to 16.3 ns, one at which it is not 15.0 to 9.7,
and many fills as before. Outcome, the old and the new engine in turn, in processes on two cores
that eight others shared, rows within the cache: 20.6 to 17.5, 14.6 to 8.5 (1.7 times), many fills
29.7 to 27.7. A million rows wait for memory there: 24.3 to 24.1, 16.7 to 14.9. Rows are read from
the segment's own columns; packed rows, which were 1.8 times faster still in the trial where nobody
is asked, are not made.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

from harness import ROOT, Results, generated, median_seconds, real_segment

from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.run.session import Session
from quantlaxmi.schema import TABLES, EventKind
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.strategies import StrategyRegistry

PYTHON_FORM = f"{ROOT / 'examples' / 'basis_capture_python.py'}:Basis"
NEVER = ("threshold_bps=100000",)
REAL = ("threshold_bps=4 exit_threshold_bps=3.5 cooldown_ms=100",)


def rows_of(segment: Segment) -> int:
    """Rows over all tables."""
    return sum(len(segment.columns(table)["seq"]) for table in TABLES)


def one(
    results: Results, segment: Segment, what: str, form: str, sets: tuple[str, ...], **more: str
) -> None:
    """Time ``backtest`` whole: binding, the loop, attribution and the run's tables."""
    strategy = StrategyRegistry().create(form, sets=sets)
    route = replay if more.pop("route", "") == "log" else backtest
    last: list[Run] = []

    def work() -> None:
        last[:] = [route(segment, strategy)]

    seconds = median_seconds(work, repeats=3 if form == PYTHON_FORM else 5)
    note = f"{last[0].n_decisions:,} decisions in {rows_of(segment):,} rows, {seconds:.3f} s"
    value = rows_of(segment) / seconds / 1e6
    results.add(what, value, "million rows/s", more.get("target", ""), note)


def loop(results: Results, segment: Segment) -> None:
    """Time the loop alone: nanoseconds of processor time a row."""
    registry, instruments = StrategyRegistry(), segment.instruments
    never = registry.create("basis_capture", sets=NEVER).bind(instruments)
    trades = 1 << EventKind.TRADE
    kinds = {
        "a strategy that never decides": never,
        "one that is not asked at quotes": dataclasses.replace(never, event_mask=trades),
        "the same, no feature": dataclasses.replace(never, event_mask=trades, features=()),
        "one that decides every 36 rows": registry.create("basis_capture").bind(instruments),
    }
    config = RunConfig.of().complete_for(segment)
    tables = {name: segment.columns(name) for name in TABLES}
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(9):
        for name, bound in kinds.items():
            session = Session(instruments, bound, config, segment.origin)
            begun = time.process_time()
            session.feed(tables)
            found[name].append(time.process_time() - begun)
    for name, seconds in found.items():
        results.add(name, 1e9 * min(seconds) / segment.n_rows, "ns a row")


def main(which: str) -> None:
    """Measure on the real rows or on generated ones."""
    if which == "rows":
        results = Results("the loop, a million generated L1 rows")
        loop(results, open_segment(generated(1_000_000)))
        results.done()
        return
    if which == "real":
        results = Results("replay, real rows")
        path: Path | None = real_segment()
        if path is None:
            results.skip("replay", "the real capture is not here; set QUANTLAXMI_REAL_DATA")
            results.done()
            return
        segment = open_segment(path)
        one(results, segment, "kernel, sealed columns", "basis_capture", REAL)
        one(results, segment, "kernel, from the log", "basis_capture", REAL, route="log")
        one(results, segment, "plain Python, sealed columns", PYTHON_FORM, REAL)
    else:
        rows = int(which)
        results = Results(f"replay, {rows / 1e6:g} million generated L1 rows")
        segment = open_segment(generated(rows))
        one(results, segment, "kernel, no decision", "basis_capture", NEVER, target="≥ 60")
        one(results, segment, "kernel, a decision every 36 rows", "basis_capture", ())
        one(results, segment, "kernel, from the log", "basis_capture", NEVER, route="log")
        if rows <= 10_000_000:
            one(results, segment, "plain Python", PYTHON_FORM, NEVER, target="≥ 1.5")
    results.done()


if __name__ == "__main__":
    main(sys.argv[1])
