"""Replay: rows a second of the engine with a kernel and with a plain-Python strategy."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import ROOT, Results, generated, median_seconds, real_segment

from quantlaxmi.run.replay import backtest, replay
from quantlaxmi.run.result import Run
from quantlaxmi.schema import TABLES
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


def main(which: str) -> None:
    """Measure on the real rows or on generated ones."""
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
