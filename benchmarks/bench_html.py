"""The page of a report: processor time, medians, with and without the pictures of the run.

A million rows of generated top of book. The report is of gates of both suites with few draws, for
what is measured is the page.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_robustness import medians
from harness import Results, generated

from quantlaxmi.gates import GatePolicy
from quantlaxmi.report import GateReport, run_gates
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment

ROWS = int(os.environ.get("QUANTLAXMI_BENCH_ROWS", "1000000"))
SUITES = {
    "g2": ["net_positive", "delay", "equity", "random_sides"],
    "g3": ["walk_forward", "regimes", "cost_sensitivity"],
}


COLD = """
import sys, time
from quantlaxmi import backtest, open_segment
from quantlaxmi.report import load_report
report, run = load_report(sys.argv[1]), backtest(open_segment(sys.argv[2]), "basis_capture")
start = time.process_time()
report.to_html(run)
print(time.process_time() - start)
"""


def in_a_new_process(report: GateReport) -> float:
    """Processor seconds of a page where nothing was drawn before."""
    with tempfile.TemporaryDirectory() as folder:
        report.save(Path(folder, "report.json"))
        words = [sys.executable, "-c", COLD, str(Path(folder, "report.json")), str(generated(ROWS))]
        return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure a page with and without its run."""
    results = Results(f"Page of a report, {ROWS:,} rows")
    segment = open_segment(generated(ROWS))
    policy = GatePolicy(suites=SUITES, random_sides={"n_draws": 99})
    report = run_gates(segment, "basis_capture", gates="g2,g3", policy=policy, threads=1)
    run = backtest(segment, "basis_capture")
    cold = min(in_a_new_process(report) for _ in range(3))
    whole, alone = medians([lambda: report.to_html(run), report.to_html])
    size = len(report.to_html(run).encode()) / 1024
    results.add("page with the pictures of the run", whole, "s CPU", "≤ 3 s")
    results.add("the same, the first of a process", cold, "s CPU", "≤ 3 s", "loads the drawing too")
    results.add("page of the report alone", alone, "s CPU")
    results.add("size of the page", size, "KiB", "≤ 1024 KiB")
    results.done()


if __name__ == "__main__":
    main()
